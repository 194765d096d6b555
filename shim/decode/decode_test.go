package decode

import (
	"errors"
	"strconv"
	"strings"
	"testing"
)

func TestTOML(t *testing.T) {
	for _, c := range []struct {
		name, text string
		ok         bool
	}{
		{"plain", "a = 1\n[b.c]\nd = [[1], [2]]\n", true},
		{"empty", "", true},
		{"no_toml", "a = ", false},
		{"deep_but_not_too", "a = " + strings.Repeat("[", 60) + strings.Repeat("]", 60), true},
		{"deep_list", "a = " + strings.Repeat("[", 2_000_000), false},
		{"deep_table", "a = " + strings.Repeat("{b=", 2_000_000), false},
		{"long_key", strings.Repeat("a.", 100_000) + "a = 1", false},
		{"long_head", "[" + strings.Repeat("a.", 100_000) + "a]", false},
		{"deep_below_header", "[" + strings.Repeat("a.", 50) + "a]\n" + strings.Repeat("b.", 20) + "b = 1", false},
		{"deep_in_table", strings.Repeat("b.", 40) + "b = {" + strings.Repeat("c.", 40) + "c = 1}", false},
		{"deep_keys_no_end", strings.Repeat("a.", 70), false},
		{"next_header_is_no_deeper", "[" + strings.Repeat("a.", 50) + "a]\n[" + strings.Repeat("b.", 50) + "b]\n", true},
		{"dots_in_values", "a = [" + strings.Repeat("1.5, ", 100) + "]\nb = {c = 1.5, d = 1.5}\n", true},
		{"brackets_in_strings", "a = '" + strings.Repeat("[", 1000) + "' # " + strings.Repeat("{", 1000) + "\nb = \"\"\"" + strings.Repeat("[.", 1000) + "\"\"\"\n", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var doc map[string]any
			if err := TOML([]byte(c.text), &doc); (err == nil) != c.ok {
				t.Errorf("%v", err)
			}
		})
	}
}

// What would keep the decoder busy for seconds, or fill the memory, is refused before it begins.
func TestTOML_long(t *testing.T) {
	long, deep := strings.Repeat("b", 10_000), strings.Repeat("b.", 60)
	for name, text := range map[string]string{
		"keys":              many(60_000, "k%d = 1\n"),
		"headers":           many(60_000, "[k%d]\n"),
		"elements":          "a = [" + many(60_000, "%d, ") + "]",
		"lists":             "a = [" + many(60_000, "[], ") + "]",
		"tables":            "a = [" + many(30_000, "{b = 1}, ") + "]",
		"table_keys":        "a = {" + many(60_000, "k%d = 1, ") + "z = 1}",
		"dotted_keys":       many(7000, deep+"k%d = 1\n"),
		"dotted_headers":    many(7000, "["+deep+"k%d]\n"),
		"dotted_in_table":   "a = {" + many(7000, deep+"k%d = 1, ") + "z = 1}",
		"tables_in_tables":  many(3000, "k%d = "+strings.Repeat("{a = ", 60)+"1"+strings.Repeat("}", 60)+"\n"),
		"below_long_header": "[" + long + "]\n" + many(2000, "k%d = 1\n"),
		"below_long_quoted": "['" + long + "']\n" + many(2000, "k%d = 1\n"),
		"below_long_list":   "[[" + long + "]]\n" + many(2000, "k%d = 1\n"),
		"in_long_table":     long + " = {" + many(2000, "k%d = 1, ") + "z = 1}",
		"in_long_elements":  long + " = [" + many(2000, "{k%d = 1}, ") + "]",
	} {
		t.Run(name, func(t *testing.T) {
			var v map[string]any
			if err := TOML([]byte(text), &v); !errors.Is(err, errLong) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What people and their tools write passes, and so does a record of any length.
func TestRecords(t *testing.T) {
	group := "[tool.poetry.group.dev.dependencies]\n"
	for name, text := range map[string]string{
		"dependencies": "[project]\ndependencies = [\n" + many(10_000, "    \"some-name%d[extra.one]>=1.2.3 ; python_version >= '3.12'\",\n") + "]\n",
		"group":        group + many(3000, "some-name%d = { version = \"^1.2.3\", extras = [\"a\"] }\n"),
		"overrides":    many(1000, "[[tool.mypy.overrides]]\nmodule = \"a.b.c%d.*\"\nignore_missing_imports = true\n"),
		"headers":      many(2000, "[tool.uv.k%d]\na.b.c = 1.5\n"),
	} {
		var v map[string]any
		if err := TOML([]byte(text), &v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	lock := []byte(many(15_000, "[[project]]\npath = \"/home/me/src/p%d\"\npython = \"cpython-3.14.1-linux-x86_64-gnu\"\nneeds = [\"libz.so.1\"]\nlast-used = 2026-11-22\n"))
	var v map[string]any
	if err := Records(lock, &v); err != nil {
		t.Error(err)
	}
	if err := TOML(lock, &v); !errors.Is(err, errLong) {
		t.Errorf("of others: %v", err)
	}
}

// many returns n lines, %d in each its number.
func many(n int, line string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Replace(line, "%d", strconv.Itoa(i), 1))
	}
	return b.String()
}
