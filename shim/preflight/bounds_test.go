package preflight

import (
	"fmt"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"uvshim/shim/elfdeps"
	"uvshim/shim/nixld"
)

// bounded looks at an environment with bounds that change makes smaller than usual.
func bounded(t *testing.T, sys *nixld.System, all bool, change func(*bounds)) Verdict {
	t.Helper()
	most := usualBounds()
	change(&most)
	v, err := Check(Request{System: sys, Python: venv + "/bin/python", Dir: "/p", All: all, most: most})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// modules are n of them, in a package, that need libraries of their own if needs is set.
func modules(n int, needs bool) tree {
	files := tree{}
	for i := range n {
		content := "no shared object"
		if needs {
			content = module(fmt.Sprintf("libneed%d.so", i))
		}
		files[fmt.Sprintf("%s/p/m%d%s", site, i, tag)] = content
	}
	return files
}

func TestCheck_bounds(t *testing.T) {
	for _, c := range []struct {
		name     string
		files    tree
		all      bool
		change   func(*bounds)
		partial  bool
		outcome  Outcome
		looked   int
		findings int
		note     string
	}{
		{"usual", modules(9, true), false, func(*bounds) {}, false, NotCovered, 9, 9, ""},
		{"files", modules(9, true), false, func(b *bounds) { b.files = 4 }, true, NotCovered, 4, 4, ""},
		{"files_just", modules(9, true), false, func(b *bounds) { b.files = 9 }, false, NotCovered, 9, 9, ""},
		{"files_nothing_found", tree{site + "/a" + tag: module(), site + "/b" + tag: module()}, false, func(b *bounds) { b.files = 1 }, true, Unclear, 1, 0, ""},
		{"paths", modules(9, true), false, func(b *bounds) { b.paths = 3 * (len(site+"/p/m0") + len(tag)) }, true, NotCovered, 3, 3, ""},
		{"names", tree{site + "/a/m" + tag: module(), site + "/b/m" + tag: module(), site + "/c/m" + tag: module(), site + "/d/m" + tag: module()},
			false, func(b *bounds) { b.names = 2 }, true, Unclear, 0, 0, ""},
		{"facts", modules(9, true), false, func(b *bounds) { b.facts = 1 }, true, Unclear, 0, 0, ""},
		{"objects", modules(9, true), false, func(b *bounds) { b.objects = -1 }, true, Unclear, 0, 0, ""},
		{"findings", modules(9, true), false, func(b *bounds) { b.findings = 4 }, false, NotCovered, 9, 4, "5 further findings are not listed"},
		{"text_of_findings", modules(9, true), false, func(b *bounds) { b.told = 1 }, false, OK, 9, 0, "9 further findings are not listed"},
		{"no_objects", modules(9, false), false, func(b *bounds) { b.findings = 4 }, false, NotCovered, 9, 4, "5 further files have the names of shared objects and are none"},
		{"distributions", modules(1, true).with(metadata("a", "1", "")).with(metadata("b", "1", "")), false, func(b *bounds) { b.dists = 1 }, false, NotCovered, 1, 1, "there are more than 1 distributions"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := bounded(t, nixos().with(c.files).root(t), c.all, c.change)
			if v.Partial != c.partial || v.Outcome != c.outcome || v.Files != c.looked || len(v.Findings) != c.findings {
				t.Errorf("partial %v, %q (%s), %d files, %d findings", v.Partial, v.Outcome, v.Reason, v.Files, len(v.Findings))
			}
			if c.partial && (v.Covered() || !strings.Contains(v.Reason, "too many files to check") || !strings.Contains(v.Message(Wording{}), v.Reason)) {
				t.Errorf("covered %v, reason %q, message %q", v.Covered(), v.Reason, v.Message(Wording{}))
			}
			if notes := strings.Join(v.Notes, "\n"); notes != c.note {
				t.Errorf("notes %q", notes)
			}
			if w := v.Without([]string{"libneed0.so", "libneed1.so", "libneed2.so", "libneed3.so", "libneed4.so", "libneed5.so", "libneed6.so", "libneed7.so", "libneed8.so"}); c.partial && w.Outcome != Unclear {
				t.Errorf("with all ignored it is %q", w.Outcome)
			}
		})
	}
}

func TestCheck_counts(t *testing.T) {
	v := bounded(t, nixos().with(modules(9, true)).root(t), false, func(b *bounds) { b.files = 4 })
	if want := "too many files to check: 9 shared objects, of which 4 were looked at"; v.Reason != want {
		t.Errorf("%q, not %q", v.Reason, want)
	}
	v = bounded(t, nixos().with(modules(9, true)).root(t), false, func(b *bounds) { b.names = 0 })
	if want := "too many files to check: more than 0 shared objects, of which 0 were looked at"; v.Reason != want {
		t.Errorf("%q, not %q", v.Reason, want)
	}
}

// What is needed from elsewhere is bounded by its length; no file has a name longer than 255 bytes.
func TestCheck_needs(t *testing.T) {
	long := strings.Repeat("l", maxName) + ".so"
	sys := nixos().with(tree{
		site + "/a" + tag: module("liba.so", long), site + "/b" + tag: module("libb.so"),
		nixLibs + "/liba.so": lib("liba.so"), nixLibs + "/libb.so": lib("libb.so"),
	}).root(t)
	if v := bounded(t, sys, false, func(*bounds) {}); len(v.Needs) != 2 {
		t.Errorf("needs %q", v.Needs)
	}
	if v := bounded(t, sys, false, func(b *bounds) { b.needs = len("liba.so") }); len(v.Needs) != 1 {
		t.Errorf("needs %q", v.Needs)
	}
}

func TestWalk_deep(t *testing.T) {
	dir := t.TempDir()
	deep := dir + strings.Repeat("/d", maxDepth+1)
	tree{deep + "/m.so": "", path.Dir(deep) + "/n.so": ""}.in(t, "/")
	for _, fast := range []bool{true, false} {
		w := newWalker(nixld.Running(), fast, []string{".so"}, 3, func() bool { return false }, usualBounds())
		w.walk([]Dir{{dir, Site}})
		if len(w.files) != 1 || len(w.notes) != 1 || !strings.Contains(w.notes[0], "too deep") {
			t.Errorf("fast %v: %v %q", fast, w.files, w.notes)
		}
	}
	// names so long that the path is too long before it is too deep
	at, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	top, name := at.Name(), strings.Repeat("n", 250)
	for range 2 + maxPath/len(name) {
		if err := at.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
		next, err := at.OpenRoot(name)
		if err != nil {
			t.Fatal(err)
		}
		at.Close()
		at = next
	}
	at.Close()
	w := newWalker(nixld.Running(), true, []string{".so"}, 1, func() bool { return false }, usualBounds())
	w.walk([]Dir{{top, Site}})
	if len(w.notes) != 1 || !strings.Contains(w.notes[0], "too deep") {
		t.Errorf("%q", w.notes)
	}
}

func TestMeasured(t *testing.T) {
	m := &measured{}
	facts := &elfdeps.Facts{Needed: []string{"libz.so.1"}, Needs: []elfdeps.VersionNeed{{File: "f", Versions: []elfdeps.Version{{Name: "V"}}}}, Defs: []string{"D"}}
	m.left.Store(weight(facts))
	if m.Store(elfdeps.ID{}, facts); m.left.Load() != 0 {
		t.Errorf("%d bytes are left", m.left.Load())
	}
	if _, ok := m.Lookup(elfdeps.ID{}); ok {
		t.Error("there is no memory, and it remembers")
	}
	under := &oneFact{known: facts}
	m.Memory = under
	if _, ok := m.Lookup(elfdeps.ID{}); !ok || m.left.Load() != -weight(facts) {
		t.Errorf("found %v, %d bytes are left", ok, m.left.Load())
	}
	if m.Store(elfdeps.ID{}, facts); under.stored {
		t.Error("stored beyond the bound")
	}
	for _, more := range []*elfdeps.Facts{
		{RPath: strings.Repeat("x", 100)}, {RunPath: strings.Repeat("x", 100)}, {Soname: strings.Repeat("x", 100)}, {Interp: strings.Repeat("x", 100)},
		{Needed: []string{strings.Repeat("x", 100)}}, {Defs: []string{strings.Repeat("x", 100)}}, {Filters: []elfdeps.Filter{{Name: strings.Repeat("x", 100)}}},
		{Needs: []elfdeps.VersionNeed{{File: strings.Repeat("x", 100)}}}, {Needs: []elfdeps.VersionNeed{{Versions: []elfdeps.Version{{Name: strings.Repeat("x", 100)}}}}},
	} {
		if weight(more) < weight(new(elfdeps.Facts))+100 {
			t.Errorf("%+v weighs %d", more, weight(more))
		}
	}
}

type oneFact struct {
	known  *elfdeps.Facts
	stored bool
}

func (f *oneFact) Lookup(elfdeps.ID) (*elfdeps.Facts, bool) { return f.known, true }
func (f *oneFact) Store(elfdeps.ID, *elfdeps.Facts)         { f.stored = true }

// All that is kept of distributions has one bound.
func TestDists_bound(t *testing.T) {
	sys := tree{"/s/a-1.dist-info/RECORD": "aaaa", "/s/b-1.dist-info/RECORD": "bbbb"}.root(t)
	d := newDists(sys.ELF(), []string{"/s/a-1.dist-info", "/s/b-1.dist-info"}, bounds{metadata: 6})
	d.load(d.list[0])
	d.load(d.list[1])
	if string(d.list[0].record) != "aaaa" || d.list[1].record != nil || d.left != 2 {
		t.Errorf("%q, %q, %d left", d.list[0].record, d.list[1].record, d.left)
	}
}

// An environment that no call has the time to look at is given up after some, and the verdict stays until
// the environment changes or somebody takes the time.
func TestRun_givesUp(t *testing.T) {
	m := newMachine(t)
	r := m.request()
	r.Stop = time.Now().Add(-time.Second)
	for i := 1; i < maxTries; i++ {
		if v, _, ok := Run(r, ""); !ok || !v.Incomplete || v.Partial {
			t.Fatalf("call %d: %+v", i, v)
		}
	}
	if _, _, ok := r.Memory.Load(r); ok {
		t.Fatal("remembered too early")
	}
	v, _, _ := Run(r, "")
	if !v.Partial || v.Incomplete || v.Outcome != Unclear || v.Covered() {
		t.Fatalf("at last: %+v", v)
	}
	if again, _, ok := r.Memory.Load(r); !ok || !again.Partial || again.Reason != v.Reason {
		t.Errorf("remembered %v: %+v", ok, again)
	}
	m.write(t, "src/y", "")
	m.rest()
	r.Stop = time.Time{}
	if v, _, ok := Run(r, ""); !ok || v.Partial || v.Outcome != NotCovered {
		t.Errorf("after a change: %+v", v)
	}
}

// A scan that comes to its end begins the count anew.
func TestRun_triesAnew(t *testing.T) {
	m := newMachine(t)
	late := m.request()
	late.Stop = time.Now().Add(-time.Second)
	for range maxTries - 1 {
		Run(late, "")
	}
	if v, _, _ := Run(m.request(), ""); v.Incomplete {
		t.Fatalf("%+v", v)
	}
	m.write(t, "src/y", "")
	if v, _, _ := Run(late, ""); v.Partial {
		t.Errorf("%+v", v)
	}
}

func TestNamesHash_bound(t *testing.T) {
	dir := t.TempDir()
	tree{"/a": "", "/b": ""}.in(t, dir)
	if namesHash(dir, 2) == "" || namesHash(dir, 1) != "" {
		t.Errorf("%q, %q", namesHash(dir, 2), namesHash(dir, 1))
	}
}
