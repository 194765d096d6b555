package policy

import "testing"

func TestName(t *testing.T) {
	const git = "git+https://example.org/x/tool.git"
	for name, row := range map[string]struct{ requirement, want string }{
		"bare":               {"ruff", "ruff"},
		"normalised":         {"Zope._-Interface", "zope-interface"},
		"one_letter":         {"q", "q"},
		"digits":             {"7zz", "7zz"},
		"constraint":         {"ruff==0.14.*,>0.13", "ruff"},
		"blank_constraint":   {"  ruff >= 0.14 ", "ruff"},
		"parentheses":        {"ruff (>=0.14)", "ruff"},
		"extras":             {"pylsp[all, x]", "pylsp"},
		"extras_constraint":  {"pylsp [all] ~=1.0", "pylsp"},
		"latest":             {"ruff@latest", "ruff"},
		"extras_latest":      {"flask[dotenv]@latest", "flask"},
		"marker":             {"ruff ; python_version > '3.8'", "ruff"},
		"direct_URL":         {"ruff @ " + git, "ruff"},
		"direct_URL_close":   {"Ruff@https://example.org/r.zip", "ruff"},
		"direct_URL_egg":     {"ruff @ " + git + "#egg=black", "ruff"},
		"wheel_path":         {"./dist/My_Tool-1.0-py3-none-any.whl", "my-tool"},
		"wheel_alone":        {"my_tool-1.0-py3-none-any.whl", "my-tool"},
		"wheel_extras":       {"./my_tool-1.0-py3-none-any.whl[x]", "my-tool"},
		"wheel_URL":          {"https://example.org/my_tool-1.0%2Bx-py3-none-any.whl?a=/b#sha256=0", "my-tool"},
		"wheel_marker":       {"/d/my_tool-1.0-py3-none-any.whl ; python_version > '3'", "my-tool"},
		"archive_URL":        {"https://example.org/my-tool-2-1.0.tar.gz", "my-tool-2"},
		"archive_alone":      {"my-tool-1.0.tar.gz", "my-tool"},
		"archive_no_version": {"https://example.org/my-tool.tar.gz", ""},
		"archive_only":       {"https://example.org/-1.0.tar.gz", ""},
		"github_archive":     {"https://github.com/o/r/archive/refs/heads/release-1.11.zip", ""},
		"archive_elsewhere":  {"https://example.org/o/archive/tool-1.11.zip", "tool"},
		"github_release":     {"https://github.com/o/r/releases/download/v1/tool-1.11.zip", "tool"},
		"git":                {git, ""},
		"git_tag":            {git + "@1.0", ""},
		"git_archive_name":   {"git+https://example.org/x/tool-1.0.zip", ""},
		"git_egg":            {git + "@tag#egg=My.Tool", "my-tool"},
		"git_egg_second":     {git + "#subdirectory=a/b&egg=tool[x]", "tool"},
		"git_egg_empty":      {git + "#egg=", ""},
		"git_egg_bad":        {git + "#egg=-tool", ""},
		"git_ssh":            {"git+ssh://git@example.org/x/tool", ""},
		"directory":          {".", ""},
		"directory_below":    {"a/b", ""},
		"directory_named":    {"./tool", ""},
		"option":             {"--with", ""},
		"bad_end":            {"ruff-", ""},
		"bad_end_constraint": {"ruff.==1", ""},
		"extras_open":        {"flask[dotenv", ""},
		"words_egg":          {"ruff:1#egg=x", ""},
		"two_words":          {"ruff black", ""},
		"words_slash":        {"ruff a/b", ""},
		"colon":              {"ruff:1", ""},
		"letter":             {"rüff", ""},
		"empty":              {"", ""},
		"blank":              {"  ", ""},
	} {
		got, ok := Name(row.requirement)
		if got != row.want || ok != (row.want != "") {
			t.Errorf("%s: the name of %q is %q, %v, want %q", name, row.requirement, got, ok, row.want)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, seed := range []string{"ruff", "a[b]@c", "git+https://h/x.git#egg=a&b", "./a-1-py3-none-any.whl", "a-1.tar.gz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, ok := Name(text)
		if ok != (name != "") {
			t.Fatalf("%q, %v", name, ok)
		}
		if again, _ := Name(name); ok && again != name {
			t.Errorf("the name of %q is %q, and of that %q", text, name, again)
		}
	})
}
