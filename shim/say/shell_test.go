package say

import "testing"

func TestShellWord(t *testing.T) {
	for text, want := range map[string]string{
		"ruff": "ruff", "": "''", "ruff>=0.14": "'ruff>=0.14'", "a b": "'a b'", "it's": `'it'\''s'`,
		"a\nb": "'a\nb'", "$HOME": "'$HOME'", "~/x": "'~/x'", "../lib": "../lib", "a\\b": `'a\b'`,
	} {
		if got := ShellWord(text); got != want {
			t.Errorf("ShellWord(%q) = %s, want %s", text, got, want)
		}
	}
}
