package testscripts

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"uvshim/testscripts/nixroot"
	"uvshim/testscripts/parts"
)

// shim check on this machine, which is no NixOS: what it takes, what it prints and its exit codes.

// A wheelFile is a file of a wheel made for a test.
type wheelFile struct {
	name string
	data []byte
}

// makeWheel writes a wheel for every CPython of this machine: the distribution crafted 1.0 with the
// files in its package.
func makeWheel(t *testing.T, dir string, files ...wheelFile) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	tag := "cp38-abi3-linux_" + parts.Machine()
	record := ""
	for _, f := range append(files,
		wheelFile{"crafted/__init__.py", nil},
		wheelFile{"crafted-1.0.dist-info/METADATA", []byte("Metadata-Version: 2.1\nName: crafted\nVersion: 1.0\n")},
		wheelFile{"crafted-1.0.dist-info/WHEEL", []byte("Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: " + tag + "\n")},
		wheelFile{"crafted-1.0.dist-info/RECORD", nil},
	) {
		record += f.name + ",,\n"
		if strings.HasSuffix(f.name, "/RECORD") {
			f.data = []byte(record)
		}
		out, err := w.Create(f.name)
		if err == nil {
			_, err = out.Write(f.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "crafted-1.0-"+tag+".whl")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// makeModule returns an extension module that needs a library of the soname, which is nowhere. An
// empty soname is none.
func makeModule(t *testing.T, soname string) []byte {
	t.Helper()
	gcc, dir := parts.Tool(t, "gcc"), t.TempDir()
	source, module := filepath.Join(dir, "native.c"), filepath.Join(dir, "native.so")
	if err := os.WriteFile(source, []byte("void *PyInit_native(void) { return 0; }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"-shared", "-fPIC", "-o", module, source}
	if soname != "" {
		library := filepath.Join(dir, "libneeded.so")
		if out, err := exec.Command(gcc, "-shared", "-fPIC", "-Wl,-soname,"+soname, "-o", library, source).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		args = append(args, "-Wl,--no-as-needed", library)
	}
	if out, err := exec.Command(gcc, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// nowhere is a soname that no machine has.
const nowhere = "libdoesnotexist.so.1"

// A checkHome is a machine with a project that has an environment of one of its Pythons, with the
// distribution crafted in it, whose one module needs what the machine lacks.
type checkHome struct {
	*home
	Project, Venv, Site string
	Module              []byte // crafted/native.abi3.so
	Whole               []byte // a module in need of nothing
	Wheel               string
}

func newCheckHome(t *testing.T) checkHome {
	t.Helper()
	c := checkHome{home: newHome(t), Module: makeModule(t, nowhere), Whole: makeModule(t, "")}
	c.Set(c.uv())
	c.Set(c.python())
	c.Wheel = makeWheel(t, c.Work, wheelFile{"crafted/native.abi3.so", c.Module})
	c.Project = filepath.Join(c.Work, "project")
	c.Venv = filepath.Join(c.Project, ".venv")
	c.Site = filepath.Join(c.Venv, "lib", "python"+c.Env.Get("REALPY_MINOR"), "site-packages")
	c.write("project/pyproject.toml", []byte("[project]\nname = \"project\"\nversion = \"1\"\n"))
	for _, argv := range [][]string{
		{"uv", "venv", "--python", c.Env.Get("REALPY"), c.Venv},
		{"uv", "pip", "install", "--no-index", "--python", c.Venv, c.Wheel},
	} {
		if got := c.Run(argv...); got.Code != 0 {
			t.Fatalf("%q: %+v", argv, got)
		}
	}
	return c
}

// write writes a file below Work and returns its path.
func (c *checkHome) write(name string, data []byte) string {
	c.Helper()
	path := filepath.Join(c.Work, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o755); err != nil {
		c.Fatal(err)
	}
	return path
}

// check runs shim check in the project.
func (c *checkHome) check(argv ...string) result {
	c.Helper()
	cmd := c.Command(append([]string{"shim", "check"}, argv...)...)
	cmd.Dir = c.Project
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	code, err := status(cmd.Run())
	if err != nil {
		c.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), code}
}

// A library that this machine does not have is told of in words that have to do with it.
func TestCoverageDebian(t *testing.T) {
	if _, err := os.Stat("/etc/NIXOS"); err == nil {
		t.Skip("this machine is NixOS")
	}
	c := newCheckHome(t)
	needed := strings.TrimPrefix(c.Site, c.Project+"/") + "/crafted/native.abi3.so"
	want := "crafted 1.0 needs " + nowhere + ", which this system does not have\n" +
		"  needed by  " + needed + "\n" +
		"  fix        install the package of your distribution that has " + nowhere + "\n"
	c.Set(vars{"VIRTUAL_ENV": c.Venv})
	for _, argv := range [][]string{{"python", "-c", "import crafted.native"}, {"uv", "run", "--no-sync", "python", "-c", "import crafted.native"}} {
		os.RemoveAll(filepath.Join(c.Home, ".cache/shim/claim"))
		cmd := c.Command(argv...)
		cmd.Dir = c.Project
		out, err := cmd.CombinedOutput()
		text, ok := strings.CutPrefix(string(out), "shim: warning: "+want)
		if code, _ := status(err); !ok || code != 1 || !strings.Contains(text, "ImportError: "+nowhere+": cannot open shared object file") {
			t.Errorf("%q: %v\n%s", argv, err, out)
		}
	}
	got := c.check()
	if want := c.tilde(c.Venv) + "\n  " + strings.ReplaceAll(strings.TrimSuffix(want, "\n"), "\n", "\n  ") + "\n"; got != (result{want, "", 1}) {
		t.Errorf("%+v\nwant %s", got, want)
	}
	out := checkJSON(t, c.check("--json"), 1)
	if len(out.Attributes) > 0 && out.Targets[0].Findings[0].Attribute == "" {
		t.Errorf("%+v", out)
	}
	for _, text := range []string{got.Stdout, c.check("--all").Stdout, c.check("--tree").Stdout} {
		if strings.Contains(strings.ToLower(strings.ReplaceAll(text, c.Work, "")), "nix") {
			t.Errorf("it speaks of Nix: %s", text)
		}
	}
	os.WriteFile(filepath.Join(c.Site, "crafted", "native.abi3.so"), c.Whole, 0o755)
	if got := c.check(); got != (result{c.tilde(c.Venv) + " is covered: it needs nothing but glibc\n", "", 0}) {
		t.Errorf("without the need: %+v", got)
	}
}

// tilde is a path as messages show it.
func (h *home) tilde(path string) string {
	if rest, ok := strings.CutPrefix(path, h.Home+"/"); ok {
		return "~/" + rest
	}
	return path
}

// What shim check takes, each with its exit code, and held against the schema.
func TestCheckTargets(t *testing.T) {
	c := newCheckHome(t)
	module := filepath.Join(c.Site, "crafted", "native.abi3.so")
	modules := filepath.Dir(c.write("modules/pkg/native.abi3.so", c.Module))
	whole := c.write("whole/native.abi3.so", c.Whole)
	plugin := filepath.Dir(filepath.Dir(c.write("plugged/plugins/native.abi3.so", c.Module)))
	healthy := makeWheel(t, filepath.Dir(whole), wheelFile{"crafted/native.abi3.so", c.Whole})
	python := c.Env.Get("REALPY")
	for _, row := range []struct {
		name    string
		argv    []string
		targets []string // what is told of
		code    int
		missing bool // each target
	}{
		{"nothing", nil, []string{c.Venv}, 1, true},
		{"environment", []string{".venv"}, []string{c.Venv}, 1, true},
		{"environment_absolute", []string{c.Venv}, []string{c.Venv}, 1, true},
		{"project", []string{"."}, []string{c.Venv}, 1, true},
		{"site_packages", []string{c.Site}, []string{c.Site}, 1, true},
		{"modules", []string{modules}, []string{modules}, 1, true},
		{"module", []string{module}, []string{module}, 1, true},
		{"module_relative", []string{"../modules/pkg/native.abi3.so"}, []string{modules + "/native.abi3.so"}, 1, true},
		{"module_whole", []string{whole}, []string{whole}, 0, false},
		{"wheel", []string{c.Wheel}, []string{c.Wheel}, 1, true},
		{"wheel_whole", []string{healthy}, []string{healthy}, 0, false},
		{"interpreter", []string{python}, []string{python}, 0, false},
		{"plugin", []string{plugin}, []string{plugin}, 0, false},
		{"several", []string{c.Wheel, module, ".venv"}, []string{c.Wheel, module, c.Venv}, 1, true},
		{"several_whole", []string{whole, healthy}, []string{whole, healthy}, 0, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := c.check(row.argv...)
			if got.Code != row.code || got.Stderr != "" {
				t.Errorf("%+v, want exit %d", got, row.code)
			}
			for _, tree := range []bool{false, true} {
				argv := append(slices.Clone(row.argv), "--json", "--all")
				if tree {
					argv = append([]string{"--tree"}, argv...)
				}
				out := checkJSON(t, c.check(argv...), row.code)
				var paths []string
				for _, target := range out.Targets {
					paths = append(paths, target.Path)
					missing := slices.ContainsFunc(target.Findings, func(f checkFinding) bool {
						return f.Kind == "missing-soname" && f.Soname == nowhere && f.Severity == "required"
					})
					if missing != row.missing || target.Covered == row.missing {
						t.Errorf("%+v", target)
					}
				}
				if !slices.Equal(paths, row.targets) {
					t.Errorf("targets %q, want %q", paths, row.targets)
				}
			}
			for _, path := range row.targets {
				if !strings.Contains(got.Stdout, c.tilde(path)) {
					t.Errorf("nothing about %s: %s", path, got.Stdout)
				}
			}
		})
	}
	t.Run("mixed", func(t *testing.T) {
		// one that cannot be looked at does not keep the others from being told of
		got := c.check("nosuch", whole, module)
		if got.Code != 2 || !strings.Contains(got.Stdout, nowhere) || !strings.Contains(got.Stdout, "is covered") ||
			got.Stderr != "shim: error: \""+c.tilde(c.Project)+"/nosuch\": no such file or directory\n" {
			t.Errorf("%+v", got)
		}
		out := checkJSON(t, c.check("nosuch", module, "--json"), 2)
		if len(out.Targets) != 2 || out.Targets[0].Error == "" || out.Targets[0].Covered || out.Targets[0].Outcome != "unreadable" || out.Targets[1].Error != "" {
			t.Errorf("%+v", out)
		}
	})
	t.Run("all", func(t *testing.T) {
		line := "  optional   missing-soname " + nowhere
		if got := c.check(plugin); strings.Contains(got.Stdout, "optional") {
			t.Errorf("without --all: %s", got.Stdout)
		}
		if got := c.check("--all", plugin); got.Code != 0 || !strings.Contains(got.Stdout, line) {
			t.Errorf("with --all: %+v", got)
		}
	})
	t.Run("tree", func(t *testing.T) {
		got := c.check("--tree")
		want := "  " + c.tilde(module) + "\n    " + nowhere + " => not found (" + nowhere + ": cannot open shared object file: No such file or directory)\n"
		if got.Code != 1 || got.Stderr != "" || !strings.Contains(got.Stdout, want) || !strings.Contains(got.Stdout, " => /") {
			t.Errorf("%+v, want in it\n%s", got, want)
		}
		if got := c.check("--tree", whole); !strings.HasSuffix(got.Stdout, "  "+c.tilde(whole)+"\n") {
			t.Errorf("a module in need of nothing: %s", got.Stdout)
		}
	})
	t.Run("no_python", func(t *testing.T) {
		got := c.Run("shim", "check", whole)
		if got.Code != 2 || got.Stdout != "" || !strings.Contains(got.Stderr, "no Python is installed") {
			t.Errorf("%+v", got)
		}
	})
	t.Run("usage", func(t *testing.T) {
		if got := c.check("--tre"); got.Code != 2 || got.Stdout != "" || !strings.Contains(got.Stderr, "did you mean --tree?") {
			t.Errorf("%+v", got)
		}
		if got := c.check("--system", "nosuch"); got.Code != 2 || got.Stdout != "" || got.Stderr != "shim: error: --system \"nosuch\": no such file or directory\n" {
			t.Errorf("%+v", got)
		}
	})
}

// What is no such thing is an error or left out, with the reason, and never waited for.
func TestCheckHostile(t *testing.T) {
	c := newCheckHome(t)
	dir := filepath.Join(c.Work, "hostile")
	fifo := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mkfifo(path, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := func(target, name string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	outside := c.write("outside/native.abi3.so", c.Module)
	truncated := c.write("hostile/truncated/native.abi3.so", c.Module[:1000])
	fifo("fifos/native.abi3.so")
	link("native.abi3.so", "fifos/other.abi3.so")
	c.write("hostile/loop/pkg/native.abi3.so", c.Module)
	link(".", "loop/pkg/self")
	link("../..", "loop/pkg/up")
	link(outside, "linked/native.abi3.so")
	link(filepath.Dir(outside), "linked_dir/pkg")
	link("nowhere", "dangling/native.abi3.so")
	c.write("hostile/text/native.abi3.so", []byte("not an ELF file, but long enough to be read as one: "+strings.Repeat("x", 4096)))
	for _, row := range []struct {
		name, path string
		code       int
		stdout     string // in it
		stderr     string // its end
	}{
		{"missing", dir + "/none", 2, "", "no such file or directory\n"},
		{"fifo", fifo("one.so"), 2, "", "neither a file nor a directory\n"},
		{"fifo_wheel", fifo("one-1-py3-none-any.whl"), 2, "", "neither a file nor a directory\n"},
		{"device", "/dev/zero", 2, "", "neither a file nor a directory\n"},
		{"link_loop", link("round", "round"), 2, "", "too many levels of symbolic links\n"},
		{"below_file", outside + "/x", 2, "", "not a directory\n"},
		{"fifos_in_directory", dir + "/fifos", 0, "has no shared objects: nothing to check", ""},
		{"directory_loop", dir + "/loop", 1, nowhere, ""},
		{"link_out", dir + "/linked", 1, nowhere, ""},
		{"directory_link_out", dir + "/linked_dir", 1, nowhere, ""},
		{"dangling", dir + "/dangling", 0, "has no shared objects: nothing to check", ""},
		{"truncated", truncated, 1, "file too short", ""},
		{"truncated_in_directory", filepath.Dir(truncated), 1, "file too short", ""},
		{"text", dir + "/text/native.abi3.so", 2, "", "not a shared object\n"},
		{"empty", c.write("hostile/empty/native.abi3.so", nil), 2, "", "not a shared object\n"},
		{"wheel_empty", c.write("hostile/a-1-py3-none-any.whl", nil), 2, "", "zip: not a valid zip file\n"},
		{"wheel_truncated", c.write("hostile/b-1-py3-none-any.whl", []byte("PK\x03\x04")), 2, "", "zip: not a valid zip file\n"},
		{"control_characters", c.write("hostile/\x1b[31m\n/native.abi3.so", c.Module), 1, nowhere, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := c.check(row.path)
			if got.Code != row.code || !strings.Contains(got.Stdout, row.stdout) || !strings.HasSuffix(got.Stderr, row.stderr) ||
				row.stderr == "" && got.Stderr != "" || row.stdout == "" && got.Stdout != "" {
				t.Errorf("exit %d\n%s%s\nwant %d, %q, %q", got.Code, got.Stdout, got.Stderr, row.code, row.stdout, row.stderr)
			}
			if strings.ContainsAny(got.Stdout+got.Stderr, "\x1b\x00") {
				t.Errorf("control characters: %q", got)
			}
			out := checkJSON(t, c.check("--json", "--all", "--tree", row.path), row.code)
			if n := len(out.Targets[0].Findings); row.code == 1 && n == 0 {
				t.Errorf("no finding: %+v", out)
			}
		})
	}
	t.Run("wheel_names", func(t *testing.T) {
		path := makeWheel(t, dir, wheelFile{"../../native.abi3.so", c.Module}, wheelFile{"/native.abi3.so", c.Module},
			wheelFile{"crafted/../../native.abi3.so", c.Module}, wheelFile{"crafted/native.abi3.so", c.Whole})
		got := c.check(path)
		if got.Code != 0 || !strings.Contains(got.Stdout, " is covered") || strings.Count(got.Stderr, "its name leads out of the wheel") != 3 {
			t.Errorf("%+v", got)
		}
		if out := checkJSON(t, c.check("--json", path), 0); len(out.Targets[0].Notes) != 3 {
			t.Errorf("%+v", out)
		}
	})
}

// On a terminal a check that takes its time says so, and takes that back.
func TestCheckProgress(t *testing.T) {
	c := newCheckHome(t)
	found, err := filepath.Glob(parts.Wheels(t, c.Env.Get("REALPY_MINOR"), numpyWheel) + "/numpy-*.whl")
	if err != nil || len(found) != 1 {
		t.Fatalf("%q, %v", found, err)
	}
	// more than half a second of work on any machine
	argv := []string{"shim", "check"}
	for range 12 {
		argv = append(argv, found[0])
	}
	cmd := c.Command(argv...)
	cmd.Stdout, cmd.Dir = &bytes.Buffer{}, c.Project
	shown, err := onTerminal(cmd, "2", nil)
	if want := "shim: looking at the libraries…\r\x1b[K"; shown != want {
		t.Errorf("on a terminal: %q, %v", shown, err)
	}
	if got := c.check(argv[2:]...); got.Stderr != "" || got.Code != 1 && got.Code != 0 {
		t.Errorf("elsewhere: %q", got.Stderr)
	}
}

// What several projects lack is one list to paste.
func TestCheckAttributes(t *testing.T) {
	root := newRoot(t, nixroot.Options{}, parts.Wheels(t, parts.Pythons(t)[0].Minor, numpyWheel))
	module := makeModule(t, "libz.so.1")
	root.WriteFile(rootHome+"/native.abi3.so", string(module), 0o755)
	root.WriteFile(rootHome+"/deep/pkg/native.abi3.so", string(makeModule(t, "libGL.so.1")), 0o755)
	out := checkJSON(t, result(root.Run("sh", "-c", "shim check --json /wheelhouse/numpy-*.whl native.abi3.so deep native.abi3.so")), 1)
	if want := []string{"libGL", "stdenv.cc.cc.lib", "zlib"}; !slices.Equal(out.Attributes, want) {
		t.Errorf("attributes %q, want %q", out.Attributes, want)
	}
	if len(out.Targets) != 4 {
		t.Errorf("%d targets", len(out.Targets))
	}
	got := root.Run("shim", "check", "native.abi3.so")
	want := fmt.Sprintf("~/native.abi3.so\n  native.abi3.so needs libz.so.1, which nix-ld does not provide\n    needed by  native.abi3.so\n" +
		"    fix        in configuration.nix, then nixos-rebuild switch:\n                 programs.nix-ld.libraries = with pkgs; [ zlib ];\n")
	same(t, got, nixroot.Result{Code: 1, Stdout: want})
}
