package lock

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"uvshim/shim/redact"
)

func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		example, example[:len(example)/2], "", "version = 2", "version = 1\n[[project]]\npath = '%FF%zz'\npython = \"\\u0000\"\n",
		"version = 1\na = [1979-05-27T07:32:00.999999-07:00, 0001-01-01, 07:32:00, {b = [[[]]]}]\n[c.d]\n'e f' = 1e9\n[[c.g]]\n",
		"version = 1\nproject = [{path = 'a', python = 'b'}]\nuv = {path = '/x'}\n",
		"version = 1\n[[tool]]\nname = '''\n''\\'''''\nrecorded = 0001-01-01\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := Decode(text)
		if err != nil {
			return
		}
		once := Encode(l)
		again, err := Decode(once)
		if err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
		if twice := Encode(again); !bytes.Equal(once, twice) {
			t.Fatalf("written\n%s\nread and written\n%s", once, twice)
		}
		export := Export(l)
		if back, err := Decode(export); err != nil || !bytes.Equal(Export(back), export) {
			t.Fatalf("%v\n%s", err, export)
		}
	})
}

func FuzzPending(f *testing.F) {
	f.Add([]byte(schema + "\n[remove]\ntool = ['a']\n"))
	f.Add([]byte("schema = 2\n"))
	f.Add([]byte("schema = 99999999999999999999\n"))
	f.Add(Record{Project: []Project{{Path: "/a", Python: "k"}}, Change: &Change{Argv: []string{"\xff"}}}.encode("0"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := decodePending(text)
		if err != nil {
			return
		}
		m := newMerger(Lock{})
		m.fold(p)
		once := Encode(*m.lock)
		m.fold(p)
		if twice := Encode(*m.lock); !bytes.Equal(once, twice) {
			t.Fatalf("folded\n%s\nfolded twice\n%s", once, twice)
		}
	})
}

// Whatever bytes paths and arguments have, they come back.
func FuzzRoundTrip(f *testing.F) {
	f.Add("/a", "b")
	f.Add("\xff%FF\x00", "\u202e\"\\\n\r")
	f.Fuzz(func(t *testing.T, path, arg string) {
		if path == "" {
			return
		}
		if got := DecodeBytes(EncodeBytes(path)); got != path {
			t.Fatalf("%q became %q", path, got)
		}
		want := []string{"uv", arg}
		r := Record{Time: time.Unix(0, 0), Project: []Project{{Path: path, Python: path}}, Tool: []Tool{{Name: path}},
			Change: &Change{Directory: path, Argv: want}}
		p, err := decodePending(r.encode("0"))
		if err != nil {
			t.Fatal(err)
		}
		l, err := Decode(Encode(p.add))
		if err != nil {
			t.Fatal(err)
		}
		if l.Project[0].Path != path || l.Change[0].Directory != path || l.Tool[0].Name != path {
			t.Fatalf("%q became %q", path, l.Project[0].Path)
		}
		if len(arg) < maxArgv/2 && !slices.Equal(l.Change[0].Argv, redact.Args(want)) {
			t.Fatalf("%q became %q", want, l.Change[0].Argv)
		}
	})
}
