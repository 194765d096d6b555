package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"uvshim/policy"
	"uvshim/shim/host"
	"uvshim/shim/lock"
	"uvshim/shim/nixld"
	"uvshim/shim/preflight"
	"uvshim/shim/redact"
	"uvshim/shim/remember"
	"uvshim/shim/say"
	"uvshim/shim/uv"
)

// A Kind tells the running system from others that can be asked about.
type Kind string

const (
	Running    Kind = ""
	Generation Kind = "generation" // a built NixOS that is not active: the user's files are this machine's
	Root       Kind = "root"       // a whole file system: nothing of this session means anything there
)

// A Machine is what the checks look at. They write nothing to it; what several of them need is found
// out once, by the one that asks first.
type Machine struct {
	Host   host.Host
	Dirs   host.Dirs
	UV     uv.Dirs
	System *nixld.System
	Kind   Kind
	Finder *host.Finder   // of real programs on PATH
	Facts  remember.Store // verdicts, and what is known of ELF files
	Policy []string       // its files, the lowest layer first
	Self   string         // the file of this program
	RealUV string         // the real uv, "" where there is none
	Today  lock.Day
	Fresh  bool     // no remembered verdicts
	Ran    host.Env // what runs through shim gets; nil: as Host
	Now    string   // the command that provides libraries at once, "" while there is none

	once facts
}

// facts are what several checks need.
type facts struct {
	policy   memo[loadedPolicy]
	lock     memo[readLock]
	managed  memo[[]uv.Managed]
	tools    memo[[]uv.Tool]
	release  memo[nixld.Release]
	state    memo[nixld.State]
	login    memo[login]
	services memo[[]source]
	looked   memo[[]environment]
	needed   memo[needed]
}

// A memo is a value that is found out once. A panic on the way is everyone's who asks.
type memo[T any] struct {
	once  sync.Once
	value func() T
}

func (o *memo[T]) get(find func() T) T {
	o.once.Do(func() { o.value = sync.OnceValue(find) })
	return o.value()
}

type loadedPolicy struct {
	policy.Loaded
	problems []error
}

type readLock struct {
	lock.Lock
	store   lock.Store
	errs    []error
	bad     error // why nothing of it can be believed
	garbled bool  // for what is written there
}

// foldWait bounds the wait for another that is writing the lock.
const foldWait = time.Second

// lock returns the lock with what is pending. A lock that makes no sense is left where it is: to
// fold would set it aside, and the next look would find nothing wrong.
func (m *Machine) lock() readLock {
	return m.once.lock.get(func() readLock {
		r := readLock{store: lock.Open(m.Host)}
		const most = 64 << 20
		text, err := host.ReadFile(r.store.Path, most)
		if err == nil && len(text) > 0 {
			_, r.bad = lock.Decode(text)
			r.garbled = r.bad != nil
		} else if err != nil && !os.IsNotExist(err) {
			r.bad = unwrapPath(err)
		}
		if r.bad == nil && r.store.Path != "" {
			r.Lock, r.errs = r.store.Read(foldWait)
		}
		return r
	})
}

func (m *Machine) release() nixld.Release {
	return m.once.release.get(func() nixld.Release {
		r, _ := nixld.ReadRelease(m.System)
		return r
	})
}

// state is that of programs of this machine's own kind, started with the environment of a login on
// the system, which on the running one is this session's.
func (m *Machine) state() nixld.State {
	return m.once.state.get(func() nixld.State {
		interp, machine := nixld.NativeInterp()
		env, _ := m.System.Environ(m.Host.Env)
		return nixld.Examine(m.System, env, interp, machine)
	})
}

func (m *Machine) managed() []uv.Managed {
	return m.once.managed.get(func() []uv.Managed { return sortedManaged(m.UV) })
}

func (m *Machine) tools() []uv.Tool { return m.once.tools.get(m.UV.Tools) }

// memory is that of preflight, nil where nothing is kept.
func (m *Machine) memory() *preflight.Memory { return preflight.OpenMemory(m.Facts) }

// activated reports whether this shell has something of its own before what a login has: an
// environment, conda, a Nix shell, direnv. Empty variables count as unset, as for env.sh.
func (m *Machine) activated() bool {
	return m.firstSet("VIRTUAL_ENV", "CONDA_PREFIX", "IN_NIX_SHELL", "DIRENV_DIR") != ""
}

func (m *Machine) inNixShell() bool { return m.firstSet("IN_NIX_SHELL", "DIRENV_DIR") != "" }

func (m *Machine) firstSet(names ...string) string {
	for _, name := range names {
		if m.Host.Env.Get(name) != "" {
			return name
		}
	}
	return ""
}

// read returns a text file of the system, "" where it cannot be read.
func (m *Machine) read(path string) string {
	f, err := m.System.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	text := make([]byte, 1<<20)
	n := 0
	for n < len(text) {
		k, err := f.Read(text[n:])
		n += k
		if err != nil {
			break
		}
	}
	return string(text[:n])
}

func (m *Machine) user() string {
	if name := m.Host.Env.Get("USER"); name != "" {
		return name
	}
	return m.Host.Env.Get("LOGNAME")
}

// tilde returns a path with the home directory as ~.
func (m *Machine) tilde(path string) string { return say.Tilde(path, m.Dirs.Home) }

// word returns a path as a shell takes it, the home directory as ~.
func (m *Machine) word(path string) string { return say.ShellPath(path, m.Dirs.Home) }

// words joins paths for one command line.
func (m *Machine) words(paths []string) string {
	out := make([]string, len(paths))
	for i, path := range paths {
		out[i] = m.word(path)
	}
	return strings.Join(out, " ")
}

// private returns a finding fit to be posted: the home directory as ~, no passwords or tokens.
func (m *Machine) private(f Finding) Finding {
	f.Message, f.Fix = m.hide(strings.ReplaceAll(f.Message, "\n", "; ")), m.hide(f.Fix)
	evidence := make([]string, len(f.Evidence))
	for i, text := range f.Evidence {
		evidence[i] = m.hide(text)
	}
	f.Evidence = evidence
	return f
}

func (m *Machine) hide(text string) string { return say.Tildes(redact.Value(text), m.Dirs.Home) }

// nixos is the fix for a system's configuration.
func nixos(lines ...string) string {
	return inFile("configuration.nix, then nixos-rebuild switch", lines...)
}

// inFile is a fix for a file.
func inFile(file string, lines ...string) string {
	return "in " + file + ":\n  " + strings.Join(lines, "\n  ")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// real returns a path without links, or as it is where it leads nowhere.
func real(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}
