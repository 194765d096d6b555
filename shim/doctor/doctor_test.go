package doctor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"uvshim/shim/nixld"
	"uvshim/shim/preflight"
	"uvshim/shim/say"
)

// A check that fails is an error of that check, and no more.
func TestRun_badChecks(t *testing.T) {
	w := newWorld(t)
	stuck := make(chan bool)
	defer close(stuck)
	r := Run(w.machine(), []Check{
		{ID: "a", Title: "the first", Look: func(*Machine) []Finding { panic("no idea") }},
		{ID: "b", Title: "the second", Limit: time.Millisecond, Look: func(*Machine) []Finding { <-stuck; return nil }},
		{ID: "c", Title: "the third", Look: func(*Machine) []Finding { return ok("fine") }},
	})
	want := `
error: the first: this check failed, which is a mistake in shim: no idea
  > shim doctor --json   # and report it with this
error: the second: no answer within 1ms
  > df   # a file system that does not answer shows itself here
ok: fine
`
	if got := w.show(r.Results); got != want[1:] {
		t.Errorf("got\n%s", got)
	}
	if !r.Failed() || (Report{Results: r.Results[2:]}).Failed() {
		t.Error("an error is to fail the report, and nothing else")
	}
}

// What several checks need, and what panics, is an error of each that needs it.
func TestRun_sharedFact(t *testing.T) {
	w := newWorld(t)
	m := w.machine()
	func() {
		defer func() { recover() }()
		m.once.state.get(func() nixld.State { panic("no state") })
	}()
	r := Run(m, Checks())
	for _, result := range r.Results {
		failed := strings.HasSuffix(result.Message, "mistake in shim: no state")
		if want := slices.Contains([]string{"loader", "nix-ld-values", "services", "coverage", "libraries", "nix-shell"}, result.ID); failed && !want || !failed && want && result.ID == "loader" {
			t.Errorf("%s: %s", result.ID, result.Message)
		}
	}
}

func TestChecks_names(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Checks() {
		if seen[c.ID] || c.Title == "" || strings.Trim(c.ID, "abcdefghijklmnopqrstuvwxyz-") != "" || c.Look == nil {
			t.Errorf("%+v", c)
		}
		seen[c.ID] = true
	}
}

// On another system only what makes sense there is looked at.
func TestRun_otherSystems(t *testing.T) {
	for kind, want := range map[Kind]string{
		Running:    "",
		Generation: "path login-path path-writable other-shims switches services ld-library-path pythonpath nix-shell",
		Root: "shims path login-path path-writable other-shims switches policy uv interpreters default undeclared home-manager unused tools bin-links" +
			" services environments coverage next libraries fixed ld-library-path pythonpath nix-shell lock changes interrupted cache",
	} {
		w := newWorld(t)
		w.kind = kind
		w.nixLD()
		w.environments(w.looked("a", preflight.Verdict{Needs: []string{"libz.so.1"}}))
		var skipped []string
		report := Run(w.machine(), Checks())
		if want := map[bool]int{true: 0, false: 1}[kind == Root]; len(report.Attributes) != want {
			t.Errorf("%s: attributes %q", kind, report.Attributes)
		}
		for _, r := range report.Results {
			if r.Level == Skipped && strings.HasPrefix(r.Message, "only about ") {
				skipped = append(skipped, r.ID)
			}
		}
		if got := strings.Join(skipped, " "); got != want {
			t.Errorf("%s skips %q", kind, got)
		}
	}
}

func TestPrivate(t *testing.T) {
	w := newWorld(t)
	m := w.machine()
	home := m.Dirs.Home
	for text, want := range map[string]string{
		home:                            "~",
		home + "/a":                     "~/a",
		"PATH=" + home + "/a:" + home:   "PATH=~/a:~",
		home + "2/a and " + home + "/b": home + "2/a and ~/b",
		"/mnt" + home + "/a":            "/mnt" + home + "/a",
		"a -> " + home + "/b":           "a -> ~/b",
		"UV_INDEX_URL=https://me:pw@host.example/simple": "UV_INDEX_URL=https://***@host.example/simple",
		"uv publish --token abc":                         "uv publish --token ***",
	} {
		f := m.private(Finding{OK, text, []string{text}, text})
		if f.Message != want || f.Evidence[0] != want || f.Fix != want {
			t.Errorf("%q: %q", text, f)
		}
	}
	m.Dirs.Home = "/"
	if f := m.private(Finding{Message: "/etc"}); f.Message != "/etc" {
		t.Errorf("a home at the top: %q", f.Message)
	}
}

func TestWord(t *testing.T) {
	m := &Machine{}
	m.Dirs.Home = "/home/me"
	for path, want := range map[string]string{
		"/home/me": "~", "/home/me/a": "~/a", "/home/me/a b": "~/'a b'", "/home/me2": "/home/me2", "/x/it's": `'/x/it'\''s'`, "/x/$(rm)": "'/x/$(rm)'", "": "''",
	} {
		if got := m.word(path); got != want {
			t.Errorf("%q: %s, want %s", path, got, want)
		}
	}
}

func report() Report {
	var many []string
	for i := range 14 {
		many = append(many, fmt.Sprintf("line %02d", i))
	}
	return Report{Attributes: []string{"stdenv.cc.cc.lib", "zlib"}, Results: []Result{
		{"short", Finding{Error, "this is broken", []string{"a\x1b[31mb", "c"}, nixos("x = 1;", "y = 2;") + "\n" + orNow + "shim fix"}},
		{"a-long-name", Finding{OK, "a sentence that is too long for one line of eighty letters and so goes on in the next", nil, ""}},
		{"x", Finding{Warning, "hm", many, strings.Join(many[:13], "\n")}},
		{"y", Finding{Skipped, "no", nil, ""}},
		{"v", Finding{Skipped, "another system", nil, ""}},
		{"w", Finding{Skipped, "another system", nil, ""}},
		{"z", Finding{Info, "well", nil, ""}},
		{"x", Finding{Warning, "hm again", nil, "rm c"}},
	}}
}

func TestPrint(t *testing.T) {
	const want = `ok       a-long-name  a sentence that is too long for one line of eighty letters
                      and so goes on in the next
skipped  y            no
skipped  2 checks     another system: v, w
info     z            well
warning  x            hm
  seen       line 00
             line 01
             line 02
             line 03
             line 04
             line 05
             line 06
             line 07
             line 08
             line 09
             line 10
             line 11
             and 2 more
  fix        line 00
             line 01
             line 02
             line 03
             line 04
             line 05
             line 06
             line 07
             line 08
             line 09
             line 10
             line 11
             # and 1 more: shim doctor --json
warning  x            hm again
  fix        rm c
error    short        this is broken
  seen       a\x1b[31mb
             c
  fix        in configuration.nix, then nixos-rebuild switch:
               x = 1;
               y = 2;
  or now     shim fix

the libraries that cover all recorded environments, for configuration.nix:
  programs.nix-ld.libraries = with pkgs; [ stdenv.cc.cc.lib zlib ];

1 ok, 3 skipped, 1 info, 2 warnings, 1 error
`
	var b bytes.Buffer
	report().Print(&b, false)
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	b.Reset()
	report().Print(&b, true)
	for _, line := range []string{"\x1b[32mok\x1b[0m       a-long", "\x1b[1;33mwarning\x1b[0m  x", "\x1b[1;31merror\x1b[0m    short", "\x1b[36minfo\x1b[0m", "\x1b[2mskipped\x1b[0m"} {
		if !strings.Contains(b.String(), line) {
			t.Errorf("no %q in\n%q", line, b.String())
		}
	}
	for _, line := range strings.Split(want, "\n") {
		if len(line) > width {
			t.Errorf("%d letters: %s", len(line), line)
		}
	}
}

func TestJSON(t *testing.T) {
	r := report()
	r.Results = append(r.Results[:1], Result{"bytes", Finding{OK, "a\xffb", nil, ""}})
	data, err := json.Marshal(r.JSON())
	want := `{"attributes":["stdenv.cc.cc.lib","zlib"],"checks":[` +
		`{"id":"short","level":"error","message":"this is broken","evidence":["a\u001b[31mb","c"],"fix":"in configuration.nix, then nixos-rebuild switch:\n  x = 1;\n  y = 2;\nor now: shim fix"},` +
		`{"id":"bytes","level":"ok","message":"a%FFb","evidence":[],"fix":""}],"version":1}`
	if string(data) != want || err != nil {
		t.Errorf("%s, %v", data, err)
	}
}

// worst is a machine on which everything is wrong that can be wrong at once.
func worst(w *world) {
	w.nixos()
	w.shims()
	w.remove(shimDir + "/python")
	w.remove(shimDir + "/.shim-dir")
	w.file("program", "#!/bin/sh\n# newer\n")
	w.mode(shimDir, 0o777)
	w.mode("open", 0o777)
	w.file(".pyenv/shims/python", "#!/bin/sh\n")
	w.file("bin/sh", "#!/bin/sh\nexit 1\n")
	w.file("bin/uv", "#!/bin/sh\nexit 127\n")
	w.set("PATH", "W/open:W/.pyenv/shims:W/bin")
	for name, value := range map[string]string{
		"SHIM_DISABLE": "1", "SHIM_POLICY": "/nowhere", "LD_LIBRARY_PATH": "/lib", "PYTHONPATH": "/nix/store/x/lib", "UV_PYTHON": "/nix/store/x/bin/python3",
		"NIX_LD": "/nix/store/gone/ld.so", "NIX_LD_LIBRARY_PATH": "/nix/store/gone/lib",
	} {
		w.set(name, value)
	}
	w.policy("[python]\nversion = 3\n")
	w.managed(py314)
	w.remove(uvDir + "python/" + py314 + "/bin")
	w.tool("ruff", true)
	w.link("home/.local/bin/dead", "/nowhere")
	w.file("root/run/current-system/sw/bin/python3", "#!/bin/sh\n")
	w.file("root/nix/store/00000000000000000000000000000000-git/bin/git", elf("/x", "libz.so.1"))
	w.link("root/run/current-system/sw/bin/git", "/nix/store/00000000000000000000000000000000-git/bin/git")
	w.file("root/lib/libz.so.1", "")
	w.file("root/etc/pam/environment", "NIX_LD_LIBRARY_PATH DEFAULT=\"/old\"\n")
	loader := nixld.Loader{Kind: nixld.NixLD, Major: 2, Real: "/nix/store/x-nix-ld/bin/nix-ld", Machine: 62}
	w.state(nixld.State{Verdict: nixld.NothingBehind, Reason: "NIX_LD is not there", Loader: loader, Settings: nixld.Environment(w.env, loader)})
	w.environments(w.looked("a", preflight.Verdict{Findings: []preflight.Finding{missing("numpy", "libstdc++.so.6")}}),
		w.looked("b", preflight.Verdict{Outcome: preflight.NotApplicable, Certain: true}), w.looked("c", preflight.Verdict{Incomplete: true}))
	w.file(stateDir+"shim.lock", "no lock")
	w.file("home/.cache/shim/verdict/1", "shim remember 9\n")
}

func TestRun_worst(t *testing.T) {
	w := newWorld(t)
	worst(w)
	r := Run(w.machine(), Checks())
	got := map[string]Level{}
	for _, result := range r.Results {
		got[result.ID] = result.Level
		if (result.Level == Warning || result.Level == Error) && result.Fix == "" {
			t.Errorf("no fix: %+v", result)
		}
		if strings.Contains(result.Message, "mistake in shim") {
			t.Errorf("%+v", result)
		}
		if strings.HasSuffix(result.Message, ".") || strings.Contains(result.Message, "\n") {
			t.Errorf("no sentence as others: %q", result.Message)
		}
	}
	for id, level := range map[string]Level{
		"shims": Error, "path": Error, "login-path": Warning, "path-writable": Error, "other-shims": Warning, "switches": Info, "policy": Error, "uv": Error,
		"interpreters": Error, "tools": Error, "bin-links": Warning, "local-bin": Warning, "nix-python": Warning, "loader": Error, "nix-ld-values": Warning,
		"services": Warning, "environments": Error, "coverage": Error, "ld-library-path": Warning, "pythonpath": Warning, "nix-shell": Warning, "lock": Error, "cache": Info,
	} {
		if got[id] != level {
			t.Errorf("%s: %s, want %s", id, got[id], level)
		}
	}
	if !r.Failed() || !slices.Equal(r.Attributes, []string{"stdenv.cc.cc.lib"}) {
		t.Errorf("%v %q", r.Failed(), r.Attributes)
	}
}

// Two looks at one machine say the same, byte for byte, even the one that tidies the lock.
func TestRun_same(t *testing.T) {
	w := newWorld(t)
	worst(w)
	var texts []string
	for range 2 {
		var b bytes.Buffer
		r := Run(w.machine(), Checks())
		r.Print(&b, false)
		data, err := json.Marshal(r.JSON())
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, b.String()+string(data))
	}
	if texts[0] != texts[1] {
		t.Errorf("first\n%s\nthen\n%s", texts[0], texts[1])
	}
	if strings.Contains(texts[0], os.TempDir()+"/"+"home") || strings.Contains(texts[0], say.Word(w.at("home"))+"/") {
		t.Errorf("names the home directory\n%s", texts[0])
	}
}

// A machine with nothing at all, not even a home, is looked at like any other.
func TestRun_nothing(t *testing.T) {
	w := newWorld(t)
	w.env = nil
	m := w.machine()
	m.Dirs.Home, m.Dirs.Config, m.Dirs.Data, m.Dirs.State, m.Dirs.Cache = "", "", "", "", ""
	m.UV.Python, m.UV.Bin, m.UV.Tool, m.UV.ToolBin, m.UV.Config = "", "", "", "", ""
	m.Policy = nil
	for _, r := range Run(m, Checks()).Results {
		if strings.Contains(r.Message, "mistake in shim") {
			t.Errorf("%+v", r)
		}
	}
}
