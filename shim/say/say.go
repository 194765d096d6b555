// Package say writes shim's messages. They go to standard error as "shim: error: …",
// "shim: warning: …" or "shim: hint: …", in lower case and without a full stop; values are quoted
// and control characters escaped, so that no file name can speak to the terminal, and passwords and
// tokens in them are hidden, since what a terminal shows gets into bug reports. Results of
// commands are not messages: those go to standard output, through Clean where they carry names.
package say

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"uvshim/shim/redact"
)

// A Speaker writes messages to W. Color is asked when there is something to say: most calls say
// nothing, and finding out whether W is a terminal costs a system call.
type Speaker struct {
	W     io.Writer
	Color func() bool // nil: no colour
	Home  string      // the home directory, which is shown as ~; "" shows paths as they are
}

// maxMessage is how many bytes of a message are shown.
const maxMessage = 16 << 10

const (
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	cyan   = "\x1b[1;36m"
	plain  = "\x1b[0m"
)

// Error says why what was asked for is not done.
func (s Speaker) Error(format string, args ...any) { s.say("error", red, format, args...) }

// Warning says what is wrong though the work goes on.
func (s Speaker) Warning(format string, args ...any) { s.say("warning", yellow, format, args...) }

// Hint says what to do about the message before it.
func (s Speaker) Hint(format string, args ...any) { s.say("hint", cyan, format, args...) }

// Debug is a line of the trail that SHIM_DEBUG=1 asks for.
func (s Speaker) Debug(format string, args ...any) { s.say("debug", "", format, args...) }

func (s Speaker) say(kind, color, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if color != "" { // the trail is exact
		text = Tildes(text, s.Home)
	}
	if text = Clean(text); len(text) > maxMessage { // an error that repeats a whole file, say
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	if color != "" && s.Color != nil && s.Color() {
		kind = color + kind + plain
	}
	// one write, so that messages of calls running side by side do not mix
	io.WriteString(s.W, "shim: "+kind+": "+text+"\n")
}

// Sprintf formats a message as Error and the others do.
func Sprintf(format string, args ...any) string { return Clean(fmt.Sprintf(format, args...)) }

// Quote returns text in double quotes, what cannot be shown escaped.
func Quote(text string) string { return `"` + Word(text) + `"` }

// Clean returns text with control characters, bidirectional overrides and bytes that are not
// UTF-8 written as escapes, and with *** for passwords and tokens. Newlines stay: they are the layout of a message, and what comes from
// outside goes through Quote or Word.
func Clean(text string) string { return escape(text, true) }

// Word is Clean for a name that must stay on its line: newlines are escaped too.
func Word(text string) string { return escape(text, false) }

func escape(text string, newline bool) string {
	text = redact.Text(text)
	if !strings.ContainsFunc(text, func(r rune) bool { return Special(r) || r == utf8.RuneError }) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case r == '\n' && newline:
			b.WriteByte('\n')
		case !Special(r):
			b.WriteString(text[i : i+size])
		case r < 0x80:
			b.WriteString(strings.Trim(fmt.Sprintf("%q", string(r)), `"`))
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += size
	}
	return b.String()
}

// Special reports whether a terminal could take the character for something else than text: a control
// character, or one that turns the order of those around it.
func Special(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control)
}
