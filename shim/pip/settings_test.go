package pip

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
	"uvshim/testscripts/parts"
)

// A setup is a configuration of pip and a command line. In all of its texts @ stands for its
// directory.
type setup struct {
	name  string
	files string   // a file a paragraph: its name, then its lines
	env   []string // besides HOME
	args  []string // behind install
}

const (
	global = "@/etc/pip.conf\n"
	xdg    = "@/etc/xdg/pip/pip.conf\n"
	legacy = "@/home/.pip/pip.conf\n"
	user   = "@/home/.config/pip/pip.conf\n"
	site   = "@/venv/pip.conf\n"
)

var setups = []setup{
	{name: "nothing"},
	{name: "user_index", files: user + "[global]\nindex-url = https://u/s\n"},
	{name: "user_install_over_global", files: user + "[global]\nindex-url = https://u/s\n[install]\nindex-url = https://i/s\n"},
	{name: "user_other_command", files: user + "[list]\nindex-url = https://u/s\n"},
	{name: "global_etc", files: global + "[global]\nindex-url = https://g/s\n"},
	{name: "global_xdg", files: xdg + "[global]\nindex-url = https://x/s\n"},
	{name: "global_both", files: xdg + "[global]\nindex-url = https://x/s\n\n" + global + "[global]\nindex-url = https://g/s\n"},
	{name: "global_xdg_dirs", files: "@/one/pip/pip.conf\n[global]\nindex-url = https://1/s\n\n@/two/pip/pip.conf\n[global]\nindex-url = https://2/s\n", env: []string{"XDG_CONFIG_DIRS=@/one:@/two"}},
	{name: "global_install_under_user_global", files: global + "[install]\nindex-url = https://g/s\n\n" + user + "[global]\nindex-url = https://u/s\n"},
	{name: "legacy_under_user", files: legacy + "[global]\nindex-url = https://l/s\npre = yes\n\n" + user + "[global]\nindex-url = https://u/s\n"},
	{name: "site_over_user", files: site + "[global]\nindex-url = https://v/s\n\n" + user + "[global]\nindex-url = https://u/s\n"},
	{name: "user_xdg_config_home", files: "@/conf/pip/pip.conf\n[global]\nindex-url = https://c/s\n\n" + user + "[global]\npre = yes\n", env: []string{"XDG_CONFIG_HOME=@/conf"}},
	{name: "user_xdg_config_home_empty", files: user + "[global]\npre = yes\n", env: []string{"XDG_CONFIG_HOME="}},
	{name: "config_file", files: "@/my.conf\n[global]\nindex-url = https://m/s\n\n" + user + "[global]\npre = yes\n\n" + global + "[global]\nno-index = yes\n", env: []string{"PIP_CONFIG_FILE=@/my.conf"}},
	{name: "config_file_missing", files: user + "[global]\npre = yes\n", env: []string{"PIP_CONFIG_FILE=@/my.conf"}},
	{name: "config_file_null", files: user + "[global]\npre = yes\n\n" + global + "[global]\nno-index = yes\n", env: []string{"PIP_CONFIG_FILE=/dev/null"}},
	{name: "config_file_empty", files: user + "[global]\npre = yes\n", env: []string{"PIP_CONFIG_FILE="}},
	{name: "config_file_over_site", files: "@/my.conf\n[global]\nindex-url = https://m/s\n\n" + site + "[global]\nindex-url = https://v/s\n", env: []string{"PIP_CONFIG_FILE=@/my.conf"}},
	{name: "variable_over_files", files: user + "[install]\nindex-url = https://u/s\n", env: []string{"PIP_INDEX_URL=https://e/s"}},
	{name: "variable_empty", files: user + "[global]\nindex-url = https://u/s\n", env: []string{"PIP_INDEX_URL="}},
	{name: "variable_alias", env: []string{"PIP_PYPI_URL=https://e/s"}},
	{name: "variable_short_case", env: []string{"PIP_Index_Url=https://e/s", "pip_pre=1"}},
	{name: "variable_and_null_file", env: []string{"PIP_CONFIG_FILE=/dev/null", "PIP_INDEX_URL=https://e/s"}},
	{name: "variable_no", env: []string{"PIP_NO_INDEX=0", "PIP_PRE=off", "PIP_REQUIRE_HASHES=No"}},
	{name: "variable_yes", env: []string{"PIP_NO_INDEX=1", "PIP_PRE=ON", "PIP_REQUIRE_HASHES=t"}},
	{name: "variable_neither", env: []string{"PIP_NO_INDEX=maybe"}},
	{name: "variable_of_no_option", env: []string{"PIP_WHATEVER=1", "PIP_VERSION=1", "PIP_HELP=1"}},
	{name: "list_variable", env: []string{"PIP_EXTRA_INDEX_URL=https://a/s  https://b/s", "PIP_FIND_LINKS=/a\n/b", "PIP_CONSTRAINT=a.txt b.txt"}},
	{name: "list_file_lines", files: user + "[global]\nextra-index-url =\n    https://a/s\n    # a comment\n    https://b/s\nfind-links = /a\n  /b\n"},
	{name: "list_replaced", files: user + "[global]\nextra-index-url = https://a/s\n[install]\nextra-index-url = https://b/s\n", env: []string{"PIP_FIND_LINKS=/a"}},
	{name: "list_and_line", env: []string{"PIP_EXTRA_INDEX_URL=https://a/s", "PIP_INDEX_URL=https://e/s"}, args: []string{"--extra-index-url", "https://b/s", "-i", "https://l/s"}},
	{name: "key_underscores", files: user + "[global]\nINDEX_URL: https://u/s\nno_deps = true\n"},
	{name: "key_dashes", files: user + "[global]\n--index-url = https://u/s\n"},
	{name: "key_twice", files: user + "[global]\nindex-url = https://u/s\nindex-url = https://v/s\n"},
	{name: "section_twice", files: user + "[global]\npre = 1\n[global]\nindex-url = https://v/s\n"},
	{name: "section_case", files: user + "[Global]\nindex-url = https://u/s\n[INSTALL]\npre = 1\n"},
	{name: "section_blank", files: user + "[ global ]\nindex-url = https://u/s\n"},
	{name: "section_missing", files: user + "index-url = https://u/s\n"},
	{name: "section_default", files: user + "[DEFAULT]\nindex-url = https://d/s\n[global]\npre = 1\n"},
	{name: "section_default_alone", files: user + "[DEFAULT]\nindex-url = https://d/s\n"},
	{name: "section_default_overridden", files: user + "[DEFAULT]\nindex-url = https://d/s\n[global]\nindex-url = https://g/s\n[install]\npre = 1\n"},
	{name: "section_brackets", files: user + "[global] ]\nindex-url = https://u/s\n"},
	{name: "section_trailing", files: user + "[global] # mine\nindex-url = https://u/s\n"},
	{name: "key_alone", files: user + "[global]\nindex-url\n"},
	{name: "key_empty", files: user + "[global]\n= https://u/s\n"},
	{name: "value_empty_covers", files: global + "[global]\nindex-url = https://g/s\n\n" + user + "[global]\nindex-url =\n"},
	{name: "value_comment", files: user + "[global]\nindex-url = https://u/s ; not a comment\n; one\n# two\n"},
	{name: "value_percent", files: user + "[global]\nindex-url = https://u:%40@u/s\n"},
	{name: "value_indented_key", files: user + "[global]\n  index-url = https://u/s\n  pre = 1\n no-deps = 1\n"},
	{name: "value_indented_swallows", files: user + "[global]\nlog = /x\n  index-url = https://u/s\npre = 1\n"},
	{name: "value_crlf", files: user + "[global]\r\nindex-url = https://u/s\r\npre = 1\r\n"},
	{name: "value_cr", files: user + "[global]\rindex-url = https://u/s\rpre = 1\r"},
	{name: "value_bom", files: user + "\ufeff[global]\nindex-url = https://u/s\n"},
	{name: "value_bytes", files: user + "[global]\nindex-url = https://\xff/s\n"},
	{name: "flag_isolation_yes", env: []string{"PIP_NO_BUILD_ISOLATION=1"}},
	{name: "flag_isolation_no", env: []string{"PIP_NO_BUILD_ISOLATION=0"}},
	{name: "flag_user_no", files: user + "[install]\nuser = no\n"},
	{name: "flag_user_yes", files: user + "[install]\nuser = yes\n"},
	{name: "flag_user_and_line", files: user + "[install]\nuser = yes\n", args: []string{"--no-user"}},
	{name: "binary", env: []string{"PIP_NO_BINARY=a,b"}, files: user + "[install]\nno-binary = c\nonly-binary = d\n", args: []string{"--no-binary", "e"}},
	{name: "requirement", env: []string{"PIP_REQUIREMENT=a.txt b.txt", "PIP_TARGET=/t"}, args: []string{"-rc.txt"}},
	{name: "line_short_bundle", args: []string{"-Uqf", "/a", "-i=https://l/s", "x"}},
	{name: "line_prefix", args: []string{"--extra-index=https://b/s", "--no-dep", "--find=/x", "--index", "https://l/s"}},
	{name: "line_prefix_two", args: []string{"--upg", "x"}},
	{name: "line_dashes", args: []string{"x", "--", "--pre", "-i"}},
	{name: "line_value_missing", args: []string{"x", "--index-url"}},
	{name: "line_value_unwanted", args: []string{"--pre=1"}},
	{name: "line_value_empty", args: []string{"--index-url=", "x"}},
	{name: "line_unknown", args: []string{"--no-such", "x"}},
	{name: "line_unknown_short", args: []string{"-Z", "x"}},
	{name: "line_dash", args: []string{"-", "x"}},
	{name: "dotted_section", files: user + "[global.x]\nindex-url = https://u/s\n"},
}

// driver prints what pip itself makes of each setup.
const driver = `
import io, json, os, sys, contextlib
from pip._internal.commands import create_command
from pip._internal.utils import appdirs
real = appdirs.site_config_dirs
cases = json.load(sys.stdin)
out = []
start = dict(os.environ)
for c in cases:
    d = c["dir"]
    os.environ.clear()
    os.environ.update(c["env"])
    os.chdir(d)
    sys.prefix = d + "/venv"
    appdirs.site_config_dirs = lambda app: [d + p if p.startswith("/etc") else p for p in real(app)]
    r = None
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        try:
            o, words = create_command("install").parser.parse_args(c["args"])
            r = {
                "index-url": "" if o.index_url == "https://pypi.org/simple" else o.index_url,
                "extra-index-url": o.extra_index_urls, "find-links": o.find_links, "no-index": bool(o.no_index),
                "constraint": o.constraints, "requirement": o.requirements, "require-hashes": bool(o.require_hashes),
                "pre": bool(o.pre), "no-deps": bool(o.ignore_dependencies), "upgrade": bool(o.upgrade),
                "no-build-isolation": not o.build_isolation, "user": bool(o.use_user_site), "target": o.target_dir or "",
                "no-binary": sorted(o.format_control.no_binary), "only-binary": sorted(o.format_control.only_binary),
                "words": words,
            }
        except SystemExit:
            pass
    out.append(r)
os.environ.clear()
os.environ.update(start)
print(json.dumps(out))
`

func (s setup) make(t *testing.T) Call {
	t.Helper()
	dir := t.TempDir()
	at := func(text string) string { return strings.ReplaceAll(text, "@/", dir+"/") }
	for _, d := range []string{"home", "venv"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range strings.Split(s.files, "\n\n") {
		name, data, ok := strings.Cut(text, "\n")
		if !ok {
			continue
		}
		write(t, at(name), at(strings.TrimSuffix(data, "\n")+"\n"))
	}
	env := host.Env{"HOME=" + dir + "/home"}
	for _, e := range s.env {
		env = append(env, at(e))
	}
	return Call{Name: "pip", Args: append([]string{"install"}, s.args...), Env: env, Dir: dir, Etc: dir + "/etc",
		Dirs: host.Host{Env: env}.Dirs(), Environment: dir + "/venv"}
}

func write(t *testing.T, path, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

// effective is what this package makes of a setup, in the driver's form; nil where it refuses.
func effective(c Call) map[string]any {
	cmd, _ := find("install")
	line, words, err := parse(cmd.options(), c.Args[1:], true)
	if err != nil {
		return nil
	}
	settings, err := c.settings(cmd)
	if err != nil {
		return nil
	}
	out := map[string]any{"words": anys(words)}
	for _, name := range []string{"index-url", "target"} {
		out[name] = ""
	}
	for _, name := range []string{"no-index", "require-hashes", "pre", "no-deps", "upgrade", "no-build-isolation", "user"} {
		out[name] = false
	}
	lists := map[string][]string{"extra-index-url": nil, "find-links": nil, "constraint": nil, "requirement": nil, "no-binary": nil, "only-binary": nil}
	for _, g := range merge(settings, line) {
		if _, ok := lists[g.name()]; ok {
			lists[g.name()] = append(lists[g.name()], g.value)
			continue
		}
		if _, ok := out[g.name()]; !ok {
			continue
		}
		if g.valued() {
			out[g.name()] = g.value
		} else {
			out[g.name()] = g.on != (g.takes == off)
		}
	}
	for name, values := range lists {
		if strings.HasSuffix(name, "-binary") {
			values = strings.FieldsFunc(strings.Join(values, ","), func(r rune) bool { return r == ',' })
			slices.Sort(values)
		}
		out[name] = anys(values)
	}
	return out
}

func anys(words []string) []any {
	out := []any{}
	for _, w := range words {
		out = append(out, w)
	}
	return out
}

// pips are the real pips of this machine: one a Python, and the newest that is known here.
func pips(t *testing.T) map[string]*exec.Cmd {
	t.Helper()
	out := map[string]*exec.Cmd{}
	run := func(exe string, env ...string) {
		cmd := exec.Command(exe, "-c", "import pip; print(pip.__version__)")
		cmd.Env = append([]string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "PYTHONUTF8=1"}, env...)
		if version, err := cmd.Output(); err == nil {
			again := exec.Command(exe)
			again.Env = cmd.Env
			out[strings.TrimSpace(string(version))] = again
		}
	}
	pythons := parts.Pythons(t)
	for _, p := range pythons {
		run(p.Exe)
	}
	if dir := newestPip(t, pythons[0].Minor); dir != "" {
		run(pythons[0].Exe, "PYTHONPATH="+dir)
	}
	if len(out) == 0 {
		parts.Missing(t, errors.New("no Python of this machine has a pip"))
	}
	return out
}

// newestPip returns a wheel of pip, which Python can import from as it is; "" without one.
func newestPip(t *testing.T, minor string) string {
	if !parts.Online() && os.Getenv("CI") == "" {
		return ""
	}
	found, _ := filepath.Glob(filepath.Join(parts.Wheels(t, minor, "pip==26.3"), "pip-*.whl"))
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

func TestSettings_realPip(t *testing.T) {
	type input struct {
		Dir  string            `json:"dir"`
		Env  map[string]string `json:"env"`
		Args []string          `json:"args"`
	}
	var inputs []input
	var calls []Call
	for _, s := range setups {
		c := s.make(t)
		env := map[string]string{}
		for _, e := range c.Env {
			name, value, _ := strings.Cut(e, "=")
			env[name] = value
		}
		calls = append(calls, c)
		inputs = append(inputs, input{c.Dir, env, c.Args[1:]})
	}
	data, err := json.Marshal(inputs)
	if err != nil {
		t.Fatal(err)
	}
	for version, python := range pips(t) {
		t.Run(version, func(t *testing.T) {
			cmd := exec.Command(python.Path, "-c", driver)
			cmd.Env, cmd.Stdin = python.Env, strings.NewReader(string(data))
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			var answers []map[string]any
			if err := json.Unmarshal(out, &answers); err != nil {
				t.Fatal(err)
			}
			for i, s := range setups {
				got := effective(calls[i])
				if got == nil && answers[i] == nil || reflect.DeepEqual(got, answers[i]) {
					continue
				}
				t.Errorf("%s:\n got  %v\n pip  %v", s.name, got, answers[i])
			}
		})
	}
}

// What keeps pip itself waiting, or fills its memory, is refused.
func TestSettings_crafted(t *testing.T) {
	for name, create := range map[string]func(path string) error{
		"fifo":   func(path string) error { return unix.Mkfifo(path, 0o644) },
		"huge":   func(path string) error { return os.WriteFile(path, make([]byte, maxConfig+1), 0o644) },
		"binary": func(path string) error { return os.WriteFile(path, []byte("[global]\npre\x00 = 1\n"), 0o644) },
		"device": func(path string) error { return os.Symlink("/dev/zero", path) },
	} {
		t.Run(name, func(t *testing.T) {
			c := setup{args: []string{"x"}}.make(t)
			path := filepath.Join(c.Environment, "pip.conf")
			if err := create(path); err != nil {
				t.Fatal(err)
			}
			a := Translate(c)
			if a.Kind != Refuse || !strings.Contains(a.Error, path) || name == "huge" && !strings.Contains(a.Error, "too large") {
				t.Errorf("%+v", a)
			}
		})
	}
	for name, create := range map[string]func(path string) error{
		"directory": func(path string) error { return os.Mkdir(path, 0o755) },
		"dangling":  func(path string) error { return os.Symlink("nowhere", path) },
		"loop":      func(path string) error { return os.Symlink("pip.conf", path) },
		"null":      func(path string) error { return os.Symlink("/dev/null", path) },
	} {
		t.Run(name, func(t *testing.T) {
			c := setup{args: []string{"x"}}.make(t)
			if err := create(filepath.Join(c.Environment, "pip.conf")); err != nil {
				t.Fatal(err)
			}
			if a := Translate(c); a.Kind != UV {
				t.Errorf("%+v", a)
			}
		})
	}
}

// A file as large as may be, of the smallest parts, takes no time to speak of: the test would not end.
func TestSettings_manyParts(t *testing.T) {
	for name, part := range map[string]string{
		"keys": "#=\n", "lines": " a\n", "empty": "\n", "words": "a ", "sections": "[#]\n", "backslashes": "\\\n", "options": "-i a\n", "variables": "${A}", "quotes": "'",
	} {
		var b strings.Builder
		b.WriteString("[global]\nfind-links=a\n ")
		for i := 0; b.Len() < maxConfig-20; i++ {
			b.WriteString(strings.ReplaceAll(part, "#", strconv.Itoa(i)))
		}
		c := setup{args: []string{"-r", "venv/pip.conf"}}.make(t)
		write(t, filepath.Join(c.Environment, "pip.conf"), b.String())
		if a := Translate(c); a.Kind == Say {
			t.Errorf("%s: %+v", name, a)
		}
		c.Env = c.Env.With("PIP_CONFIG_FILE", os.DevNull)
		if a := Translate(c); a.Kind == Say {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

func FuzzINI(f *testing.F) {
	for _, s := range setups {
		f.Add([]byte(s.files))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		settings, err := readINI(data)
		for _, s := range settings {
			if err != nil || s.key == "" || s.line < 1 {
				t.Fatalf("%+v, %v", s, err)
			}
		}
	})
}
