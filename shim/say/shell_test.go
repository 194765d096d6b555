package say

import (
	"os/exec"
	"testing"
)

func TestShellWord(t *testing.T) {
	for text, want := range map[string]string{
		"ruff": "ruff", "": "''", "ruff>=0.14": "'ruff>=0.14'", "a b": "'a b'", "it's": `'it'\''s'`,
		"a\nb": `$'a\x0ab'`, "$HOME": "'$HOME'", "~/x": "'~/x'", "../lib": "../lib", "a\\b": `'a'\\'b'`, "a\x1bb": `$'a\x1bb'`, "ü": "ü",
		"\u202e'\\ü": `$'\xe2\x80\xae\x27\x5cü'`, "a\xff": `$'a\xff'`, "\uFFFD": "'\uFFFD'",
	} {
		if got := ShellWord(text); got != want {
			t.Errorf("ShellWord(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestShellPath(t *testing.T) {
	for path, want := range map[string]string{
		"/home/me": "~", "/home/me/": "~/", "/home/me/a": "~/a", "/home/me/a b": "~/'a b'", "/home/me2": "/home/me2", "/x/$(rm)": "'/x/$(rm)'", "~": "'~'", "": "''",
	} {
		if got := ShellPath(path, "/home/me"); got != want {
			t.Errorf("ShellPath(%q) = %s, want %s", path, got, want)
		}
	}
	for _, home := range []string{"", "/"} {
		if got := ShellPath("/x", home); got != "/x" {
			t.Errorf("with home %q: %s", home, got)
		}
	}
}

func TestTildes(t *testing.T) {
	for text, want := range map[string]string{
		"/home/me": "~", "/home/me/a": "~/a", "/home/me2/a": "/home/me2/a", "/x/home/me/a": "/x/home/me/a", "": "",
		`open "/home/me/a": no`: `open "~/a": no`, "PATH=/home/me/b:/home/me/c": "PATH=~/b:~/c", "(at /home/me, /home/me)": "(at ~, ~)",
		"rm '/home/me/a b'": "rm ~/'a b'", "cd '/home/me'": "cd ~", `cd $'/home/me/\x1b'`: `cd $'/home/me/\x1b'`, "'/home/me2'": "'/home/me2'",
	} {
		if got := Tildes(text, "/home/me"); got != want {
			t.Errorf("Tildes(%q) = %s, want %s", text, got, want)
		}
	}
	if got := Tildes("/x", "/"); got != "/x" {
		t.Errorf("a home at the top: %s", got)
	}
}

// A shell gives the text back, or runs nothing but the command that it was given to.
func TestShellQuote(t *testing.T) {
	for _, text := range []string{"a b", "a\\", "\\'; echo no; '", "it's; echo no", "$(echo no)`echo no`${x}\\", "a\nb\x1b[31m\r", "\xff\xc2'; echo no; '", "\u202e\\x41'$(echo no)\x01"} {
		for _, shell := range []string{"bash", "zsh", "sh", "dash", "fish"} {
			path, err := exec.LookPath(shell)
			if err != nil {
				continue
			}
			out, err := exec.Command(path, "-c", "printf '%s|' "+ShellQuote(text)).Output()
			exact := shell == "bash" || shell == "zsh" || ShellQuote(text)[0] != '$'
			if exact && (err != nil || string(out) != text+"|") || !exact && string(out) == text {
				t.Errorf("%s: %q became %q, %v", shell, text, out, err)
			}
			if n := len(out); n > 0 && out[n-1] != '|' {
				t.Errorf("%s: %q ran something: %q", shell, text, out)
			}
		}
	}
}
