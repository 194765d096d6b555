package intercept

import (
	"errors"
	"slices"
	"testing"

	"uvshim/shim/host"
)

func TestParse(t *testing.T) {
	const probed = `import sys; sys.path = ["/c"] + sys.path; from python.get_interpreter_info import main; main()`
	for _, c := range []struct {
		name     string
		argv     []string
		env      host.Env
		executed string
		tool     Tool
		as       string
		explicit string
		args     []string
		probe    bool
		disabled bool
	}{
		{name: "python_bare", argv: []string{"python"}, tool: Python, as: "python"},
		{name: "python_by_path", argv: []string{"/x/y/python3", "-V"}, tool: Python, as: "python3", args: []string{"-V"}},
		{name: "python_minor", argv: []string{"python3.12"}, tool: Python, as: "python3.12", explicit: "python3.12"},
		{name: "python_free_threaded", argv: []string{"python3.14t"}, tool: Python, as: "python3.14t", explicit: "python3.14t"},
		{name: "pypy", argv: []string{"pypy3.11"}, tool: Python, as: "pypy3.11", explicit: "pypy3.11"},
		{name: "uv", argv: []string{"uv", "run", "+3"}, tool: UV, as: "uv", args: []string{"run", "+3"}},
		{name: "uvx", argv: []string{"/a/uvx"}, tool: UVX, as: "uvx"},
		{name: "pip", argv: []string{"/a/pip", "list"}, tool: Pip, as: "pip", args: []string{"list"}},
		{name: "pip3", argv: []string{"pip3"}, tool: Pip, as: "pip3"},
		{name: "shim", argv: []string{"shim", "which"}, tool: Shim, as: "shim", args: []string{"which"}},
		{name: "python_config_is_not_ours", argv: []string{"python3-config"}, tool: Shim},
		{name: "argv0_foreign_asks_the_kernel", argv: []string{"foo", "x"}, executed: "/s/python3.13", tool: Python, as: "python3.13", explicit: "python3.13", args: []string{"x"}},
		{name: "argv0_ours_does_not_ask", argv: []string{"uv"}, executed: "/s/python", tool: UV, as: "uv"},
		{name: "argv_empty", executed: "/s/uv", tool: UV, as: "uv"},

		{name: "selector", argv: []string{"python", "+3.12", "-V"}, tool: Python, as: "python", explicit: "+3.12", args: []string{"-V"}},
		{name: "selector_over_name", argv: []string{"python3.11", "+3.12"}, tool: Python, as: "python3.11", explicit: "+3.12", args: []string{}},
		{name: "selector_first_only", argv: []string{"python", "-c", "+3.12"}, tool: Python, as: "python", args: []string{"-c", "+3.12"}},
		{name: "selector_is_none_of_uv", argv: []string{"uv", "+3.12"}, tool: UV, as: "uv", args: []string{"+3.12"}},
		{name: "selector_key", argv: []string{"python", "+cpython-3.12-linux"}, tool: Python, as: "python", explicit: "+cpython-3.12-linux", args: []string{}},
		{name: "selector_disabled_is_an_argument", argv: []string{"python", "+3.12"}, env: host.Env{"SHIM_DISABLE=1"}, tool: Python, as: "python", args: []string{"+3.12"}, disabled: true},
		{name: "debug", argv: []string{"uv"}, env: host.Env{"SHIM_DEBUG=1"}, tool: UV, as: "uv"},
		{name: "disabled_zero_is_not", argv: []string{"uv"}, env: host.Env{"SHIM_DISABLE=0"}, tool: UV, as: "uv"},
		{name: "disabled_empty_is_not", argv: []string{"uv"}, env: host.Env{"SHIM_DISABLE="}, tool: UV, as: "uv"},

		{name: "probe", argv: []string{"/s/python3", "-I", "-B", "-c", probed}, env: host.Env{"UV=/bin/uv"}, tool: Python, as: "python3", args: []string{"-I", "-B", "-c", probed}, probe: true},
		{name: "probe_needs_uv", argv: []string{"python3", "-I", "-B", "-c", probed}, tool: Python, as: "python3", args: []string{"-I", "-B", "-c", probed}},
		{name: "probe_is_not_every_child_of_uv", argv: []string{"python3", "-I", "-c", "pass"}, env: host.Env{"UV=/bin/uv"}, tool: Python, as: "python3", args: []string{"-I", "-c", "pass"}},
		{name: "probe_is_no_script_argument", argv: []string{"python3", "x.py", "-c", probed}, env: host.Env{"UV=/bin/uv"}, tool: Python, as: "python3", args: []string{"x.py", "-c", probed}},
		{name: "probe_has_a_program", argv: []string{"python3", "-I", "-B"}, env: host.Env{"UV=/bin/uv"}, tool: Python, as: "python3", args: []string{"-I", "-B"}},
		{name: "probe_is_no_bare_name", argv: []string{"python3"}, env: host.Env{"UV=/bin/uv"}, tool: Python, as: "python3"},
		{name: "probe_cut_short", argv: []string{"python3", "-c"}, env: host.Env{"UV=/bin/uv"}, tool: Python, as: "python3", args: []string{"-c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := false
			got, err := Parse(c.argv, c.env, func() string { asked = true; return c.executed })
			if err != nil {
				t.Fatal(err)
			}
			if got.Tool != c.tool || got.Name != c.as || got.Explicit != c.explicit || !slices.Equal(got.Args, c.args) ||
				got.Probe != c.probe || got.Disabled != c.disabled || got.Debug != (c.name == "debug") {
				t.Errorf("got %+v", got)
			}
			if c.name == "argv0_ours_does_not_ask" && asked {
				t.Error("the kernel was asked for a name that argv[0] has")
			}
		})
	}
}

func TestParse_selectorThatIsNone(t *testing.T) {
	for _, selector := range []string{"+", "+foo", "+/usr/bin/python3", "+./x", "+..", "+3.5", "+any", "+latest", "+3.x"} {
		_, err := Parse([]string{"python", selector}, nil)
		var bad *SelectorError
		if !errors.As(err, &bad) || bad.Selector != selector {
			t.Errorf("%q: %v, want a SelectorError", selector, err)
		}
	}
}
