package nixld

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
)

func read(t *testing.T, sys FS, path string) string {
	t.Helper()
	f, err := sys.Open(path)
	if err != nil {
		return "error: " + reason(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return "error: " + reason(err)
	}
	return string(text)
}

// A root has the names of files that the host has as well, with other content.
func TestRoot(t *testing.T) {
	outside := t.TempDir() // the host's
	tree{"file": "the host's", "dir/only": "the host's"}.in(t, outside)
	up := strings.Repeat("../", 40)
	files := tree{
		outside + "/file":   "the root's",
		"/plain":            "plain",
		"/absolute":         "-> " + outside + "/file",
		"/absolute-missing": "-> " + outside + "/dir/only",
		"/climbing":         "-> " + up + outside + "/file",
		"/a/b/climbing":     "-> ../../../../.." + outside + "/file",
		"/a/b/file":         "a/b's",
		"/elsewhere":        "-> a/b",
		"/down/then-up":     "-> ../elsewhere/../file", // of a, where elsewhere leads, not of /
		"/a/file":           "a's",
		"/file":             "/'s",
		"/chain1":           "-> /chain2",
		"/chain2":           "-> chain3",
		"/chain3":           "-> " + outside + "/file",
		"/loop":             "-> loop2",
		"/loop2":            "-> /loop",
		"/dir-link":         "-> " + outside,
		"/slash":            "-> " + outside + "/",
		"/names/z":          "", "/names/a": "", "/names/m": "-> /plain",
	}
	for _, plain := range []bool{false, true} {
		sys := files.root(t)
		if !plain {
			if fd, err := openat2(sys.fd, "/plain", unix.O_RDONLY); err != nil {
				t.Logf("openat2 is not to be had here: %v", err)
				continue
			} else {
				unix.Close(fd)
			}
		}
		sys.plain = plain
		name := map[bool]string{false: "openat2", true: "user space"}[plain]
		for _, row := range []struct{ path, want, real string }{
			{"/plain", "plain", "/plain"},
			{"//plain", "plain", "/plain"},
			{"/./a/../plain", "plain", "/plain"},
			{up + "/plain", "", ""}, // no absolute path
			{"/" + up + "plain", "plain", "/plain"},
			{outside + "/file", "the root's", outside + "/file"},
			{"/" + up + outside + "/file", "the root's", outside + "/file"},
			{"/absolute", "the root's", outside + "/file"},
			{"/climbing", "the root's", outside + "/file"},
			{"/a/b/climbing", "the root's", outside + "/file"},
			{"/dir-link/file", "the root's", outside + "/file"},
			{"/slash/file", "the root's", outside + "/file"},
			{"/chain1", "the root's", outside + "/file"},
			{"/down/then-up", "a's", "/a/file"},
			{"/elsewhere/../file", "a's", "/a/file"},
			{"/absolute-missing", "error: " + syscall.ENOENT.Error(), ""},
			{outside + "/dir/only", "error: " + syscall.ENOENT.Error(), ""},
			{"/loop", "error: " + syscall.ELOOP.Error(), ""},
			{"/plain/", "error: " + syscall.ENOTDIR.Error(), ""},
			{"/plain/..", "error: " + syscall.ENOTDIR.Error(), ""},
			{"/plain/x", "error: " + syscall.ENOTDIR.Error(), ""},
			{"/" + strings.Repeat("x/", 3000), "error: " + syscall.ENAMETOOLONG.Error(), ""},
		} {
			if row.want != "" {
				if got := read(t, sys, row.path); got != row.want {
					t.Errorf("%s: Open(%.60s): %q, want %q", name, row.path, got, row.want)
				}
				info, err := sys.Stat(row.path)
				if wantErr := strings.HasPrefix(row.want, "error"); (err != nil) != wantErr || err == nil && info.Size() != int64(len(row.want)) {
					t.Errorf("%s: Stat(%.60s): %v", name, row.path, err)
				}
			}
			if got, err := sys.Real(row.path); got != row.real || (err == nil) != (row.real != "") {
				t.Errorf("%s: Real(%.60s): %q, %v, want %q", name, row.path, got, err, row.real)
			}
		}
		if info, err := sys.Lstat("/dir-link"); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s: Lstat: %v", name, err)
		}
		if target, err := sys.Readlink("/elsewhere/climbing"); err != nil || target != "../../../../.."+outside+"/file" {
			t.Errorf("%s: Readlink: %q, %v", name, target, err)
		}
		entries, err := sys.ReadDir("/names")
		var names []string
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		if err != nil || !slices.Equal(names, []string{"a", "m", "z"}) {
			t.Errorf("%s: ReadDir: %q, %v", name, names, err)
		}
		if entries, err := sys.ReadDir("/dir-link"); err != nil || len(entries) != 1 {
			t.Errorf("%s: ReadDir through a link has the host's %d entries, %v", name, len(entries), err)
		}
		elf := sys.ELF()
		if f, err := elf.Open("/climbing"); err != nil {
			t.Errorf("%s: ELF: %v", name, err)
		} else {
			info, _ := f.Info()
			stat, err := elf.Stat("/absolute")
			if err != nil || info != stat || info.Size != int64(len("the root's")) || !info.Regular {
				t.Errorf("%s: ELF: %+v and %+v, %v", name, info, stat, err)
			}
			f.Close()
		}
		if got, err := elf.Real("/climbing"); got != outside+"/file" {
			t.Errorf("%s: ELF: Real: %q, %v", name, got, err)
		}
	}
}

// Closed, a root is no way to the host.
func TestRootClosed(t *testing.T) {
	sys := tree{"/etc/x": ""}.root(t)
	host := sys.Dir() + "/etc/x"
	sys.Close()
	if got := read(t, sys, host); got != "error: "+syscall.EBADF.Error() {
		t.Errorf("Open: %q", got)
	}
	if got, err := sys.Real(host); err == nil {
		t.Errorf("Real: %q", got)
	}
	if err := sys.Close(); err != nil {
		t.Errorf("closing it twice: %v", err)
	}
}

func TestRootFIFO(t *testing.T) {
	sys := tree{"/etc/x": ""}.root(t)
	if err := unix.Mkfifo(filepath.Join(sys.Dir(), "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readAll(sys, "/fifo", maxText); !errors.Is(err, errNotRegular) {
		t.Errorf("a FIFO: %v", err)
	}
	f, err := sys.ELF().Open("/fifo")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, err := f.Info(); err != nil || info.Regular {
		t.Errorf("a FIFO is %+v, %v", info, err)
	}
}

func TestReadAllLimit(t *testing.T) {
	sys := tree{"/file": "12345"}.root(t)
	if text, err := readAll(sys, "/file", 5); string(text) != "12345" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := readAll(sys, "/file", 4); err == nil {
		t.Error("no error above the limit")
	}
}

func TestAtRefuses(t *testing.T) {
	dir := t.TempDir()
	tree{"file": ""}.in(t, dir)
	// a generation that does not tell its loader
	tree{"overlay/sw": "dir", "overlay/nixos-version": "26.05", "overlay/etc-basedir": "dir"}.in(t, dir)
	for _, name := range []string{"relative", dir + "/missing", dir + "/file", dir + "/overlay", ""} {
		if sys, err := At(name); err == nil {
			t.Errorf("At(%q) = %+v", name, sys)
		}
	}
}

func TestRunning(t *testing.T) {
	dir := t.TempDir()
	tree{"file": "content", "link": "-> file"}.in(t, dir)
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	sys := Running()
	if got := read(t, sys, dir+"/link"); got != "content" {
		t.Errorf("Open: %q", got)
	}
	if got, err := sys.Real(dir + "/link"); got != real+"/file" {
		t.Errorf("Real: %q, %v", got, err)
	}
	if info, err := sys.Lstat(dir + "/link"); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("Lstat: %v", err)
	}
	if env, err := sys.Environ(host.Env{"NIX_LD=/l"}); err != nil || env.Get("NIX_LD") != "/l" {
		t.Errorf("Environ: %q, %v", env, err)
	}
	if !sys.Running() || sys.Generation() {
		t.Error("not the running system")
	}
}

// A generation as nixpkgs builds it, but below a directory in place of the store.
func TestGeneration(t *testing.T) {
	dir := t.TempDir()
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	for _, a := range arches() {
		base := filepath.Join(dir, a.name)
		tree{
			"result":                        "-> " + base + "/system",
			"system/nixos-version":          "26.05",
			"system/sw":                     "-> " + base + "/sw",
			"system/etc":                    "-> " + base + "/etc/etc",
			"sw/share/nix-ld/lib/libz.so.1": "the generation's",
			"sw/share/nix-ld/lib/ld.so":     "-> " + base + "/glibc/" + a.soname,
			"glibc/" + a.soname:             a.loader(),
			"glibc/libc.so.6":               a.libc("2.42"),
			"nix-ld/bin/nix-ld":             a.nixLD2(),
			"etc/etc/os-release":            "ID=nixos\nVERSION_ID=\"26.05\"\n",
			"etc/etc/set-environment":       "export NIX_LD=\"/run/current-system/sw/share/nix-ld/lib/ld.so\"\nexport NIX_LD_LIBRARY_PATH=\"/run/current-system/sw/share/nix-ld/lib:$HOME/lib\"\nexport PATH=\"/x\"\n",
			"etc/etc/tmpfiles.d":            "-> " + base + "/etc/tmpfiles.d",
			"etc/tmpfiles.d/00-nixos.conf":  "-> " + base + "/rules",
			"rules":                         "# a comment\n\nd /run/x 0755 root root - -\nL+ /lib64/short -\nL+ " + a.interp + " - - - - " + base + "/nix-ld/bin/nix-ld\nr /lib/ld-linux.so.2 - - - - -\n",
			"host":                          "the host's",
			"to-current":                    "-> /run/current-system/sw/share/nix-ld/lib/libz.so.1",
		}.in(t, base)
		sys, err := At(base + "/result")
		if err != nil {
			t.Fatal(err)
		}
		defer sys.Close()
		if !sys.Generation() || sys.Running() || sys.Dir() != base+"/system" {
			t.Fatalf("%+v is no generation", sys)
		}
		for path, want := range map[string]string{
			"/run/current-system/sw/share/nix-ld/lib/libz.so.1": "the generation's",
			base + "/to-current":                              "the generation's", // a venv's link, say
			base + "/host":                                    "the host's",
			"/run/current-system/nixos-version":               "26.05",
			"/etc/../run/../run/current-system/nixos-version": "error: " + syscall.ENOENT.Error(), // /etc is a link
			"/lib/ld-linux.so.2":                              "error: " + syscall.ENOENT.Error(),
			"/lib64/libc.so.6":                                "error: " + syscall.ENOENT.Error(),
			"/etc/passwd":                                     "error: " + syscall.ENOENT.Error(),
		} {
			if got := read(t, sys, path); got != want {
				t.Errorf("Open(%s): %q, want %q", path, got, want)
			}
		}
		if info, err := sys.Lstat(a.interp); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("Lstat(%s): %v", a.interp, err)
		}
		if target, err := sys.Readlink(a.interp); err != nil || target != base+"/nix-ld/bin/nix-ld" {
			t.Errorf("Readlink(%s): %q, %v", a.interp, target, err)
		}
		env, err := sys.Environ(host.Env{"NIX_LD=/stale", "NIX_LD_x86_64_linux=/stale", "HOME=/home/u", "LD_LIBRARY_PATH=/u"})
		if err != nil || env.Get("NIX_LD_x86_64_linux") != "" || env.Get("PATH") != "" {
			t.Errorf("Environ: %q, %v", env, err)
		}
		state := Examine(sys, env, a.interp, a.machine)
		if state.Verdict != OK || state.Loader.Real != base+"/nix-ld/bin/nix-ld" || state.Target.Version != "2.42" || state.Target.Real != base+"/glibc/"+a.soname {
			t.Errorf("Examine: %+v", state)
		}
		if want := "/u:/run/current-system/sw/share/nix-ld/lib:/home/u/lib"; state.Settings.Path != want {
			t.Errorf("path %q, want %q", state.Settings.Path, want)
		}
		if r, err := ReadRelease(sys); err != nil || r.Nixpkgs() != "26.05" {
			t.Errorf("ReadRelease: %+v, %v", r, err)
		}
		// without the rule there is no loader, whatever the running system has
		os.Remove(base + "/rules")
		tree{"rules": "r " + a.interp + " - - - - -\n"}.in(t, base)
		bare, err := At(base + "/system")
		if err != nil {
			t.Fatal(err)
		}
		if got := Inspect(bare, a.interp, a.machine); got.Kind != Missing {
			t.Errorf("without a rule: %+v", got)
		}
	}
}

func TestEnviron(t *testing.T) {
	const lib = "/run/current-system/sw/share/nix-ld/lib"
	for _, row := range []struct {
		name  string
		files tree
		want  []string
	}{
		{"shell", tree{"/etc/set-environment": "export NIX_LD='" + lib + "/ld.so'\nexport NIX_LD_LIBRARY_PATH=\"/a b:$x\"\nNIX_LD_LOG=debug\n"},
			[]string{"PATH=/p", "NIX_LD=" + lib + "/ld.so", "NIX_LD_LIBRARY_PATH=/a b:"}},
		{"pam", tree{"/etc/pam/environment": "NIX_LD   DEFAULT=\"" + lib + "/ld.so\"\nNIX_LD_LIBRARY_PATH DEFAULT=\"@{HOME}/lib\"\nTERM DEFAULT=\"x\"\n"},
			[]string{"PATH=/p", "NIX_LD=" + lib + "/ld.so", "NIX_LD_LIBRARY_PATH=/lib"}},
		{"shell_over_pam", tree{"/etc/pam/environment": "NIX_LD DEFAULT=\"/pam\"\n", "/etc/set-environment": "export NIX_LD=\"/shell\"\n"},
			[]string{"PATH=/p", "NIX_LD=/shell"}},
		{"neither", tree{"/etc/x": ""}, []string{"PATH=/p"}},
	} {
		env, err := row.files.root(t).Environ(host.Env{"NIX_LD=/mine", "LD_LIBRARY_PATH=/mine", "PATH=/p", "NIX_LD_LIBRARY_PATH_x86_64_linux=/mine", "LD_PRELOAD=x"})
		if err != nil || !slices.Equal(env, row.want) {
			t.Errorf("%s: %q, %v, want %q", row.name, env, err, row.want)
		}
	}
	sys := tree{"/etc/set-environment": "dir"}.root(t)
	if _, err := sys.Environ(nil); err == nil {
		t.Error("a directory in its place is no error")
	}
}

func TestReadRelease(t *testing.T) {
	for _, row := range []struct {
		name  string
		files tree
		want  Release
		pkgs  string
	}{
		{"nixos", tree{"/etc/os-release": "NAME=NixOS\nID=nixos\nVERSION_ID=\"25.11\"\n"}, Release{"nixos", "25.11", true}, "25.11"},
		{"nixos_by_mark", tree{"/etc/NIXOS": "", "/etc/os-release": "ID=custom\nVERSION_ID='1'\n"}, Release{"custom", "1", true}, "1"},
		{"ubuntu", tree{"/etc/os-release": "ID=ubuntu\nVERSION_ID=\"22.04\"\n"}, Release{"ubuntu", "22.04", false}, ""},
		{"usr_lib", tree{"/usr/lib/os-release": "ID=debian\n"}, Release{"debian", "", false}, ""},
		{"link", tree{"/etc/os-release": "-> static/os-release", "/etc/static": "-> /run/current-system/etc",
			"/run/current-system/etc/os-release": "ID=nixos\n"}, Release{"nixos", "", true}, ""},
		{"none", tree{"/etc/x": ""}, Release{}, ""},
	} {
		got, err := ReadRelease(row.files.root(t))
		if err != nil || got != row.want || got.Nixpkgs() != row.pkgs {
			t.Errorf("%s: %+v, %v, want %+v", row.name, got, err, row.want)
		}
	}
}
