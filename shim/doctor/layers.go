package doctor

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"uvshim/policy/version"
)

// The layers, who put a program on this machine, by the place where PATH has it (nixpkgs
// nixos/modules/config/shells-environment.nix, Home Manager's modules/home-environment.nix).
const (
	systemPackages = "environment.systemPackages"
	homePackages   = "home.packages"
	userPackages   = "users.users.NAME.packages"
	nixProfile     = "nix profile"
	nixEnv         = "nix-env"
	rootProfile    = "root's nix profile"
	aNixShell      = "a Nix shell"
	fromUV         = "uv"
	ownInstall     = "install.sh"
	byHand         = "this user"
	theSystem      = "this system"
)

// layer returns who put the program at path there. Links are not followed at first: where PATH has
// it tells, and every profile's link leads to the store.
func (m *Machine) layer(path string) string {
	dir, name := filepath.Dir(path), filepath.Base(path)
	for _, profile := range m.profiles() {
		if dir == profile.dir {
			return m.layerOf(profile, name)
		}
	}
	below := func(dir string) bool { return dir != "" && strings.HasPrefix(path, dir+"/") }
	switch {
	case strings.HasPrefix(path, "/nix/store/"):
		return aNixShell
	case below(m.UV.Python) || below(m.UV.Tool):
		return fromUV
	case m.Dirs.Data != "" && below(filepath.Join(m.Dirs.Data, "shim")):
		return ownInstall
	case below(m.Dirs.Home):
		return byHand
	}
	return theSystem
}

// A profile is a directory of programs that Nix made.
type profile struct {
	dir   string
	layer string
	user  bool // the user's: read on this machine, whatever system is asked about
}

// profiles returns the profiles' directories in the order in which NixOS has them on PATH.
func (m *Machine) profiles() []profile {
	var all []profile
	if m.Dirs.Home != "" {
		all = append(all, profile{filepath.Join(m.Dirs.Home, ".nix-profile/bin"), nixProfile, true})
	}
	if m.Dirs.State != "" {
		all = append(all, profile{filepath.Join(m.Dirs.State, "nix/profile/bin"), nixProfile, true})
	}
	if user := m.user(); user != "" {
		all = append(all, profile{filepath.Join("/etc/profiles/per-user", user, "bin"), userPackages, false})
	}
	return append(all,
		profile{"/nix/var/nix/profiles/default/bin", rootProfile, false},
		profile{"/run/current-system/sw/bin", systemPackages, false})
}

// layerOf tells what Home Manager put into a user's profile from what else is there: the active
// generation has all of its own in home-path.
func (m *Machine) layerOf(p profile, name string) string {
	if p.layer != nixProfile && p.layer != userPackages {
		return p.layer
	}
	if m.Dirs.State != "" && exists(filepath.Join(m.Dirs.State, "home-manager/gcroots/current-home/home-path/bin", name)) {
		return homePackages
	}
	if p.layer == nixProfile && exists(filepath.Join(filepath.Dir(p.dir), "manifest.nix")) {
		return nixEnv
	}
	return p.layer
}

// nixPython looks for Pythons that Nix put where they are everybody's: "Python is a development
// package, and not meant to go in your system or home configuration" (NixOS wiki, Python).
func nixPython(m *Machine) []Finding {
	var found []Finding
	for _, p := range m.profiles() {
		if p.user && m.Kind == Root {
			continue
		}
		byLayer := map[string][]string{}
		immutable := false
		for _, name := range m.pythonsIn(p) {
			file := filepath.Join(p.dir, name)
			target := m.follow(p, file)
			layer := m.layerOf(p, name)
			byLayer[layer] = append(byLayer[layer], file+" -> "+target)
			if store, ok := strings.CutPrefix(target, "/nix/store/"); ok {
				store, _, _ = strings.Cut(store, "/")
				immutable = immutable || strings.HasSuffix(store, "-env")
			}
		}
		for _, layer := range []string{systemPackages, userPackages, homePackages, nixProfile, nixEnv, rootProfile} {
			if evidence := byLayer[layer]; evidence != nil {
				what := "a Python is in %s: it is a development package, and uv is to bring it"
				if immutable {
					what = "a Python with packages (withPackages) is in %s: nothing can be installed into it, and uv is to bring Python"
				}
				found = append(found, one(Warning, removal(layer), evidence, what, layer)...)
			}
		}
	}
	if found == nil {
		return ok("Nix has put no Python into the system, the home or a profile")
	}
	return found
}

// pythonsIn returns the names of Pythons in a profile. One name may be answered by a module that
// wants python3 for itself; it stands on PATH all the same.
func (m *Machine) pythonsIn(p profile) []string {
	var entries []fs.DirEntry
	var err error
	if p.user {
		entries, err = os.ReadDir(p.dir)
	} else {
		entries, err = m.System.ReadDir(p.dir)
	}
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if _, python := version.FromName(e.Name()); python {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names
}

func (m *Machine) follow(p profile, file string) string {
	if p.user {
		return real(file)
	}
	if target, err := m.System.Real(file); err == nil {
		return target
	}
	return "a file that is not there"
}

// removal says how a Python goes from a layer.
func removal(layer string) string {
	switch layer {
	case systemPackages, userPackages:
		return nixos("# take python3 out of " + layer + "; if it is not there, out of the module that brings it")
	case homePackages:
		return inFile("home.nix, then home-manager switch", "# take python3 out of home.packages")
	case nixEnv:
		return "nix-env --uninstall '.*python3.*'"
	case rootProfile:
		return "sudo nix-env --uninstall '.*python3.*'   # or sudo nix profile remove"
	}
	return "nix profile remove python3"
}

// localBin looks whether the programs that uv installs are found by a shell.
func localBin(m *Machine) []Finding {
	const file, set = "/etc/set-environment", "environment.localBinInPath = true;"
	text := m.read(file)
	for n, line := range lines(text) {
		if strings.Contains(line, "/.local/bin") && strings.Contains(line, "PATH=") {
			return ok("environment.localBinInPath is set (%s:%d)", file, n+1)
		}
	}
	dir := m.UV.ToolBin
	if m.Kind == Root {
		dir = ""
	}
	found := dir != "" && (slices.Contains(filepath.SplitList(m.login().path), dir) || slices.Contains(filepath.SplitList(m.Host.Env.Get("PATH")), dir))
	switch {
	case found && m.release().NixOS:
		return one(Info, nixos(set), []string{file + ": no line puts ~/.local/bin on PATH"},
			"%s is on PATH of shells, by their start files, and not of services and sessions that read none", m.tilde(dir))
	case found:
		return ok("%s is on PATH", m.tilde(dir))
	case m.release().NixOS:
		return one(Warning, nixos(set), []string{file + ": no line puts ~/.local/bin on PATH"},
			"tools that uv installs are not found by a shell: environment.localBinInPath is not set")
	case m.Kind != Running:
		return skip("this is not a NixOS, and what its users have on PATH is not known")
	}
	fix := "uv tool update-shell"
	if again := m.again(); again != "" {
		fix = again + "   # then start a new shell"
	}
	return one(Warning, fix, []string{"PATH=" + m.Host.Env.Get("PATH")}, "%s is not on PATH: tools that uv installs are not found", m.tilde(dir))
}

func lines(text string) []string { return strings.Split(text, "\n") }
