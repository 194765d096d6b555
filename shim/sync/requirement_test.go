package sync

import "testing"

func TestSame(t *testing.T) {
	for _, c := range []struct {
		name, declared, receipt string
		want                    bool
	}{
		{"plain", "ruff", "ruff", true},
		{"name_in_another_spelling", "Pre_Commit", "pre-commit", true},
		{"order_and_blanks", "ruff >= 1, < 2", "ruff<2,>=1", true},
		{"parentheses", "ruff (>=1)", "ruff>=1", true},
		{"other_version", "ruff", "ruff==1", false},
		{"other_name", "ruff", "black", false},
		{"extras", "ruff[b, A_x]", "ruff[a-x,b]", true},
		{"extras_missing", "ruff[a]", "ruff", false},
		{"short_version", "ruff@1.0", "ruff==1.0", true},
		{"latest", "ruff@latest", "ruff", true},
		{"marker", `ruff ; python_version > "3"`, "ruff ; python_version > '3'", true},
		{"marker_missing", `ruff ; python_version > "3"`, "ruff", false},
		{"git_without_a_name", "git+https://example.org/ruff", "ruff @ git+https://example.org/ruff", true},
		{"git_with_a_password", "git+https://me:secret@example.org/ruff@v1", "ruff @ git+https://example.org/ruff@v1", true},
		{"git_at_another_tag", "git+https://example.org/ruff@v2", "ruff @ git+https://example.org/ruff@v1", false},
		{"git_with_a_name", "ruff @ git+https://example.org/ruff", "ruff @ git+https://example.org/ruff", true},
		{"git_under_another_name", "black @ git+https://example.org/ruff", "ruff @ git+https://example.org/ruff", false},
		{"archive", "https://example.org/ruff-1.zip", "ruff @ https://example.org/ruff-1.zip", true},
		{"relative_path", "./src/ruff", "ruff @ file:///home/user/src/ruff", true},
		{"absolute_path", "/src/a b", "ruff @ file:///src/a%20b", true},
		{"no_text", "", "ruff", false},
	} {
		if got := Same(c.declared, c.receipt, "/home/user"); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestFixed(t *testing.T) {
	for text, want := range map[string]bool{
		"ruff": false, "ruff>=1": false, "ruff==1.0": true, "ruff==1.*": false, "ruff @ file:///x": true,
		"ruff @ git+https://example.org/x": false, "ruff ; python_version == '3.12'": false,
	} {
		if got := fixed(text); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

func TestNoNetwork(t *testing.T) {
	for text, want := range map[string]bool{
		"cause: error sending request for url\n cause: dns error":          true,
		"cause: Network connectivity is disabled, but":                     true,
		"hint: Packages were unavailable because the network was disabled": true,
		"cause: Hash mismatch for `cpython-3.12.12-linux-x86_64-gnu`":      false,
		"error: No solution found when resolving dependencies":             false,
		"cause: No space left on device (os error 28)":                     false,
	} {
		if got := noNetwork(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
