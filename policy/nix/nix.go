// Package nix writes a policy, and the libraries that projects need, as Nix to paste: for Home
// Manager, for configuration.nix, and as a project's flake.nix. Values go in and text comes out;
// nothing that a value holds can end a string, a comment or a list.
package nix

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A writer lays out an expression as nixfmt does: two spaces a level, and a list of more than one
// element over several lines.
type writer struct {
	strings.Builder
	depth int
}

func (w *writer) line(format string, args ...any) {
	if format != "" {
		w.WriteString(strings.Repeat("  ", w.depth))
	}
	fmt.Fprintf(w, format, args...)
	w.WriteByte('\n')
}

// block writes what body does between braces, brackets or whatever head and tail end in.
func (w *writer) block(head, tail string, body func()) {
	w.line("%s", head)
	w.depth++
	body()
	w.depth--
	w.line("%s", tail)
}

// comment writes a comment. It stays on its line, whatever text holds.
func (w *writer) comment(format string, args ...any) {
	w.line("# %s", visible(fmt.Sprintf(format, args...)))
}

// list writes "head [ elements ]tail", where the elements are expressions.
func (w *writer) list(head string, elements []string, tail string) {
	switch len(elements) {
	case 0:
		w.line("%s[ ]%s", head, tail)
	case 1:
		w.line("%s[ %s ]%s", head, elements[0], tail)
	default:
		w.block(head+"[", "]"+tail, func() {
			for _, e := range elements {
				w.line("%s", e)
			}
		})
	}
}

// String returns text as a string of Nix that means just text. Nix knows few escapes: a control
// character or what else a terminal would not show goes through JSON's. Neither a string of Nix nor
// a source file of it can hold a NUL or bytes that are not UTF-8; each becomes U+FFFD.
func String(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ReplaceAll(text, "\x00", "\ufffd") {
		switch {
		case r == '"' || r == '\\' || r == '$':
			// every $, not only one before {: in "$${" the first takes the meaning of the second
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case hidden(r):
			fmt.Fprintf(&b, `${builtins.fromJSON "\"\\u%04x\""}`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// List returns the line of a list of strings, such as `tool.packages = [ "ruff" ];`.
func List(name string, texts []string) string {
	return name + " = [ " + strings.Join(append(quotedAll(texts), "];"), " ")
}

func quotedAll(texts []string) []string {
	var out []string
	for _, text := range texts {
		out = append(out, String(text))
	}
	return out
}

// hidden reports whether a reader would not see r, or would see what follows differently.
func hidden(r rune) bool {
	return r <= 0xffff && (unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp))
}

// visible returns text on one line, what a terminal would not show escaped.
func visible(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case hidden(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}
