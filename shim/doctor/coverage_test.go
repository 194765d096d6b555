package doctor

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"uvshim/shim/lock"
	"uvshim/shim/nixld"
	"uvshim/shim/nixld/attribute"
	"uvshim/shim/preflight"
	"uvshim/shim/remember"
)

// missing is a finding about a library that is nowhere.
func missing(who, soname string) preflight.Finding {
	a := attribute.Of(soname, "25.11")
	return preflight.Finding{Kind: preflight.MissingSoname, Severity: preflight.Required, Soname: soname, Distribution: who,
		Attribute: a.Attribute, AttributeKind: a.Kind, Note: a.Note}
}

// looked is an environment with a verdict.
func (w *world) looked(name string, v preflight.Verdict) environment {
	if v.Outcome == "" {
		v.Outcome = preflight.OK
	}
	for _, f := range v.Findings {
		if f.Severity == preflight.Required {
			v.Outcome = preflight.NotCovered
			v.Missing = append(v.Missing, f.Soname)
		}
	}
	v.Python = w.at("home/" + name + "/.venv/bin/python")
	return environment{project: w.at("home/" + name), dir: w.at("home/" + name + "/.venv"), verdict: v}
}

func TestCoverage(t *testing.T) {
	table(t, "coverage", []row{
		{"none", func(w *world) { w.nixLD(); w.environments() }, "ok: no environment is recorded yet that needs libraries\n"},
		{"no_lock", func(w *world) { w.nixLD(); w.file(stateDir+"shim.lock", "no lock") }, "skipped: what is recorded cannot be read\n"},
		{"covered", func(w *world) {
			w.nixLD()
			optional := missing("qt", "libX11.so.6")
			optional.Severity = preflight.Optional
			w.environments(w.looked("a", preflight.Verdict{}), w.looked("b", preflight.Verdict{Findings: []preflight.Finding{optional}}))
		}, "ok: 2 recorded environments find all libraries\n"},
		{"short", func(w *world) {
			w.nixos()
			w.nixLD()
			w.policy("[nix-ld]\nlibraries = [\"zlib\", \"icu\"]\n")
			w.environments(
				w.looked("a", preflight.Verdict{Findings: []preflight.Finding{missing("numpy", "libstdc++.so.6"), missing("", "libz.so.1")}}),
				w.looked("b", preflight.Verdict{Needs: []string{"libbz2.so.1"}}),
				environment{tool: "ruff", dir: w.at("tool"), verdict: preflight.Verdict{Outcome: preflight.NotCovered, Findings: []preflight.Finding{missing("numpy", "libstdc++.so.6")}}})
		}, `
ok: 1 recorded environment finds all libraries
error: 2 recorded environments need libraries that this system does not have
  ~/a: its Python needs libz.so.1 (zlib), which the policy lists and the system was not rebuilt with
  ~/a: numpy needs libstdc++.so.6 (stdenv.cc.cc.lib)
  tool ruff: numpy needs libstdc++.so.6 (stdenv.cc.cc.lib)
  > in configuration.nix, then nixos-rebuild switch:
  >   programs.nix-ld.libraries = with pkgs; [ bzip2 icu stdenv.cc.cc.lib zlib ];
`},
		{"now", func(w *world) {
			w.nixos()
			w.nixLD()
			w.edit = append(w.edit, func(m *Machine) { m.Now = "shim fix" })
			w.environments(w.looked("a", preflight.Verdict{NixLD: true, Findings: []preflight.Finding{missing("numpy", "libstdc++.so.6")}}))
		}, `
error: 1 recorded environment needs libraries that this system does not have
  ~/a: numpy needs libstdc++.so.6 (stdenv.cc.cc.lib)
  > in configuration.nix, then nixos-rebuild switch:
  >   programs.nix-ld.libraries = with pkgs; [ stdenv.cc.cc.lib ];
  > or now: shim fix
`},
		{"not_now_without_nix_ld", func(w *world) {
			w.nixos()
			w.edit = append(w.edit, func(m *Machine) { m.Now = "shim fix" })
			w.environments(w.looked("a", preflight.Verdict{Findings: []preflight.Finding{missing("numpy", "libstdc++.so.6")}}))
		}, `
error: 1 recorded environment needs libraries that this system does not have
  ~/a: numpy needs libstdc++.so.6 (stdenv.cc.cc.lib)
  > in configuration.nix, then nixos-rebuild switch:
  >   programs.nix-ld.libraries = with pkgs; [ stdenv.cc.cc.lib ];
`},
		{"driver", func(w *world) {
			w.nixos()
			w.nixLD()
			w.environments(w.looked("a", preflight.Verdict{Findings: []preflight.Finding{missing("torch", "libcuda.so.1")}}))
		}, `
error: 1 recorded environment needs libraries that this system does not have
  ~/a: torch needs libcuda.so.1: part of the graphics driver, ...
  > shim check ~/a/.venv
`},
		{"ignored", func(w *world) {
			w.nixLD()
			w.policy("[preflight]\nignore = [\"libcuda.so.1\"]\n")
			w.environments(w.looked("a", preflight.Verdict{Findings: []preflight.Finding{missing("torch", "libcuda.so.1")}}))
		}, "ok: 1 recorded environment finds all libraries\n"},
		{"not_all_there", func(w *world) {
			w.nixLD()
			part := w.looked("big", preflight.Verdict{Incomplete: true})
			closed := environment{project: w.at("home/closed"), err: &fs.PathError{Op: "stat", Path: w.at("home/closed/.venv"), Err: fs.ErrPermission}}
			script := w.looked("script", preflight.Verdict{})
			script.err = errors.New("reading the interpreter: not an ELF file")
			w.environments(environment{project: w.at("home/gone"), gone: true}, environment{project: w.at("home/bare"), bare: true}, part, closed, script)
		}, `
info: 1 recorded project is gone; it is forgotten 90 days after its last use
  ~/gone
warning: 2 recorded environments could not be looked at
  ~/closed: ~/closed/.venv: permission denied
  ~/script: reading the interpreter: not an ELF file
  > chmod -R u+rwX ~/closed
  > (cd ~/script && uv venv --clear)   # and install into it again
warning: 1 environment is too large to be looked at in time
  ~/big/.venv
  > shim check ~/big/.venv
`},
		{"of_no_loader_another_check_tells", func(w *world) {
			w.nixLD()
			w.environments(w.looked("a", preflight.Verdict{Outcome: preflight.StubLoader}), w.looked("b", preflight.Verdict{Outcome: preflight.NotApplicable}))
		}, "ok: no environment is recorded yet that needs libraries\n"},
	})
}

func TestEnvironments(t *testing.T) {
	table(t, "environments", []row{
		{"none", func(w *world) { w.environments() }, "ok: none are recorded yet\n"},
		{"no_lock", func(w *world) { w.file(stateDir+"shim.lock", "no lock") }, "skipped: what is recorded cannot be read\n"},
		{"in_order", func(w *world) { w.environments(w.looked("a", preflight.Verdict{})) }, "ok: 1 recorded, each with its interpreter\n"},
		{"lost", func(w *world) {
			w.file("home/a/pyproject.toml", "")
			gone := w.looked("b c", preflight.Verdict{})
			gone.err = &fs.PathError{Op: "realpath", Path: "x", Err: fs.ErrNotExist}
			w.environments(w.looked("a", preflight.Verdict{Outcome: preflight.NotApplicable, Certain: true, Reason: "its interpreter was garbage-collected"}), gone)
		}, `
error: 2 environments were made from a Python that is not there any more
  ~/a/.venv: its interpreter was garbage-collected
  ~/b c/.venv: its interpreter is not there
  > (cd ~/a && uv venv --clear && uv sync)
  > (cd ~/'b c' && uv venv --clear)   # and install into it again
`},
		{"nix_built", func(w *world) { w.environments(w.looked("a", preflight.Verdict{Outcome: preflight.NotApplicable})) }, `
warning: 1 environment is made from a Python that Nix built: nix-ld has no part in it, and wheels that need a library do not work
  ~/a/.venv: ~/a/.venv/bin/python -> ~/a/.venv/bin/python
  > (cd ~/a && uv venv --managed-python --clear)   # and install into it again
`},
	})
}

func TestLibraries(t *testing.T) {
	needs := func(w *world) {
		w.nixos()
		w.nixLD()
		w.environments(w.looked("a", preflight.Verdict{Needs: []string{"libgcc_s.so.1", "libstdc++.so.6", "libz.so.1"}}))
	}
	table(t, "libraries", []row{
		{"no_nix_ld", func(w *world) {}, "skipped: there is no nix-ld here\n"},
		{"nothing_listed", needs, "ok: nothing is listed beyond nix-ld's own\n"},
		{"nothing_recorded", func(w *world) { w.nixLD(); w.policy("[nix-ld]\nlibraries = [\"zlib\"]\n") },
			"ok: 1 package in nix-ld.libraries of the policy, and no environment is recorded yet\n"},
		{"no_lock", func(w *world) {
			w.nixLD()
			w.file(stateDir+"shim.lock", "no lock")
			w.policy("[nix-ld]\nlibraries = [\"zlib\"]\n")
		}, "skipped: what is recorded cannot be read\n"},
		{"each_needed", func(w *world) { needs(w); w.policy("[nix-ld]\nlibraries = [\"zlib\", \"stdenv.cc.cc\"]\n") },
			"ok: 2 packages in nix-ld.libraries of the policy, and each is needed\n"},
		{"idle_in_policy", func(w *world) { needs(w); w.policy("[nix-ld]\nlibraries = [\"zlib\", \"cairo\"]\n") }, `
info: 1 package is in nix-ld.libraries of the policy and needed by nothing that is recorded
  cairo
`},
		{"of_gcc_the_loader_has_its_own", func(w *world) {
			w.nixLD()
			w.environments(w.looked("a", preflight.Verdict{Needs: []string{"libgcc_s.so.1"}}))
			w.policy("[nix-ld]\nlibraries = [\"stdenv.cc.cc.lib\"]\n")
		}, `
info: 1 package is in nix-ld.libraries of the policy and needed by nothing that is recorded
  stdenv.cc.cc.lib
`},
		{"idle_in_directory", func(w *world) {
			needs(w)
			for _, lib := range []string{"cairo/libcairo.so.2", "zlib/libz.so.1", "gcc/libstdc++.so.6", "gcc/libgfortran.so.5", "curl/libcurl.so.4", "x/libnobodyknows.so.1"} {
				w.file("root/nix/store/00000000000000000000000000000000-"+lib, "")
				w.link("root"+list+"/"+filepath.Base(lib), "/nix/store/00000000000000000000000000000000-"+lib)
			}
		}, `
info: 1 package is in the library directory and needed by nothing that is recorded
  cairo
`},
		{"not_known_of_all", func(w *world) {
			w.nixLD()
			w.nixos()
			unread := w.looked("a", preflight.Verdict{})
			unread.err = fs.ErrPermission
			w.environments(unread)
			w.policy("[nix-ld]\nlibraries = [\"cairo\"]\n")
		}, "ok: 1 package in nix-ld.libraries of the policy; what needs them is not known of every environment\n"},
	})
}

func TestNext(t *testing.T) {
	table(t, "next", []row{
		{"running", func(w *world) {}, "skipped: it compares another generation with the running one: shim doctor --system ./result\n"},
		{"nothing_recorded", func(w *world) { w.kind = Generation }, "ok: no recorded environment would lose a library\n"},
		{"no_lock", func(w *world) { w.kind = Generation; w.file(stateDir+"shim.lock", "no lock") }, "skipped: what is recorded cannot be read\n"},
	})
	// what it compares
	w := newWorld(t)
	lacks := func(sonames ...string) preflight.Verdict {
		var v preflight.Verdict
		for _, soname := range sonames {
			v.Findings = append(v.Findings, missing("d", soname))
		}
		return v
	}
	m := w.machine()
	for _, row := range []struct {
		name      string
		now, then environment
		want      string
	}{
		{"same", w.looked("a", lacks("libz.so.1")), w.looked("a", lacks("libz.so.1")), ""},
		{"gains", w.looked("a", lacks("libz.so.1")), w.looked("a", lacks()), ""},
		{"loses", w.looked("a", lacks("libz.so.1")), w.looked("a", lacks("libz.so.1", "libstdc++.so.6")), "would lose: d needs libstdc++.so.6 (stdenv.cc.cc.lib)"},
		{"loses_loader", w.looked("a", lacks()), w.looked("a", preflight.Verdict{Outcome: preflight.NoLoader, Reason: "no loader"}), "could not start: no loader"},
		{"had_no_loader", w.looked("a", preflight.Verdict{Outcome: preflight.NoLoader}), w.looked("a", lacks("libz.so.1")), ""},
		{"unreadable", w.looked("a", lacks()), environment{project: "x", dir: "x", err: fs.ErrPermission}, ""},
	} {
		got := m.loses(row.now, row.then)
		if len(got) > 1 || (len(got) == 1) != (row.want != "") || len(got) == 1 && got[0] != row.want {
			t.Errorf("%s: %q", row.name, got)
		}
	}
}

// Which environments are recorded, by the lock and by uv's directory of tools.
func TestRecorded(t *testing.T) {
	w := newWorld(t)
	w.file("home/a/.venv/pyvenv.cfg", "home = /x\n")
	w.file("home/b/.venv", "../elsewhere\n")
	w.file("home/elsewhere/pyvenv.cfg", "home = /x\n")
	w.file("home/c/pyproject.toml", "")
	w.file("home/d/pyvenv.cfg", "home = /x\n")
	w.link("home/e/.venv", ".venv")
	w.tool("ruff", false)
	for _, name := range []string{"a", "b", "c", "d", "e", "gone"} {
		w.record("2026-11-22", lock.Record{Project: []lock.Project{{Path: w.at("home/" + name), Python: "x"}, {Path: w.at("home/" + name), Python: "y"}}})
	}
	got := ""
	for _, e := range w.machine().recorded() {
		got += w.show([]Result{{"", Finding{Level: Level(e.name()), Message: e.dir}}})
		if e.gone != (e.project == w.at("home/gone")) || e.bare != (e.project == w.at("home/c")) || (e.err != nil) != (e.project == w.at("home/e")) {
			t.Errorf("%+v", e)
		}
	}
	if want := "W/home/a: W/home/a/.venv\nW/home/b: W/home/elsewhere\nW/home/c: \nW/home/d: W/home/d\nW/home/e: \nW/home/gone: \n" +
		"tool ruff: W/home/.local/share/uv/tools/ruff\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// A verdict is made once; another is made where the remembered one is not wanted.
func TestVerdict_remembered(t *testing.T) {
	w := newWorld(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w.file("home/a/.venv/pyvenv.cfg", "home = /x\n")
	w.file("home/a/.venv/lib/python3.14/site-packages/x.py", "")
	w.link("home/a/.venv/bin/python", self)
	w.record("2026-11-22", lock.Record{Project: []lock.Project{{Path: w.at("home/a"), Python: "x"}}})
	m := w.machine()
	m.System = nixld.Running()
	r := preflight.Request{System: m.System, Env: m.Host.Env, Python: w.at("home/a/.venv/bin/python"), Dir: m.Host.Dir, Memory: m.memory()}
	v, err := preflight.Check(r)
	if err != nil {
		t.Fatal(err)
	}
	v.Needs = []string{"libmadeup.so.1"}
	for m.memory().Save(r, v, "") != nil {
		time.Sleep(remember.Settle) // what was just made has to rest first
	}
	for _, row := range []struct {
		fresh bool
		want  int
	}{{false, 1}, {true, 0}, {false, 0}} { // a fresh look is remembered in its turn
		all := m.look(m.System, row.fresh)
		if len(all) != 1 || all[0].err != nil || len(all[0].verdict.Needs) != row.want {
			t.Errorf("fresh %v: %+v", row.fresh, all)
		}
	}
}
