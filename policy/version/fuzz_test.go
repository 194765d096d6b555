package version

import (
	"reflect"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, text := range append(requestTexts, oddTexts...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text)
		if err == nil && r.String() != text {
			t.Fatalf("%q becomes %q", text, r.String())
		}
		again, errAgain := Parse(r.String())
		if err == nil && (errAgain != nil || !reflect.DeepEqual(r, again)) {
			t.Fatalf("%q: %+v, then %+v", text, r, again)
		}
		Names(r)
		MatchName(r, "python3.12")
		for _, i := range []Interpreter{{}, {Version: New(3)}, {Impl: "cpython", Version: New(3, 14), Variant: "freethreaded"}} {
			r.Matches(i)
		}
		if err == nil && r.Kind() == KindVersion && Choose(r, []Interpreter{{Impl: "pypy", Version: New(3, 12, 1)}}) >= 0 {
			t.Fatalf("%q takes PyPy unasked", text)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	for _, text := range requestTexts {
		f.Add(text)
	}
	f.Add("cpython-3.15.0a1+td-linux-x86_64_v3-gnu")
	f.Add("pyodide-3.13.2-emscripten-wasm32-musl")
	f.Fuzz(func(t *testing.T, name string) {
		i, err := ParseKey(name)
		if err != nil {
			return
		}
		if again, err := ParseKey(i.Key()); err != nil || again != i {
			t.Fatalf("%q: %+v, its key %q: %+v, %v", name, i, i.Key(), again, err)
		}
		if link := i.MinorLink(); link != "" {
			if again, err := ParseKey(link); err != nil || again.MinorLink() != link || again.Executable() != i.Executable() {
				t.Fatalf("%q: link %q: %+v, %v", name, link, again, err)
			}
		}
	})
}

func FuzzLines(f *testing.F) {
	for _, text := range fileTexts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		last := 0
		for _, line := range Lines(data) {
			if line.Number <= last || strings.TrimSpace(line.Text) != line.Text || line.Skipped && line.Problem == "" {
				t.Fatalf("%q: %+v", data, line)
			}
			last = line.Number
		}
	})
}

// Overlap holds for what some interpreter satisfies both of.
func FuzzOverlap(f *testing.F) {
	for n, text := range requestTexts {
		f.Add(text, requestTexts[(n*7+3)%len(requestTexts)], byte(3), byte(n), byte(n), "a1", byte(n))
	}
	f.Add(">=3.14,!=3.14.*", "<3.15.1", byte(3), byte(15), byte(0), "", byte(0))
	f.Fuzz(func(t *testing.T, a, b string, major, minor, patch byte, pre string, built byte) {
		r, errR := Parse(a)
		s, errS := Parse(b)
		if errR != nil || errS != nil {
			return
		}
		overlap := Overlap(r, s)
		if overlap != Overlap(s, r) {
			t.Fatalf("%q and %q: not the same both ways", a, b)
		}
		i := Interpreter{"cpython", New(int(major), int(minor), int(patch)), "", "linux", "x86_64", "gnu"}
		if v, err := ParseVersion(i.Version.String() + pre); err == nil {
			i.Version = v
		}
		i.Variant = variant(built % 4).built()
		if r.Matches(i) == Yes && s.Matches(i) == Yes && !overlap {
			t.Fatalf("%q and %q: %+v satisfies both", a, b, i)
		}
		// what is known less of an interpreter never turns the answer
		whole := r.Matches(i)
		for parts := range 3 {
			less := i
			less.Version = New([]int{int(major), int(minor), int(patch)}[:parts]...)
			if part := r.Matches(less); part != Unknown && part != whole {
				t.Fatalf("%q: %s of %+v, %s of %+v", a, part, less, whole, i)
			}
		}
	})
}
