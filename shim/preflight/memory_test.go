package preflight

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
	"uvshim/shim/nixld"
	"uvshim/shim/remember"
)

// A machine is this one with an environment of stand-ins: the interpreter's loader and everything
// that is watched are below its directory.
type machine struct {
	dir  string
	host host.Host
}

func newMachine(t *testing.T) machine {
	t.Helper()
	m := machine{dir: t.TempDir()}
	interp := m.dir + "/glibc/ld-linux-x86-64.so.2"
	tree{
		"/glibc/ld-linux-x86-64.so.2": object{soname: "ld-linux-x86-64.so.2", defs: []string{"ld-linux-x86-64.so.2", "GLIBC_2.2.5", "GLIBC_PRIVATE"}}.String(),
		"/glibc/libc.so.6":            object{soname: "libc.so.6", defs: []string{"libc.so.6", "GLIBC_2.2.5"}}.String(),
		"/m/bin/python3.13":           object{interp: interp, needed: []string{"libc.so.6"}}.String(),
		"/m/lib/python3.13/os.py":     "",
		"/v/bin/python":               "-> " + m.dir + "/m/bin/python3.13",
		"/v/pyvenv.cfg":               "home = " + m.dir + "/m/bin\n",
		"/v/lib/python3.13/site-packages/a.cpython-313-x86_64-linux-gnu.so": module("libz.so.1"),
		"/v/lib/python3.13/site-packages/src.pth":                           m.dir + "/src\n",
		"/libs/x": "", "/src/x": "", "/home/x": "",
	}.in(t, m.dir)
	m.host = host.Host{Env: host.Env{"HOME=" + m.dir + "/home", "XDG_CACHE_HOME=" + m.dir + "/cache", "LD_LIBRARY_PATH=" + m.dir + "/libs"},
		UID: os.Geteuid()}
	if err := os.Mkdir(m.dir+"/m2", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(m.dir+"/m/bin/python3.13", m.dir+"/m2/python3.13"); err != nil {
		t.Fatal(err)
	}
	m.rest()
	return m
}

func (m machine) site() string { return m.dir + "/v/lib/python3.13/site-packages" }

// rest lets what was just written become old enough to be remembered.
func (m machine) rest() { time.Sleep(remember.Settle + 20*time.Millisecond) }

func (m machine) request() Request {
	return Request{System: nixld.Running(), Env: m.host.Env, Python: m.dir + "/v/bin/python", Memory: OpenMemory(remember.Open(m.host))}
}

func (m machine) write(t *testing.T, name, content string) {
	t.Helper()
	name = filepath.Join(m.dir, name)
	os.Remove(name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestRun_remembers(t *testing.T) {
	m := newMachine(t)
	first, recorded, ok := Run(m.request(), "2026-11-22")
	if !ok || recorded != "" || first.Outcome != NotCovered || !slices.Equal(first.Missing, []string{"libz.so.1"}) {
		t.Fatalf("first: %+v, %q, %v", first, recorded, ok)
	}
	again, day, ok := OpenMemory(remember.Open(m.host)).Load(m.request())
	if !ok || day != "2026-11-22" {
		t.Fatalf("not remembered: %q %v", day, ok)
	}
	if !reflect.DeepEqual(again, first) {
		t.Errorf("remembered\n%+v\nnot\n%+v", again, first)
	}
	if again.Message(Wording{}) != first.Message(Wording{}) || again.Message(Wording{}) == "" {
		t.Errorf("message %q", again.Message(Wording{}))
	}
}

// What changes makes the verdict void, and what does not leaves it.
func TestMemory_changes(t *testing.T) {
	rows := []struct {
		name   string
		change func(t *testing.T, m machine, r *Request)
		keeps  bool
	}{
		{"nothing", func(*testing.T, machine, *Request) {}, true},
		{"library_appears", func(t *testing.T, m machine, r *Request) { m.write(t, "libs/libz.so.1", lib("libz.so.1")) }, false},
		{"site_pycache", func(t *testing.T, m machine, r *Request) {
			m.write(t, "v/lib/python3.13/site-packages/__pycache__/x", "")
		}, true},
		{"site_touched", func(t *testing.T, m machine, r *Request) {
			m.write(t, "v/lib/python3.13/site-packages/y", "")
			os.Remove(m.site() + "/y")
		}, true},
		{"site_package", func(t *testing.T, m machine, r *Request) { m.write(t, "v/lib/python3.13/site-packages/y.py", "") }, false},
		{"site_package_below", func(t *testing.T, m machine, r *Request) { m.write(t, "src/x", "other") }, true},
		{"pth_target", func(t *testing.T, m machine, r *Request) { m.write(t, "src/y", "") }, false},
		{"pyvenv_cfg", func(t *testing.T, m machine, r *Request) {
			m.write(t, "v/pyvenv.cfg", "home = "+m.dir+"/m/bin\nx = y\n")
		}, false},
		{"interpreter_replaced", func(t *testing.T, m machine, r *Request) { m.write(t, "m/bin/python3.13", "other") }, false},
		{"interpreter_elsewhere", func(t *testing.T, m machine, r *Request) { // the same file, but $ORIGIN is another
			os.Remove(m.dir + "/v/bin/python")
			tree{"/v/bin/python": "-> " + m.dir + "/m2/python3.13"}.in(t, m.dir)
		}, false},
		{"loader_gone", func(t *testing.T, m machine, r *Request) { os.Remove(m.dir + "/glibc/ld-linux-x86-64.so.2") }, false},
		{"env_library_path", func(t *testing.T, m machine, r *Request) { r.Env = r.Env.With("LD_LIBRARY_PATH", m.dir+"/src") }, false},
		{"env_nix_ld", func(t *testing.T, m machine, r *Request) { r.Env = r.Env.With("NIX_LD_x86_64_linux", "/x") }, false},
		{"env_preload", func(t *testing.T, m machine, r *Request) { r.Env = r.Env.With("LD_PRELOAD", "/x") }, false},
		{"env_pythonpath", func(t *testing.T, m machine, r *Request) { r.Env = r.Env.With("PYTHONPATH", "/x") }, false},
		{"env_tunables", func(t *testing.T, m machine, r *Request) { r.Env = r.Env.With("GLIBC_TUNABLES", "x") }, false},
		{"env_other", func(t *testing.T, m machine, r *Request) { r.Env = r.Env.With("TERM", "x") }, true},
		{"other_python", func(t *testing.T, m machine, r *Request) { r.Python = m.dir + "/m/bin/python3.13" }, false},
		{"optional_asked_for", func(t *testing.T, m machine, r *Request) { r.All = true }, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			r := m.request()
			if _, _, ok := Run(r, "d"); !ok {
				t.Fatal("no verdict")
			}
			if _, _, ok := r.Memory.Load(r); !ok {
				t.Fatal("not remembered")
			}
			row.change(t, m, &r)
			if _, _, ok := r.Memory.Load(r); ok != row.keeps {
				t.Errorf("remembered: %v", ok)
			}
			// the second look is answered by the times again
			if _, _, ok := r.Memory.Load(r); ok != row.keeps {
				t.Errorf("then remembered: %v", ok)
			}
		})
	}
}

// What a look had to be taken for is remembered, so that the next call need not look.
func TestMemory_catchesUp(t *testing.T) {
	m := newMachine(t)
	r := m.request()
	if _, _, ok := Run(r, "d"); !ok {
		t.Fatal("no verdict")
	}
	m.write(t, "v/lib/python3.13/site-packages/__pycache__/x", "")
	if _, _, ok := r.Memory.Load(r); !ok {
		t.Fatal("forgotten")
	}
	v, day, ok := r.Memory.Load(r)
	if !ok || day != "d" {
		t.Fatalf("forgotten, or the day %q", day)
	}
	for _, w := range v.watched {
		if w.how == watchNames && w.path == m.site() && w.was != w.now() {
			t.Errorf("remembered is still %q", w.was)
		}
	}
	data, _ := r.Memory.verdicts.Load(r.key())
	if !bytes.Contains(data, []byte(host.Identify(m.site()))) {
		t.Error("the new times were not written")
	}
}

func TestMemory_savesNot(t *testing.T) {
	m := newMachine(t)
	r := m.request()
	v, err := Check(r)
	if err != nil {
		t.Fatal(err)
	}
	for name, broken := range map[string]func(v *Verdict, r *Request){
		"incomplete":      func(v *Verdict, r *Request) { v.Incomplete = true },
		"all":             func(v *Verdict, r *Request) { r.All = true },
		"nothing watched": func(v *Verdict, r *Request) { v.watched = nil },
		"changed meanwhile": func(v *Verdict, r *Request) {
			v.watched = slices.Clone(v.watched)
			v.watched[1].was = string(host.Identify(m.dir + "/glibc/libc.so.6"))
		},
	} {
		v, r := v, r
		broken(&v, &r)
		if err := r.Memory.Save(r, v, ""); err == nil {
			t.Errorf("%s: saved", name)
		}
	}
	m.write(t, "libs/y", "")
	if v, err = Check(r); err != nil {
		t.Fatal(err)
	}
	if err := r.Memory.Save(r, v, ""); err != errUnsettled {
		t.Errorf("a directory that has just changed: %v", err)
	}
	m.rest()
	if err := r.Memory.Save(r, v, ""); err != nil {
		t.Errorf("later: %v", err)
	}
}

func TestMemory_none(t *testing.T) {
	m := newMachine(t)
	m.host.UID++ // as under sudo with the user's HOME
	if OpenMemory(remember.Open(m.host)) != nil {
		t.Error("another user's cache is used")
	}
	v, _, ok := Run(m.request(), "")
	if !ok || v.Outcome != NotCovered {
		t.Errorf("without memory: %+v %v", v, ok)
	}
	if _, err := os.Stat(m.dir + "/cache"); err == nil {
		t.Error("something was written")
	}
}

// One scan at a time: who comes meanwhile goes on without a verdict.
func TestRun_claimed(t *testing.T) {
	m := newMachine(t)
	r := m.request()
	release, ok := r.Memory.Claim(r)
	if !ok {
		t.Fatal("no claim")
	}
	if _, _, ok := Run(r, ""); ok {
		t.Error("a second scan ran")
	}
	release()
	if _, _, ok := Run(r, ""); !ok {
		t.Error("no scan after the release")
	}
}

func TestVerdictText(t *testing.T) {
	v := Verdict{
		Outcome: NotCovered, Certain: true, Reason: "a\tb\nc\\n", Python: "/p", Environment: "/e", Version: "3.13", Virtual: true, NixLD: true, NixOS: true,
		Release: "25.11", Variable: "NIX_LD_LIBRARY_PATH", Drivers: []string{"/d"},
		Findings: []Finding{{MissingSoname, Required, "1", "2", "3", "4", "5", "6", "7", "8\n", "9\xff", "10", "11"}, {Kind: BadFile}},
		Needs:    []string{"x", ""}, Missing: []string{"y"}, Notes: []string{"\\", "\t"},
		watched: []watch{{watchFile, "/a\nb", "1"}, {watchNames, "/c", "2 3"}},
	}
	got, day, ok := decodeVerdict(string(encodeVerdict(&v, "2026-11-22")))
	if !ok || day != "2026-11-22" || !reflect.DeepEqual(got, v) {
		t.Errorf("%v %q\n%+v\n%+v", ok, day, got, v)
	}
	text := encodeVerdict(&v, "d")
	for n := range text {
		if _, _, ok := decodeVerdict(string(text[:n])); ok {
			t.Fatalf("the first %d of %d bytes are taken for a verdict", n, len(text))
		}
	}
}

func FuzzVerdict(f *testing.F) {
	v := Verdict{Outcome: OK, watched: []watch{{watchFile, "/a", "1"}}, Findings: []Finding{{Kind: BadFile}}}
	f.Add(encodeVerdict(&v, "d"))
	f.Add([]byte("d\tx\nw\tf\t/a\t1\nv\n.\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, day, ok := decodeVerdict(string(data))
		if !ok {
			return
		}
		again, day2, ok := decodeVerdict(string(encodeVerdict(&v, day)))
		if !ok || day != day2 || !reflect.DeepEqual(v, again) {
			t.Errorf("%+v\n%+v", v, again)
		}
	})
}

func TestFacts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "elf")
	id := func(n uint64) elfdeps.ID { return elfdeps.ID{Dev: 1, Ino: n, Size: 2, Mtime: 3} }
	fact := func(name string) *elfdeps.Facts { return &elfdeps.Facts{Soname: name, Needed: []string{"x"}} }
	f := &facts{dir: dir}
	for n := range uint64(100) {
		f.Store(id(n), fact(fmt.Sprint(n)))
	}
	f.save()
	f = &facts{dir: dir}
	for n := range uint64(100) {
		if got, ok := f.Lookup(id(n)); !ok || !reflect.DeepEqual(got, fact(fmt.Sprint(n))) {
			t.Fatalf("%d: %+v %v", n, got, ok)
		}
	}
	for _, other := range []elfdeps.ID{{Dev: 2, Ino: 1, Size: 2, Mtime: 3}, {Dev: 1, Ino: 1, Size: 3, Mtime: 3}, {Dev: 1, Ino: 1, Size: 2, Mtime: 4}} {
		if _, ok := f.Lookup(other); ok {
			t.Errorf("%+v is known", other)
		}
	}

	// a record that is not as it was written is none, even if it reads well
	first, err := os.ReadFile(f.file(0))
	if err != nil {
		t.Fatal(err)
	}
	first[len(factsSchema)+8+16]++ // the size in the identity
	if known, whole := parseRecords(first); whole || len(known) != 0 {
		t.Errorf("changed records are believed: %d", len(known))
	}

	// damage ends the reading, and the next to write begins the file anew
	name := f.file(int(id(16).Ino^id(16).Dev) % factsFiles)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1]++
	if err := os.WriteFile(name, append(data, "junk"...), 0o600); err != nil {
		t.Fatal(err)
	}
	f = &facts{dir: dir}
	last := id(96) // of ids with that remainder
	if _, ok := f.Lookup(last); ok {
		t.Error("a damaged record is believed")
	}
	f.Store(last, fact("new"))
	f.save()
	if got, ok := (&facts{dir: dir}).Lookup(last); !ok || got.Soname != "new" {
		t.Errorf("after damage nothing is kept: %+v %v", got, ok)
	}
}

func TestFacts_bounded(t *testing.T) {
	dir := t.TempDir()
	big := &elfdeps.Facts{Soname: string(bytes.Repeat([]byte("x"), 4000))}
	for round := range 10 {
		f := &facts{dir: dir}
		for n := range uint64(100) {
			f.Store(elfdeps.ID{Ino: 16 * (n + 100*uint64(round))}, big)
		}
		f.save()
	}
	info, err := os.Stat(filepath.Join(dir, "0"))
	if err != nil || info.Size() > maxFacts || info.Size() < 100*4000 {
		t.Errorf("%v, %v", info, err)
	}
	if _, ok := (&facts{dir: dir}).Lookup(elfdeps.ID{Ino: 16 * 999}); !ok {
		t.Error("the newest are not there")
	}
}

func TestFacts_concurrent(t *testing.T) {
	dir := t.TempDir()
	var group sync.WaitGroup
	for writer := range uint64(8) {
		group.Go(func() {
			for n := range uint64(20) {
				f := &facts{dir: dir}
				f.Store(elfdeps.ID{Ino: n, Dev: writer << 8}, &elfdeps.Facts{Soname: "x"})
				f.save()
			}
		})
	}
	group.Wait()
	found := 0
	for i := range factsFiles {
		data, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			continue
		}
		known, whole := parseRecords(data)
		if !whole {
			t.Errorf("file %d is damaged", i)
		}
		found += len(known)
	}
	if found < 20 {
		t.Errorf("%d records", found)
	}
}

// A store path keeps its identity though its inode may serve another file tomorrow.
func TestFacts_store(t *testing.T) {
	files := nixos()
	path := nixLibs + "/ld.so"
	dir := t.TempDir()
	files.in(t, dir)
	if err := os.Chtimes(dir+glibc+"/ld-linux-x86-64.so.2", time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	sys, err := nixld.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer sys.Close()
	plain, err := sys.ELF().Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	fs := storeFS{sys.ELF()}
	a, err := fs.Stat(path)
	if err != nil || a.Ino == plain.Ino || a.Size != plain.Size {
		t.Errorf("%+v is that of the inode, %+v (%v)", a, plain, err)
	}
	f, err := fs.Open(glibc + "/ld-linux-x86-64.so.2")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := f.Info(); err != nil || a.ID != b.ID {
		t.Errorf("one file has two identities, %+v and %+v (%v)", a, b, err)
	}
	if c, _ := fs.Stat(glibc + "/libc.so.6"); c.Ino == a.Ino {
		t.Error("two files have one identity")
	}
}

func FuzzFacts(f *testing.F) {
	f.Add([]byte(factsSchema))
	f.Add(appendRecord([]byte(factsSchema), elfdeps.ID{Ino: 1}, []byte("x")))
	f.Fuzz(func(t *testing.T, data []byte) {
		known, whole := parseRecords(data)
		if whole && len(data) > len(factsSchema) && len(known) == 0 {
			t.Error("records without any")
		}
		for _, record := range known {
			elfdeps.ParseFacts(record)
		}
	})
}

// A shell that stands between hands the variables on in another order.
func TestKeyOfEnvironment(t *testing.T) {
	key := func(env ...string) string { return (&Request{Env: env, Python: "/python"}).keyWith("/loader") }
	want := key("A=1", "NIX_LD=/l", "NIX_LD_LIBRARY_PATH=/a:/b", "LD_PRELOAD=/p")
	if got := key("LD_PRELOAD=/p", "NIX_LD_LIBRARY_PATH=/a:/b", "NIX_LD=/l", "B=2"); got != want {
		t.Errorf("in another order %q, want %q", got, want)
	}
	for _, env := range [][]string{
		{"NIX_LD=/l", "LD_PRELOAD=/p"}, {"NIX_LD=/l", "NIX_LD_LIBRARY_PATH=/b:/a", "LD_PRELOAD=/p"}, {"NIX_LD=/m", "NIX_LD_LIBRARY_PATH=/a:/b", "LD_PRELOAD=/p"},
	} {
		if key(env...) == want {
			t.Errorf("%q has the key of another environment", env)
		}
	}
	if key("NIX_LD=/1", "NIX_LD=/2") == key("NIX_LD=/2", "NIX_LD=/1") {
		t.Error("of a variable that is there twice the order does not count")
	}
}

func TestRealPath(t *testing.T) {
	dir := t.TempDir()
	tree{"/file": "", "/link": "-> file", "/dangling": "-> none"}.in(t, dir)
	seen := map[string]string{}
	for _, name := range []string{"file", "dangling", "none"} {
		seen[name] = realPath(dir + "/" + name)
	}
	if seen["file"] == seen["dangling"] || seen["dangling"] == seen["none"] || seen["none"] != "" || realPath(dir+"/link") != seen["file"] {
		t.Errorf("%q", seen)
	}
}
