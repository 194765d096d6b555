package sync

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"uvshim/policy"
	"uvshim/policy/version"
	"uvshim/shim/uv"
)

const platform = "-linux-x86_64-gnu"

// pythons returns interpreters by name, "3.14.1" or "pypy-3.11.13"; one with a "!" does not run.
func pythons(t *testing.T, names ...string) []Managed {
	t.Helper()
	var out []Managed
	for _, name := range names {
		name, broken := strings.CutSuffix(name, "!")
		if !strings.Contains(name, "-") {
			name = "cpython-" + name
		}
		i, err := version.ParseKey(name + platform)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, Managed{uv.Managed{Interpreter: i, Key: name + platform}, "1", !broken})
	}
	slices.SortFunc(out, func(a, b Managed) int { return version.Order(a.Interpreter, b.Interpreter) })
	return out
}

func links(name, key string) []Link { return []Link{{Name: name, Path: "/b/" + name, Key: key}} }

func TestMake(t *testing.T) {
	python := func(p policy.Python) policy.Policy { return policy.Policy{Python: p} }
	tools := func(prune bool, packages ...string) policy.Policy {
		return policy.Policy{Tool: policy.Tool{Packages: packages, Prune: prune}}
	}
	tool := func(name, request string) uv.Tool { return uv.Tool{Name: name, Request: request, Version: "1"} }
	pinned := Pin{Path: "/p", Text: "3.14", Ours: true}
	for _, c := range []struct {
		name    string
		wish    Wish
		machine Machine
		want    string // the steps
		note    string // part of a note; none if empty
	}{
		{name: "python_nothing_declared_removes_nothing", wish: Wish{Policy: python(policy.Python{Prune: true})},
			machine: Machine{Pythons: pythons(t, "3.14.1")}},
		{name: "python_missing", wish: Wish{Policy: python(policy.Python{Versions: []string{"3.14", "3.13"}, Default: []string{"3.14"}})},
			machine: Machine{Pythons: pythons(t, "3.13.8")},
			want:    "install python 3.14 as the default"},
		{name: "python_default_alone_is_declared", wish: Wish{Policy: python(policy.Python{Default: []string{"3.14"}})},
			want: "install python 3.14 as the default"},
		{name: "python_that_does_not_run_is_made_anew", wish: Wish{Policy: python(policy.Python{Versions: []string{"3.14"}})},
			machine: Machine{Pythons: pythons(t, "3.14.1!")},
			want:    "reinstall python 3.14"},
		{name: "python_free_threaded_is_no_answer_unasked", wish: Wish{Policy: python(policy.Python{Versions: []string{"3.14", "3.14t"}})},
			machine: Machine{Pythons: pythons(t, "3.14.1+freethreaded")},
			want:    "install python 3.14"},
		{name: "python_upgrade_only_where_uv_takes_it", wish: Wish{Upgrade: true, Policy: python(policy.Python{Versions: []string{"3.14", "3.13.8", ">=3.12", "3.15.0a1"}})},
			machine: Machine{Pythons: pythons(t, "3.14.1", "3.13.8", "3.15.0a1")},
			want:    "upgrade python 3.14, if uv has a newer one\nupgrade python >=3.12, if uv has a newer one"},
		{name: "python_links_of_another_minor", wish: Wish{Policy: python(policy.Python{Default: []string{"3.14"}})},
			machine: Machine{Pythons: pythons(t, "3.14.1", "3.13.8"), Links: links("python", "cpython-3.13.8"+platform)},
			want:    "link    python 3.14 as the default"},
		{name: "python_links_of_another_patch_of_the_minor", wish: Wish{Policy: python(policy.Python{Default: []string{"3.14.0"}})},
			machine: Machine{Pythons: pythons(t, "3.14.1", "3.14.0"), Links: links("python", "cpython-3.14.1"+platform)}},
		{name: "python_links_foreign", wish: Wish{Policy: python(policy.Python{Default: []string{"3.14"}})},
			machine: Machine{Pythons: pythons(t, "3.14.1"), Links: []Link{{Name: "python", Path: "/b/python", Foreign: true}}},
			note:    "/b/python is not uv's and stays"},
		{name: "python_links_of_pypy_are_its_own", wish: Wish{Policy: python(policy.Python{Default: []string{"pypy3.11"}})},
			machine: Machine{Pythons: pythons(t, "pypy-3.11.13"), Links: append(links("python", ""), links("pypy", "")...)},
			want:    "link    python pypy3.11 as the default"},

		{name: "prune_undeclared", wish: Wish{Policy: python(policy.Python{Versions: []string{"3.14"}, Prune: true})},
			machine: Machine{Pythons: pythons(t, "3.14.1", "3.13.8", "pypy-3.11.13")},
			want:    "remove  python cpython-3.13.8" + platform + "\nremove  python pypy-3.11.13" + platform},
		{name: "prune_off", wish: Wish{Policy: python(policy.Python{Versions: []string{"3.14"}})},
			machine: Machine{Pythons: pythons(t, "3.14.1", "3.13.8")}},
		{name: "prune_comes_after_what_is_missing", wish: Wish{Policy: python(policy.Python{Versions: []string{"3.14"}, Prune: true})},
			machine: Machine{Pythons: pythons(t, "3.13.8")},
			want:    "install python 3.14\nremove  python cpython-3.13.8" + platform},
		{name: "prune_spares_what_a_range_takes", wish: Wish{Policy: python(policy.Python{Versions: []string{">=3.13"}, Prune: true})},
			machine: Machine{Pythons: pythons(t, "3.15.0a1", "3.14.1", "3.13.8", "3.12.12")},
			want:    "remove  python cpython-3.15.0a1" + platform + "\nremove  python cpython-3.12.12" + platform},
		{name: "prune_spares_a_prerelease_that_is_all_there_is", wish: Wish{Policy: python(policy.Python{Versions: []string{"3.15"}, Prune: true})},
			machine: Machine{Pythons: pythons(t, "3.15.0a1")}},
		{name: "prune_superseded_patch", wish: Wish{Policy: python(policy.Python{Versions: []string{"3.14"}, Prune: true})},
			machine: Machine{Pythons: pythons(t, "3.14.1", "3.14.0", "3.14.0+freethreaded")},
			want:    "remove  python cpython-3.14.0" + platform},
		{name: "prune_spares_a_named_patch", wish: Wish{Policy: python(policy.Python{Versions: []string{"3.14", "3.14.0"}, Prune: true})},
			machine: Machine{Pythons: pythons(t, "3.14.1", "3.14.0")}},
		{name: "prune_spares_a_superseded_patch_in_use", wish: Wish{Policy: python(policy.Python{Versions: []string{"3.14"}, Prune: true})},
			machine: Machine{Pythons: pythons(t, "3.14.1", "3.14.0"), Environments: []Environment{{Path: "/demo/.venv", Key: "cpython-3.14.0" + platform}}},
			note:    "/demo/.venv runs on it"},
		{name: "prune_spares_what_a_tool_asked_for", wish: Wish{Policy: policy.Policy{
			Python: policy.Python{Versions: []string{"3.14"}, Prune: true}, Tool: policy.Tool{Packages: []string{"ruff"}}}},
			machine: Machine{Pythons: pythons(t, "3.14.1", "3.13.8"), Tools: []uv.Tool{tool("ruff", "ruff")},
				Environments: []Environment{{Path: "/t/ruff", Key: "cpython-3.13.8" + platform, Minor: true, Tool: "ruff", Asked: "3.13"}}},
			note: "the tool ruff was installed with --python 3.13"},
		{name: "prune_moves_a_tool_first", wish: Wish{Policy: policy.Policy{
			Python: policy.Python{Versions: []string{"3.14"}, Prune: true}, Tool: policy.Tool{Packages: []string{"ruff"}}}},
			machine: Machine{Pythons: pythons(t, "3.14.1", "3.13.8"), Tools: []uv.Tool{tool("ruff", "ruff")},
				Environments: []Environment{{Path: "/t/ruff", Key: "cpython-3.13.8" + platform, Minor: true, Tool: "ruff"}}},
			want: "move    tool ruff to python 3.14\nremove  python cpython-3.13.8" + platform},
		{name: "prune_with_no_python_to_move_a_tool_to", wish: Wish{Policy: policy.Policy{
			Python: policy.Python{Versions: []string{"3.14"}, Prune: true}, Tool: policy.Tool{Packages: []string{"ruff"}}}},
			machine: Machine{Pythons: pythons(t, "3.13.8"), Tools: []uv.Tool{tool("ruff", "ruff")},
				Environments: []Environment{{Path: "/t/ruff", Key: "cpython-3.13.8" + platform, Tool: "ruff"}}},
			want: "install python 3.14", note: "the tool ruff runs on it"},

		{name: "pin_set", wish: Wish{Policy: python(policy.Python{Default: []string{"pypy3.11", "3.14"}})},
			machine: Machine{Pythons: pythons(t, "3.14.1", "pypy-3.11.13"), Pin: Pin{Path: "/p", Ours: true}},
			want:    "pin     python 3.14 as uv's global pin"},
		{name: "pin_follows_the_default", wish: Wish{Policy: python(policy.Python{Default: []string{"3.13"}})},
			machine: Machine{Pythons: pythons(t, "3.13.8"), Pin: pinned},
			want:    "pin     python 3.13 as uv's global pin"},
		{name: "pin_of_the_user_stays", wish: Wish{Policy: python(policy.Python{Default: []string{"3.13"}})},
			machine: Machine{Pythons: pythons(t, "3.13.8"), Pin: Pin{Path: "/p", Text: "3.12"}},
			note:    `says "3.12" and not the default "3.13"`},
		{name: "pin_goes_with_the_default", machine: Machine{Pin: pinned}, want: "unpin   python 3.14, uv's global pin"},
		{name: "pin_of_the_user_stays_without_a_default", machine: Machine{Pin: Pin{Path: "/p", Text: "3.14"}}},

		{name: "tool_missing", wish: Wish{Policy: tools(false, "ruff>=1")}, want: "install tool ruff>=1"},
		{name: "tool_there", wish: Wish{Policy: tools(false, "Ruff >=1, <2")},
			machine: Machine{Tools: []uv.Tool{tool("ruff", "ruff<2,>=1")}}},
		{name: "tool_under_another_requirement", wish: Wish{Policy: tools(false, "ruff")},
			machine: Machine{Tools: []uv.Tool{tool("ruff", "ruff==1")}}, want: "install tool ruff"},
		{name: "tool_under_another_requirement_is_upgraded", wish: Wish{Upgrade: true, Policy: tools(false, "ruff", "black==2")},
			machine: Machine{Tools: []uv.Tool{tool("ruff", "ruff<1"), tool("black", "black<2")}},
			want:    "install tool ruff\ninstall tool black==2\nupgrade tool ruff, if there is a newer one"},
		{name: "tool_broken", wish: Wish{Policy: tools(false, "ruff")},
			machine: Machine{Tools: []uv.Tool{{Name: "ruff", Request: "ruff", Broken: errors.New("its Python is gone")}}},
			want:    "reinstall tool ruff: its Python is gone"},
		{name: "tool_upgrade", wish: Wish{Upgrade: true, Policy: tools(false, "ruff", "black==1", "git+https://u:p@example.org/x@v1")},
			machine: Machine{Tools: []uv.Tool{tool("ruff", "ruff"), tool("black", "black==1"), tool("x", "x @ git+https://example.org/x@v1"), tool("other", "other")}},
			want:    "upgrade tool ruff, if there is a newer one\nupgrade tool x, if there is a newer one"},
		{name: "tool_prune", wish: Wish{Policy: tools(true, "ruff")},
			machine: Machine{Tools: []uv.Tool{tool("black", "black"), tool("ruff", "ruff")}}, want: "remove  tool black"},
		{name: "tool_prune_keeps_what_may_be_an_unnamed_one", wish: Wish{Policy: tools(true, "git+https://example.org/x")},
			machine: Machine{Tools: []uv.Tool{tool("black", "black")}},
			want:    "install tool git+https://example.org/x", note: "the tool black stays"},
		{name: "tool_known_from_before", wish: Wish{Policy: tools(true, "weird thing")},
			machine: Machine{Tools: []uv.Tool{tool("black", "black")}, Known: map[string]string{"weird thing": "black\nblack"}}},
		{name: "tool_known_and_since_installed_otherwise", wish: Wish{Policy: tools(false, "weird thing")},
			machine: Machine{Tools: []uv.Tool{tool("black", "black==1")}, Known: map[string]string{"weird thing": "black\nblack"}},
			want:    "install tool weird thing"},
		{name: "tool_nothing_is_known_of_it", wish: Wish{Policy: tools(true, "git+https://example.org/x")},
			machine: Machine{Tools: []uv.Tool{{}}, Known: map[string]string{}},
			want:    "install tool git+https://example.org/x", note: "stays"},
		{name: "tool_declared_twice", wish: Wish{Policy: tools(false, "ruff", "ruff==1")},
			machine: Machine{Tools: []uv.Tool{tool("ruff", "ruff")}}, note: "declared twice"},

		{name: "home_manager_pythons", wish: Wish{Upgrade: true, Policy: policy.Policy{
			Python: policy.Python{Versions: []string{"3.14"}, Prune: true}, Tool: policy.Tool{Packages: []string{"ruff"}}}},
			machine: Machine{Pythons: pythons(t, "3.13.8"), Home: HomeManager{Versions: []string{"3.13"}}},
			want:    "install tool ruff", note: "the Pythons are left to Home Manager"},
		{name: "home_manager_unreadable_nothing_is_removed", wish: Wish{Policy: policy.Policy{
			Python: policy.Python{Versions: []string{"3.14"}, Prune: true}, Tool: policy.Tool{Packages: []string{"ruff"}, Prune: true}}},
			machine: Machine{Pythons: pythons(t, "3.13.8"), Tools: []uv.Tool{tool("black", "black")}, Home: HomeManager{File: "/a", Err: errors.New("gone")}},
			want:    "install python 3.14\ninstall tool ruff", note: "nothing is removed: what Home Manager declares is not known, as its generation cannot be read: gone"},
		{name: "home_manager_tools", wish: Wish{Policy: tools(true, "ruff")},
			machine: Machine{Tools: []uv.Tool{tool("black", "black")}, Home: HomeManager{PruneTool: true}},
			note:    "the tools are left to Home Manager"},
		{name: "home_manager_and_no_default_there_to_pin", wish: Wish{Policy: python(policy.Python{Default: []string{"3.14"}})},
			machine: Machine{Pin: Pin{Path: "/p", Ours: true}, Home: HomeManager{PrunePython: true}}, note: "left to Home Manager"},

		{name: "locked_missing_other_build_and_there", wish: Wish{Exactly: &Exact{Pythons: []Python{
			{Version: "cpython-3.14.0", Build: "2"}, {Version: "cpython-3.13.8", Build: "2"}, {Version: "cpython-3.12.12", Build: "1"}}}},
			machine: Machine{Pythons: pythons(t, "3.14.1", "3.13.8", "3.12.12")},
			want:    "install python cpython-3.14.0 of build 2\nreinstall python cpython-3.13.8 of build 2"},
		{name: "locked_tools", wish: Wish{Exactly: &Exact{Tools: []Tool{
			{Name: "a", Request: "a", Resolved: []string{"a==1"}}, {Name: "b", Request: "b", Resolved: []string{"b==1"}},
			{Name: "c", Request: "c", Resolved: []string{"c==1"}}, {Name: "d", Request: "d", Resolved: []string{"d==1"}}}}},
			machine: Machine{Tools: []uv.Tool{
				{Name: "a", Request: "a", Resolved: []string{"a==1"}}, {Name: "b", Request: "b", Resolved: []string{"b==2"}},
				{Name: "c", Request: "c==1", Resolved: []string{"c==1"}}, {Name: "d", Request: "d", Resolved: []string{"d==1"}, Constraints: []string{"d==1"}}}},
			want: "install tool b: b==1\ninstall tool c: c==1\ninstall tool d: d==1"},
		{name: "locked_removes_nothing", wish: Wish{Exactly: &Exact{Pythons: []Python{{Version: "cpython-3.14.1"}}},
			Policy: policy.Policy{Python: policy.Python{Versions: []string{"3.14"}, Prune: true}, Tool: policy.Tool{Prune: true}}},
			machine: Machine{Pythons: pythons(t, "3.14.1", "3.13.8"), Tools: []uv.Tool{tool("black", "black")}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan := Make(c.wish, c.machine)
			var got []string
			for _, s := range plan.Steps {
				got = append(got, s.String())
			}
			if text := strings.Join(got, "\n"); text != c.want {
				t.Errorf("planned\n%s\nwant\n%s", text, c.want)
			}
			notes := strings.Join(plan.Notes, "\n")
			if c.note == "" && notes != "" || !strings.Contains(notes, c.note) {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
		})
	}
}

func TestMake_breaks(t *testing.T) {
	old, now := "cpython-3.13.7"+platform, "cpython-3.13.8"+platform
	environments := []Environment{
		{Path: "/gone/tool", Key: now, Tool: "black"},
		{Path: "/minor/.venv", Key: now, Minor: true},
		{Path: "/now/.venv", Key: now},
		{Path: "/other/.venv", Key: "cpython-3.14.1" + platform, Minor: true},
		{Path: "/patch/.venv", Key: old},
	}
	for _, c := range []struct {
		name      string
		versions  []string
		toolPrune bool
		want      map[string]string
	}{
		{"the_minor_goes", []string{"3.14"}, false, map[string]string{old: "/patch/.venv", now: "/gone/tool /minor/.venv /now/.venv"}},
		{"with_its_tools", []string{"3.14"}, true, map[string]string{old: "/patch/.venv", now: "/minor/.venv /now/.venv"}},
		{"a_patch_of_it_is_left", []string{"3.14", "3.13.7"}, true, map[string]string{now: "/now/.venv"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := policy.Policy{Python: policy.Python{Versions: c.versions, Prune: true}, Tool: policy.Tool{Prune: c.toolPrune}}
			got := map[string]string{}
			for _, s := range Make(Wish{Policy: p}, Machine{Pythons: pythons(t, "3.14.1", "3.13.8", "3.13.7"), Environments: environments}).Steps {
				got[s.Subject] = strings.Join(s.Breaks, " ")
			}
			if len(got) != len(c.want) {
				t.Errorf("removes %v, want %v", got, c.want)
			}
			for key, breaks := range c.want {
				if was, ok := got[key]; !ok || was != breaks {
					t.Errorf("%s breaks %q, want %q", key, was, breaks)
				}
			}
		})
	}
}

// What a removal takes from a recorded project that only pins is told too, and how to keep it.
func TestMake_pins(t *testing.T) {
	pin := func(text string) Pinned {
		r, err := version.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return Pinned{"/p/" + text, r}
	}
	m := Machine{Pythons: pythons(t, "3.14.1", "3.13.8", "3.13.7"), Pins: []Pinned{pin(">=3.13"), pin("3.13"), pin("3.13.7"), pin("3.14")}}
	p := policy.Policy{Python: policy.Python{Versions: []string{"3.14"}, Prune: true}}
	got := map[string]string{}
	for _, s := range Make(Wish{Policy: p}, m).Steps {
		got[s.Subject] = strings.Join(s.Pins, " ") + ", " + s.Spare()
	}
	for key, want := range map[string]string{
		"cpython-3.13.8" + platform: "/p/3.13, shim declare python 3.13",
		"cpython-3.13.7" + platform: "/p/3.13 /p/3.13.7, shim declare python 3.13.7",
	} {
		if got[key] != want {
			t.Errorf("%s: %q, want %q", key, got[key], want)
		}
	}
}

func TestPlan_Needed(t *testing.T) {
	p := Plan{Steps: []Step{{Kind: UpgradePython}, {Kind: SetPin}, {Kind: UpgradeTool}, {Kind: RemoveTool}}}
	if got := p.Needed(); len(got) != 2 || len(p.Steps) != 4 {
		t.Errorf("needed: %v", got)
	}
}
