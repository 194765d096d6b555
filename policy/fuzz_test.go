package policy

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/pelletier/go-toml/v2/unstable"
)

// seeds are documents on both sides of each rule, for all fuzz tests of files.
var seeds = []string{
	"",
	sample,
	"python.default = '3.14'\npython.prune = true\n",
	"python = { default = [\"3.14\"], prune = false }\n",
	"[python]\r\ndefault = [ # comment\r\n\"3.14\",\r\n]\r\n",
	"[python]\nversions = [\"\"\"\\\n   3.14\"\"\", '''\n3.13''']\n",
	"[python]\nversions = [\"\\u0033.14\", \"\\x33\", \"\\e\"]\n",
	"[python]\nversions = [3.10, 1979-05-27T07:32:00Z, 0x_f, +nan, [[[]]], {}]\n",
	"[python]\nprune = true\nprune = false\n",
	"[python]\n[python]\n",
	"python.prune = true\n[python]\nauto-install = true\n",
	"python = {}\npython.prune = true\n",
	"python = { prune = true, prune = true }\n",
	"python = { prune = true,\n auto-install = true, }\n",
	"[\"python\"]\n\"prune\" = true\n",
	"[[python]]\nprune = true\n",
	"[python.default]\n[python]\n",
	"[Python]\nDEFAULT = []\n",
	"\xef\xbb\xbf[python]\n",
	"\xff\xfe[python]\n",
	"# \x00\xff\n",
	"[python]\ndefault = \"\xff\"\n",
	"[uv]\nsupervise = true # c\r\n[pip]\rcommand = \"uv\"",
	"[uv",
	"uv = ",
	"a.a.a.a.a.a.a.a = [[[[[[[[[[[[",
}

// FuzzLoad holds the promises of Load and Where over any file: no panic, every mistake has a
// position inside the file, in order, and what is loaded is found again at its place.
func FuzzLoad(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file := File{"p", []byte(text)}
		loaded, err := Load(file)
		if err != nil {
			var problems Problems
			if !errors.As(err, &problems) || len(problems) == 0 || len(problems) > maxProblems {
				t.Fatalf("error is %#v", err)
			}
			lines := strings.Split(text, "\n")
			for _, e := range problems {
				if e.Line < 1 || e.Line > len(lines) || e.Col < 1 || e.Col > len(lines[e.Line-1])+1 {
					t.Errorf("%v: no such position", e)
				}
			}
			return
		}
		for _, field := range loaded.Policy.fields() {
			line, col, ok := Where(file, field.key, -1)
			if !ok {
				continue
			}
			rest := strings.Split(text, "\n")[line-1][col-1:]
			if !strings.ContainsAny(rest[:1], `["'tf`) {
				t.Errorf("%s at %d:%d: %q is no value", field.key, line, col, rest)
			}
			if field.list == nil {
				continue
			}
			for i := range *field.list {
				line, col, ok := Where(file, field.key, i)
				if !ok || !strings.ContainsAny(strings.Split(text, "\n")[line-1][col-1:][:1], `"'`) {
					t.Errorf("%s element %d at %d:%d: no string", field.key, i, line, col)
				}
			}
			if _, _, ok := Where(file, field.key, len(*field.list)); ok {
				t.Errorf("%s has an element after the last", field.key)
			}
		}
		back, err := ParseCompact(loaded.Compact())
		if err != nil || !reflect.DeepEqual(back, loaded.Policy) {
			t.Errorf("compact form is %+v, %v, want %+v", back, err, loaded.Policy)
		}
	})
}

// FuzzParsers holds the two TOML libraries to the same answer over the same file. A file is as
// good as the stricter of them says, and these are the known ways in which they differ; the check
// by the tree refuses each, and the decoder is then not asked:
//
//   - a byte order mark, which the decoder skips
//   - a header for a table that dotted keys made, which TOML forbids and the decoder takes
//   - six quotes behind a backslash at the end of a string, of which TOML has two in it and one too many
//
// In the other direction the tree takes duplicate keys and tables and any number and date; check
// refuses the former itself, and the latter have no place in a policy.
func FuzzParsers(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file := File{"p", []byte(text)}
		found := check(file)
		if found == nil {
			var p Policy
			if err := decode(file, &p); err != nil {
				t.Fatalf("the tree takes it, the decoder does not: %v", err)
			}
			sameStrings(t, file, &p)
			return
		}
		if len(text) > 2000 || strings.HasPrefix(text, "\xef\xbb\xbf") || strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
			return
		}
		if strings.Contains(text, `\""""""`) {
			return
		}
		if slices.ContainsFunc(found, func(e *Error) bool { return strings.HasPrefix(e.Err.Error(), "defined twice") }) {
			return
		}
		if _, err := walk(file.Data, func(node) bool { return true }); err == nil {
			return // refused for what it says, not for its syntax
		}
		if decodes(text) {
			t.Errorf("the decoder takes it, the tree does not: %v", found)
		}
	})
}

// decodes reports whether text is TOML to the decoder, which answers some broken files by a panic.
func decodes(text string) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	var any map[string]any
	return toml.Unmarshal([]byte(text), &any) == nil
}

// sameStrings compares what the decoder made of the strings with what the tree has.
func sameStrings(t *testing.T, file File, p *Policy) {
	c := checker{fields: p.fields()}
	walk(file.Data, func(n node) bool {
		if len(n.path) < 2 {
			return true
		}
		f := c.field(n.path[0].text, n.path[1].text)
		var want []string
		switch {
		case f.word != nil:
			if *f.word != string(n.value.Data) {
				t.Errorf("%s: decoder has %q, tree has %q", f.key, *f.word, n.value.Data)
			}
			return true
		case f.list == nil:
			return true
		case n.kind == unstable.String:
			want = []string{string(n.value.Data)}
		default:
			elements(file.Data, n, func(value *unstable.Node, _ int) bool {
				want = append(want, string(value.Data))
				return true
			})
		}
		if !slices.Equal(*f.list, want) {
			t.Errorf("%s: decoder has %q, tree has %q", f.key, *f.list, want)
		}
		return true
	})
}

// FuzzCompact holds the round trip of the compact form over any strings, and that nothing but what
// Compact wrote is read.
func FuzzCompact(f *testing.F) {
	f.Add("3.14", "a\nb\r\"'\\", "\xff\xfe\x00�", true, uint(40), byte(1))
	f.Add("", " ", "\n", false, uint(0), byte(0x20))
	f.Fuzz(func(t *testing.T, a, b, c string, flag bool, at uint, flip byte) {
		p := Default()
		p.Python.Versions = []string{a, b, c}
		p.Python.Default = []string{b}
		p.Preflight.Ignore = []string{c, c}
		p.Python.Prune, p.UV.Supervise = flag, !flag
		p.Pip.Command = PipOff
		compact := p.Compact()
		back, err := ParseCompact(compact)
		if err != nil || !reflect.DeepEqual(back, p) {
			t.Fatalf("got %+v, %v, want %+v", back, err, p)
		}
		if flip != 0 {
			broken := slices.Clone(compact)
			broken[at%uint(len(broken))] ^= flip
			if back, err := ParseCompact(broken); err == nil {
				t.Errorf("took a form with byte %d changed: %+v", at%uint(len(broken)), back)
			}
		}
		if _, err := ParseCompact(compact[:at%uint(len(compact))]); err == nil {
			t.Errorf("took the first %d of %d bytes", at%uint(len(compact)), len(compact))
		}
		ParseCompact([]byte(a))
		ParseCompact([]byte(compactHead + string(checksum([]byte(b))) + "\n" + b))
	})
}
