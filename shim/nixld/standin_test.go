package nixld

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"uvshim/shim/elfdeps"
)

// store returns a path in the Nix store with a made-up hash.
func store(name string) string { return "/nix/store/" + strings.Repeat("0", 32) + "-" + name }

// A tree is files by path: their content, or "-> target" for a link, or "dir" for a directory.
type tree map[string]string

// in makes the tree below dir.
func (files tree) in(t *testing.T, dir string) {
	t.Helper()
	for name, content := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			err = os.Symlink(target, name)
		} else if content == "dir" {
			err = os.MkdirAll(name, 0o755)
		} else {
			err = os.WriteFile(name, []byte(content), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// root makes the tree and returns it as a system.
func (files tree) root(t *testing.T) *System {
	t.Helper()
	dir := t.TempDir()
	files.in(t, dir)
	sys, err := At(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sys.Close() })
	return sys
}

// An elfFile is a stand-in for a loader or library: as much of an ELF file as tells them apart.
type elfFile struct {
	machine uint16
	exec    bool // ET_EXEC, else ET_DYN
	soname  string
	defs    []string
	content string // that the file also has
}

func (e elfFile) String() string {
	const base, head = 0, 64 + 2*56
	strtab := []byte{0}
	name := func(s string) uint32 {
		at := len(strtab)
		strtab = append(append(strtab, s...), 0)
		return uint32(at)
	}
	var verdef []byte
	for i, def := range e.defs {
		next := uint32(28)
		if i == len(e.defs)-1 {
			next = 0
		}
		for _, half := range []uint16{1, 0, uint16(i + 1), 1} {
			verdef = binary.LittleEndian.AppendUint16(verdef, half)
		}
		for _, word := range []uint32{0, 20, next, name(def), 0} {
			verdef = binary.LittleEndian.AppendUint32(verdef, word)
		}
	}
	var dynamic []uint64
	if e.soname != "" {
		dynamic = append(dynamic, 14, uint64(name(e.soname)))
	}
	size := uint64(len(dynamic)*8 + 8*8)
	dynamic = append(dynamic, 5, base+head+size+uint64(len(verdef)))
	if len(e.defs) > 0 {
		dynamic = append(dynamic, 0x6ffffffc, base+head+size, 0x6ffffffd, uint64(len(e.defs)))
	}
	for uint64(len(dynamic)*8) < size {
		dynamic = append(dynamic, 0)
	}
	var body bytes.Buffer
	binary.Write(&body, binary.LittleEndian, dynamic)
	body.Write(verdef)
	body.Write(strtab)
	body.WriteString("\x00" + e.content + "\x00")
	kind := uint16(elfdeps.TypeDyn)
	if e.exec {
		kind = elfdeps.TypeExec
	}
	total := uint64(head + body.Len())
	var out bytes.Buffer
	out.WriteString("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9))
	for _, part := range []any{
		kind, e.machine, uint32(1), uint64(0), uint64(64), uint64(0), uint32(0),
		uint16(64), uint16(56), uint16(2), uint16(64), uint16(0), uint16(0),
		uint32(1), uint32(5), uint64(0), uint64(base), uint64(base), total, total, uint64(4096), // PT_LOAD
		uint32(2), uint32(4), uint64(head), uint64(base + head), uint64(base + head), size, size, uint64(8), // PT_DYNAMIC
	} {
		binary.Write(&out, binary.LittleEndian, part)
	}
	out.Write(body.Bytes())
	return out.String()
}

// An arch is what differs between the machines that the tests are for.
type arch struct {
	name    string
	machine uint16
	interp  string // PT_INTERP of programs
	soname  string
}

func arches() []arch {
	return []arch{
		{"x86_64", elfdeps.MachineX86_64, "/lib64/ld-linux-x86-64.so.2", "ld-linux-x86-64.so.2"},
		{"aarch64", elfdeps.MachineAArch64, "/lib/ld-linux-aarch64.so.1", "ld-linux-aarch64.so.1"},
	}
}

// The stand-ins have the strings by which the real ones are known, and nothing that runs.
func (a arch) nixLD1() string {
	return elfFile{machine: a.machine, content: "cannot execute \x00NIX_LD_LIBRARY_PATH=\x00You are trying to run an unpatched binary on nixos, but you"}.String()
}

func (a arch) nixLD2() string {
	return elfFile{machine: a.machine, content: "NIX_LD_LIBRARY_PATH\x00[nix-ld] FATAL: panicked at"}.String()
}

func (a arch) stub() string {
	return elfFile{machine: a.machine, exec: true, content: "Could not start dynamically linked executable: %s"}.String()
}

func (a arch) loader(dirs ...string) string {
	var names string
	var lengths []byte
	for _, dir := range dirs {
		names += dir + "\x00"
		lengths = binary.LittleEndian.AppendUint64(lengths, uint64(len(dir)))
	}
	return elfFile{machine: a.machine, soname: a.soname, defs: []string{a.soname, "GLIBC_2.2.5", "GLIBC_2.35", "GLIBC_PRIVATE"},
		content: string(lengths) + "rodata\x00/proc/self/fd/\x00" + names}.String()
}

func (a arch) libc(version string) string {
	return elfFile{machine: a.machine, soname: "libc.so.6",
		defs: []string{"libc.so.6", "GLIBC_2.2.5", "GLIBC_2.9", "GLIBC_" + version, "GLIBC_2.17", "GLIBC_ABI_DT_RELR", "GLIBC_PRIVATE"}}.String()
}
