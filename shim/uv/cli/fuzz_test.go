package cli

import (
	"slices"
	"strings"
	"testing"

	"uvshim/shim/host"
)

// Whatever the line, Parse ends, the program is the end of the line as it stands there, and what is
// not understood says nothing.
func FuzzParse(f *testing.F) {
	for _, row := range rows {
		f.Add(strings.ReplaceAll(row.line, " ", "\x00"), "UV_PYTHON=3")
	}
	f.Add("uv\x00run\x00--\x00--\x00-\x00", "=")
	f.Add("uv\x00\x00-\x00--=\x00-=", "UV_NO_SYNC=1")
	f.Fuzz(func(t *testing.T, line, entry string) {
		words := strings.Split(line, "\x00")
		args := slices.Clone(words[1:])
		l := Parse(words[0], args).With(host.Env{entry})
		if !slices.Equal(args, words[1:]) {
			t.Fatalf("%q became %q", words[1:], args)
		}
		if n := len(l.Program); n > len(args) || !slices.Equal(l.Program, args[len(args)-n:]) {
			t.Errorf("%q: program %q", args, l.Program)
		}
		if l.Program != nil && l.Command != "run" && l.Command != "tool run" {
			t.Errorf("%q: %q has a program", args, l.Command)
		}
		if !l.Known && (l.Class != Through || l.DryRun) {
			t.Errorf("%q: not understood, and yet %d %v", args, l.Class, l.DryRun)
		}
		if len(l.Words) > len(args)+1 || len(l.Options) > len(line)+1 {
			t.Errorf("%q: %d words, %d options", args, len(l.Words), len(l.Options))
		}
	})
}
