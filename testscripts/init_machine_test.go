package testscripts

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"uvshim/policy"
)

// initPolicy runs shim init and returns the policy that it wrote.
func (h syncHome) initPolicy() (policy.Policy, string) {
	h.Helper()
	file := h.Env.Get("SHIM_POLICY")
	printed := h.Run("shim", "init", "--print")
	r := h.Run("shim", "init")
	text, err := os.ReadFile(file)
	if r.Code != 0 || err != nil {
		h.Fatalf("shim init: exit %d, %v\n%s%s", r.Code, err, r.Stdout, r.Stderr)
	}
	if printed.Stdout != string(text) || printed.Code != 0 || printed.Stderr != "" {
		h.Errorf("--print prints\n%s%snot\n%s", printed.Stdout, printed.Stderr, text)
	}
	loaded, err := policy.Load(policy.File{Path: file, Data: text})
	if err != nil {
		h.Fatalf("%v\n%s", err, text)
	}
	return loaded.Policy, string(text)
}

// uvRun runs the real uv to success.
func (h syncHome) uvRun(args ...string) {
	h.Helper()
	if r := h.Run(append([]string{h.Env.Get("REALUV")}, args...)...); r.Code != 0 {
		h.Fatalf("uv %q: exit %d\n%s", args, r.Code, r.Stderr)
	}
}

// settled fails the test unless a sync of the policy changes nothing.
func (h syncHome) settled() {
	h.Helper()
	before := h.snapshot()
	if r := h.sync(0, "--check"); r.Stdout+r.Stderr != "" {
		h.Errorf("sync --check says\n%s%s", r.Stdout, r.Stderr)
	}
	if r := h.sync(0, "--dry-run", "--no-upgrade"); r.Stdout != "nothing to do\n" {
		h.Errorf("sync --dry-run --no-upgrade says\n%s", r.Stdout)
	}
	for line := range strings.Lines(h.sync(0, "--dry-run").Stdout) {
		if !strings.HasPrefix(line, "upgrade ") {
			h.Errorf("sync would: %s", line)
		}
	}
	if h.snapshot() != before {
		h.Error("a question changed something")
	}
	pythons, tools := h.pythons(), h.tools()
	for line := range strings.Lines(h.sync(0).Stdout) {
		if !strings.HasSuffix(line, "/shim/bin\n") {
			h.Errorf("sync did: %s", line)
		}
	}
	if h.pythons() != pythons || h.tools() != tools {
		h.Errorf("sync made %s, %s of %s, %s", h.pythons(), h.tools(), pythons, tools)
	}
}

// A machine that grew by hand is declared as it is.
func TestInit_machine(t *testing.T) {
	h := newSyncHome(t)
	h.wheel("gamma", "1.0")
	mirror := h.Env.Get("MIRROR")
	h.Set(vars{"UV_PYTHON_DOWNLOADS_JSON_URL": h.Env.Get("MIRROR_OLD")})
	h.Install("--default", "3.14")
	h.Set(vars{"UV_PYTHON_DOWNLOADS_JSON_URL": mirror})
	h.uvRun("python", "upgrade", "3.14")
	h.Install("3.13.7")
	h.Install("3.14t", "pypy@3.11")
	h.Install("--no-bin", "3.12")
	h.uvRun("python", "pin", "--global", "3.14")
	h.uvRun("tool", "install", "alpha>=1.0,<9", "--with", "beta")
	h.uvRun("tool", "install", "beta", "--python", "3.12")
	h.uvRun("tool", "install", "file://"+h.wheels+"/gamma-1.0-py3-none-any.whl")

	_, text := h.initPolicy()
	golden := `# What is declared for Python on this machine; yours to edit. shim init wrote it from what it found.

[python]
versions = [
    "3.14",       # cpython-3.14.1-linux-x86_64-gnu, by ~/.local/bin/python3.14
    # cpython-3.14.0-linux-x86_64-gnu is there too, as upgrades leave the patch before: not declared
    "3.14t",      # cpython-3.14.1+freethreaded-linux-x86_64-gnu, by ~/.local/bin/python3.14t
    "3.13.7",     # cpython-3.13.7-linux-x86_64-gnu; ~/.local/bin/python3.13 leads to just this patch
    "3.12",       # cpython-3.12.12-linux-x86_64-gnu, to which no link of uv's leads
    "pypy@3.11",  # pypy-3.11.13-linux-x86_64-gnu, by ~/.local/bin/pypy3.11
]
default = ["3.14"]  # ~/.local/bin/python leads to it
# prune = true  # shim sync then removes Pythons that are not listed

[tool]
packages = [
    "alpha>=1.0,<9",                               # uv's tool alpha 1.0; what cannot be declared: --with beta
    "beta",                                        # uv's tool beta 3.0; what cannot be declared: --python 3.12
    "gamma @ file://WHEELS/gamma-1.0-py3-none-any.whl",  # uv's tool gamma 1.0, from this machine
]
# prune = true  # shim sync then removes tools that are not listed
`
	if got, want := squeeze(text, h.wheels), squeeze(golden, h.wheels); got != want {
		t.Errorf("the policy is\n%s\nnot\n%s", got, want)
	}
	h.settled()

	before := text
	r := h.Run("shim", "init")
	want(t, "a second init", r.Stderr, "error: there is a policy: ", "shim declare")
	if now, _ := os.ReadFile(h.Env.Get("SHIM_POLICY")); r.Code != 2 || string(now) != before {
		t.Errorf("exit %d, and the policy is now\n%s", r.Code, now)
	}
}

// squeeze returns text with the machine's own parts and runs of blanks made equal.
func squeeze(text, wheels string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, wheels, "WHEELS"), "aarch64", "x86_64")
	var out []string
	for line := range strings.Lines(text) {
		out = append(out, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(out, "\n")
}

// What sync has made of a policy, init finds again.
func TestInit_afterSync(t *testing.T) {
	h := newSyncHome(t)
	h.policy(articlePolicy)
	h.sync(0)
	if err := os.Remove(h.Env.Get("SHIM_POLICY")); err != nil {
		t.Fatal(err)
	}
	p, text := h.initPolicy()
	for _, c := range [][2]string{
		{strings.Join(p.Python.Versions, " "), "3.14 3.13 3.12"},
		{strings.Join(p.Python.Default, " "), "3.14"},
		{strings.Join(p.Tool.Packages, " "), "alpha beta"},
	} {
		if c[0] != c[1] {
			t.Errorf("%s, want %s\n%s", c[0], c[1], text)
		}
	}
	if p.Python.Prune || p.Tool.Prune {
		t.Errorf("nothing on the machine says prune:\n%s", text)
	}
	h.settled()
}

// Where there is a default and uv has no global pin, sync makes one, and nothing else.
func TestInit_withoutPin(t *testing.T) {
	h := newSyncHome(t)
	h.Install("--default", "3.14")
	if p, text := h.initPolicy(); strings.Join(p.Python.Default, " ") != "3.14" {
		t.Errorf("the default:\n%s", text)
	}
	if r := h.sync(0, "--dry-run", "--no-upgrade"); r.Stdout != "pin     python 3.14 as uv's global pin\n" {
		t.Errorf("sync would\n%s", r.Stdout)
	}
}

// The default and its bare python are the same before and after.
func TestInit_answers(t *testing.T) {
	for name, setup := range map[string]func(h syncHome){
		"newest":        func(h syncHome) { h.Install("3.13", "3.14", "3.15") },
		"pin":           func(h syncHome) { h.Install("3.13", "3.14"); h.uvRun("python", "pin", "--global", "3.13") },
		"pin_of_patch":  func(h syncHome) { h.Install("3.13.7", "3.13.8"); h.uvRun("python", "pin", "--global", "3.13.7") },
		"pypy_default":  func(h syncHome) { h.Install("3.13"); h.Install("--default", "pypy") },
		"free_threaded": func(h syncHome) { h.Install("3.14t", "3.13") },
	} {
		t.Run(name, func(t *testing.T) {
			h := newSyncHome(t)
			setup(h)
			file := h.Env.Get("SHIM_POLICY")
			h.policy("")
			before := h.Run("python", "-V").Stdout
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			_, text := h.initPolicy()
			if after := h.Run("python", "-V").Stdout; after != before || before == "" {
				t.Errorf("a bare python was %q and is %q with\n%s", before, after, text)
			}
		})
	}
}

func TestInit_homeManager(t *testing.T) {
	h := newSyncHome(t)
	h.Install("3.14", "3.12") // Home Manager does not have 3.12
	h.uvRun("python", "pin", "--global", "3.14")
	h.uvRun("tool", "install", "alpha")
	h.uvRun("tool", "install", "beta")
	h.write(filepath.Join(h.Home, ".local/state/home-manager/gcroots/current-home/activate"), `
for uvKey in $uvHave; do run /nix/store/x-uv/bin/uv python uninstall $VERBOSE_ARG "$uvKey"
done
run /nix/store/x-uv/bin/uv python install $VERBOSE_ARG --default --upgrade 3.14
run /nix/store/x-uv/bin/uv python install $VERBOSE_ARG --upgrade '>=3.14'
run /nix/store/x-uv/bin/uv tool install $VERBOSE_ARG 'alpha>=1'
`)
	p, text := h.initPolicy()
	for _, c := range [][2]string{
		{strings.Join(p.Python.Versions, " "), "3.14 >=3.14 3.12"},
		{strings.Join(p.Python.Default, " "), "3.14"},
		{strings.Join(p.Tool.Packages, " "), "alpha>=1 beta"},
	} {
		if c[0] != c[1] {
			t.Errorf("%s, want %s\n%s", c[0], c[1], text)
		}
	}
	if !p.Python.Prune || p.Tool.Prune {
		t.Errorf("prune:\n%s", text)
	}
	want(t, "the policy", text, "Home Manager's programs.uv.python.default", "# Home Manager's programs.uv.tool.packages")
	if r := h.sync(0, "--dry-run"); r.Stdout != "nothing to do\n" {
		t.Errorf("sync would\n%s", r.Stdout)
	}
}

// Of many at once one writes, and the others find its policy.
func TestInit_atOnce(t *testing.T) {
	h := newSyncHome(t)
	h.Install("3.14")
	const calls = 8
	codes := make(chan int, calls)
	for range calls {
		go func() {
			cmd := h.Command("shim", "init")
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			code, _ := status(cmd.Run())
			codes <- code
		}()
	}
	count := map[int]int{}
	for range calls {
		count[<-codes]++
	}
	if count[0] != 1 || count[2] != calls-1 {
		t.Errorf("exit codes: %v", count)
	}
	files, _ := os.ReadDir(filepath.Dir(h.Env.Get("SHIM_POLICY")))
	if len(files) != 1 {
		t.Errorf("beside the policy: %v", files)
	}
}
