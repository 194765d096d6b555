package uv

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
)

// toolDir makes one tool named ruff with the receipt, and returns the directory of tools.
func toolDir(t *testing.T, receipt string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"bin/python":      "",
		"pyvenv.cfg":      "home = /base/bin\nversion_info = 3.14.1\nuv = 0.13.9\n",
		"uv-receipt.toml": receipt,
		"lib/python3.14/site-packages/ruff-0.14.3.dist-info/METADATA":     "",
		"lib/python3.14/site-packages/Typing_Extensions-4.1.dist-info/X":  "",
		"lib/python3.14/site-packages/torch-2.1+cu121.dist-info/METADATA": "",
		"lib/python3.14/site-packages/nothing.dist-info/METADATA":         "",
		"lib/python3.14/site-packages/ruff/__init__.py":                   "",
		"lib/python3.14/site-packages/_virtualenv.py":                     "",
		"lib/python3.14/site-packages/distutils-precedence.pth":           "",
		"../.lock":                        "",
		"../.hidden/uv-receipt.toml":      receipt,
		"../not a name/uv-receipt.toml":   receipt,
		"lib/python3.14/site-packages/.x": "",
	} {
		path := filepath.Join(dir, "ruff", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func one(t *testing.T, dir string) Tool {
	t.Helper()
	tools := Dirs{Tool: dir}.Tools()
	if len(tools) != 1 || tools[0].Name != "ruff" {
		t.Fatalf("found %+v", tools)
	}
	return tools[0]
}

func TestTools_receipt(t *testing.T) {
	for _, c := range []struct{ name, requirement, want string }{
		{"plain", `{ name = "ruff" }`, "ruff"},
		{"specifier", `{ name = "ruff", specifier = ">=0.14,<1" }`, "ruff>=0.14,<1"},
		{"extras_and_marker", `{ name = "ruff", extras = ["a", "b"], specifier = "==1", marker = "python_version > '3'" }`, "ruff[a,b]==1 ; python_version > '3'"},
		{"git", `{ name = "ruff", git = "https://example.org/r?rev=v1#0dacfd66" }`, "ruff @ git+https://example.org/r@v1"},
		{"git_branch_and_subdirectory", `{ name = "ruff", git = "ssh://git@example.org/r?subdirectory=a%2Fb&branch=main#0dac" }`, "ruff @ git+ssh://git@example.org/r@main#subdirectory=a/b"},
		{"url", `{ name = "ruff", url = "https://example.org/r.zip", subdirectory = "x" }`, "ruff @ https://example.org/r.zip#subdirectory=x"},
		{"path", `{ name = "ruff", path = "/home/a b/r.whl" }`, "ruff @ file:///home/a%20b/r.whl"},
		{"editable", `{ name = "ruff", editable = "/src/ruff" }`, "ruff @ file:///src/ruff"},
		{"as_old_receipts_have_it", `"ruff>=0.14"`, "ruff>=0.14"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tool := one(t, toolDir(t, "[tool]\nrequirements = ["+c.requirement+"]\n"))
			if tool.Request != c.want || tool.Broken != nil {
				t.Errorf("request %q, %v; want %q", tool.Request, tool.Broken, c.want)
			}
		})
	}
}

func TestTools_whole(t *testing.T) {
	dir := toolDir(t, "")
	program := filepath.Join(dir, "ruff/bin/python")
	receipt := `[tool]
requirements = [{ name = "ruff" }, { name = "black", specifier = ">1" }]
constraints = [{ name = "torch", specifier = "==2.1" }]
python = "3.14"
entrypoints = [{ name = "ruff", install-path = "` + program + `", from = "ruff" }]
[tool.options]
find-links = ["file:///x"]
`
	if err := os.WriteFile(filepath.Join(dir, "ruff/uv-receipt.toml"), []byte(receipt), 0o644); err != nil {
		t.Fatal(err)
	}
	tool := one(t, dir)
	if tool.Broken != nil {
		t.Error(tool.Broken)
	}
	for _, c := range []struct{ name, got, want string }{
		{"version", tool.Version, "0.14.3"},
		{"python", tool.Python, "3.14"},
		{"home", tool.Home, "/base/bin"},
		{"version_info", tool.PythonVer, "3.14.1"},
		{"with", strings.Join(tool.With, " "), "black>1"},
		{"constraints", strings.Join(tool.Constraints, " "), "torch==2.1"},
		{"resolved", strings.Join(tool.Resolved, " "), "ruff==0.14.3 torch==2.1+cu121 typing-extensions==4.1"},
		{"exe", tool.Exe(), program},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
	if want := []Entrypoint{{"ruff", program, "ruff"}}; !slices.Equal(tool.Entrypoints, want) {
		t.Errorf("entrypoints: %+v", tool.Entrypoints)
	}
}

func TestTools_broken(t *testing.T) {
	good := "[tool]\nrequirements = [{ name = \"ruff\" }]\n"
	receipt := func(dir string) string { return filepath.Join(dir, "ruff/uv-receipt.toml") }
	for _, c := range []struct {
		name, receipt string
		damage        func(dir string) error
		want          string
	}{
		{"no_receipt", good, func(dir string) error { return os.Remove(receipt(dir)) }, "cannot be read"},
		{"not_toml", "[tool", nil, "makes no sense"},
		{"no_table", "x = 1\n", nil, "no table tool"},
		{"no_requirement", "[tool]\n", nil, "names no requirement"},
		{"requirement_without_a_name", "[tool]\nrequirements = [{ specifier = \"==1\" }]\n", nil, "without a name"},
		{"wrong_type", "[tool]\nrequirements = 3\n", nil, "makes no sense"},
		{"deep", good + "x = " + strings.Repeat("[", 100_000), nil, "too deeply"},
		{"long_dotted_key", good + strings.Repeat("a.", 4_000) + "a = 1\n", nil, "too deeply"},
		{"large", good + strings.Repeat("#\n", maxToolFile), nil, "too large"},
		{"fifo", good, func(dir string) error {
			if err := os.Remove(receipt(dir)); err != nil {
				return err
			}
			return unix.Mkfifo(receipt(dir), 0o600)
		}, "not a regular file"},
		{"python_gone", good, func(dir string) error { return os.Remove(filepath.Join(dir, "ruff/bin/python")) }, "ruff/bin/python is not there"},
		{"no_environment", good, func(dir string) error { return os.Remove(filepath.Join(dir, "ruff/pyvenv.cfg")) }, "its environment is none"},
		{"distribution_gone", good, func(dir string) error { return os.RemoveAll(filepath.Join(dir, "ruff/lib")) }, "ruff is not in its environment"},
		{"program_gone", good + "entrypoints = [{ name = \"ruff\", install-path = \"/nonexistent/ruff\" }]\n", nil, "its program ruff is gone: /nonexistent/ruff is not there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := toolDir(t, c.receipt)
			if c.damage != nil {
				if err := c.damage(dir); err != nil {
					t.Fatal(err)
				}
			}
			tool := one(t, dir)
			if tool.Broken == nil || !strings.Contains(tool.Broken.Error(), c.want) {
				t.Errorf("broken: %v, want %q", tool.Broken, c.want)
			}
		})
	}
	if tools := (Dirs{}).Tools(); tools != nil {
		t.Errorf("of no directory: %+v", tools)
	}
}

func TestLocate_tools(t *testing.T) {
	base := host.Dirs{Home: "/h", Data: "/h/.local/share"}
	for _, c := range []struct {
		name      string
		env       host.Env
		tool, bin string
	}{
		{"default", nil, "/h/.local/share/uv/tools", "/h/.local/bin"},
		{"own_variables", host.Env{"UV_TOOL_DIR=/t", "UV_TOOL_BIN_DIR=/b"}, "/t", "/b"},
		{"relative", host.Env{"UV_TOOL_DIR=t"}, "/cwd/t", "/h/.local/bin"},
		{"those_of_pythons_do_not_count", host.Env{"UV_PYTHON_INSTALL_DIR=/t", "UV_PYTHON_BIN_DIR=/b"}, "/h/.local/share/uv/tools", "/h/.local/bin"},
		{"xdg", host.Env{"XDG_BIN_HOME=/x"}, "/h/.local/share/uv/tools", "/x"},
	} {
		if d := Locate(c.env, base, "/cwd"); d.Tool != c.tool || d.ToolBin != c.bin {
			t.Errorf("%s: %q, %q; want %q, %q", c.name, d.Tool, d.ToolBin, c.tool, c.bin)
		}
	}
}
