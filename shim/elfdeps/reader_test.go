package elfdeps

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func readBytes(data []byte) (Facts, error) { return Read(bytes.NewReader(data), int64(len(data))) }

// full is a file with everything in it.
var full = elfFile{
	Interp: "/lib64/ld-linux-x86-64.so.2", Soname: "libx.so.1", Needed: []string{"liba.so", "$ORIGIN/libb.so"},
	Filters: []Filter{{"libf.so", false, 1}, {"libg.so", true, 2}},
	RunPath: "$ORIGIN/../lib:/opt", Flags1: df1NoDefLib | df1NoOpen | df1PIE, Stack: "exec", Relr: true,
	Needs: append(needs("liba.so", "A_1", "weak A_2"), needs("libc.so.6", "GLIBC_2.17")...),
	Defs:  []string{"X_1", "X_2"},
}

func TestRead_everything(t *testing.T) {
	want := Facts{
		Class: Class64, Machine: MachineX86_64, Type: TypeDyn,
		Flags:  Loadable | Dynamic | HasRunPath | NoDefLib | NoOpen | PIE | HasVersym | HasRelr | StackGiven | StackExec,
		Interp: full.Interp, Soname: full.Soname, Needed: full.Needed, RunPath: full.RunPath, Filters: full.Filters,
		Needs: full.Needs, Defs: []string{"libx.so.1", "X_1", "X_2"},
	}
	got, err := readBytes(full.bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func TestRead_details(t *testing.T) {
	tests := []struct {
		name string
		file elfFile
		ok   func(Facts) bool
	}{
		{"rpath_alone", elfFile{RPath: "/a"}, func(f Facts) bool { return f.RPath == "/a" && !f.Has(HasRunPath) }},
		{"rpath_besideRunPathIsNothing", elfFile{RPath: "/a", RunPath: "/b"}, func(f Facts) bool { return f.RPath == "" && f.RunPath == "/b" }},
		{"runpath_empty", elfFile{RPath: "/a", Empty: true}, func(f Facts) bool { return f.RPath == "" && f.Has(HasRunPath) }},
		{"runpath_longerThanAWindow", elfFile{RunPath: strings.Repeat("/x", 40000)}, func(f Facts) bool { return len(f.RunPath) == 80000 }},
		{"stack_notGiven", elfFile{Stack: "none"}, func(f Facts) bool { return !f.Has(StackGiven) && f.ExecStack() }},
		{"stack_plain", elfFile{}, func(f Facts) bool { return f.Has(StackGiven) && !f.ExecStack() }},
		{"versions_none", elfFile{}, func(f Facts) bool { return f.Needs == nil && f.Defs == nil && !f.Has(HasVersym) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, err := readBytes(test.file.bytes())
			if err != nil || !test.ok(f) {
				t.Errorf("%+v, %v", f, err)
			}
		})
	}
}

// change returns the full file with bytes at off replaced.
func change(off int, with ...byte) []byte {
	data := full.bytes()
	copy(data[off:], with)
	return data
}

func TestRead_refused(t *testing.T) {
	big := func(n int) []byte {
		file := elfFile{}
		for range n {
			file.Needed = append(file.Needed, strings.Repeat("n", 1000))
		}
		return file.bytes()
	}
	tests := []struct {
		name    string
		data    []byte
		text    string // of the error
		class   byte   // still told
		machine uint16
	}{
		{"empty", nil, "file too short", 0, 0},
		{"short", []byte("\x7fELF\x02\x01\x01"), "file too short", 0, 0},
		{"script", []byte("/* GNU ld script */" + strings.Repeat(" ", 60)), "invalid ELF header", 0, 0},
		{"class_unknown", change(4, 9), "unknown ELF class 9", 9, 0},
		{"class_none", change(4, 0), "unknown ELF class 0", 3, 0},
		{"bigEndian", change(5, 2), "not little-endian", 2, 62},
		{"version", change(6, 2), "file version ident", 2, 62},
		{"osabi", change(7, 9), "OS ABI invalid", 2, 62},
		{"abiversion", change(8, 1), "ABI version invalid", 2, 62},
		{"padding", change(12, 1), "nonzero padding", 2, 62},
		{"version_ofTheFile", change(20, 2), "file version does not match", 2, 0},
		{"abiversion_ofGNU", change(7, 3, 4), "ABI version invalid", 2, 62},
		{"header_cutOff", full.bytes()[:63], "file too short", 0, 0},
		{"type_object", change(16, 1), "only ET_DYN", 2, 62},
		{"phentsize", change(54, 55), "phentsize", 2, 62},
		{"phdrs_behindTheEnd", change(32, 0, 0, 0, 1), "cannot read file data", 2, 62},
		{"phdrs_beyondReason", change(32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "cannot read file data", 2, 62},
		{"truncated", full.bytes()[:len(full.bytes())-20], "file too short", 2, 62},
		{"strings_tooMany", big(1100), "strings too long", 2, 62},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, err := readBytes(test.data)
			var format *FormatError
			if !errors.As(err, &format) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("error %v, want %q", err, test.text)
			}
			if f.Class != test.class || f.Machine != test.machine {
				t.Errorf("class %d, machine %d, want %d, %d", f.Class, f.Machine, test.class, test.machine)
			}
		})
	}
}

// dynamicOf returns where the dynamic section of the file begins, and the value of a tag in it.
func dynamicOf(t *testing.T, data []byte, tag uint64) uint64 {
	t.Helper()
	le := binary.LittleEndian
	for i := range int(le.Uint16(data[56:])) {
		p := data[64+56*i:]
		if le.Uint32(p) != 2 {
			continue
		}
		for off := le.Uint64(p[8:]); ; off += 16 {
			if le.Uint64(data[off:]) == tag {
				return le.Uint64(data[off+8:])
			}
		}
	}
	t.Fatal("no such tag")
	return 0
}

func TestRead_chains(t *testing.T) {
	le := binary.LittleEndian
	t.Run("verneed_stepsOfOneByteEnd", func(t *testing.T) {
		data := append(full.bytes(), make([]byte, 1<<20)...)
		size := uint64(len(data))
		for i := range int(le.Uint16(data[56:])) {
			if p := data[64+56*i:]; le.Uint32(p) == 1 {
				le.PutUint64(p[32:], size)
			}
		}
		// every auxiliary record is followed by another 16 bytes on, far over the bound
		at := dynamicOf(t, data, dtVerneed)
		le.PutUint32(data[at+8:], uint32(size-(1<<20)-at))
		for off := size - 1<<20; off+16 <= size; off += 16 {
			le.PutUint32(data[off+12:], 16)
		}
		if _, err := readBytes(data); err == nil || !strings.Contains(err.Error(), "too many versions") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("verneed_recordVersion", func(t *testing.T) {
		data := full.bytes()
		data[dynamicOf(t, data, dtVerneed)] = 2
		if _, err := readBytes(data); err == nil || !strings.Contains(err.Error(), "unsupported version 2 of Verneed") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("verdef_nowhere", func(t *testing.T) {
		data := full.bytes()
		le.PutUint32(data[dynamicOf(t, data, dtVerdef)+16:], 0xfffffff0)
		if _, err := readBytes(data); err == nil || !strings.Contains(err.Error(), "not in the file") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("strtab_nowhere", func(t *testing.T) {
		data := bytes.Replace(full.bytes(), le.AppendUint64(le.AppendUint64(nil, dtStrtab), dynamicOf(t, full.bytes(), dtStrtab)),
			le.AppendUint64(le.AppendUint64(nil, dtStrtab), 1<<60), 1)
		if _, err := readBytes(data); err == nil || !strings.Contains(err.Error(), "not in the file") {
			t.Errorf("error %v", err)
		}
	})
}

// header returns the program header of the type.
func header(data []byte, typ uint32) []byte {
	le := binary.LittleEndian
	for i := range int(le.Uint16(data[56:])) {
		if p := data[64+56*i:][:56]; le.Uint32(p) == typ {
			return p
		}
	}
	return nil
}

func TestRead_lastHeaderCounts(t *testing.T) {
	le := binary.LittleEndian
	t.Run("stack", func(t *testing.T) {
		data := elfFile{Interp: "/loader"}.bytes()
		first := header(data, 6) // PT_PHDR, before PT_GNU_STACK
		le.PutUint32(first, 0x6474e551)
		le.PutUint32(first[4:], 7)
		if f, err := readBytes(data); err != nil || f.Has(StackExec) {
			t.Errorf("%+v, %v", f, err)
		}
	})
	t.Run("load_onTop", func(t *testing.T) {
		one := elfFile{Interp: "/loader", Soname: "one.so"}.bytes()
		for len(one)%4096 != 0 {
			one = append(one, 0)
		}
		// the same file once more, mapped over the first
		data := append(one, bytes.Replace(one, []byte("one.so"), []byte("two.so"), 1)...)
		first, second := header(data, 6), header(data, 1)
		copy(first, second)
		le.PutUint64(second[8:], uint64(len(one)))
		if f, err := readBytes(data); err != nil || f.Soname != "two.so" {
			t.Errorf("%+v, %v", f, err)
		}
	})
}

func TestRead_bounds(t *testing.T) {
	le := binary.LittleEndian
	// stretched returns a file with n more bytes in its segment, and where they begin
	stretched := func(file elfFile, n int) ([]byte, uint64) {
		data := file.bytes()
		start := uint64(len(data))
		data = append(data, make([]byte, n)...)
		le.PutUint64(header(data, 1)[32:], uint64(len(data)))
		return data, start
	}
	t.Run("dynamic_noEnd", func(t *testing.T) {
		data, start := stretched(elfFile{}, 16*(maxDynamic+10))
		for at := start; at < uint64(len(data)); at += 16 {
			data[at] = 7 // DT_RELA, of no interest
		}
		le.PutUint64(header(data, 2)[16:], start)
		if _, err := readBytes(data); err == nil || !strings.Contains(err.Error(), "dynamic section too long") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("strings_farApart", func(t *testing.T) {
		data, start := stretched(elfFile{Needed: make([]string, 3000)}, 3001<<12)
		strtab, needed := dynamicOf(t, data, dtStrtab), uint64(0)
		for at := le.Uint64(header(data, 2)[8:]); needed < 3000; at += 16 {
			needed++
			le.PutUint64(data[at+8:], start-strtab+needed<<12)
		}
		if _, err := readBytes(data); err == nil || !strings.Contains(err.Error(), "tables too large") {
			t.Errorf("error %v", err)
		}
	})
}

// TestRead_sectionHeadersDoNotCount reads a file whose section headers lead astray.
func TestRead_sectionHeadersDoNotCount(t *testing.T) {
	data := full.bytes()
	copy(data[40:], []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0})
	copy(data[58:], []byte{64, 0, 0xff, 0xff, 0xff, 0xff})
	if f, err := readBytes(data); err != nil || f.Soname != full.Soname {
		t.Errorf("%+v, %v", f, err)
	}
}

// A counter counts reads.
type counter struct {
	*bytes.Reader
	reads int
}

func (c *counter) ReadAt(p []byte, off int64) (int, error) { c.reads++; return c.Reader.ReadAt(p, off) }

func TestRead_fewReads(t *testing.T) {
	data := full.bytes()
	c := &counter{Reader: bytes.NewReader(data)}
	if _, err := Read(c, int64(len(data))); err != nil || c.reads != 1 {
		t.Errorf("%d reads of a small file, %v", c.reads, err)
	}
}

func TestFiles_memory(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.so")
	full.write(t, path)
	memory := memory{}
	want, err := NewFiles(Host{}, memory).Facts(path)
	if err != nil || len(memory) != 1 {
		t.Fatal(err, memory)
	}
	opens := &openCounter{}
	if err := os.Link(path, filepath.Join(dir, "y.so")); err != nil {
		t.Fatal(err)
	}
	got, err := NewFiles(opens, memory).Facts(filepath.Join(dir, "y.so"))
	if err != nil || got != want || opens.n != 0 {
		t.Errorf("a new link to a remembered file: %d opens, %v", opens.n, err)
	}
	elfFile{Soname: "new.so"}.write(t, path)
	got, err = NewFiles(opens, memory).Facts(path)
	if err != nil || got.Soname != "new.so" || opens.n != 1 {
		t.Errorf("a file written anew: %+v, %d opens, %v", got, opens.n, err)
	}
}

func TestFiles_readOnceByAnyPath(t *testing.T) {
	dir := t.TempDir()
	full.write(t, filepath.Join(dir, "x.so"))
	if err := os.Symlink("x.so", filepath.Join(dir, "y.so")); err != nil {
		t.Fatal(err)
	}
	reads := 0
	files := NewFiles(readCounter{n: &reads}, nil)
	for _, path := range []string{"/x.so", "/../" + filepath.Base(dir) + "/x.so", "/y.so", "/x.so"} {
		if f, err := files.Facts(dir + path); err != nil || f.Soname != full.Soname {
			t.Errorf("%s: %+v, %v", path, f, err)
		}
	}
	if reads != 1 {
		t.Errorf("%d reads of one small file", reads)
	}
}

// A readCounter counts the reads of all its files.
type readCounter struct {
	Host
	n *int
}

func (c readCounter) Open(path string) (File, error) {
	f, err := c.Host.Open(path)
	return countedFile{f, c.n}, err
}

type countedFile struct {
	File
	n *int
}

func (f countedFile) ReadAt(p []byte, off int64) (int, error) { *f.n++; return f.File.ReadAt(p, off) }

type memory map[ID]*Facts

func (m memory) Lookup(id ID) (*Facts, bool) { f, ok := m[id]; return f, ok }
func (m memory) Store(id ID, f *Facts)       { m[id] = f }

type openCounter struct {
	Host
	n int
}

func (c *openCounter) Open(path string) (File, error) { c.n++; return c.Host.Open(path) }

func TestParseFacts_damaged(t *testing.T) {
	f, err := readBytes(full.bytes())
	if err != nil {
		t.Fatal(err)
	}
	data := f.Append(nil)
	for n := range data {
		if _, err := ParseFacts(data[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes are taken", n, len(data))
		}
	}
	if _, err := ParseFacts(append(data, 0)); err == nil {
		t.Error("a byte too many is taken")
	}
	data[0]++
	if _, err := ParseFacts(data); err == nil {
		t.Error("another schema is taken")
	}
}

// A 32-bit file has its tables in other places.
func TestRead_class32(t *testing.T) {
	data := make([]byte, 200)
	copy(data, "\x7fELF\x01\x01\x01")
	le := binary.LittleEndian
	le.PutUint16(data[16:], TypeDyn)
	le.PutUint16(data[18:], Machine386)
	le.PutUint32(data[20:], 1)
	le.PutUint32(data[28:], 60) // e_phoff
	le.PutUint16(data[42:], 32) // e_phentsize
	le.PutUint16(data[44:], 1)
	for i, v := range []uint32{3, 150, 150, 150, 5, 5, 4, 1} { // PT_INTERP
		le.PutUint32(data[60+4*i:], v)
	}
	copy(data[150:], "/l32")
	got, err := Read(bytes.NewReader(data), int64(len(data)))
	if err != nil || got.Interp != "/l32" || got.Class != Class32 || got.Machine != Machine386 {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(full.bytes())
	f.Add(elfFile{RPath: "$ORIGIN"}.bytes())
	f.Add(elfFile{Class: Class32}.bytes())
	f.Add(change(5, 2))
	f.Add([]byte("\x7fELF"))
	f.Fuzz(func(t *testing.T, data []byte) {
		facts, err := readBytes(data)
		if err != nil {
			return
		}
		parsed, err := ParseFacts(facts.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(parsed.Append(nil), facts.Append(nil)) {
			t.Errorf("%+v read back as %+v", facts, *parsed)
		}
	})
}

func FuzzParseFacts(f *testing.F) {
	facts, err := readBytes(full.bytes())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(facts.Append(nil))
	f.Add((&Facts{}).Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		facts, err := ParseFacts(data)
		if err != nil {
			return
		}
		if _, err := ParseFacts(facts.Append(nil)); err != nil {
			t.Error(err)
		}
	})
}
