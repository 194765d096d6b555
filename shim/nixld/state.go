package nixld

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
)

// A Verdict says whether a loader can start programs.
type Verdict string

const (
	OK            Verdict = "ok"             // nix-ld, and a real loader behind it
	Native        Verdict = "native"         // glibc's or musl's own loader, as outside NixOS: nix-ld does not come into it
	NoLoader      Verdict = "no loader"      //
	StubLoader    Verdict = "stub loader"    //
	NothingBehind Verdict = "nothing behind" // nix-ld is told a loader that is not there
	Broken        Verdict = "nix-ld broken"  // what is behind nix-ld cannot work with it
	Wrong         Verdict = "wrong architecture"
	Unclear       Verdict = "unknown"
)

// A State is all there is to know of the way a program starts on a system.
type State struct {
	Loader   Loader
	Settings Settings
	Target   Target // the real loader; empty where there is none, or musl's
	Verdict  Verdict
	Reason   string // for a human, without a full stop; empty for OK and Native
	Certain  bool   // the program cannot start, whatever else; otherwise a bad verdict is inferred
	Err      error  // what kept the loader, or the one behind it, from being looked at
}

// Examine returns the state of the programs with the loader interp and e_machine machine, started
// with env on sys. Off the happy path only: it reads a loader, a libc.so.6 and at times a nix-ld.
func Examine(sys FS, env host.Env, interp string, machine uint16) State {
	s := State{Loader: Inspect(sys, interp, machine)}
	s.Settings = Environment(env, s.Loader)
	switch s.Loader.Kind {
	case Missing:
		s.bad(NoLoader, true, "there is no "+interp)
	case Dangling:
		s.bad(NoLoader, true, interp+" is a link to a file that is not there")
	case Stub:
		s.bad(StubLoader, true, interp+" is stub-ld, which starts nothing")
	case WrongArch:
		s.bad(Wrong, false, interp+" is for another machine")
	case Unknown:
		s.bad(Unclear, false, interp+": "+s.Loader.Reason)
		s.Err = s.Loader.Err
	case Musl:
		s.Verdict = Native
	case Glibc:
		s.Verdict = Native
		// What Inspect has just seen; without its directories every library would seem to be missing.
		if s.Target, s.Err = behind(sys, interp, machine); s.Err != nil {
			s.bad(Unclear, false, interp+": "+reason(s.Err))
		}
	case NixLD:
		s.behind(sys, machine)
	}
	return s
}

func (s *State) bad(verdict Verdict, certain bool, reason string) {
	s.Verdict, s.Certain, s.Reason = verdict, certain, reason
}

// behind judges what nix-ld would start.
func (s *State) behind(sys FS, machine uint16) {
	s.Verdict = OK
	wanted := s.Settings.Loader
	if wanted.Value == "" {
		s.bad(NothingBehind, true, wanted.Name+" is not set, and nix-ld 1 has no default")
		return
	}
	target, err := behind(sys, wanted.Value, machine)
	s.Target = target
	name := wanted.Name + " (" + strings.TrimSuffix(wanted.Value, "\n") + ")"
	if wanted.Default {
		name = "nix-ld's default (" + wanted.Value + ")"
	}
	switch {
	case errors.Is(err, errNothing):
		s.bad(NothingBehind, true, name+" is not there")
	case err == errArch || err == errNoLoader:
		s.bad(Broken, false, name+" "+err.Error())
	case err != nil:
		s.bad(Broken, false, name+": "+reason(err))
		s.Err = err
	case s.Loader.Major == 2 && s.Loader.Version != "" && older(s.Loader.Version, "2.0.6") && !older(target.Version, "2.42"):
		// crashes in _dl_start: nix-ld#190, mended by nix-ld#192
		s.bad(Broken, false, "nix-ld "+s.Loader.Version+" is too old for glibc "+target.Version+": 2.0.6 is needed")
	}
}

// A Search is where a program's loader looks for libraries, in this order, after the program's own
// DT_RPATH and before (Library) or after (the others) DT_RUNPATH.
type Search struct {
	Library []string // LD_LIBRARY_PATH as the loader gets it; "" is the working directory
	Cache   string   // ld.so.cache; empty if there is none
	Default []string // the loader's own
}

// Search returns where programs in this state find libraries.
func (s State) Search(sys FS) Search {
	search := Search{Library: elfdeps.SplitPath(s.Settings.Path), Default: s.Target.Trusted}
	if s.Target.Cache != "" {
		// one that does not answer may be there all the same
		if info, err := sys.Stat(s.Target.Cache); err != nil && !gone(err) || err == nil && info.Mode().IsRegular() {
			search.Cache = s.Target.Cache
		}
	}
	return search
}

// Gone returns the directories of nix-ld's path that are not there, such as those of a devShell
// that was collected.
func (s Settings) Gone(sys FS) []string {
	var gone []string
	for _, dir := range elfdeps.SplitPath(s.Library.Value) {
		if info, err := sys.Stat(dir); dir != "" && (err != nil || !info.IsDir()) {
			gone = append(gone, dir)
		}
	}
	return gone
}

// NixBuilt reports whether a program is one that Nix built, by its PT_INTERP or its path without
// links: nix-ld has no part in it, and libraries listed for nix-ld are not found by its wheels
// (nix-ld#42).
func NixBuilt(interp, real string) bool {
	return strings.HasPrefix(interp, "/nix/store/") || strings.HasPrefix(real, "/nix/store/")
}

// Collected reports whether at name there is a link whose target in the Nix store is gone, and
// returns that target: garbage collection took the base of a venv, or a loader.
func Collected(sys FS, name string) (target string, ok bool) {
	for range maxLinks {
		to, err := sys.Readlink(name)
		if err != nil {
			break
		}
		if !path.IsAbs(to) {
			to = name[:strings.LastIndexByte(name, '/')+1] + to
		}
		name = to
	}
	if !strings.HasPrefix(name, "/nix/store/") {
		return "", false
	}
	_, err := sys.Lstat(name)
	return name, errors.Is(err, fs.ErrNotExist)
}

// DriverDirs returns the directories with the graphics driver's libraries, which are on no
// library path: NixOS's (nixpkgs addDriverRunpath) and WSL's.
func DriverDirs(sys FS) []string {
	var dirs []string
	for _, dir := range []string{"/run/opengl-driver/lib", "/usr/lib/wsl/lib"} {
		if info, err := sys.Stat(dir); err == nil && info.IsDir() {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}
