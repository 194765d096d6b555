package elfdeps

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// opened starts a program in a temporary directory with these files, m/x.so among them, and opens
// that. No file is given to the real loader.
func opened(t *testing.T, sys System, files map[string]elfFile) (*Process, Result) {
	t.Helper()
	dir := t.TempDir()
	elfFile{Interp: "/loader"}.write(t, filepath.Join(dir, "program"))
	for path, file := range files {
		file.write(t, filepath.Join(dir, path))
	}
	for _, dirs := range [][]string{sys.LibraryPath, sys.DefaultDirs} {
		for i := range dirs {
			dirs[i] = filepath.Join(dir, dirs[i])
		}
	}
	if sys.Loader != "" {
		sys.Loader = filepath.Join(dir, sys.Loader)
	}
	sys.Files = NewFiles(Host{}, nil)
	p, start, err := Start(&sys, filepath.Join(dir, "program"))
	if err != nil || !start.OK() {
		t.Fatal(start.Problems, err)
	}
	return p, p.Open(filepath.Join(dir, "m/x.so"), nil)
}

func TestOpen_otherClassIsOfOneName(t *testing.T) {
	_, r := opened(t, System{}, map[string]elfFile{
		"m/x.so": {Needed: []string{"liba.so", "libb.so"}, RunPath: "$ORIGIN"}, "m/liba.so": {Class: Class32}})
	if len(r.Problems) != 2 || !r.Problems[0].OtherClass || r.Problems[1].OtherClass {
		t.Errorf("%+v", r.Problems)
	}
}

func TestOpen_emptyToken(t *testing.T) {
	needs := map[string]elfFile{"m/x.so": {Needed: []string{"$PLATFORM"}}}
	if _, r := opened(t, System{}, needs); len(r.Problems) != 1 || r.Problems[0].Kind != BadFile || r.Problems[0].By != r.Root {
		t.Errorf("%+v", r.Problems)
	}
	if _, r := opened(t, System{Platform: "here"}, needs); len(r.Problems) != 1 || r.Problems[0].Kind != MissingFile || r.Problems[0].Name != "here" {
		t.Errorf("%+v", r.Problems)
	}
}

func TestShadowed_openedByName(t *testing.T) {
	p, _ := opened(t, System{LibraryPath: []string{"lp"}}, map[string]elfFile{"m/x.so": {}, "lp/liba.so": {}})
	r := p.Open("liba.so", nil)
	if !r.OK() || r.Root.How != ByLibraryPath || p.Shadowed(r.Root) != "" {
		t.Errorf("%+v shadows %q", r, p.Shadowed(r.Root))
	}
}

func TestObject_chain(t *testing.T) {
	p, r := opened(t, System{}, map[string]elfFile{
		"m/x.so": {Needed: []string{"liba.so"}, RunPath: "$ORIGIN"}, "m/liba.so": {Soname: "liba.so", Needed: []string{"libb.so"}, RunPath: "$ORIGIN"}, "m/libb.so": {Soname: "libb.so"}})
	var names []string
	for _, o := range p.Find("libb.so").Chain() {
		names = append(names, filepath.Base(o.Path))
	}
	if !r.OK() || !slices.Equal(names, []string{"x.so", "liba.so", "libb.so"}) {
		t.Errorf("%q, %v", names, r.Problems)
	}
	if got := p.Find("libb.so").How.String() + " " + ByCache.String() + " " + ByKernel.String(); got != "runpath cache kernel" {
		t.Errorf("%q", got)
	}
}

func TestForeignLibc_defaultDirectory(t *testing.T) {
	libc := elfFile{Soname: "libc.so.6", Defs: []string{"GLIBC_2.41"}}
	files := map[string]elfFile{"m/x.so": {Needed: []string{"libc.so.6"}}, "lib/libc.so.6": libc, "ld.so": {}}
	p, r := opened(t, System{DefaultDirs: []string{"lib"}, Loader: "ld.so"}, files)
	if len(r.Problems) != 0 || p.glibc != 41 {
		t.Errorf("glibc 2.%d, %v", p.glibc, r.Problems)
	}
	if p, _ = opened(t, System{DefaultDirs: []string{"lib"}, Loader: "ld.so", Glibc: 36}, files); p.glibc != 36 || p.Find("libc.so.6") == nil {
		t.Errorf("glibc 2.%d, told 2.36", p.glibc)
	}
	p, r = opened(t, System{LibraryPath: []string{"lib"}, Loader: "ld.so", Glibc: 36}, files)
	if len(r.Problems) != 1 || r.Problems[0].Kind != ForeignLibc || r.Problems[0].Name != "libc.so.6" || r.OK() {
		t.Errorf("glibc 2.%d, %+v", p.glibc, r.Problems)
	}
}

// refusing is a file system in which a path is there and cannot be opened.
type refusing struct{ Host }

func (refusing) Open(string) (File, error) { return nil, unix.EACCES }

func TestStart_notReadable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "program")
	elfFile{Interp: "/loader"}.write(t, path)
	if _, _, err := Start(&System{Files: NewFiles(refusing{}, nil)}, path); !errors.Is(err, unix.EACCES) {
		t.Errorf("error %v", err)
	}
	if err := os.WriteFile(path, []byte("text"), 0o755); err != nil {
		t.Fatal(err)
	}
	var format *FormatError
	if _, _, err := Start(&System{Files: NewFiles(Host{}, nil)}, path); !errors.As(err, &format) {
		t.Errorf("error %v", err)
	}
}

func TestSystem_tokensAndPaths(t *testing.T) {
	sys := &System{Platform: "here", Dir: "/"}
	for text, want := range map[string]string{
		"$PLATFORM/${PLATFORM}x": "here/herex", "$ORIGIN9": "$ORIGIN9", "$ORIGIN0": "$ORIGIN0", "$ORIGINa": "$ORIGINa", "$ORIGINz": "$ORIGINz",
		"$ORIGINA": "$ORIGINA", "$ORIGINZ": "$ORIGINZ", "$ORIGIN-$ORIGIN": "/o-/o", "${ORIGIN9}": "${ORIGIN9}", "$LIB": "",
	} {
		if got := sys.expand(text, "/o"); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	for dir, want := range map[string]string{"/": "/x", "/a": "/a/x", "/a/": "/a/x"} {
		if got := (&System{Dir: dir}).absolute("x"); got != want {
			t.Errorf("x in %s: %q", dir, got)
		}
	}
	for path, want := range map[string]string{"/x": "/", "/a/x": "/a", "x": "/"} {
		if got := dirname(path); got != want {
			t.Errorf("dirname(%s) is %q", path, got)
		}
	}
}

func TestHWCaps_onlyTheLineOfFlags(t *testing.T) {
	if got := hwcaps("flags\t: fpu\nbugs\t: cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3\n"); got != nil {
		t.Errorf("%q", got)
	}
	if got := hwcaps("x\t: 1\nflags\t: fpu\nbugs\t: cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3\n"); got != nil {
		t.Errorf("%q", got)
	}
}

func TestParseFacts_numbersTooLarge(t *testing.T) {
	facts := func(machine ...byte) []byte {
		return append(append([]byte{factsSchema, 2}, machine...), make([]byte, 10)...)
	}
	if f, err := ParseFacts(facts(0xff, 0xff, 0x03)); err != nil || f.Machine != 0xffff {
		t.Errorf("the largest machine: %+v, %v", f, err)
	}
	for _, machine := range [][]byte{{0x80, 0x80, 0x04}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, bytes.Repeat([]byte{0x80}, 11)} {
		if f, err := ParseFacts(facts(machine...)); err == nil {
			t.Errorf("%x is machine %d", machine, f.Machine)
		}
	}
	one := Facts{Defs: []string{"a"}, Needed: []string{"b"}}
	if f, err := ParseFacts(one.Append(nil)); err != nil || !slices.Equal(f.Defs, one.Defs) || !slices.Equal(f.Needed, one.Needed) {
		t.Errorf("lists of one: %+v, %v", f, err)
	}
}

// dynamicEntry returns the entry of the tag in a file's dynamic section, and where that begins.
func dynamicEntry(t *testing.T, data []byte, tag uint64) (entry []byte, start uint64) {
	t.Helper()
	start = binary.LittleEndian.Uint64(header(data, 2)[8:])
	for at := start; at+16 <= uint64(len(data)); at += 16 {
		if binary.LittleEndian.Uint64(data[at:]) == tag {
			return data[at : at+16], start
		}
	}
	t.Fatalf("no tag %#x", tag)
	return nil, 0
}

func TestRead_tablesAtTheEnd(t *testing.T) {
	le := binary.LittleEndian
	t.Run("segment_endsInsideAnEntry", func(t *testing.T) {
		data := full.bytes()
		_, start := dynamicEntry(t, data, dtStrtab)
		le.PutUint64(header(data, 1)[32:], start+24)
		if _, err := readBytes(data); err == nil || !strings.Contains(err.Error(), "not in the file") {
			t.Errorf("error %v", err)
		}
	})
	for name, tag := range map[string]uint64{"verneed": dtVerneed, "verdef": dtVerdef} {
		t.Run(name+"_nowhere", func(t *testing.T) {
			data := full.bytes()
			entry, _ := dynamicEntry(t, data, tag)
			le.PutUint64(entry[8:], 1<<40)
			if _, err := readBytes(data); err == nil || !strings.Contains(err.Error(), "not in the file") {
				t.Errorf("error %v", err)
			}
		})
	}
	t.Run("verdef_recordVersion", func(t *testing.T) {
		data := full.bytes()
		data[dynamicOf(t, data, dtVerdef)] = 2
		if _, err := readBytes(data); err == nil || !strings.Contains(err.Error(), "unsupported version 2 of Verdef") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("runpath_firstString", func(t *testing.T) {
		data := elfFile{RPath: "/x", Empty: true}.bytes()
		entry, _ := dynamicEntry(t, data, dtRunPath)
		le.PutUint64(entry[8:], 0)
		if f, err := readBytes(data); err != nil || !f.Has(HasRunPath) || f.RunPath != "" || f.RPath != "" {
			t.Errorf("%+v, %v", f, err)
		}
	})
	t.Run("interp_tooLong", func(t *testing.T) {
		data := append(elfFile{Interp: "/loader"}.bytes(), make([]byte, 8<<10)...)
		le.PutUint64(header(data, 3)[32:], maxInterp+1)
		if f, err := readBytes(data); err != nil || f.Interp != "" {
			t.Errorf("%q, %v", f.Interp, err)
		}
		le.PutUint64(header(data, 3)[32:], maxInterp)
		if f, err := readBytes(data); err != nil || f.Interp != "/loader" {
			t.Errorf("%q, %v", f.Interp, err)
		}
	})
	t.Run("abiversion_ofGNUMayBe3", func(t *testing.T) {
		data := full.bytes()
		data[7], data[8] = 3, 3
		if _, err := readBytes(data); err != nil {
			t.Errorf("error %v", err)
		}
	})
	t.Run("file_cutOffMeanwhile", func(t *testing.T) {
		data := full.bytes()
		var format *FormatError
		if _, err := Read(bytes.NewReader(data[:100]), int64(len(data))); !errors.As(err, &format) || format.Text != "file too short" {
			t.Errorf("error %v", err)
		}
	})
}

func TestGlibcMinor_noNumber(t *testing.T) {
	if got := GlibcMinor(&Facts{Defs: []string{"GLIBC_2.99x", "GLIBC_2.7", "GLIBC_2."}}); got != 7 {
		t.Errorf("%d", got)
	}
}

func TestCache_oldFormTakesTheFirst(t *testing.T) {
	c, err := ParseCache(oldCache([]cacheEntry{{name: "liba.so", path: "/any", flags: 1}, {name: "liba.so", path: "/first", flags: 0x303}, {name: "liba.so", path: "/second", flags: 0x303}}))
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := c.Lookup("liba.so", Class64, MachineX86_64, nil); !ok || got != "/first" {
		t.Errorf("%q", got)
	}
}

func TestCache_machines(t *testing.T) {
	for _, row := range []struct {
		class   byte
		machine uint16
		flags   uint32
	}{
		{Class64, MachineX86_64, 0x303}, {Class32, MachineX86_64, 0x803}, {Class64, MachineAArch64, 0xa03}, {Class32, MachineAArch64, 3},
		{Class32, MachineARM, 0x903}, {Class64, MachineRISCV, 0x1003}, {Class32, MachineRISCV, 3}, {Class32, Machine386, 3},
	} {
		if got := cacheFlags(row.class, row.machine); got != row.flags {
			t.Errorf("class %d, machine %d: %#x, want %#x", row.class, row.machine, got, row.flags)
		}
	}
}

func TestCache_bestOfSeveral(t *testing.T) {
	const ext = uint64(1) << 62
	entries := []cacheEntry{{"liba.so", "/v3", 0x303, ext | 3<<32}, {"liba.so", "/v4", 0x303, ext | 4<<32 | 1}, {"liba.so", "/v2", 0x303, ext | 2<<32 | 2},
		{"liba.so", "/damaged", 0x303, ext | 1<<32 | 1000}, {"liba.so", "/plain", 0x303, 0}, {"liba.so", "/plain2", 0x303, 0}}
	c, err := ParseCache(makeCache(entries, "x86-64-v3", "x86-64-v4", "x86-64-v2"))
	if err != nil {
		t.Fatal(err)
	}
	for want, caps := range map[string][]string{
		"/v4": {"other", "x86-64-v4", "x86-64-v3", "x86-64-v2"}, "/v3": {"a", "b", "x86-64-v3", "x86-64-v2"}, "/v2": {"a", "x86-64-v2"}, "/plain": {"a", "b", "c", "d"},
	} {
		if got, ok := c.Lookup("liba.so", Class64, MachineX86_64, caps); !ok || got != want {
			t.Errorf("%q: %q, want %q", caps, got, want)
		}
	}
}

func TestCache_damaged(t *testing.T) {
	le := binary.LittleEndian
	good := func() []byte { return makeCache([]cacheEntry{{"liba.so", "/a", 0x303, 0}}, "x86-64-v2") }
	for name, change := range map[string]func(data []byte) []byte{
		"name_nowhere": func(d []byte) []byte { le.PutUint32(d[newHeader+4:], 1<<30); return d },
		"name_endless": func(d []byte) []byte {
			d = append(d, "xx"...)
			le.PutUint32(d[newHeader+4:], uint32(len(d)-2))
			return d
		},
		"path_nowhere": func(d []byte) []byte { le.PutUint32(d[newHeader+8:], 1<<30); return d },
		"path_endless": func(d []byte) []byte {
			d = append(d, "xx"...)
			le.PutUint32(d[newHeader+8:], uint32(len(d)-2))
			return d
		},
		"extension_nowhere": func(d []byte) []byte { le.PutUint32(d[32:], 1<<30); return d },
		"sections_tooMany":  func(d []byte) []byte { le.PutUint32(d[le.Uint32(d[32:])+4:], 1<<30); return d },
		"names_nowhere":     func(d []byte) []byte { le.PutUint32(d[le.Uint32(d[32:])+16:], 1<<30); return d },
		"names_tooMany":     func(d []byte) []byte { le.PutUint32(d[le.Uint32(d[32:])+20:], 1<<30); return d },
	} {
		c, err := ParseCache(change(good()))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_, ok := c.Lookup("liba.so", Class64, MachineX86_64, []string{"x86-64-v2"})
		if wrong := strings.HasPrefix(name, "name_") || strings.HasPrefix(name, "path_"); ok == wrong {
			t.Errorf("%s: found %v", name, ok)
		}
	}
	if _, err := ParseCache(append(good(), make([]byte, MaxCache)...)); err == nil {
		t.Error("no bound on the size")
	}
}

func TestCompareSoname_digits(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want int
	}{
		{"liba.so.9", "liba.so.10", -1}, {"liba.so.10", "liba.so.9", 1}, {"liba.so.1", "liba.so.x", 1}, {"liba.so.x", "liba.so.1", -1}, {"liba.so.0", "liba.so.x", 1}, {"liba.so.x", "liba.so.0", -1},
		{"liba.so.1", "liba.so", 1}, {"liba.so", "liba.so.1", -1}, {"liba.so.01", "liba.so.1", 0}, {"a", "b", -1}, {"b", "a", 1}, {"lib1", "lib", 1},
	} {
		if got := compareSoname(row.a, []byte(row.b)); got < 0 != (row.want < 0) || got > 0 != (row.want > 0) {
			t.Errorf("%s and %s: %d, want %d", row.a, row.b, got, row.want)
		}
	}
}
