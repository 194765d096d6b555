package nixroot_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"uvshim/shim/elfdeps"
	"uvshim/testscripts/nixroot"
	"uvshim/testscripts/parts"
)

const (
	noStdcxx = "libstdc++.so.6: cannot open shared object file: No such file or directory"
	numpy    = "numpy==2.3.5" // for CPython 3.11 to 3.14
)

// offline returns a session in which uv has the wheel of numpy and nothing else.
func offline(t *testing.T, root *nixroot.Root) nixroot.Session {
	t.Helper()
	return nixroot.Session{
		Env:   []string{"UV_OFFLINE=1", "UV_NO_INDEX=1", "UV_FIND_LINKS=/wheelhouse", "UV_PYTHON_DOWNLOADS=never"},
		Binds: []nixroot.Bind{{Host: parts.Wheels(t, root.Python.Minor, numpy), Inside: "/wheelhouse"}},
	}
}

// What a Python developer meets who comes to NixOS: numpy does not find libstdc++.so.6 until the
// configuration lists it for nix-ld.
func TestArticle(t *testing.T) {
	root := nixroot.New(t, nixroot.Options{})
	login := offline(t, root)
	root.In(login).Must("uv", "init", "demo")
	login.Dir = "/home/user/demo"
	root.In(login).Must("uv", "add", "numpy")
	service := login
	service.NoNixLD = true

	first := root.Current()
	for _, step := range []struct {
		name      string
		libraries []string
		works     bool
	}{
		{"without", nil, false},
		{"with", []string{"stdenv.cc.cc.lib", "zlib"}, true},
		{"without_again", nil, false},
		{"with_defaults", nixroot.Default(), true},
		{"with_others", []string{"zlib"}, false},
	} {
		root.Relib(step.libraries...)
		for name, session := range map[string]nixroot.Session{"login": login, "service": service} {
			t.Run(step.name+"_"+name, func(t *testing.T) {
				got := root.For(t).In(session).Run("uv", "run", "python", "-c", "import numpy; print(numpy.__version__)")
				if step.works && (got.Code != 0 || got.Stdout != "2.3.5\n") {
					t.Errorf("exit %d\n%s%s", got.Code, got.Stdout, got.Stderr)
				}
				if !step.works && (got.Code != 1 || !strings.Contains(got.Stderr, "ImportError: "+noStdcxx+"\n")) {
					t.Errorf("exit %d, want 1 and no libstdc++\n%s%s", got.Code, got.Stdout, got.Stderr)
				}
			})
		}
	}
	if _, err := os.Stat(root.Path(first)); err != nil || first == root.Current() {
		t.Errorf("the first generation is %s, the last %s: %v", first, root.Current(), err)
	}

	// the other loaders, with the environment that is there now
	python := "/home/user/demo/.venv/bin/python"
	for loader, want := range map[nixroot.Loader]nixroot.Result{
		nixroot.Stub: {Code: 127, Stderr: "Could not start dynamically linked executable: " + python + "\n" +
			"NixOS cannot run dynamically linked executables intended for generic\n" +
			"linux environments out of the box. For more information, see:\nhttps://nix.dev/permalink/stub-ld\n"},
		nixroot.None:     {Code: 127, Stderr: "sh: line 1: " + python + ": cannot execute: required file not found\n"},
		nixroot.Dangling: {Code: 127, Stderr: "sh: line 1: " + python + ": cannot execute: required file not found\n"},
	} {
		t.Run("loader_"+string(loader), func(t *testing.T) {
			root := root.For(t)
			root.Reload(loader)
			if got := root.Run("sh", "-c", python+" -V; exit $?"); got != want {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		})
	}
}

// The managed Python is uv's, needs nothing but glibc, and no library that it brings has a name
// that a wheel could ask for.
func TestPython(t *testing.T) {
	root := nixroot.New(t, nixroot.Options{})
	if got, want := root.Must("uv", "python", "find", root.Python.Minor), root.Python.Exe+"\n"; got != want {
		t.Errorf("uv finds %q, want %q", got, want)
	}
	got := root.Must(root.Python.Exe, "-c", `
import bz2, ctypes, hashlib, lzma, sqlite3, ssl, sys, zlib
print(sys.executable, sys.base_prefix, "%d.%d.%d" % sys.version_info[:3])
print(*sorted({line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}), sep="\n")`)
	lines := strings.Split(strings.TrimSpace(got), "\n")
	minor := filepath.Dir(filepath.Dir(root.Python.Exe))
	if want := root.Python.Exe + " " + minor + " " + root.Python.Version; lines[0] != want {
		t.Errorf("it is %q, want %q", lines[0], want)
	}
	for _, file := range lines[1:] {
		if !strings.HasPrefix(file, root.Python.Prefix+"/lib/") && !strings.HasPrefix(file, root.StorePath("glibc")+"/lib/") &&
			!strings.HasPrefix(file, root.StorePath("libgcc")+"/lib/") {
			t.Errorf("it loads %s", file)
		}
	}
	if got := root.Run(root.Python.Exe, "-c", "import ctypes; ctypes.CDLL('libz.so.1')"); got.Code != 1 || !strings.Contains(got.Stderr, "OSError: libz.so.1: cannot open") {
		t.Errorf("with no library listed there is a libz.so.1: %+v", got)
	}
}

// A Python that Nix built does not come to nix-ld: a wheel does not find what is listed for it.
func TestNixPython(t *testing.T) {
	root := nixroot.New(t, nixroot.Options{NixPython: true, Libraries: []string{"stdenv.cc.cc.lib", "zlib"}})
	session := offline(t, root)
	root = root.In(session)
	root.Must("uv", "venv", "--python", "/run/current-system/sw/bin/python3", "venv")
	root.Must("uv", "pip", "install", "--python", "venv", "numpy")
	if got := root.Run("venv/bin/python", "-c", "import numpy"); got.Code != 1 || !strings.Contains(got.Stderr, "ImportError: "+noStdcxx) {
		t.Errorf("exit %d\n%s", got.Code, got.Stderr)
	}
	if real := root.Must("readlink", "-f", "venv/bin/python"); !strings.HasPrefix(real, "/nix/store/") || !strings.Contains(real, "-python3-"+root.Python.Version+"/bin/") {
		t.Errorf("it is %s", real)
	}
	session.Env = append(session.Env, "LD_LIBRARY_PATH="+library)
	root.In(session).Must("venv/bin/python", "-c", "import numpy")
}

// With old-gcc listed, what needs newer symbol versions fails as with a real old libstdc++.
func TestOldGCC(t *testing.T) {
	root := nixroot.New(t, nixroot.Options{Libraries: []string{"old-gcc", "zlib"}})
	session := offline(t, root)
	got := root.In(session).Run("uv", "run", "--with", "numpy", "python", "-c", "import numpy")
	if want := "libstdc++.so.6: version `CXXABI_1.3.9' not found (required by "; got.Code != 1 || !strings.Contains(got.Stderr, want) {
		t.Errorf("exit %d, want 1 and %q\n%s", got.Code, want, got.Stderr)
	}
	f, err := os.Open(root.Path(root.StorePath("old-gcc")) + "/lib/libstdc++.so.6")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	facts, err := elfdeps.Read(f, info.Size())
	if n := len(facts.Defs); err != nil || n < 5 || facts.Defs[n-1] != "CXXABI_1.3.3" || facts.Defs[n-5] != "GLIBCXX_3.4.13" {
		t.Errorf("its versions are %q, %v", facts.Defs, err)
	}
	program := probe(t, root, "-lstdc++")
	root.Must(program) // what needs no newer version works
}
