package decode

import (
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
