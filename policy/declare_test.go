package policy

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2/unstable"
)

// declare adds to a single file, and returns its new text.
func declare(t *testing.T, text, key, entry string) (Change, error) {
	t.Helper()
	loaded, err := Load(File{"policy.toml", []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return loaded.Declare(key, entry)
}

// Each row is a file, then what it is with one more entry.
func TestDeclare_layout(t *testing.T) {
	for name, row := range map[string]struct{ key, text, before, after string }{
		"file_empty": {"versions", "3.14", "", "[python]\nversions = [\"3.14\"]\n"},
		"file_comment": {"versions", "3.14", "# mine\n",
			"# mine\n\n[python]\nversions = [\"3.14\"]\n"},
		"file_blank": {"versions", "3.14", "\n", "\n[python]\nversions = [\"3.14\"]\n"},
		"table_missing": {"packages", "ruff", "[python]\nprune = true\n",
			"[python]\nprune = true\n\n[tool]\npackages = [\"ruff\"]\n"},
		"table_missing_no_newline": {"packages", "ruff", "[python]\nprune = true # c",
			"[python]\nprune = true # c\n\n[tool]\npackages = [\"ruff\"]"},
		"table_missing_CRLF": {"packages", "ruff", "[python]\r\nprune = true\r\n",
			"[python]\r\nprune = true\r\n\r\n[tool]\r\npackages = [\"ruff\"]\r\n"},
		"table_empty": {"versions", "3.14", "[python] # c\n[tool]\n",
			"[python] # c\nversions = [\"3.14\"]\n[tool]\n"},
		"table_empty_last": {"versions", "3.14", "[python]", "[python]\nversions = [\"3.14\"]"},
		"table_indented": {"versions", "3.14", "  [ 'python' ]\r\n",
			"  [ 'python' ]\r\n  versions = [\"3.14\"]\r\n"},
		"key_missing": {"versions", "3.14", "[python]\n\tprune = true # c\n\n# tools\n[tool]\n",
			"[python]\n\tprune = true # c\n\tversions = [\"3.14\"]\n\n# tools\n[tool]\n"},
		"key_missing_no_newline": {"versions", "3.14", "[python]\nprune = true", "[python]\nprune = true\nversions = [\"3.14\"]"},
		"key_missing_behind_list": {"packages", "ruff", "[tool]\nprune = true\n[python]\nversions = [\n'3.14', # ]\n]\n",
			"[tool]\nprune = true\npackages = [\"ruff\"]\n[python]\nversions = [\n'3.14', # ]\n]\n"},
		"key_missing_after_list": {"default", "3.14", "[python]\nversions = [\n  \"3.14\", # ]\n] # end\n\n",
			"[python]\nversions = [\n  \"3.14\", # ]\n] # end\ndefault = [\"3.14\"]\n\n"},
		"key_missing_after_empty_list": {"default", "3.14", "[python]\nversions = [\n  # ]\n] # end\n",
			"[python]\nversions = [\n  # ]\n] # end\ndefault = [\"3.14\"]\n"},
		"key_missing_after_long_string": {"versions", "3.14", "[python]\nenvironment = \"\"\"\\\n  active\"\"\" # c\nprune = false",
			"[python]\nenvironment = \"\"\"\\\n  active\"\"\" # c\nprune = false\nversions = [\"3.14\"]"},
		"key_missing_only_long_string": {"versions", "3.14", "[python]\nenvironment = '''\nactive'''\n[tool]",
			"[python]\nenvironment = '''\nactive'''\nversions = [\"3.14\"]\n[tool]"},
		"dotted": {"versions", "3.14", "uv.supervise = true\npython.prune = true # c\npip.command = \"uv\"\n",
			"uv.supervise = true\npython.prune = true # c\npython.versions = [\"3.14\"]\npip.command = \"uv\"\n"},
		"dotted_indented": {"versions", "3.14", "  python . 'prune' = true",
			"  python . 'prune' = true\n  python.versions = [\"3.14\"]"},
		"dotted_list":  {"versions", "3.14", "python.versions = ['3.13']\n", "python.versions = ['3.13', '3.14']\n"},
		"inline":       {"versions", "3.14", "python = { prune = true } # c\n", "python = { prune = true, versions = [\"3.14\"] } # c\n"},
		"inline_empty": {"versions", "3.14", "python = {}\n", "python = { versions = [\"3.14\"] }\n"},
		"inline_blank": {"versions", "3.14", "python = {   }", "python = { versions = [\"3.14\"] }"},
		"inline_string": {"versions", "3.14", "python = {environment = 'active'}",
			"python = {environment = 'active', versions = [\"3.14\"]}"},
		"inline_list_behind": {"default", "3.14", "python = { versions = [ '3.14' ] }", "python = { versions = [ '3.14' ], default = [\"3.14\"] }"},
		"inline_list":        {"versions", "3.14", "python = { versions = [] }", "python = { versions = [\"3.14\"] }"},
		"list_empty":         {"versions", "3.14", "[python]\nversions = [] # c\n", "[python]\nversions = [\"3.14\"] # c\n"},
		"list_blank":         {"versions", "3.14", "[python]\nversions = [ ]\n", "[python]\nversions = [ \"3.14\" ]\n"},
		"list_empty_lines":   {"versions", "3.14", "[python]\nversions = [\n]\n", "[python]\nversions = [\n  \"3.14\",\n]\n"},
		"list_empty_indented": {"versions", "3.14", "[python]\r\n\tversions = [\r\n\r\n\t]\r\n",
			"[python]\r\n\tversions = [\r\n\r\n\t  \"3.14\",\r\n\t]\r\n"},
		"list_empty_comment": {"versions", "3.14", "[python]\nversions = [ # a ]\n    # \"3.13\",\n]\n",
			"[python]\nversions = [ # a ]\n    # \"3.13\",\n    \"3.14\",\n]\n"},
		"list_empty_comment_line": {"versions", "3.14", "[python]\nversions = [\n    # \"3.13\",\n]\n",
			"[python]\nversions = [\n    # \"3.13\",\n    \"3.14\",\n]\n"},
		"list":          {"versions", "3.14", "[python]\nversions = [\"3.13\"]\n", "[python]\nversions = [\"3.13\", \"3.14\"]\n"},
		"list_blanks":   {"versions", "3.14", "[python]\nversions = [ \"3.13\" ]\n", "[python]\nversions = [ \"3.13\", \"3.14\" ]\n"},
		"list_dense":    {"versions", "3.14", "[python]\nversions=[\"3.13\",\"3.12\"]", "[python]\nversions=[\"3.13\",\"3.12\",\"3.14\"]"},
		"list_trailing": {"versions", "3.14", "[python]\nversions = [\"3.13\",]\n", "[python]\nversions = [\"3.13\", \"3.14\",]\n"},
		"list_literals": {"versions", "3.14", "[python]\nversions = ['''3.13''']\n", "[python]\nversions = ['''3.13''', '3.14']\n"},
		"list_mixed":    {"versions", "3.14", "[python]\nversions = ['3.12', \"3.13\"]\n", "[python]\nversions = ['3.12', \"3.13\", \"3.14\"]\n"},
		"quote_in_literal": {"packages", "a; python_version > '3'", "[tool]\npackages = ['ruff']\n",
			"[tool]\npackages = ['ruff', \"a; python_version > '3'\"]\n"},
		"quotes_escaped": {"packages", `a; python_version > "3\"`, "", "[tool]\npackages = [\"a; python_version > \\\"3\\\\\\\"\"]\n"},
		"lines": {"versions", "3.14", "[python]\nversions = [\n    \"3.13\", # old\n    # none\n]\n",
			"[python]\nversions = [\n    \"3.13\", # old\n    \"3.14\",\n    # none\n]\n"},
		"lines_CRLF": {"versions", "3.14", "[python]\r\nversions = [\r\n\t\"3.13\",\r\n]\r\n",
			"[python]\r\nversions = [\r\n\t\"3.13\",\r\n\t\"3.14\",\r\n]\r\n"},
		"lines_no_trailing": {"versions", "3.14", "[python]\nversions = [\n  \"3.13\" # a, b\n]",
			"[python]\nversions = [\n  \"3.13\", # a, b\n  \"3.14\"\n]"},
		"lines_comma_later": {"versions", "3.14", "[python]\nversions = [\n  \"3.13\" # a\n  , # b\n]\n",
			"[python]\nversions = [\n  \"3.13\" # a\n  , # b\n  \"3.14\",\n]\n"},
		"lines_close": {"versions", "3.14", "[python]\nversions = [\"3.12\",\n            \"3.13\"]\n",
			"[python]\nversions = [\"3.12\",\n            \"3.13\",\n            \"3.14\"]\n"},
		"lines_close_trailing": {"versions", "3.14", "[python]\nversions = [\n  \"3.13\",]\n",
			"[python]\nversions = [\n  \"3.13\",\n  \"3.14\",]\n"},
		"lines_first_on_top": {"versions", "3.14", "[python]\nversions = [\"3.13\",\n]\n", "[python]\nversions = [\"3.13\",\n  \"3.14\",\n]\n"},
		"lines_of_two": {"versions", "3.14", "[python]\nversions = [\n  \"3.12\", \"3.13\",\n]\n",
			"[python]\nversions = [\n  \"3.12\", \"3.13\",\n  \"3.14\",\n]\n"},
		"default_string":          {"default", "3.14", "[python]\ndefault = '3.13' # c\n", "[python]\ndefault = '3.14' # c\n"},
		"default_string_second":   {"default", "pypy", "[python]\ndefault = \"3.13\" # c\n", "[python]\ndefault = [\"3.13\", \"pypy\"] # c\n"},
		"default_replaced":        {"default", "3.14", "[python]\ndefault = [\n  'pypy', # p\n  '3.13', # c\n]\n", "[python]\ndefault = [\n  'pypy', # p\n  '3.14', # c\n]\n"},
		"default_second":          {"default", "pypy", "[python]\ndefault = [\"3.13\"]\n", "[python]\ndefault = [\"3.13\", \"pypy\"]\n"},
		"default_inline_replaced": {"default", "3.14", "python = { default = \"3.13\" }", "python = { default = \"3.14\" }"},
		"first_has_defaults":      {"versions", "3.12", "[python]\ndefault = \"3.13\"\n", "[python]\ndefault = \"3.13\"\nversions = [\"3.13\", \"3.12\"]\n"},
		"first_is_default":        {"versions", "3.13", "[python]\ndefault = [\"3.13\", \"pypy\"]\n", "[python]\ndefault = [\"3.13\", \"pypy\"]\nversions = [\"3.13\", \"pypy\"]\n"},
		"first_in_empty_list":     {"versions", "3.12", "[python]\ndefault = \"3.13\"\nversions = []", "[python]\ndefault = \"3.13\"\nversions = [\"3.13\", \"3.12\"]"},
	} {
		key := map[string]string{"packages": "tool."}[row.key]
		if key == "" {
			key = "python."
		}
		c, err := declare(t, row.before, key+row.key, row.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if string(c.Data) != row.after {
			t.Errorf("%s: got\n%s\nwant\n%s", name, c.Data, row.after)
		}
		want := lineOf(row.after, row.text)
		if c.Path != "policy.toml" || c.Line != want {
			t.Errorf("%s: the entry is at %s:%d, want line %d", name, c.Path, c.Line, want)
		}
	}
}

// lineOf returns the last line of text that has the entry between quotes.
func lineOf(text, entry string) int {
	last := 0
	for i, line := range strings.Split(text, "\n") {
		for _, quoted := range []string{literal(entry, '"'), literal(entry, '\'')} {
			if strings.Contains(line, quoted) {
				last = i + 1
			}
		}
	}
	return last
}

func TestDeclare_refused(t *testing.T) {
	const two = "[python]\nversions = [\"3.14\"]\n[tool]\npackages = [\n  \"black\",\n  \"Ruff==0.14\",\n]\n"
	for name, row := range map[string]struct{ before, key, text, want string }{
		"path":                  {"", "python.versions", "/usr/bin/python3", `"/usr/bin/python3" is a path, want a request such as 3.14`},
		"name":                  {"", "python.versions", "latest", `"latest" is no request, want one such as 3.14`},
		"too_old":               {"", "python.versions", "3.5", `request "3.5": uv supports no Python before 3.6`},
		"empty":                 {"", "python.versions", "", `"" is no request, want one such as 3.14`},
		"empty_tool":            {"", "tool.packages", "", `"" is no package, want one such as ruff or ruff==0.14`},
		"control":               {"", "tool.packages", "ruff\n", `"ruff\n" has a control character`},
		"key":                   {"", "python.prune", "true", `"python.prune" is no list`},
		"default_not_listed":    {two, "python.default", "3.13", `policy.toml:3:12: python.default: "3.13" is not in python.versions (policy.toml:2)`},
		"tool_other_constraint": {two, "tool.packages", "ruff", `ruff is declared as "Ruff==0.14" (policy.toml:6): change that line`},
		"tool_option":           {"", "tool.packages", "--with", `"--with" is no package, want one such as ruff or ruff==0.14`},
		"tool_two_words":        {"", "tool.packages", "ruff black", `"ruff black" is no package, want one such as ruff or ruff==0.14`},
		"tool_relative":         {"", "tool.packages", "./tool", `"./tool" is a relative path, want an absolute one`},
		"tool_here":             {"", "tool.packages", ".", `"." is a relative path, want an absolute one`},
		"tool_wheel":            {"", "tool.packages", "tool-1.0-py3-none-any.whl", `"tool-1.0-py3-none-any.whl" is a relative path, want an absolute one`},
		"tool_python":           {"", "tool.packages", "python3.12", `"python3.12" is a Python, not a tool`},
		"tool_python_at":        {"", "tool.packages", "python@latest", `"python@latest" is a Python, not a tool`},
		"tool_pypy":             {"", "tool.packages", "PyPy@3.10", `"PyPy@3.10" is a Python, not a tool`},
		"tool_one_equals":       {"", "tool.packages", "ruff=0.14", `"ruff=0.14" has "=0.14" for a constraint, want one such as >=1.0`},
		"tool_no_version":       {"", "tool.packages", "ruff==", `"ruff==": "" is no version`},
		"tool_bad_version":      {"", "tool.packages", "ruff>=0.14 <1", `"ruff>=0.14 <1": "0.14 <1" is no version`},
		"tool_at_word":          {"", "tool.packages", "ruff@newest", `"ruff@newest" has "newest" behind the @, want latest, a version or a URL`},
		"tool_parenthesis":      {"", "tool.packages", "ruff (>=1", `"ruff (>=1" has no ) for its (`},
		"tool_extra":            {"", "tool.packages", "ruff[a,b c]", `"ruff[a,b c]" has "b c" for an extra`},
		"tool_blank":            {"", "tool.packages", " ruff", `" ruff" has blanks around it`},
		"tool_marker":           {"", "tool.packages", "blk; rm -rf /", `" rm -rf /" behind the ; is no marker, want one such as python_version >= "3.12"`},
		"tool_marker_open":      {"", "tool.packages", "blk; (os_name == 'x'", `" (os_name == 'x'" behind the ; is no marker, want one such as python_version >= "3.12"`},
		"tool_marker_string":    {"", "tool.packages", "blk; os_name == 'x", `" os_name == 'x" behind the ; is no marker, want one such as python_version >= "3.12"`},
		"tool_marker_no_name":   {"", "tool.packages", "blk; 'a' == 'b'", `" 'a' == 'b'" behind the ; is no marker, want one such as python_version >= "3.12"`},
		"tool_marker_more":      {"", "tool.packages", "blk; os_name == 'x'; rm", `" os_name == 'x'; rm" behind the ; is no marker, want one such as python_version >= "3.12"`},
		"tool_marker_empty":     {"", "tool.packages", "blk;", `"" behind the ; is no marker, want one such as python_version >= "3.12"`},
		"tool_URL_and_more":     {"", "tool.packages", "git+https://h/x rm", `"git+https://h/x rm" has "rm" behind the URL, want nothing or a marker`},
		"tool_at_URL_and_more":  {"", "tool.packages", "x @ https://h/x ; rm", `" rm" behind the ; is no marker, want one such as python_version >= "3.12"`},
		"tool_UTF-8":            {"", "tool.packages", "ruff @ https://h/\xff", `"ruff @ https://h/\xff" is not UTF-8`},
	} {
		c, err := declare(t, row.before, row.key, row.text)
		if err == nil || err.Error() != row.want {
			t.Errorf("%s: got %v, want %s", name, err, row.want)
		}
		if c.Data != nil {
			t.Errorf("%s: a file comes with the error: %s", name, c.Data)
		}
	}
}

func TestDeclare_tools(t *testing.T) {
	for _, text := range []string{"ruff", "ruff==0.14", "ruff == 0.14.*, != 0.14.2", "ruff (>=0.14,<1)", "ruff===1.0", "ruff~=1!1.0rc1+x.y", "ruff[a, b]>1",
		"ruff@latest", "ruff@0.14", "ruff@v1", "ruff[a]@latest", "ruff ; python_version > '3.8'", "ruff<=1;os_name=='posix'",
		"ruff; 'linux' in sys_platform and (extra == 'a' or platform_machine not in \"x\")", "ruff @ https://h/x ; os_name == 'posix'", "git+https://h/x ; python_version<'3.9'",
		"ruff @ git+https://example.org/x.git", "git+https://example.org/x.git@tag", "git+ssh://git@example.org/x", "https://example.org/x-1.tar.gz",
		"/srv/tool", "file:///srv/tool", "cp", "pip", "python-lsp-server", "pypyr", "39"} {
		if _, err := declare(t, "", "tool.packages", text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestDeclare_already(t *testing.T) {
	const text = "[python]\nversions = [\n  \"3.14\",\n  '3.13',\n]\ndefault = \"3.13\"\n[tool]\npackages = [\"ruff\"]\n"
	for key, row := range map[string]struct {
		text string
		line int
	}{"python.versions": {"3.13", 4}, "python.default": {"3.13", 6}, "tool.packages": {"ruff", 8}} {
		c, err := declare(t, text, key, row.text)
		if err != nil || c.Data != nil || c.Path != "policy.toml" || c.Line != row.line || !slices.Contains(c.List, row.text) {
			t.Errorf("%s: %+v, %v", key, c, err)
		}
	}
}

// A list of the user replaces that of all users, so that one cannot begin without the other's
// elements.
func TestDeclare_layers(t *testing.T) {
	system := "[python]\nversions = [\"3.14\", \"3.13\", \"pypy\"]\ndefault = [\"3.14\", \"pypy\"]\n[tool]\npackages = [\"ruff\"]\n"
	for name, row := range map[string]struct {
		system, user, key, text string
		want                    string
		list, copied            []string
		by                      string
	}{
		"system_list": {system, "", "python.versions", "3.12",
			"[python]\nversions = [\"3.14\", \"3.13\", \"pypy\", \"3.12\"]\n",
			[]string{"3.14", "3.13", "pypy", "3.12"}, []string{"3.14", "3.13", "pypy"}, "/etc/policy"},
		"system_other_key": {system, "[tool]\nprune = true\n", "tool.packages", "black",
			"[tool]\nprune = true\npackages = [\"ruff\", \"black\"]\n",
			[]string{"ruff", "black"}, []string{"ruff"}, "/etc/policy"},
		"user_list": {"[tool]\npackages = [\"ruff\"]\n", "[tool]\npackages = [\"black\"]\n", "tool.packages", "ruff",
			"[tool]\npackages = [\"black\", \"ruff\"]\n", []string{"black", "ruff"}, nil, ""},
		"user_empty_list": {"[tool]\npackages = [\"ruff\"]\n", "[tool]\npackages = []\n", "tool.packages", "black",
			"[tool]\npackages = [\"black\"]\n", []string{"black"}, nil, ""},
		"system_empty_list": {"[tool]\npackages = []\n", "", "tool.packages", "black",
			"[tool]\npackages = [\"black\"]\n", []string{"black"}, nil, ""},
		"system_empty_versions": {"[python]\nversions = []\ndefault = \"3.14\"\n", "", "python.versions", "3.13",
			"[python]\nversions = [\"3.14\", \"3.13\"]\n", []string{"3.14", "3.13"}, []string{"3.14"}, "python.default"},
		"system_default": {system, "", "python.default", "3.13",
			"[python]\ndefault = [\"3.13\", \"pypy\"]\n", []string{"3.13", "pypy"}, []string{"pypy"}, "/etc/policy"},
		"system_default_alone": {"[python]\ndefault = \"3.14\"\n", "", "python.default", "3.13",
			"[python]\ndefault = [\"3.13\"]\n", []string{"3.13"}, nil, ""},
		"system_default_first_version": {"[python]\ndefault = \"3.14\"\n", "", "python.versions", "3.13",
			"[python]\nversions = [\"3.14\", \"3.13\"]\n", []string{"3.14", "3.13"}, []string{"3.14"}, "python.default"},
	} {
		loaded, err := Load(File{"/etc/policy", []byte(row.system)}, File{"user", []byte(row.user)})
		if err != nil {
			t.Fatal(err)
		}
		c, err := loaded.Declare(row.key, row.text)
		if err != nil || string(c.Data) != row.want {
			t.Errorf("%s: got\n%s\n%v, want\n%s", name, c.Data, err, row.want)
		}
		if !slices.Equal(c.List, row.list) || !slices.Equal(c.Copied, row.copied) || c.CopiedFrom != row.by || c.Path != "user" {
			t.Errorf("%s: %+v", name, c)
		}
	}
	loaded, _ := Load(File{"/etc/policy", []byte(system)}, File{"user", nil})
	if c, err := loaded.Declare("python.versions", "3.13"); err != nil || c.Data != nil || c.Path != "/etc/policy" || c.Line != 2 {
		t.Errorf("declared by the system: %+v, %v", c, err)
	}
	if _, err := loaded.Declare("tool.packages", "ruff==1"); err == nil || !strings.Contains(err.Error(), "(/etc/policy:5)") {
		t.Errorf("another constraint by the system: %v", err)
	}
}

// comments returns all comments of a document, in order.
func comments(text string) (list []string) {
	p := unstable.Parser{KeepComments: true}
	p.Reset([]byte(text))
	var visit func(n *unstable.Node)
	visit = func(n *unstable.Node) {
		if n.Kind == unstable.Comment {
			list = append(list, string(n.Data))
		}
		for children := n.Children(); children.Next(); {
			visit(children.Node())
		}
	}
	for p.NextExpression() {
		for n := p.Expression(); n != nil; n = n.Next() {
			visit(n)
		}
	}
	return list
}

// FuzzDeclare holds the promises of Declare over any policy: the same policy with one entry more,
// to both TOML libraries, every line of the old file still there, and every comment.
func FuzzDeclare(f *testing.F) {
	for _, seed := range seeds {
		for key := range 3 {
			f.Add(seed, uint8(key), "3.12")
		}
	}
	for _, seed := range []string{
		"[python]\nversions = [ # a\n # b\n]\n[tool]\npackages = [\n'a' # ,\n # ]\n , # c\n]",
		"python = {versions = ['3.14' , \n '3.13' # x\n], default = '3.13',\n}\n",
		"tool.packages = [ ] # a\npython.default = \"3.14\"\r\n",
		"[python]\nversions = ['''3.14''', \"\"\"\\\n\"\"\"]\n",
	} {
		f.Add(seed, uint8(0), "3.12")
		f.Add(seed, uint8(1), "pypy")
		f.Add(seed, uint8(2), "b; os_name == 'x'")
	}
	f.Fuzz(func(t *testing.T, text string, which uint8, entry string) {
		key := []string{"python.versions", "python.default", "tool.packages"}[which%3]
		file := File{"p", []byte(text)}
		loaded, err := Load(file)
		if err != nil {
			return
		}
		c, err := loaded.Declare(key, entry)
		if err != nil {
			var problems Problems
			if strings.Contains(err.Error(), "by hand") || errors.As(err, &problems) && key != "python.default" {
				t.Fatalf("%s %q: %v\n%s", key, entry, err, text)
			}
			return
		}
		if string(file.Data) != text {
			t.Fatal("the file was changed in place")
		}
		if c.Data == nil {
			return
		}
		after, err := Load(File{"p", c.Data})
		if err != nil {
			t.Fatalf("%v\n%s", err, c.Data)
		}
		sameStrings(t, File{"p", c.Data}, &after.Policy)
		want := loaded.Policy
		for _, field := range want.fields() {
			if field.key == key {
				*field.list = c.List
			}
		}
		if !reflect.DeepEqual(after.Policy, want) || !slices.Contains(c.List, entry) {
			t.Errorf("got %+v, want %+v", after.Policy, want)
		}
		if before, now := comments(text), comments(string(c.Data)); !slices.Equal(before, now) {
			t.Errorf("comments were %q, and are %q", before, now)
		}
		if strings.Contains(text, "\r\n") && !strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\n") &&
			strings.Contains(strings.ReplaceAll(string(c.Data), "\r\n", ""), "\n") {
			t.Errorf("a line ends in LF alone:\n%q", c.Data)
		}
		removed(t, after, key)
		if again, err := after.Declare(key, entry); err != nil || again.Data != nil || again.Line != c.Line {
			t.Errorf("declared again: %+v, %v", again, err)
		}
	})
}
