// Package nixroot makes root file systems that run foreign binaries as NixOS does. Only tests
// import it.
//
// A root has no /usr/lib and no /lib. Its /nix/store has this machine's Debian libraries, or
// downloaded ones, in store paths with RUNPATHs into the store, as nixpkgs would have built them;
// /run/current-system is a NixOS generation; uv is in its sw/bin; and the user, 1000, has a CPython
// that uv manages. At /lib64/ld-linux-x86-64.so.2 is what the test chooses.
//
//	root := nixroot.New(t, nixroot.Options{Libraries: []string{"zlib"}})
//	root.Must("uv", "init", "demo")
//	root.Relib("zlib", "stdenv.cc.cc.lib") // nixos-rebuild switch
//	got := root.In(nixroot.Session{Dir: "/home/user/demo", NoNixLD: true}).Run("uv", "run", "python", "-V")
//
// What is not NixOS's own but a stand-in:
//
//   - nix-ld and stub-ld are small programs of ours, see standin, that do and say what the real
//     ones were seen to do and say;
//   - glibc is Debian's, made to ignore ld.so.cache and the system's directories as nixpkgs' does.
//     The directories compiled into its loader are two links, /nix/store/.glibc/lib and
//     /nix/store/.libgcc-s1/lib: Debian's texts leave no room for store paths;
//   - the attribute old-gcc is Debian's libstdc++ without the symbol versions after GCC 4.4's;
//   - CPython is this machine's, made like python-build-standalone's;
//   - all files belong to the user. /nix, /etc and /run are mounted read-only instead.
//
// Programs are started in the root by bubblewrap, which needs no privileges where user namespaces
// are allowed. What is made is kept in the cache of package parts and shared by hard links: a test
// may replace a file of a root, but not write into it.
package nixroot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"uvshim/testscripts/parts"
)

// Who runs programs in a root, and where.
const (
	userID   = 1000
	groupID  = 100
	userHome = "/home/user"
)

// Options say what a root is made of. The zero value is a NixOS with nix-ld and no libraries.
type Options struct {
	Libraries []string // programs.nix-ld.libraries, all of them; see Default
	Loader    Loader   // empty: NixLD
	Release   string   // VERSION_ID; empty: "25.11"
	NoUV      bool     // without uv
	NoPython  bool     // without the managed CPython
	Minor     string   // of the CPython; empty: this machine's newest
	NoLDSo    bool     // without the real loader where nix-ld looks by default
	NixPython bool     // with python3 among environment.systemPackages: the same CPython, as from Nix
	Store     []string // attributes that are in the store without being listed
}

// A Root is such a file system. Its methods end the test when they cannot do what they say.
type Root struct {
	Dir     string // on this machine
	Python  Python // that uv manages, unless Options.NoPython
	Session Session

	t testing.TB
	*state
}

// The state of a root is the same for all sessions and subtests.
type state struct {
	store  *store
	system system
	number int // of the generation
}

// New makes a root below a directory of the test. Where a part is lacking, the test ends as
// parts.Missing says; on other machines than x86_64 it is skipped.
func New(t testing.TB, o Options) *Root {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("roots are made for x86_64 Linux")
	}
	for _, tool := range []string{"bwrap", "gcc", "patchelf", "tar"} {
		parts.Tool(t, tool)
	}
	if err := sandbox(); err != nil {
		parts.Missing(t, err)
	}
	r := &Root{Dir: t.TempDir(), t: t, state: &state{store: newStore(), system: system{
		libraries: slices.Clone(o.Libraries), loader: o.Loader, release: o.Release, uv: !o.NoUV, noLDSo: o.NoLDSo,
	}}}
	if r.system.loader == "" {
		r.system.loader = NixLD
	}
	if r.system.release == "" {
		r.system.release = "25.11"
	}
	var managed string
	if !o.NoPython || o.NixPython {
		r.Python, managed = python(t, o.Minor)
	}
	if o.NixPython {
		name, err := r.store.nixPython(r.Python, managed)
		r.check(err)
		r.system.python = name
	}
	if o.NoPython {
		managed = ""
	}
	r.check(r.lay(managed))
	for _, attribute := range o.Store {
		name, err := r.store.library(attribute)
		r.check(err)
		r.check(r.store.lay(r.Path("/nix/store"), name))
	}
	return r
}

// For returns the root for a subtest.
func (r *Root) For(t testing.TB) *Root {
	view := *r
	view.t = t
	return &view
}

// check ends the test if err is not nil.
func (r *Root) check(err error) {
	r.t.Helper()
	switch {
	case err == nil:
	case isLacking(err):
		parts.Missing(r.t, err)
	default:
		r.t.Fatalf("making a NixOS root: %v", err)
	}
}

// lay makes all of the root.
func (r *Root) lay(managed string) error {
	for _, dir := range []string{
		"bin", "dev", "etc/profiles/per-user/user/bin", "home/user", "lib64", "mnt", "nix/store", "nix/var/nix/profiles",
		"proc", "root", "run/wrappers/bin", "sys", "tmp", "usr/bin", "var/empty", "var/tmp", "wheelhouse",
	} {
		if err := os.MkdirAll(filepath.Join(r.Dir, dir), 0o755); err != nil {
			return err
		}
	}
	if err := r.makeCurrent(r.system); err != nil {
		return err
	}
	glibc, libgcc := r.store.made["glibc"], r.store.made["libgcc"]
	bash, coreutils := r.store.made["bash-interactive"], r.store.made["coreutils"]
	for path, target := range map[string]string{
		glibcLink:      glibc,
		libgccLink:     libgcc,
		"/bin/sh":      "/nix/store/" + bash + "/bin/sh",
		"/usr/bin/env": "/nix/store/" + coreutils + "/bin/env",
	} {
		if err := os.Symlink(target, r.Path(path)); err != nil {
			return err
		}
	}
	for _, name := range []string{"os-release", "set-environment", "profile", "pam", "tmpfiles.d", "passwd", "group", "nsswitch.conf", "hosts"} {
		if err := os.Symlink("static/"+name, r.Path("/etc/"+name)); err != nil {
			return err
		}
	}
	for _, name := range []string{"NIXOS", "resolv.conf"} {
		if err := os.WriteFile(r.Path("/etc/"+name), nil, 0o644); err != nil {
			return err
		}
	}
	if managed == "" {
		return nil
	}
	return layManaged(r.Python, managed, r.Dir)
}

// makeCurrent builds a system and switches to it.
func (r *Root) makeCurrent(sys system) error {
	path, err := r.build(sys)
	if err != nil {
		return err
	}
	loader, _, err := r.store.loaderTarget(sys.loader)
	if err != nil {
		return err
	}
	return r.activate(path, loader)
}

// Relib switches to a generation with these libraries, as nixos-rebuild switch does. The one
// before stays where it is.
func (r *Root) Relib(libraries ...string) {
	r.t.Helper()
	r.system.libraries = libraries
	r.check(r.makeCurrent(r.system))
}

// Reload switches to a generation with another loader.
func (r *Root) Reload(l Loader) {
	r.t.Helper()
	r.system.loader = l
	r.check(r.makeCurrent(r.system))
}

// Generation builds a system with these libraries, as nixos-rebuild build does, and returns its
// path inside the root.
func (r *Root) Generation(libraries ...string) string {
	r.t.Helper()
	sys := r.system
	sys.libraries = libraries
	path, err := r.build(sys)
	r.check(err)
	return path
}

// Current returns the path of the running generation inside the root.
func (r *Root) Current() string {
	r.t.Helper()
	path, err := os.Readlink(r.Path("/run/current-system"))
	r.check(err)
	return path
}

// Path returns where on this machine the root has path, whose links are not followed.
func (r *Root) Path(path string) string { return filepath.Join(r.Dir, path) }

// StorePath returns the path inside the root of an attribute that is in its store, or of glibc,
// bash-interactive, coreutils.
func (r *Root) StorePath(attribute string) string {
	r.t.Helper()
	name := r.store.made[canonical(attribute)]
	if name == "" {
		r.check(fmt.Errorf("%s is in no generation of the root", attribute))
	}
	return "/nix/store/" + name
}

// WriteFile writes a file of the user's at a path inside the root, in place of one that is there.
func (r *Root) WriteFile(path, text string, mode os.FileMode) {
	r.t.Helper()
	file := r.Path(path)
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		err = os.Remove(file)
	}
	if err == nil || errors.Is(err, os.ErrNotExist) {
		err = os.WriteFile(file, []byte(text), mode)
	}
	r.check(err)
}

// expand replaces what the texts of a login's environment leave to the shell.
func expand(text string) string {
	return strings.NewReplacer("$HOME", userHome, "$USER", "user").Replace(text)
}
