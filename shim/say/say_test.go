package say

import (
	"strings"
	"testing"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":           "plain",
		"ünïcode 中":       "ünïcode 中",
		"two\nlines":      "two\nlines",
		"\x1b[31mred":     `\x1b[31mred`,
		"tab\there":       `tab\there`,
		"bell\a":          `bell\a`,
		"nul\x00":         `nul\x00`,
		"del\x7f":         `del\x7f`,
		"c1 \u009b31m":    `c1 \u009b31m`,
		"bidi \u202eevil": `bidi \u202eevil`,
		"bad \xff byte":   `bad \xff byte`,
		"good \ufffd":     "good \ufffd",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Word("a\nb"); got != `a\nb` {
		t.Errorf("Word keeps a newline: %q", got)
	}
	if got := Quote("a\nb\x1b"); got != `"a\nb\x1b"` {
		t.Errorf("Quote: %q", got)
	}
}

func TestSpeaker(t *testing.T) {
	var b strings.Builder
	s := Speaker{W: &b}
	s.Error("no %s", Quote("x\x1b[2J"))
	s.Warning("w")
	s.Hint("h")
	want := "shim: error: no \"x\\x1b[2J\"\nshim: warning: w\nshim: hint: h\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	b.Reset()
	Speaker{W: &b, Color: func() bool { return true }}.Error("e")
	if b.String() != "shim: \x1b[1;31merror\x1b[0m: e\n" {
		t.Errorf("colour: %q", b.String())
	}
}

// countWriter counts writes: a message is one, so that those of calls side by side do not mix.
type countWriter int

func (w *countWriter) Write(p []byte) (int, error) { *w++; return len(p), nil }

func TestSpeaker_oneWrite(t *testing.T) {
	var n countWriter
	Speaker{W: &n, Color: func() bool { return true }}.Warning("a\nb %d", 1)
	if n != 1 {
		t.Errorf("%d writes", n)
	}
}

// An error that repeats a whole file does not fill the terminal with it.
func TestSpeaker_long(t *testing.T) {
	var b strings.Builder
	Speaker{W: &b}.Error("%s", strings.Repeat("ü", maxMessage))
	if got := b.String(); len(got) > maxMessage+100 || !strings.HasSuffix(got, "ü…\n") {
		t.Errorf("%d bytes, which end in %q", len(got), got[len(got)-8:])
	}
}

// Passwords in what is repeated are hidden in every form of it.
func TestSecrets(t *testing.T) {
	const in, want = "https://u:s3cret@h/", "https://***@h/"
	for name, f := range map[string]func(string) string{"Clean": Clean, "Word": Word, "Quote": func(s string) string { return strings.Trim(Quote(s), `"`) }} {
		if got := f(in); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := Sprintf("at %q", in); got != `at "`+want+`"` {
		t.Errorf("Sprintf: %q", got)
	}
}

// Messages show the home directory as ~; the trail is exact.
func TestSpeaker_home(t *testing.T) {
	var b strings.Builder
	s := Speaker{W: &b, Home: "/home/me"}
	s.Error("no %s", Quote("/home/me/x"))
	s.Debug("/home/me/x")
	if got := b.String(); got != "shim: error: no \"~/x\"\nshim: debug: /home/me/x\n" {
		t.Errorf("got %q", got)
	}
}
