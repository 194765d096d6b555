package resolve

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"uvshim/policy/version"
	"uvshim/shim/host"
	"uvshim/shim/remember"
	"uvshim/shim/uv"
	"uvshim/testscripts/parts"
)

// A world is a machine in a directory. Its text is a txtar archive: a comment of directives, then
// files. Directives, one a line, with paths below the world's root:
//
//	managed KEY    an interpreter of uv's; the newest of a minor gets the minor link
//	program PATH   something executable that is no script
//	link PATH TARGET
//	mode PATH OCTAL
type world struct{ root string }

func makeWorld(t *testing.T, text string) world {
	t.Helper()
	w := world{t.TempDir()}
	archive := txtar.Parse([]byte(text))
	for _, f := range archive.Files {
		w.write(t, f.Name, string(f.Data), 0o644)
	}
	for _, line := range strings.Split(string(archive.Comment), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		switch fields[0] {
		case "managed":
			i, err := version.ParseKey(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			w.write(t, "uv/"+fields[1]+"/bin/"+i.Executable(), "\x7fELF", 0o755)
			if link := i.MinorLink(); link != "" {
				_ = os.Remove(w.path("uv/" + link))
				w.link(t, "uv/"+link, w.path("uv/"+fields[1]))
			}
		case "program":
			w.write(t, fields[1], "\x7fELF", 0o755)
		case "link":
			target := fields[2]
			if strings.HasPrefix(target, "/") {
				target = w.path(target)
			}
			w.link(t, fields[1], target)
		case "mode":
			var mode os.FileMode
			for _, c := range fields[2] {
				mode = mode<<3 | os.FileMode(c-'0')
			}
			if err := os.Chmod(w.path(fields[1]), mode); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("unknown directive %q", line)
		}
	}
	return w
}

func (w world) path(name string) string { return filepath.Join(w.root, name) }

func (w world) write(t *testing.T, name, data string, mode os.FileMode) {
	t.Helper()
	path := w.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), mode); err != nil {
		t.Fatal(err)
	}
}

func (w world) link(t *testing.T, name, target string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(w.path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, w.path(name)); err != nil {
		t.Fatal(err)
	}
}

// question asks for "python3.12" or "python +3.12" in this world. In env, ROOT stands for its root.
func (w world) question(t *testing.T, call string, env []string) Question {
	t.Helper()
	name, selector, _ := strings.Cut(call, " +")
	constraint, ok := version.FromName(name)
	if !ok {
		t.Fatalf("no name of a Python: %q", name)
	}
	q := Question{Name: name, Constraint: constraint}
	if name != "python" && name != "python3" {
		q.Explicit = name
	}
	if selector != "" {
		request, err := version.Parse(selector)
		if err != nil {
			t.Fatal(err)
		}
		q.Constraint, q.Explicit = request, "+"+selector
	}
	e := host.Env{"HOME=" + w.path("home"), "UV_PYTHON_INSTALL_DIR=" + w.path("uv"), "PATH=" + w.path("bin")}
	for _, entry := range env {
		name, value, _ := strings.Cut(strings.ReplaceAll(entry, "ROOT", w.root), "=")
		e = e.With(name, value)
	}
	q.Host = host.Host{Env: e, Dir: w.path("work"), UID: os.Geteuid()}
	if dir := e.Get("DIR"); dir != "" {
		q.Host.Dir = dir
	}
	q.UV = uv.Locate(e, q.Host.Dirs(), q.Host.Dir)
	q.Facts = remember.Open(q.Host)
	q.Up = uv.Look(q.Facts, q.Host.Dir)
	q.Finder = host.NewFinder(e.Get("PATH"))
	return q
}

const (
	py312 = "managed cpython-3.12.11-linux-x86_64-gnu\n"
	py313 = "managed cpython-3.13.8-linux-x86_64-gnu\n"
	py314 = "managed cpython-3.14.1-linux-x86_64-gnu\n"
	free  = "managed cpython-3.14.1+freethreaded-linux-x86_64-gnu\n"
	alpha = "managed cpython-3.15.0a1-linux-x86_64-gnu\n"
	pypy  = "managed pypy-3.11.13-linux-x86_64-gnu\n"
	all   = py312 + py313 + py314

	minor312 = "uv/cpython-3.12-linux-x86_64-gnu/bin/python3.12"
	minor313 = "uv/cpython-3.13-linux-x86_64-gnu/bin/python3.13"
	minor314 = "uv/cpython-3.14-linux-x86_64-gnu/bin/python3.14"
)

// answers is the text of a script that says what it is when it is asked, as a Python would.
func answers(path, what string) string {
	return "-- " + path + " --\n#!/bin/sh\nprintf 'shim " + what + " \\n'\n"
}

// A Nix shell's Python. The store cannot be made here: a directory counts by how PATH has it.
const (
	shell  = "program shell/bin/python3.11\nlink shell/bin/python3 python3.11\n"
	behind = "PATH=ROOT/bin:/nix/store/../..ROOT/shell/bin"
)

func TestPython(t *testing.T) {
	for _, c := range []struct {
		name       string
		world      string
		env        []string
		defaults   string
		call       string
		want       string // below the root
		source     string
		passedOver string // a part of the trail
		warning    string // a part of the warnings, or "none"
	}{
		{name: "newest_managed", world: all, want: minor314, source: "newest"},
		{name: "newest_not_prerelease", world: all + alpha, want: minor314, source: "newest"},
		{name: "newest_only_prerelease", world: alpha, want: "uv/cpython-3.15-linux-x86_64-gnu/bin/python3.15", source: "newest"},
		{name: "newest_gil_before_free_threaded", world: free + py314, want: minor314, source: "newest"},
		{name: "newest_no_other_implementation", world: pypy + py312, want: minor312, source: "newest"},
		{name: "path_without_managed", world: "program bin/python3.11\nlink bin/python3 python3.11\n", want: "bin/python3", source: "PATH"},
		{name: "path_python2_is_none", world: "program bin/python2.7\nlink bin/python python2.7\nprogram bin/python3.11\n", want: "bin/python3.11", source: "PATH"},
		{name: "path_relative_entry_skipped", world: "program work/python3.11\nprogram bin/python3.12\n", env: []string{"PATH=:.:work:ROOT/bin"}, want: "bin/python3.12", source: "PATH"},
		{name: "path_shim_directory_skipped", world: "program shims/python3\nprogram bin/python3.12\n-- shims/.shim-dir --\n", env: []string{"PATH=ROOT/shims:ROOT/bin"}, want: "bin/python3.12", source: "PATH"},
		{name: "path_managed_link_is_managed", world: py312 + "link bin/python3.12 /" + minor312 + "\n", want: minor312, source: "newest"},
		{name: "path_other_minor", world: "program bin/python3.11\nlink bin/python3 python3.11\n", call: "python +3.12"},
		{name: "path_newest_name", world: "program bin/python3.9\nprogram bin/python3.10\nprogram bin/python3.14\nprogram bin/python3.13\nprogram bin/python3.11\nprogram bin/python3.8\n", want: "bin/python3.14", source: "PATH"},
		{name: "path_other_programs_are_not_asked", world: "mode bin/other 755\n" + answers("bin/other", "cpython 3.12.1"), want: ""},
		{name: "path_script_is_asked", world: py314 + "mode bin/python3 755\n" + answers("bin/python3", "cpython 3.12.7"), call: "python +3.12", want: "bin/python3", source: "PATH"},
		{name: "path_script_answers_against_its_name", world: "mode bin/python3.12 755\n" + answers("bin/python3.12", "cpython 3.11.7"), call: "python3.12"},
		{name: "path_prerelease_unasked", world: "mode bin/python3.15 755\n" + answers("bin/python3.15", "cpython 3.15.0a1"), call: "python +3.15", want: "bin/python3.15", source: "PATH"},
		{name: "path_other_implementation_as_python", world: "program bin/pypy3.11\nlink bin/python pypy3.11\n", want: "bin/python", source: "PATH"},
		{name: "path_other_implementation_as_python3", world: "program bin/pypy3.11\nlink bin/python3 pypy3.11\n", want: "bin/python3", source: "PATH"},
		{name: "path_other_implementation_as_minor", world: "program bin/pypy3.11\nlink bin/python3.11 pypy3.11\n", call: "python +3.11"},
		{name: "path_before_managed_prerelease", world: alpha + "program bin/python3.12\nlink bin/python3 python3.12\n", want: "bin/python3", source: "PATH"},

		{name: "name_minor", world: all, call: "python3.12", want: minor312, source: "newest"},
		{name: "name_minor_over_default", world: all, call: "python3.12", defaults: "3.13", want: minor312, source: "newest", passedOver: "at odds with python3.12"},
		{name: "name_free_threaded", world: py314 + free, call: "python3.14t", want: "uv/cpython-3.14+freethreaded-linux-x86_64-gnu/bin/python3.14t", source: "newest"},
		{name: "name_pypy", world: all + pypy, call: "pypy3", want: "uv/pypy-3.11.13-linux-x86_64-gnu/bin/pypy3.11", source: "newest"},
		{name: "name_minor_on_path", world: py314 + "program bin/python3.11\n", call: "python3.11", want: "bin/python3.11", source: "PATH"},

		{name: "selector_minor", world: all, call: "python +3.13", want: minor313, source: "newest"},
		{name: "selector_replaces_name", world: all, call: "python3.12 +3.13", want: minor313, source: "newest"},
		{name: "selector_patch_takes_patch_directory", world: all, call: "python +3.13.8", want: "uv/cpython-3.13.8-linux-x86_64-gnu/bin/python3.13", source: "newest"},
		{name: "selector_range", world: all, call: "python +<3.14", want: minor313, source: "newest"},
		{name: "selector_over_pin", world: all + "-- work/.python-version --\n3.12\n", call: "python +3.13", want: minor313, source: "newest", passedOver: "at odds with +3.13"},
		{name: "selector_within_pin_range", world: all + "-- work/.python-version --\n>=3.12\n", call: "python +3.13", want: minor313, source: "pin"},

		{name: "managed_two_patches_takes_newest", world: "managed cpython-3.12.11-linux-x86_64-gnu\nmanaged cpython-3.12.12-linux-x86_64-gnu\n", want: minor312, source: "newest"},
		{name: "managed_link_to_other_patch", world: "managed cpython-3.12.12-linux-x86_64-gnu\nmanaged cpython-3.12.11-linux-x86_64-gnu\n", want: "uv/cpython-3.12.12-linux-x86_64-gnu/bin/python3.12", source: "newest"},
		{name: "managed_not_executable_is_passed", world: all + "mode uv/cpython-3.14.1-linux-x86_64-gnu/bin/python3.14 644\n", want: minor313, source: "newest"},
		{name: "managed_two_not_executable", world: all + "mode uv/cpython-3.14.1-linux-x86_64-gnu/bin/python3.14 644\nmode uv/cpython-3.13.8-linux-x86_64-gnu/bin/python3.13 644\n", want: minor312, source: "newest"},

		{name: "virtual_env_answers", world: all + "link venv/bin/python /" + minor312 + "\n-- venv/pyvenv.cfg --\nversion_info = 3.12.11\n", env: []string{"VIRTUAL_ENV=ROOT/venv"}, want: "venv/bin/python", source: "VIRTUAL_ENV"},
		{name: "virtual_env_by_typed_name", world: all + "link venv/bin/python3 /" + minor312 + "\nlink venv/bin/python python3\n", env: []string{"VIRTUAL_ENV=ROOT/venv"}, call: "python3", want: "venv/bin/python3", source: "VIRTUAL_ENV"},
		{name: "virtual_env_over_pin", world: all + "link venv/bin/python /" + minor312 + "\n-- work/.python-version --\n3.13\n", env: []string{"VIRTUAL_ENV=ROOT/venv"}, want: "venv/bin/python", source: "VIRTUAL_ENV"},
		{name: "virtual_env_of_other_minor", world: all + "link venv/bin/python /" + minor312 + "\n", env: []string{"VIRTUAL_ENV=ROOT/venv"}, call: "python3.13", want: minor313, source: "newest", passedOver: "it is Python 3.12.11, not python3.13"},
		{name: "virtual_env_gone", world: all, env: []string{"VIRTUAL_ENV=ROOT/venv"}, want: minor314, source: "newest", passedOver: "no Python in it that can be run", warning: "none"},
		{name: "virtual_env_without_python", world: all + "-- venv/pyvenv.cfg --\n", env: []string{"VIRTUAL_ENV=ROOT/venv"}, want: minor314, source: "newest", warning: "has no Python that can be run"},
		{name: "virtual_env_of_no_environment", world: all + "program venv/x\n", env: []string{"VIRTUAL_ENV=ROOT/venv"}, want: minor314, source: "newest", warning: "none"},
		{name: "virtual_env_python3_only", world: all + "link venv/bin/python3 /" + minor312 + "\n", env: []string{"VIRTUAL_ENV=ROOT/venv"}, want: "venv/bin/python3", source: "VIRTUAL_ENV"},
		{name: "virtual_env_is_asked", world: all + "mode venv/bin/python 755\n" + answers("venv/bin/python", "cpython 3.12.7"), env: []string{"VIRTUAL_ENV=ROOT/venv"}, call: "python3.12", want: "venv/bin/python", source: "VIRTUAL_ENV"},
		{name: "virtual_env_answers_other", world: all + "mode venv/bin/python 755\n" + answers("venv/bin/python", "cpython 3.11.7"), env: []string{"VIRTUAL_ENV=ROOT/venv"}, call: "python3.12", want: minor312, source: "newest", passedOver: "it is Python 3.11.7, not python3.12"},
		{name: "virtual_env_before_conda", world: all + "program conda/bin/python3.11\nlink conda/bin/python python3.11\nlink venv/bin/python /" + minor312 + "\n", env: []string{"VIRTUAL_ENV=ROOT/venv", "CONDA_PREFIX=ROOT/conda"}, want: "venv/bin/python", source: "VIRTUAL_ENV"},
		{name: "conda_answers", world: all + "program conda/bin/python3.11\nlink conda/bin/python python3.11\n", env: []string{"CONDA_PREFIX=ROOT/conda"}, want: "conda/bin/python", source: "CONDA_PREFIX"},
		{name: "conda_without_python", world: all + "-- conda/conda-meta/history --\n", env: []string{"CONDA_PREFIX=ROOT/conda"}, want: minor314, source: "newest", warning: "has no Python that can be run"},

		{name: "nix_shell_answers", world: all + shell, env: []string{"IN_NIX_SHELL=impure", behind}, want: "shell/bin/python3", source: "nix shell"},
		{name: "nix_shell_by_direnv", world: all + shell, env: []string{"DIRENV_DIR=-/x", behind}, want: "shell/bin/python3", source: "nix shell"},
		{name: "nix_shell_over_pin", world: all + shell + "-- work/.python-version --\n3.12\n", env: []string{"IN_NIX_SHELL=impure", behind}, want: "shell/bin/python3", source: "nix shell"},
		{name: "nix_shell_after_virtual_env", world: all + shell + "link venv/bin/python /" + minor312 + "\n", env: []string{"VIRTUAL_ENV=ROOT/venv", "IN_NIX_SHELL=impure", behind}, want: "venv/bin/python", source: "VIRTUAL_ENV"},
		{name: "nix_shell_of_other_minor", world: all + shell, call: "python3.12", env: []string{"IN_NIX_SHELL=impure", behind}, want: minor312, source: "newest", passedOver: "it is Python 3.11, not python3.12"},
		{name: "nix_shell_second_fits", world: all + shell + "program two/bin/python3.12\n", call: "python3.12", env: []string{"IN_NIX_SHELL=impure", behind + ":/nix/store/../..ROOT/two/bin"}, want: "two/bin/python3.12", source: "nix shell"},
		{name: "nix_shell_without_one", world: all + shell, env: []string{behind}, want: minor314, source: "newest"},
		{name: "nix_shell_python_outside_the_store", world: all + shell, env: []string{"IN_NIX_SHELL=impure", "PATH=ROOT/shell/bin"}, want: minor314, source: "newest"},

		{name: "uv_python_request", world: all, env: []string{"UV_PYTHON=3.12"}, want: minor312, source: "UV_PYTHON"},
		{name: "uv_python_over_pin", world: all + "-- work/.python-version --\n3.13\n", env: []string{"UV_PYTHON=3.12"}, want: minor312, source: "UV_PYTHON"},
		{name: "uv_python_file", world: all + "program my/python\n", env: []string{"UV_PYTHON=ROOT/my/python"}, want: "my/python", source: "UV_PYTHON"},
		{name: "uv_python_directory", world: all + "link venv/bin/python /" + minor312 + "\n", env: []string{"UV_PYTHON=ROOT/venv"}, want: "venv/bin/python", source: "UV_PYTHON"},
		{name: "uv_python_name", world: all + "program bin/foopython\n", env: []string{"UV_PYTHON=foopython"}, want: "bin/foopython", source: "UV_PYTHON"},
		{name: "uv_python_relative", world: all + "program work/my/python\n", env: []string{"UV_PYTHON=./my/python"}, want: "work/my/python", source: "UV_PYTHON"},
		{name: "uv_python_refused", world: all + "-- work/.python-version --\n3.12\n", env: []string{"UV_PYTHON=2.7"}, want: minor312, source: "pin", passedOver: "before 3.6", warning: "UV_PYTHON is passed over"},

		{name: "pin_nearest", world: all + "-- work/.python-version --\n3.13\n-- .python-version --\n3.12\n", want: minor313, source: "pin"},
		{name: "pin_upwards", world: all + "-- .python-version --\n3.12\n", want: minor312, source: "pin"},
		{name: "pin_over_default", world: all + "-- work/.python-version --\n3.12\n", defaults: "3.13", want: minor312, source: "pin"},
		{name: "pin_versions_file", world: all + "-- work/.python-versions --\n3.12\n3.13\n", want: minor312, source: "pin"},
		{name: "pin_version_before_versions", world: all + "-- work/.python-version --\n3.13\n-- work/.python-versions --\n3.12\n", want: minor313, source: "pin"},
		{name: "pin_comment_and_blank", world: all + "-- work/.python-version --\n# ours\n\n  3.12  \n", want: minor312, source: "pin"},
		{name: "pin_name_is_no_request", world: all + "-- work/.python-version --\nsystem\n3.12\n", want: minor312, source: "pin", passedOver: "pin system", warning: ".python-version:1: \"system\" is no version, and passed over"},
		{name: "pin_empty_ends_search", world: all + "-- work/.python-version --\n\n-- .python-version --\n3.12\n", want: minor314, source: "newest"},
		{name: "pin_path_refused", world: all + "program evil/python\n-- work/.python-version --\nROOT/evil/python\n./evil/python\n", want: minor314, source: "newest", passedOver: "a path in a project's file is not followed", warning: ".python-version:2: a path is not followed from a project's file"},
		{name: "pin_path_then_request", world: all + "-- work/.python-version --\n../evil\n3.12\n", want: minor312, source: "pin"},
		{name: "pin_at_odds_passed_over", world: all + "-- work/.python-version --\n3.12\n", call: "python3.13", want: minor313, source: "newest", passedOver: "at odds with python3.13"},
		{name: "pin_within_implementation", world: all + "-- work/.python-version --\n3.12\n", call: "python +cpython", want: minor312, source: "pin"},
		{name: "pin_other_implementation", world: all + pypy + "-- work/.python-version --\npypy\n", want: "uv/pypy-3.11.13-linux-x86_64-gnu/bin/pypy3.11", source: "pin"},
		{name: "pin_patch_takes_patch_directory", world: all + "-- work/.python-version --\n3.13.8\n", want: "uv/cpython-3.13.8-linux-x86_64-gnu/bin/python3.13", source: "pin"},
		{name: "pin_refused_ends_search", world: all + "-- work/.python-version --\n2.7\n3.12\n-- .python-version --\n3.13\n", want: minor314, source: "newest", passedOver: "before 3.6", warning: ".python-version:1: passed over: "},
		{name: "pin_too_long_ends_search", world: all + "-- work/.python-version --\n#" + strings.Repeat("x", 64<<10) + "\n3.12\n", want: minor314, source: "newest", passedOver: "pin (", warning: ".python-version\" is passed over: "},
		{name: "pin_not_above_project", world: all + "-- .python-version --\n3.12\n-- work/pyproject.toml --\n[project]\nname = 'x'\n", want: minor314, source: "newest"},
		{name: "pin_up_to_workspace_root", world: all + "-- ws/pyproject.toml --\n[tool.uv.workspace]\nmembers = ['pkg/*']\n-- ws/.python-version --\n3.12\n-- ws/pkg/a/pyproject.toml --\n[project]\nname = 'a'\n", env: []string{"DIR=ROOT/ws/pkg/a"}, want: minor312, source: "pin"},
		{name: "pin_not_of_workspace_that_excludes", world: all + "-- ws/pyproject.toml --\n[tool.uv.workspace]\nmembers = ['pkg/*']\nexclude = ['pkg/a']\n-- ws/.python-version --\n3.12\n-- ws/pkg/a/pyproject.toml --\n[project]\nname = 'a'\n", env: []string{"DIR=ROOT/ws/pkg/a"}, want: minor314, source: "newest"},
		{name: "pin_ignored_without_config", world: all + "-- work/.python-version --\n3.12\n", env: []string{"UV_NO_CONFIG=1"}, want: minor314, source: "newest", warning: "none"},
		{name: "pin_directory_is_no_file", world: all + "-- work/.python-version/x --\n-- .python-version --\n3.12\n", want: minor312, source: "pin"},

		{name: "requires_python", world: all + "-- work/pyproject.toml --\n[project]\nrequires-python = '>=3.12,<3.14'\n", defaults: "3.14", want: minor313, source: "requires-python"},
		{name: "requires_python_after_pin", world: all + "-- work/.python-version --\n3.12\n-- work/pyproject.toml --\n[project]\nrequires-python = '>=3.12'\n", want: minor312, source: "pin"},
		{name: "requires_python_broken_toml", world: all + "-- work/pyproject.toml --\n[project\n", defaults: "3.12", want: minor312, source: "policy default", passedOver: "requires-python (", warning: "pyproject.toml is passed over: "},
		{name: "requires_python_no_specifier", world: all + pypy + "-- work/pyproject.toml --\n[project]\nrequires-python = 'pypy'\n", want: minor314, source: "newest", passedOver: "not a version specifier", warning: "requires-python \"pypy\" is passed over"},
		{name: "requires_python_refused", world: all + "-- work/pyproject.toml --\n[project]\nrequires-python = '2.7'\n", want: minor314, source: "newest", passedOver: "before 3.6", warning: "requires-python \"2.7\" is passed over"},
		{name: "requires_python_unmanaged_project", world: all + "-- work/pyproject.toml --\n[project]\nrequires-python = '<3.14'\n[tool.uv]\nmanaged = false\n", want: minor314, source: "newest"},

		{name: "default", world: all, defaults: "3.13", want: minor313, source: "policy default"},
		{name: "default_over_global_pin", world: all + "-- home/.config/uv/.python-version --\n3.12\n", defaults: "3.13", want: minor313, source: "policy default"},
		{name: "default_of_implementation", world: all + pypy, defaults: "pypy@3.11 3.13", want: minor313, source: "policy default"},
		{name: "default_of_cpython_by_name", world: all + pypy, defaults: "pypy@3.11 cpython@3.13", want: minor313, source: "policy default"},
		{name: "default_refused_is_passed", world: all, defaults: "2.7 3.12", want: minor312, source: "policy default"},
		{name: "default_of_implementation_by_name", world: all + pypy, defaults: "3.13 pypy@3.11", call: "pypy", want: "uv/pypy-3.11.13-linux-x86_64-gnu/bin/pypy3.11", source: "policy default"},
		{name: "pin_of_other_implementation", world: all + pypy + "-- work/.python-version --\n3.13\n", call: "pypy", want: "uv/pypy-3.11.13-linux-x86_64-gnu/bin/pypy3.11", source: "newest", passedOver: "at odds with pypy"},
		{name: "requires_python_any_implementation", world: all + pypy + "-- work/pyproject.toml --\n[project]\nrequires-python = '>=3.10'\n", call: "pypy", want: "uv/pypy-3.11.13-linux-x86_64-gnu/bin/pypy3.11", source: "requires-python"},
		{name: "global_pin", world: all + "-- home/.config/uv/.python-version --\n3.12\n", want: minor312, source: "global pin"},
		{name: "global_pin_ignored_without_config", world: all + "-- home/.config/uv/.python-version --\n3.12\n", env: []string{"UV_NO_CONFIG=1"}, want: minor314, source: "newest"},

		{name: "preference_system", world: all + "program bin/python3.12\n", env: []string{"UV_PYTHON_PREFERENCE=system"}, call: "python +3.12", want: "bin/python3.12", source: "PATH"},
		{name: "preference_system_leaves_managed_links", world: py312 + "link bin/python3.12 /" + minor312 + "\n", env: []string{"UV_PYTHON_PREFERENCE=system"}, call: "python +3.12", want: minor312, source: "newest"},
		{name: "preference_only_managed", world: all + "program bin/python3.12\n", env: []string{"UV_MANAGED_PYTHON=1"}, call: "python +3.12", want: minor312, source: "newest"},
		{name: "preference_only_system", world: all + "program bin/python3.11\n", env: []string{"UV_NO_MANAGED_PYTHON=1"}, want: "bin/python3.11", source: "PATH"},
		{name: "preference_in_user_config", world: all + "program bin/python3.12\n-- home/.config/uv/uv.toml --\npython-preference = 'system'\n", call: "python +3.12", want: "bin/python3.12", source: "PATH"},
		{name: "preference_in_project_config", world: all + "program bin/python3.12\n-- uv.toml --\npython-preference = 'system'\n-- home/.config/uv/uv.toml --\npython-preference = 'managed'\n", call: "python +3.12", want: "bin/python3.12", source: "PATH"},
		{name: "preference_in_pyproject", world: all + "program bin/python3.12\n-- work/pyproject.toml --\n[tool.uv]\npython-preference = 'only-system'\n", call: "python +3.12", want: "bin/python3.12", source: "PATH"},
		{name: "preference_managed_1st", world: all + "program bin/python3.12\n", call: "python +3.12", want: minor312, source: "newest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := makeWorld(t, c.world)
			if err := os.MkdirAll(w.path("work"), 0o755); err != nil {
				t.Fatal(err)
			}
			if c.call == "" {
				c.call = "python"
			}
			q := w.question(t, c.call, c.env)
			q.Default = strings.Fields(c.defaults)
			got, err := Python(q)
			if c.want == "" {
				if err == nil {
					t.Fatalf("got %s, want an error", got.Path)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\ntrail: %v", err, got.Trail)
			}
			if warnings := strings.Join(got.Warnings, "\n"); c.warning == "none" && warnings != "" || c.warning != "none" && !strings.Contains(warnings, c.warning) {
				t.Errorf("warnings %q, want %q", warnings, c.warning)
			}
			if onPath := c.source == "PATH" || c.source == "nix shell" || c.name == "uv_python_name"; got.FromPath != onPath {
				t.Errorf("from PATH: %t", got.FromPath)
			}
			if got.Path != w.path(c.want) || got.Source != c.source {
				t.Errorf("got  %s by %q\nwant %s by %q\ntrail: %v", got.Path, got.Source, w.path(c.want), c.source, got.Trail)
			}
			var trail strings.Builder
			for _, s := range got.Trail {
				trail.WriteString(s.String() + "\n")
			}
			if !strings.Contains(trail.String(), c.passedOver) {
				t.Errorf("trail lacks %q:\n%s", c.passedOver, &trail)
			}
			if n := len(got.Trail); n == 0 || !got.Trail[n-1].Decided {
				t.Errorf("the last step of the trail did not decide:\n%s", &trail)
			}
		})
	}
}

func TestPython_notInstalled(t *testing.T) {
	for _, c := range []struct {
		name, world, call, defaults string
		env                         []string
		want                        string // ROOT stands for the root
		have                        string
		trail                       string // a part of it
	}{
		{name: "selector", trail: "nothing installed satisfies it", world: all + "-- work/.python-version --\n3.11\n", call: "python +3.11", want: `no Python is installed that satisfies "3.11", requested by +3.11`, have: "3.14 3.13 3.12"},
		{name: "versioned_name", world: all + free, call: "python3.11", want: `no Python is installed that satisfies "3.11", requested by python3.11`, have: "3.14 3.14t 3.13 3.12"},
		{name: "pin", world: all + "-- work/.python-version --\n# a\n3.11\n", want: `no Python is installed that satisfies "3.11", requested by ROOT/work/.python-version:2`, have: "3.14 3.13 3.12"},
		{name: "pin_patch", world: all + "-- work/.python-version --\n3.12.1\n", want: `no Python is installed that satisfies "3.12.1", requested by ROOT/work/.python-version:1`, have: "3.14 3.13 3.12"},
		{name: "uv_python", world: all, env: []string{"UV_PYTHON=3.11"}, want: `no Python is installed that satisfies "3.11", requested by UV_PYTHON`, have: "3.14 3.13 3.12"},
		{name: "default", world: py312, defaults: "3.14", want: `no Python is installed that satisfies "3.14", requested by policy default`, have: "3.12"},
		{name: "requires_python", world: py312 + "-- work/pyproject.toml --\n[project]\nrequires-python = '>=3.13'\n", want: `no Python is installed that satisfies ">=3.13", requested by ROOT/work/pyproject.toml`, have: "3.12"},
		{name: "selector_beside_a_range", world: all + "-- work/pyproject.toml --\n[project]\nrequires-python = '>=3.11'\n", call: "python +3.99", want: `no Python is installed that satisfies "3.99", requested by +3.99`, have: "3.14 3.13 3.12"},
		{name: "name_within_a_pin", world: all + "-- work/.python-version --\n>=3.12.12\n", call: "python3.12", want: `no Python is installed that satisfies ">=3.12.12", requested by ROOT/work/.python-version:1`, have: "3.14 3.13 3.12"},
		{name: "pin_with_nothing_installed", world: "-- work/.python-version --\n3.11\n", want: `no Python is installed that satisfies "3.11", requested by ROOT/work/.python-version:1`},
		{name: "uv_python_name", world: all, env: []string{"UV_PYTHON=foopython"}, want: `there is no Python "foopython", requested by UV_PYTHON`, have: "3.14 3.13 3.12", trail: "no such Python"},
		{name: "uv_python_path", world: all, env: []string{"UV_PYTHON=ROOT/no/python"}, want: `there is no Python "ROOT/no/python", requested by UV_PYTHON`, have: "3.14 3.13 3.12", trail: "no such Python"},
		{name: "uv_python_directory", world: all, env: []string{"UV_PYTHON=ROOT/work/"}, want: `there is no Python "ROOT/work/", requested by UV_PYTHON`, have: "3.14 3.13 3.12", trail: "no such Python"},
		{name: "nothing_at_all", want: "no Python is installed: uv has none, and there is none on PATH"},
		{name: "only_managed_wanted", world: "program bin/python3.12\n", env: []string{"UV_MANAGED_PYTHON=1"}, want: "no Python is installed: uv has none, and there is none on PATH"},
		{name: "installed_and_not_executable", trail: "what satisfies it cannot be run", world: all + "mode uv/cpython-3.13.8-linux-x86_64-gnu/bin/python3.13 644\n-- work/.python-version --\n3.13\n", want: `cpython-3.13.8-linux-x86_64-gnu, which satisfies "3.13", requested by ROOT/work/.python-version:1, is installed and cannot be run: bin/python3.13 is not executable`, have: "3.14 3.12"},
		{name: "free_threaded_is_not_3_13", world: "managed cpython-3.13.8+freethreaded-linux-x86_64-gnu\n", call: "python3.13", want: `no Python is installed that satisfies "3.13", requested by python3.13`, have: "3.13t"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := makeWorld(t, c.world)
			if err := os.MkdirAll(w.path("work"), 0o755); err != nil {
				t.Fatal(err)
			}
			if c.call == "" {
				c.call = "python"
			}
			q := w.question(t, c.call, c.env)
			q.Default = strings.Fields(c.defaults)
			got, err := Python(q)
			var missing *NotInstalled
			if !errors.As(err, &missing) {
				t.Fatalf("got %s, %v; want a NotInstalled", got.Path, err)
			}
			if want := strings.ReplaceAll(c.want, "ROOT", w.root); err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
			if trail := fmt.Sprint(got.Trail); !strings.Contains(trail, c.trail) {
				t.Errorf("trail %s, want %q", trail, c.trail)
			}
			if have := strings.Join(missing.Have, " "); have != c.have {
				t.Errorf("have %q, want %q", have, c.have)
			}
		})
	}
}

func TestPython_globalPinNamesPath(t *testing.T) {
	w := makeWorld(t, py312+"program my/python3.11\nprogram work/x\n")
	w.write(t, "home/.config/uv/.python-version", w.path("my/python3.11")+"\n", 0o644)
	got, err := Python(w.question(t, "python", nil))
	if err != nil || got.Path != w.path("my/python3.11") {
		t.Errorf("got %s, %v", got.Path, err)
	}
}

// The project's environment answers only where nobody but the caller can have made it.
func TestPython_projectEnvironment(t *testing.T) {
	const project = all + "-- work/pyproject.toml --\n[project]\nname = 'x'\n"
	const venv = "link work/.venv/bin/python /" + minor312 + "\n"
	for _, c := range []struct {
		name, world, call string
		env               []string
		chown             string // given to another user
		want              string // "" stands for minor314: passed over
		warning           string // and in the trail
		trail             string
	}{
		{name: "answers", world: venv, want: "work/.venv/bin/python"},
		{name: "from_below", world: venv + "program work/a/b/x\n", env: []string{"DIR=ROOT/work/a/b"}, want: "work/.venv/bin/python"},
		{name: "other_minor", world: venv, call: "python3.13", want: minor313},
		{name: "none", want: minor314},
		{name: "uv_project_environment", world: "link work/env/bin/python /" + minor312 + "\n", env: []string{"UV_PROJECT_ENVIRONMENT=env"}, want: "work/env/bin/python"},
		{name: "uv_project_environment_outside", world: "link env/bin/python /" + minor312 + "\n", env: []string{"UV_PROJECT_ENVIRONMENT=ROOT/env"}, want: "env/bin/python"},
		{name: "redirect_file_crlf", world: "link work/other/bin/python /" + minor312 + "\n-- work/.venv --\nother\r\n", want: "work/other/bin/python"},
		{name: "without_python", world: "-- work/.venv/pyvenv.cfg --\n", trail: "no Python in it that can be run"},
		{name: "redirect_file", world: "link work/other/bin/python /" + minor312 + "\n-- work/.venv --\nother\n", want: "work/other/bin/python"},
		{name: "script", world: "program work/.venv/bin/python\n", warning: "is not a link to a Python"},
		{name: "link_into_project", world: "program work/bin/python3.12\nlink work/.venv/bin/python ../../bin/python3.12\n", warning: "inside the project"},
		{name: "link_out_and_in_again", world: "program work/bin/python3.12\nlink work/.venv/bin/python /out\nlink out /work/bin/python3.12\n", warning: "inside the project"},
		{name: "link_to_no_python", world: "program elsewhere/sh\nlink work/.venv/bin/python /elsewhere/sh\n", warning: "no Python's name"},
		{name: "world_writable_bin", world: venv + "mode work/.venv/bin 777\n", warning: "others can write"},
		{name: "world_writable_environment", world: venv + "mode work/.venv 777\n", warning: "others can write"},
		{name: "world_writable_project", world: venv + "mode work 777\n", warning: "others can write"},
		{name: "world_writable_between", world: "link work/a/env/bin/python /" + minor312 + "\nmode work/a 777\n", env: []string{"UV_PROJECT_ENVIRONMENT=a/env"}, warning: "others can write"},
		{name: "other_owner_environment", world: venv, chown: "work/.venv", warning: "belongs to another user"},
		{name: "other_owner_bin", world: venv, chown: "work/.venv/bin", warning: "belongs to another user"},
		{name: "other_owner_project", world: venv, chown: "work", warning: "belongs to another user"},
		{name: "other_owner_python", world: "program elsewhere/python3.12\nlink work/.venv/bin/python /elsewhere/python3.12\n", chown: "elsewhere/python3.12", warning: "belongs to another user"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(project, "-- work", c.world+"-- work", 1)
			if comment, files, ok := strings.Cut(c.world, "-- "); ok {
				text = strings.Replace(project, "-- work", comment+"-- work", 1) + "-- " + files
			}
			w := makeWorld(t, text)
			if c.chown != "" {
				if os.Geteuid() != 0 {
					t.Skip("only root can give a file to another user")
				}
				if err := os.Lchown(w.path(c.chown), 12345, 12345); err != nil {
					t.Fatal(err)
				}
			}
			if c.call == "" {
				c.call = "python"
			}
			if c.want == "" {
				c.want = minor314
			}
			q := w.question(t, c.call, c.env)
			q.InProject = true
			got, err := Python(q)
			if err != nil {
				t.Fatal(err)
			}
			if got.Path != w.path(c.want) {
				t.Errorf("got %s, want %s\ntrail: %v", got.Path, w.path(c.want), got.Trail)
			}
			if warnings := strings.Join(got.Warnings, "\n"); c.warning == "" && warnings != "" || !strings.Contains(warnings, c.warning) {
				t.Errorf("warnings %q, want %q", warnings, c.warning)
			}
			trail := fmt.Sprint(got.Trail)
			if !strings.Contains(trail, c.warning) || !strings.Contains(trail, c.trail) || c.name == "none" && len(got.Trail) != 1 {
				t.Errorf("trail %s", trail)
			}
			if last := got.Trail[len(got.Trail)-1]; !strings.HasPrefix(c.want, "uv/") {
				file := ""
				if strings.HasPrefix(c.name, "redirect_file") {
					file = w.path("work/.venv")
				}
				if last.Source != "project environment" || last.File != file {
					t.Errorf("the last step: %+v", last)
				}
			}
			q.InProject = false
			if got, err := Python(q); err != nil || got.Source == "project environment" {
				t.Errorf("without the policy's word: %s by %s, %v", got.Path, got.Source, err)
			}
		})
	}
}

func TestPython_projectEnvironmentWithoutProject(t *testing.T) {
	w := makeWorld(t, all+"link env/bin/python /"+minor312+"\nprogram work/x\n")
	q := w.question(t, "python", []string{"UV_PROJECT_ENVIRONMENT=ROOT/env"})
	q.InProject = true
	if got, err := Python(q); err != nil || got.Path != w.path(minor314) {
		t.Errorf("got %s, %v", got.Path, err)
	}
}

func TestPython_pinOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to another user")
	}
	w := makeWorld(t, all+"-- work/.python-version --\n3.11\n")
	if err := os.Chown(w.path("work/.python-version"), 12345, 12345); err != nil {
		t.Fatal(err)
	}
	_, err := Python(w.question(t, "python", nil))
	var missing *NotInstalled
	if !errors.As(err, &missing) || !missing.Foreign {
		t.Errorf("%v: not marked as foreign", err)
	}
	// the same pin in a directory of the caller's own
	if err := os.Chown(w.path("work/.python-version"), 0, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Python(w.question(t, "python", nil)); !errors.As(err, &missing) || missing.Foreign {
		t.Errorf("%v: marked as foreign", err)
	}
	// root's files are nobody else's
	q := w.question(t, "python", nil)
	q.Host.UID = 4711
	if _, err := Python(q); !errors.As(err, &missing) || missing.Foreign {
		t.Errorf("%v: root's is marked as foreign", err)
	}
}

// Sources that have nothing to say are not in the trail, and what was not asked for is no request.
func TestPython_trail(t *testing.T) {
	w := makeWorld(t, all+"program work/x\n")
	q := w.question(t, "python", nil)
	got, err := Python(q)
	if err != nil || len(got.Trail) != 1 || got.Trail[0].String() != "newest: answers" || got.Request != "" {
		t.Errorf("%v, request %q, %v", got.Trail, got.Request, err)
	}
	if got, err = Python(w.question(t, "python3.12", nil)); err != nil || got.Request != "3.12" {
		t.Errorf("request %q, %v", got.Request, err)
	}
	q.Default, q.DefaultPos = []string{"3.13"}, func() (string, int) { return "policy.toml", 7 }
	if got, err = Python(q); err != nil || got.Trail[0].String() != "policy default 3.13 (policy.toml:7): answers" {
		t.Errorf("%v, %v", got.Trail, err)
	}
}

// What is relative counts from the working directory, and an activated environment never is.
func TestPython_relative(t *testing.T) {
	w := makeWorld(t, all+"link work/venv/bin/python /"+minor312+"\nprogram other/x\n-- work/.python-version --\n3.12\n")
	t.Chdir(w.path("work"))
	got, err := Python(w.question(t, "python", []string{"VIRTUAL_ENV=venv", "DIR=ROOT/other"}))
	if err != nil || got.Path != w.path(minor314) || got.Trail[0].Reason != "not an absolute path" || len(got.Trail) != 2 {
		t.Errorf("%s, %v, %v", got.Path, got.Trail, err)
	}
	if got, err = Python(w.question(t, "python", []string{"UV_PYTHON=./venv"})); err != nil || got.Path != w.path("work/venv/bin/python") {
		t.Errorf("%s, %v", got.Path, err)
	}
	// without a configuration directory there is no global pin, here neither
	q := w.question(t, "python", []string{"DIR=ROOT/other"})
	q.UV.Config = ""
	if got, err = Python(q); err != nil || got.Path != w.path(minor314) {
		t.Errorf("%s by %s, %v", got.Path, got.Source, err)
	}
}

// What stands on PATH and is no directory is not waited for.
func TestPython_fifoOnPath(t *testing.T) {
	w := makeWorld(t, "program bin/python3.12\nprogram work/x\n")
	if err := syscall.Mkfifo(w.path("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Python(w.question(t, "python", []string{"PATH=ROOT/fifo:ROOT/bin"}))
	if err != nil || got.Path != w.path("bin/python3.12") {
		t.Errorf("%s, %v", got.Path, err)
	}
}

// A real Python tells its patch when it is asked for one.
func TestPython_asks(t *testing.T) {
	exe := parts.Pythons(t)[0].Exe
	out, err := exec.Command(exe, "-c", "import platform; print(platform.python_version())").Output()
	if err != nil {
		t.Fatal(err)
	}
	patch := strings.TrimSpace(string(out))
	w := makeWorld(t, "program work/x\n")
	w.link(t, "bin/python3", exe)
	got, err := Python(w.question(t, "python +"+patch, nil))
	if err != nil || got.Path != w.path("bin/python3") || got.Interpreter.Version.String() != patch {
		t.Errorf("%s %v, %v", got.Path, got.Interpreter, err)
	}
}

func TestPins(t *testing.T) {
	for _, c := range []struct {
		name, files string
		env         []string
		want        string
	}{
		{name: "none"},
		{name: "versions_first", files: "-- work/.python-version --\n3.12\n-- work/.python-versions --\n3.13\nsystem\n# x\n3.14\n", want: "3.13 3.14"},
		{name: "version", files: "-- work/.python-version --\n3.12\n", want: "3.12"},
		{name: "refused_line", files: "-- work/.python-version --\n2.7\n3.12\n", want: "3.12"},
		{name: "global", files: "-- home/.config/uv/.python-version --\n3.12\n", want: "3.12"},
		{name: "global_versions_first", files: "-- home/.config/uv/.python-version --\n3.12\n-- home/.config/uv/.python-versions --\n3.13\n", want: "3.13"},
		{name: "nearest_before_global", files: "-- work/.python-version --\n3.14\n-- home/.config/uv/.python-version --\n3.12\n", want: "3.14"},
		{name: "without_config", files: "-- work/.python-version --\n3.14\n-- home/.config/uv/.python-version --\n3.12\n", env: []string{"UV_NO_CONFIG=1"}},
	} {
		w := makeWorld(t, "program work/x\n"+c.files)
		if got := strings.Join(Pins(w.question(t, "python", c.env)), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	w := makeWorld(t, "program other/x\n-- work/.python-version --\n3.12\n")
	t.Chdir(w.path("work"))
	q := w.question(t, "python", []string{"DIR=ROOT/other"})
	q.UV.Config = ""
	if got := Pins(q); got != nil {
		t.Errorf("without a configuration directory: %q", got)
	}
}

func TestOurs(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to another user")
	}
	for _, c := range []struct {
		uid, gid int
		mode     os.FileMode
		caller   int
		want     bool
	}{
		{0, 0, 0o755, 0, true},
		{0, 0, 0o755, 4711, true},
		{4711, 4711, 0o755, 4711, true},
		{4711, 4711, 0o755, 0, false},
		{4712, 4712, 0o755, 4711, false},
		{4711, 4711, 0o757, 4711, false},
		{4711, 4711, 0o775, 4711, true}, // a group of one's own
		{4711, 100, 0o755, 4711, true},
		{4711, 100, 0o775, 4711, false},
		{0, 4711, 0o775, 4711, false},
		{0, 0, 0o775, 4711, false},
	} {
		file := filepath.Join(t.TempDir(), "x")
		err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chown(file, c.uid, c.gid), os.Chmod(file, c.mode))
		if err != nil {
			t.Fatal(err)
		}
		r := &resolver{Question: Question{Host: host.Host{UID: c.caller}}}
		if err := r.ours(file); (err == nil) != c.want {
			t.Errorf("of %d:%d, mode %o, for %d: %v", c.uid, c.gid, c.mode, c.caller, err)
		}
	}
}

func TestInside(t *testing.T) {
	for _, c := range []struct {
		path, dir string
		want      bool
	}{{"/a", "/a", true}, {"/a/b", "/a", true}, {"/ab", "/a", false}, {"/a", "/", true}, {"/", "/", true}, {"/", "/a", false}} {
		if inside(c.path, c.dir) != c.want {
			t.Errorf("%s inside %s: %t", c.path, c.dir, !c.want)
		}
	}
}

func TestBoth(t *testing.T) {
	yes, no, unknown := version.Yes, version.No, version.Unknown
	for _, c := range [][3]version.Match{
		{yes, yes, yes}, {yes, no, no}, {no, yes, no}, {no, no, no}, {unknown, no, no}, {no, unknown, no},
		{yes, unknown, unknown}, {unknown, yes, unknown}, {unknown, unknown, unknown},
	} {
		if got := both(c[0], c[1]); got != c[2] {
			t.Errorf("%v and %v: %v", c[0], c[1], got)
		}
	}
}

func TestReason(t *testing.T) {
	if got := reason(fmt.Errorf("reading: %w", &fs.PathError{Op: "open", Path: "/x", Err: syscall.ENOENT})); got != "no such file or directory" {
		t.Error(got)
	}
}

func TestParseAnswer(t *testing.T) {
	for text, want := range map[string]string{
		"shim cpython 3.12.1 \n":        "cpython 3.12.1 ",
		"shim cpython 3.15.0a1 td\n":    "cpython 3.15.0a1 freethreaded+debug",
		"shim cpython 3.14.1 t\n":       "cpython 3.14.1 freethreaded",
		"shim cpython 3.14.1 d\n":       "cpython 3.14.1 debug",
		"shim pypy 3.11.13 \n":          "pypy 3.11.13 ",
		"shim cpython 3.12.1\n":         "",
		"Python 3.12.1\n":               "",
		"":                              "",
		"shim cpython x \n":             "",
		"noise\nshim cpython 3.12.1 \n": "",
	} {
		i, err := parseAnswer(text)
		got := i.Impl + " " + i.Version.String() + " " + i.Variant
		if want == "" && err == nil || want != "" && got != want {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
}
