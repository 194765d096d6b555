package say

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ShellWord returns text as one word of a command line, in quotes only where a shell needs them.
func ShellWord(text string) string {
	special := func(r rune) bool {
		return Special(r) || r == utf8.RuneError || unicode.IsSpace(r) || strings.ContainsRune("<>=!~*'\"$&;|()[]{}?#\\`^", r)
	}
	if text != "" && !strings.ContainsFunc(text, special) {
		return text
	}
	return ShellQuote(text)
}

// ShellQuote puts text into single quotes, as sh and its kin have them; a backslash stands outside them,
// because fish escapes with it inside as well, and a quote behind one would not end the word. What could speak to a terminal,
// and what is not UTF-8, is written as bash and zsh have it in $'…', with no quote inside: to another
// shell that is one harmless word, and none is the text.
func ShellQuote(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, Special) {
		return "'" + strings.NewReplacer("'", `'\''`, `\`, `'\\'`).Replace(text) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 || Special(r) || r == '\'' || r == '\\' {
			for _, c := range []byte(text[i : i+size]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		} else {
			b.WriteString(text[i : i+size])
		}
		i += size
	}
	b.WriteByte('\'')
	return b.String()
}

// ShellPath returns a path as one word of a command line, the home directory as ~, which a shell
// replaces only outside quotes.
func ShellPath(path, home string) string {
	switch short := Tilde(path, home); {
	case short == path:
		return ShellWord(path)
	case short == "~", short == "~/":
		return short
	default:
		return "~/" + ShellWord(short[len("~/"):])
	}
}
