package resolve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
	"uvshim/shim/uv/cli"
)

// synced is a project in work with an environment of 3.13, which uv has installed into.
const synced = py313 + `
-- work/pyproject.toml --
[project]
name = "work"
requires-python = ">=3.12"
-- work/uv.lock --
-- work/.venv/pyvenv.cfg --
home = x
version_info = 3.13.8
-- work/.venv/.lock --
-- work/.venv/lib/python3.13/site-packages/x --
`

// environment completes what synced writes down: its interpreter, and the order of its times.
func (w world) environment(t *testing.T, dir, interpreter string) {
	t.Helper()
	w.link(t, dir+"/bin/python", w.path(interpreter))
	w.aged(t, "work/pyproject.toml", time.Hour)
	w.aged(t, "work/uv.lock", time.Hour)
}

// aged sets a file's time to be that long ago.
func (w world) aged(t *testing.T, name string, age time.Duration) {
	t.Helper()
	when := time.Now().Add(-age)
	if err := os.Chtimes(w.path(name), when, when); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
}

func (w world) place(t *testing.T, call string, env []string) Place {
	t.Helper()
	words := strings.Fields(strings.ReplaceAll(call, "ROOT", w.root))
	q := w.question(t, "python", env)
	return ForUV(q, cli.Parse(words[0], words[1:]).With(q.Host.Env))
}

// What the real uv cannot be asked in the table of its own, or only at great cost.
func TestForUV(t *testing.T) {
	for _, c := range []struct {
		name     string
		files    string // beside synced
		env      []string
		call     string
		kind     PlaceKind
		at       string
		complete bool
		why      string // part of it
	}{
		{name: "complete", call: "uv run x", kind: PlaceProject, at: "work/.venv", complete: true},
		{name: "not_understood", call: "uv run --no-such-thing x", why: "not understood"},
		{name: "no_environment", call: "uv cache clean", why: "no environment"},
		{name: "no_lock", files: "-- work/uv.lock --\n", call: "uv run x", kind: PlaceProject, at: "work/.venv", complete: true},
		{name: "preview_variable", env: []string{"UV_PREVIEW=1"}, call: "uv run x", kind: PlaceProject, why: "preview"},
		{name: "preview_feature", call: "uv run --preview-features centralized-project-envs x", kind: PlaceProject, why: "preview"},
		{name: "preview_setting", files: "-- work/uv.toml --\npreview = true\n", call: "uv run x", kind: PlaceProject, why: "preview"},
		{name: "preview_setting_taken_back", files: "-- work/uv.toml --\npreview = true\n", call: "uv run --no-preview x", kind: PlaceProject, at: "work/.venv", complete: true},
		{name: "preview_setting_no_config", files: "-- work/uv.toml --\npreview = true\n", call: "uv run --no-config x", kind: PlaceProject, at: "work/.venv", complete: true},
		{name: "preview_venv", files: "-- work/uv.toml --\npreview = true\n", call: "uv venv", kind: PlaceProject, why: "preview"},
		{name: "preview_override", env: []string{"UV_PREVIEW=1", "UV_PROJECT_ENVIRONMENT=.venv"}, call: "uv run x", kind: PlaceProject, at: "work/.venv", complete: true},
		{name: "global_pin_fits", files: "-- home/.config/uv/.python-version --\n3.13\n", call: "uv run x", kind: PlaceProject, at: "work/.venv", complete: true},
		{name: "global_pin_other", files: "-- home/.config/uv/.python-version --\n3.14\n", call: "uv run x", kind: PlaceProject, at: "work/.venv", why: "asked for"},
		{name: "global_pin_out_of_range", files: "-- home/.config/uv/.python-version --\n3.10\n", call: "uv run x", kind: PlaceProject, at: "work/.venv", complete: true},
		{name: "pin_other", files: "-- work/.python-version --\n3.14\n", call: "uv run x", kind: PlaceProject, at: "work/.venv", why: "asked for"},
		{name: "pin_no_config", files: "-- work/.python-version --\n3.14\n", call: "uv run --no-config x", kind: PlaceProject, at: "work/.venv", complete: true},
		{name: "pin_no_config_variable", env: []string{"UV_NO_CONFIG=1"}, files: "-- work/.python-version --\n3.14\n", call: "uv run x", kind: PlaceProject, at: "work/.venv", complete: true},
		{name: "pin_is_a_path", files: "-- work/.python-version --\n/x/python\n", call: "uv run x", kind: PlaceProject, at: "work/.venv", why: "not clear"},
		{name: "pin_above_the_root", files: "-- .python-version --\n3.10\n", call: "uv run x", kind: PlaceProject, at: "work/.venv", complete: true},
		{name: "only_managed", env: []string{"UV_MANAGED_PYTHON=1"}, call: "uv run x", kind: PlaceProject, at: "work/.venv", complete: true},
		{name: "only_system", env: []string{"UV_NO_MANAGED_PYTHON=1"}, call: "uv run x", kind: PlaceProject, at: "work/.venv", why: "preferred"},
		{name: "only_system_option", call: "uv run --no-managed-python x", kind: PlaceProject, at: "work/.venv", why: "preferred"},
		{name: "only_system_beats_variable", env: []string{"UV_MANAGED_PYTHON=1"}, call: "uv run --no-managed-python x", kind: PlaceProject, at: "work/.venv", why: "preferred"},
		{name: "preference_option", call: "uv run --python-preference only-system x", kind: PlaceProject, at: "work/.venv", why: "preferred"},
		{name: "found_only_system", env: []string{"UV_NO_MANAGED_PYTHON=1"}, call: "uv run --no-project x", why: "no interpreter"},
		{name: "bare_managed", env: []string{"DIR=ROOT"}, call: "uv run x", kind: PlaceSystem, complete: true},
		{name: "bare_with", env: []string{"DIR=ROOT"}, call: "uv run --with r x", kind: PlaceSystem, why: "--with adds"},
		{name: "bare_with_editable", env: []string{"DIR=ROOT"}, call: "uv run --with-editable r x", kind: PlaceSystem, why: "--with-editable"},
		{name: "bare_with_requirements", env: []string{"DIR=ROOT"}, call: "uv run --with-requirements r x", kind: PlaceSystem, why: "--with-requirements"},
		{name: "uv_as_module", env: []string{"DIR=ROOT", "UV_INTERNAL__PARENT_INTERPRETER=/x"}, call: "uv run x", why: "module"},
		{name: "pip_target_setting", files: "-- work/uv.toml --\n[pip]\ntarget = 't'\n", call: "uv pip install x", why: "target"},
		{name: "pip_python_setting", files: "-- work/uv.toml --\n[pip]\npython = '3.12'\n", call: "uv pip install x", why: "no environment"},
		{name: "pip_system_setting", files: "-- work/uv.toml --\n[pip]\nsystem = true\n", call: "uv pip install x", kind: PlaceSystem, why: "about to"},
		{name: "pip_python_name", call: "uv pip install -p python x", why: "not known"},
		{name: "pip_python_directory_without_one", files: "-- work/d/pyvenv.cfg --\nhome = /x\n", call: "uv pip install -p ./d x", why: "has no Python"},
		{name: "script_with_lock", files: "-- work/m.py --\n# /// script\n# ///\n", call: "uv sync --script m.py", kind: PlaceScript, at: "home/.cache/uv/environments-v2/m-", why: "about to"},
		{name: "script_cache_setting_relative", files: "-- work/m.py --\n# /// script\n# ///\n-- work/uv.toml --\ncache-dir = 'c'\n", call: "uv run m.py", kind: PlaceScript, why: "not certain"},
		{name: "no_such_request", call: "uv run -p 2.7t x", kind: PlaceProject, at: "work/.venv", why: "asked for"},
		{name: "frozen_broken_project", files: "-- work/pyproject.toml --\n[project\n", call: "uv sync --frozen", why: "cannot be used"},
		{name: "tool_without_python", files: "-- home/.local/share/uv/tools/x/uv-receipt.toml --\n[tool]\nrequirements = [{ name = \"x\" }]\n-- home/.local/share/uv/tools/x/pyvenv.cfg --\nhome = /x\n", call: "uvx x", kind: PlaceCached, why: "in uv's cache"},
		{name: "tool_path", call: "uv tool install .", why: "cannot be said"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := makeWorld(t, synced+c.files)
			w.environment(t, "work/.venv", minor313)
			got := w.place(t, c.call, c.env)
			if got.Kind != c.kind || got.Complete != c.complete || !strings.Contains(got.Why, c.why) || got.Complete && got.Why != "" {
				t.Errorf("kind %v, complete %v (%s); want %v, %v (%s)", got.Kind, got.Complete, got.Why, c.kind, c.complete, c.why)
			}
			want := ""
			if c.at != "" {
				want = w.path(c.at)
			}
			if got.Environment != want && (want == "" || !strings.HasPrefix(got.Environment, want) || !strings.HasSuffix(want, "-")) {
				t.Errorf("environment %q, want %q (%s)", got.Environment, want, got.Why)
			}
		})
	}
}

func TestForUV_withoutDirectory(t *testing.T) {
	w := makeWorld(t, synced)
	q := w.question(t, "python", nil)
	q.Host.Dir = ""
	if got := ForUV(q, cli.Parse("uv", []string{"run", "x"})); got.Kind != PlaceNone || got.Why == "" {
		t.Errorf("%+v", got)
	}
}

// How an environment's files must lie for it to be complete, and that Settled makes up for it.
func TestForUV_complete(t *testing.T) {
	for _, c := range []struct {
		name, call string
		change     func(t *testing.T, w world)
		why        string
		settles    bool // Settled makes it complete
	}{
		{name: "newer_pyproject", call: "uv run x", change: touch("work/pyproject.toml"), why: "older than pyproject.toml", settles: true},
		{name: "newer_lock", call: "uv run x", change: touch("work/uv.lock"), why: "older than uv.lock", settles: true},
		{name: "newer_pyproject_frozen", call: "uv run --frozen x", change: touch("work/pyproject.toml")},
		{name: "newer_lock_frozen", call: "uv run --frozen x", change: touch("work/uv.lock"), why: "older than uv.lock", settles: true},
		{name: "newer_lock_no_sync", call: "uv run --no-sync x", change: touch("work/uv.lock")},
		{name: "no_lock", call: "uv run x", change: remove("work/uv.lock"), why: "no uv.lock"},
		{name: "never_installed", call: "uv run x", change: remove("work/.venv/.lock"), why: "nothing was installed", settles: true},
		{name: "no_site_packages", call: "uv run x", change: remove("work/.venv/lib"), why: "site-packages"},
		{name: "no_config", call: "uv run x", change: remove("work/.venv/pyvenv.cfg"), why: "no virtual environment"},
		{name: "no_python", call: "uv run x", change: remove("work/.venv/bin/python"), why: "no Python"},
		{name: "upgraded", call: "uv run x", change: config("version_info = 3.13.7"), why: "made with Python 3.13.7"},
		{name: "upgraded_minor_only", call: "uv run x", change: config("version_info = 3.13")},
		{name: "requires_more", call: "uv run x", change: requires(">=3.14"), why: "requires-python"},
		{name: "extra", call: "uv run --extra e x", change: nothing, why: "--extra", settles: true},
		{name: "with", call: "uv run --with e x", change: nothing, why: "--with"},
		{name: "reinstall", call: "uv run --reinstall x", change: nothing, why: "--reinstall"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := makeWorld(t, synced)
			w.environment(t, "work/.venv", minor313)
			c.change(t, w)
			got := w.place(t, c.call, nil)
			if got.Complete != (c.why == "") || !strings.Contains(got.Why, c.why) {
				t.Fatalf("complete %v (%s), want %q", got.Complete, got.Why, c.why)
			}
			if c.why == "" {
				return
			}
			facts := w.question(t, "python", nil).Facts
			got.Settled(facts)
			if again := w.place(t, c.call, nil); again.Complete != c.settles {
				t.Errorf("settled, it is complete: %v (%s)", again.Complete, again.Why)
			}
			if !c.settles {
				return
			}
			if other := w.place(t, c.call+" --no-dev", nil); !other.Complete {
				t.Errorf("an option behind the program counts: %s", other.Why)
			}
			if other := w.place(t, strings.Replace(c.call, "run", "run --all-groups", 1), nil); other.Complete {
				t.Error("settled for other options too")
			}
			w.write(t, "work/uv.lock", "changed", 0o644)
			if again := w.place(t, c.call, nil); again.Complete {
				t.Error("settled, although uv.lock changed since")
			}
		})
	}
}

func nothing(*testing.T, world) {}

func touch(name string) func(*testing.T, world) {
	return func(t *testing.T, w world) { w.aged(t, name, -time.Hour) }
}

func remove(name string) func(*testing.T, world) {
	return func(t *testing.T, w world) {
		if err := os.RemoveAll(w.path(name)); err != nil {
			t.Fatal(err)
		}
	}
}

func requires(text string) func(*testing.T, world) {
	return func(t *testing.T, w world) {
		w.write(t, "work/pyproject.toml", "[project]\nrequires-python = '"+text+"'\n", 0o644)
		w.aged(t, "work/pyproject.toml", time.Hour)
	}
}

func config(text string) func(*testing.T, world) {
	return func(t *testing.T, w world) { w.write(t, "work/.venv/pyvenv.cfg", text, 0o644) }
}

// What lies in a project may be anybody's, and must cost no more than an answer that is none.
func TestForUV_hostile(t *testing.T) {
	fifo := func(name string) func(t *testing.T, w world) {
		return func(t *testing.T, w world) {
			_ = os.RemoveAll(w.path(name))
			if err := unix.Mkfifo(w.path(name), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name, call string
		change     func(t *testing.T, w world)
	}{
		{"fifo_environment", "uv run x", fifo("work/.venv")},
		{"fifo_environment_bare", "uv run --no-project x", fifo("work/.venv")},
		{"fifo_pin", "uv run --no-project x", fifo("work/.python-version")},
		{"fifo_python", "uv run x", fifo("work/.venv/bin/python")},
		{"fifo_config", "uv run x", fifo("work/.venv/pyvenv.cfg")},
		{"fifo_script", "uv run --script s", fifo("work/s")},
		{"fifo_settings", "uv pip install x", fifo("work/uv.toml")},
		{"fifo_lock", "uv run x", fifo("work/uv.lock")},
		{"redirect_to_nothing", "uv run x", func(t *testing.T, w world) {
			remove("work/.venv")(t, w)
			w.write(t, "work/.venv", "../gone\n", 0o644)
		}},
		{"redirect_to_itself", "uv run x", func(t *testing.T, w world) {
			remove("work/.venv")(t, w)
			w.link(t, "work/.venv", ".venv")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := makeWorld(t, synced)
			w.environment(t, "work/.venv", minor313)
			c.change(t, w)
			done := make(chan Place, 1)
			go func() { done <- w.place(t, c.call, nil) }()
			select {
			case got := <-done:
				if c.name == "redirect_to_nothing" && got.Environment != "" {
					t.Errorf("an environment that uv refuses: %+v", got)
				}
				if got.Complete && got.Environment != "" && c.name != "fifo_pin" && c.name != "fifo_lock" {
					t.Errorf("%+v", got)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("it hangs")
			}
		})
	}
}

// A link into uv's cache is of a preview feature's making, which this does not follow.
func TestForUV_linkIntoCache(t *testing.T) {
	w := makeWorld(t, synced)
	w.environment(t, "work/.venv", minor313)
	if err := os.MkdirAll(w.path("home/.cache/uv/environments-v2"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(w.path("work/.venv"), w.path("home/.cache/uv/environments-v2/work-1")); err != nil {
		t.Fatal(err)
	}
	w.link(t, "work/.venv", "../home/.cache/uv/environments-v2/work-1")
	if got := w.place(t, "uv run x", nil); got.Environment != "" || !strings.Contains(got.Why, "cache") {
		t.Errorf("%+v", got)
	}
}

func TestForUV_tools(t *testing.T) {
	const tool = py313 + `
-- work/x --
-- tools/ruff/pyvenv.cfg --
version_info = 3.13.8
-- tools/ruff/uv-receipt.toml --
[tool]
requirements = [{ name = "ruff" }]
-- tools/ruff/lib/python3.13/site-packages/ruff-0.5.dist-info/x --
-- tools/my-tool/pyvenv.cfg --
version_info = 3.13.8
-- tools/my-tool/lib/python3.13/site-packages/my_tool-1.dist-info/x --
-- tools/my-tool/uv-receipt.toml --
[tool]
-- tools/.lock --
-- tools/Not-Normal/x --
`
	for _, c := range []struct {
		name, files, call string
		env               []string
		kind              PlaceKind
		all               string
	}{
		{name: "installed", call: "uvx ruff", kind: PlaceTool, all: "ruff"},
		{name: "extras", call: "uvx ruff[x]", kind: PlaceTool, all: "ruff"},
		{name: "version", call: "uvx ruff@0.5", kind: PlaceTool, all: "ruff"},
		{name: "version_of_two_words", call: "uvx My_Tool@1", kind: PlaceTool, all: "my-tool"},
		{name: "version_other", call: "uvx ruff@0.6", kind: PlaceCached},
		{name: "by_url", call: "uvx git+https://localhost/x"},
		{name: "by_url_behind_name", call: "uvx --from ruff@git+https://localhost/x ruff"},
		{name: "range", call: "uvx ruff>=1"},
		{name: "python", call: "uvx python3.12", kind: PlaceCached},
		{name: "python_at", call: "uvx pypy@3.10", kind: PlaceCached},
		{name: "python_of_a_tools_name", files: "-- tools/pypy/pyvenv.cfg --\nversion_info = 3.13.8\n-- tools/pypy/uv-receipt.toml --\n[tool]\n", call: "uvx pypy", kind: PlaceCached},
		{name: "latest", call: "uvx ruff@latest", kind: PlaceCached},
		{name: "python_in_a_name", call: "uvx python-tool", kind: PlaceCached},
		{name: "no_receipt", files: "-- tools/none/pyvenv.cfg --\nversion_info = 3.13.8\n", call: "uvx none", kind: PlaceCached},
		{name: "receipt_with_options", files: "-- tools/ruff/uv-receipt.toml --\n[tool]\n[tool.options]\nprerelease = 'allow'\n", call: "uvx ruff"},
		{name: "settings_of_the_user", files: "-- home/.config/uv/uv.toml --\nindex-url = 'https://localhost'\n", call: "uvx ruff"},
		{name: "settings_without_a_say", files: "-- home/.config/uv/uv.toml --\npython-preference = 'managed'\n", call: "uvx ruff", kind: PlaceTool, all: "ruff"},
		{name: "settings_of_the_project", files: "-- work/uv.toml --\nindex-url = 'https://localhost'\n", call: "uvx ruff", kind: PlaceTool, all: "ruff"},
		{name: "global_pin_other", files: "-- home/.config/uv/.python-version --\n3.12\n", call: "uvx ruff", kind: PlaceCached},
		{name: "global_pin_no_config", files: "-- home/.config/uv/.python-version --\n3.12\n", call: "uvx --no-config ruff", kind: PlaceTool, all: "ruff"},
		{name: "global_pin_no_config_variable", files: "-- home/.config/uv/.python-version --\n3.12\n", call: "uvx ruff", env: []string{"UV_NO_CONFIG=1"}, kind: PlaceTool, all: "ruff"},
		{name: "upgrade_all", call: "uv tool upgrade --all", kind: PlaceTool, all: "my-tool ruff"},
		{name: "uninstall_two", call: "uv tool uninstall zz Ruff", kind: PlaceTool, all: "ruff zz"},
		{name: "install_requirement", call: "uv tool install ruff==1", kind: PlaceTool, all: "ruff"},
		{name: "install_at", call: "uv tool install ruff@latest", kind: PlaceTool, all: "ruff"},
	} {
		w := makeWorld(t, tool+c.files)
		for _, name := range []string{"ruff", "my-tool", "none", "pypy"} {
			w.link(t, "tools/"+name+"/bin/python", w.path(minor313))
		}
		for _, name := range []string{"none", "pypy"} {
			if !strings.Contains(c.files, "tools/"+name+"/") {
				remove("tools/"+name)(t, w)
			}
		}
		got := w.place(t, c.call, append(c.env, "UV_TOOL_DIR=ROOT/tools"))
		var all []string
		for _, dir := range got.Environments {
			all = append(all, filepath.Base(dir))
		}
		if got.Kind != c.kind || strings.Join(all, " ") != c.all {
			t.Errorf("%s: %v %q (%s), want %v %q", c.name, got.Kind, all, got.Why, c.kind, c.all)
		}
	}
}

func TestCondaBase(t *testing.T) {
	w := makeWorld(t, "-- pixi/conda-meta/pixi --\n")
	for _, c := range []struct {
		name, prefix string
		env          host.Env
		want         bool
	}{
		{"nothing_known", "/c/envs/x", nil, false},
		{"root", "/c", host.Env{"_CONDA_ROOT=/c"}, true},
		{"other_root", "/c/envs/x", host.Env{"_CONDA_ROOT=/c"}, false},
		{"by_name", "/c", host.Env{"CONDA_DEFAULT_ENV=base"}, true},
		{"named", "/c/envs/x", host.Env{"CONDA_DEFAULT_ENV=x"}, false},
		{"by_path", "/c/envs/x", host.Env{"CONDA_DEFAULT_ENV=/c/envs/x"}, false},
		{"pixi", w.path("pixi"), host.Env{"CONDA_DEFAULT_ENV=default"}, false},
	} {
		if got := condaBase(c.env, c.prefix); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
