package elfdeps

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// An elfFile is a small ELF file that the real loader accepts: one segment, a dynamic section, no
// symbols. It is what the graphs of the tests are made of.
type elfFile struct {
	Interp  string // makes it a program, which exits with 0 when it is started
	Soname  string
	Needed  []string
	Filters []Filter
	RPath   string
	RunPath string
	Empty   bool // RunPath is there even if empty
	Flags1  uint64
	Needs   []VersionNeed
	Defs    []string // a base version of the soname's name goes before them
	Stack   string   // "" not executable, "exec", "none" no PT_GNU_STACK
	Relr    bool     // a DT_RELR of no entries

	Class   byte   // if not 0, only EI_CLASS is changed
	Machine uint16 // if not 0
	Type    uint16 // if not 0
}

// exitCode is exit(0) for x86_64.
var exitCode = []byte{0x31, 0xff, 0xb8, 0x3c, 0, 0, 0, 0x0f, 0x05}

func (e elfFile) bytes() []byte {
	le := binary.LittleEndian
	strtab := []byte{0}
	str := func(s string) uint64 {
		off := len(strtab)
		strtab = append(append(strtab, s...), 0)
		return uint64(off)
	}
	type dyn struct{ tag, value uint64 }
	var dynamic []dyn
	filters := e.Filters
	for i := 0; i <= len(e.Needed); i++ {
		for len(filters) > 0 && filters[0].Index <= i {
			tag := uint64(dtFilter)
			if filters[0].Optional {
				tag = dtAuxiliary
			}
			dynamic = append(dynamic, dyn{tag, str(filters[0].Name)})
			filters = filters[1:]
		}
		if i < len(e.Needed) {
			dynamic = append(dynamic, dyn{dtNeeded, str(e.Needed[i])})
		}
	}
	if e.Soname != "" {
		dynamic = append(dynamic, dyn{dtSoname, str(e.Soname)})
	}
	if e.RPath != "" {
		dynamic = append(dynamic, dyn{dtRPath, str(e.RPath)})
	}
	if e.RunPath != "" || e.Empty {
		dynamic = append(dynamic, dyn{dtRunPath, str(e.RunPath)})
	}
	if e.Flags1 != 0 {
		dynamic = append(dynamic, dyn{dtFlags1, e.Flags1})
	}

	var verdef, verneed []byte
	index := uint16(1)
	if len(e.Defs) > 0 {
		names := append([]string{e.Soname}, e.Defs...)
		for i, name := range names {
			flags, next := uint16(0), uint32(28)
			if i == 0 {
				flags = 1
			}
			if i == len(names)-1 {
				next = 0
			}
			verdef = le.AppendUint16(verdef, 1)
			verdef = le.AppendUint16(verdef, flags)
			verdef = le.AppendUint16(verdef, index)
			verdef = le.AppendUint16(verdef, 1)
			verdef = le.AppendUint32(verdef, elfHash(name))
			verdef = le.AppendUint32(verdef, 20)
			verdef = le.AppendUint32(verdef, next)
			verdef = le.AppendUint32(verdef, uint32(str(name)))
			verdef = le.AppendUint32(verdef, 0)
			index++
		}
	}
	index = max(index, 2)
	for i, need := range e.Needs {
		next := uint32(16 + 16*len(need.Versions))
		if i == len(e.Needs)-1 {
			next = 0
		}
		verneed = le.AppendUint16(verneed, 1)
		verneed = le.AppendUint16(verneed, uint16(len(need.Versions)))
		verneed = le.AppendUint32(verneed, uint32(str(need.File)))
		verneed = le.AppendUint32(verneed, 16)
		verneed = le.AppendUint32(verneed, next)
		for k, v := range need.Versions {
			flags, next := uint16(0), uint32(16)
			if v.Weak {
				flags = 2
			}
			if k == len(need.Versions)-1 {
				next = 0
			}
			verneed = le.AppendUint32(verneed, elfHash(v.Name))
			verneed = le.AppendUint16(verneed, flags)
			verneed = le.AppendUint16(verneed, index)
			verneed = le.AppendUint32(verneed, uint32(str(v.Name)))
			verneed = le.AppendUint32(verneed, next)
			index++
		}
	}

	segments := 3
	if e.Stack == "none" {
		segments--
	}
	if e.Interp != "" {
		segments += 2
	}
	var body []byte
	start := 64 + 56*segments
	put := func(data []byte) uint64 {
		for (start+len(body))%8 != 0 {
			body = append(body, 0)
		}
		off := start + len(body)
		body = append(body, data...)
		return uint64(off)
	}
	entry := put(exitCode)
	interp := put(append([]byte(e.Interp), 0))
	hash := put([]byte{1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	dynamic = append(dynamic, dyn{4, hash}, dyn{6, put(make([]byte, 24))}, dyn{11, 24})
	dynamic = append(dynamic, dyn{dtStrtab, put(strtab)}, dyn{10, uint64(len(strtab))})
	if len(verdef)+len(verneed) > 0 {
		dynamic = append(dynamic, dyn{dtVersym, put([]byte{0, 0})})
	}
	if len(verdef) > 0 {
		dynamic = append(dynamic, dyn{dtVerdef, put(verdef)}, dyn{0x6ffffffd, uint64(len(e.Defs) + 1)})
	}
	if len(verneed) > 0 {
		dynamic = append(dynamic, dyn{dtVerneed, put(verneed)}, dyn{0x6fffffff, uint64(len(e.Needs))})
	}
	if e.Relr {
		dynamic = append(dynamic, dyn{dtRelr, hash}, dyn{35, 0}, dyn{37, 8})
	}
	dynamic = append(dynamic, dyn{0, 0})
	var table []byte
	for _, d := range dynamic {
		table = le.AppendUint64(le.AppendUint64(table, d.tag), d.value)
	}
	dyns := put(table)
	size := uint64(start + len(body))

	var out bytes.Buffer
	out.Write([]byte{0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	typ, machine := uint16(TypeDyn), uint16(MachineX86_64)
	if e.Type != 0 {
		typ = e.Type
	}
	if e.Machine != 0 {
		machine = e.Machine
	}
	binary.Write(&out, le, struct {
		Type, Machine                                 uint16
		Version                                       uint32
		Entry, Phoff, Shoff                           uint64
		Flags                                         uint32
		Ehsize, Phentsize, Phnum, Shentsize, Shnum, X uint16
	}{typ, machine, 1, entry, 64, 0, 0, 64, 56, uint16(segments), 0, 0, 0})
	segment := func(typ, flags uint32, off, size uint64) {
		binary.Write(&out, le, struct {
			Type, Flags                           uint32
			Off, Vaddr, Paddr, Filesz, Memsz, Aln uint64
		}{typ, flags, off, off, off, size, size, 8})
	}
	if e.Interp != "" {
		segment(6, 4, 64, uint64(56*segments))
		segment(3, 4, interp, uint64(len(e.Interp)+1))
	}
	binary.Write(&out, le, struct {
		Type, Flags                           uint32
		Off, Vaddr, Paddr, Filesz, Memsz, Aln uint64
	}{1, 7, 0, 0, 0, size, size, 4096})
	segment(2, 6, dyns, uint64(len(table)))
	switch e.Stack {
	case "":
		segment(0x6474e551, 6, 0, 0)
	case "exec":
		segment(0x6474e551, 7, 0, 0)
	}
	data := append(out.Bytes(), body...)
	if e.Class != 0 {
		data[4] = e.Class
	}
	return data
}

func (e elfFile) write(t testing.TB, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, e.bytes(), 0o755); err != nil {
		t.Fatal(err)
	}
}

// elfHash is the hash of the System V ABI, by which the loader compares versions first.
func elfHash(name string) uint32 {
	var h uint32
	for _, c := range []byte(name) {
		h = h<<4 + uint32(c)
		h ^= h >> 24 & 0xf0
	}
	return h & 0x0fffffff
}
