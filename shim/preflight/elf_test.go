package preflight

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
	"uvshim/shim/nixld"
)

// An object is a small ELF file for x86_64: what a scan reads of one, and no code.
type object struct {
	interp  string
	soname  string
	needed  []string
	rpath   string
	runpath string
	needs   map[string]string // file: version
	defs    []string
	stack   bool   // executable
	text    string // that the file also has
	machine uint16
}

func (o object) String() string {
	le := binary.LittleEndian
	const head, segments = 64, 5
	strtab := []byte{0}
	str := func(s string) uint64 {
		at := len(strtab)
		strtab = append(append(strtab, s...), 0)
		return uint64(at)
	}
	var dynamic []uint64
	add := func(tag, value uint64) { dynamic = append(dynamic, tag, value) }
	for _, name := range o.needed {
		add(1, str(name))
	}
	if o.soname != "" {
		add(14, str(o.soname))
	}
	if o.rpath != "" {
		add(15, str(o.rpath))
	}
	if o.runpath != "" {
		add(29, str(o.runpath))
	}
	var verdef, verneed []byte
	for i, def := range o.defs {
		next := uint32(28)
		if i == len(o.defs)-1 {
			next = 0
		}
		for _, half := range []uint16{1, 0, uint16(i + 1), 1} {
			verdef = le.AppendUint16(verdef, half)
		}
		for _, word := range []uint32{0, 20, next, uint32(str(def)), 0} {
			verdef = le.AppendUint32(verdef, word)
		}
	}
	files := sortedKeys(o.needs)
	for i, file := range files {
		next := uint32(32)
		if i == len(files)-1 {
			next = 0
		}
		verneed = le.AppendUint16(le.AppendUint16(verneed, 1), 1)
		for _, word := range []uint32{uint32(str(file)), 16, next, 0} {
			verneed = le.AppendUint32(verneed, word)
		}
		verneed = le.AppendUint16(le.AppendUint16(verneed, 0), uint16(i+2))
		verneed = le.AppendUint32(le.AppendUint32(verneed, uint32(str(o.needs[file]))), 0)
	}
	// the tables follow the segments' headers: dynamic, verdef, verneed, interp, strings
	at := uint64(head + 56*segments)
	size := uint64(8*len(dynamic) + 16*8)
	off := at + size
	if len(verdef) > 0 {
		add(0x6ffffffc, off)
		add(0x6ffffffd, uint64(len(o.defs)))
		off += uint64(len(verdef))
	}
	if len(verneed) > 0 {
		add(0x6ffffffe, off)
		add(0x6fffffff, uint64(len(files)))
		off += uint64(len(verneed))
	}
	if len(verdef)+len(verneed) > 0 {
		add(0x6ffffff0, at)
	}
	interp := off
	off += uint64(len(o.interp) + 1)
	add(5, off)
	add(10, uint64(len(strtab)))
	for uint64(8*len(dynamic)) < size {
		dynamic = append(dynamic, 0)
	}
	var body bytes.Buffer
	binary.Write(&body, le, dynamic)
	body.Write(verdef)
	body.Write(verneed)
	body.WriteString(o.interp + "\x00")
	body.Write(strtab)
	body.WriteString("\x00" + o.text + "\x00")
	total := at + uint64(body.Len())
	machine := o.machine
	if machine == 0 {
		machine = elfdeps.MachineX86_64
	}
	flags := uint32(6)
	if o.stack {
		flags = 7
	}
	var out bytes.Buffer
	out.WriteString("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9))
	write := func(parts ...any) {
		for _, part := range parts {
			binary.Write(&out, le, part)
		}
	}
	write(uint16(elfdeps.TypeDyn), machine, uint32(1), uint64(0), uint64(64), uint64(0), uint32(0),
		uint16(64), uint16(56), uint16(segments), uint16(0), uint16(0), uint16(0))
	if o.interp != "" {
		write(uint32(3), uint32(4), interp, interp, interp, uint64(len(o.interp)+1), uint64(len(o.interp)+1), uint64(1))
	} else {
		write(uint32(0), uint32(0), [6]uint64{})
	}
	write(uint32(1), uint32(7), [3]uint64{}, total, total, uint64(4096))
	write(uint32(2), uint32(6), at, at, at, size, size, uint64(8))
	write(uint32(0x6474e551), flags, [6]uint64{})
	write(uint32(0), uint32(0), [6]uint64{})
	out.Write(body.Bytes())
	return out.String()
}

// A tree is files to make: by path, the content; "-> target" makes a link, "dir" a directory.
type tree map[string]string

func (files tree) with(more tree) tree {
	out := tree{}
	for _, t := range []tree{files, more} {
		for name, content := range t {
			if content == "gone" {
				delete(out, name)
				continue
			}
			out[name] = content
		}
	}
	return out
}

func (files tree) in(t testing.TB, dir string) {
	t.Helper()
	for name, content := range files {
		name = filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(name), 0o755)
		if target, link := strings.CutPrefix(content, "-> "); err == nil && link {
			err = os.Symlink(target, name)
		} else if err == nil && content == "dir" {
			err = os.MkdirAll(name, 0o755)
		} else if err == nil {
			err = os.WriteFile(name, []byte(content), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// root makes the tree and returns it as a system.
func (files tree) root(t testing.TB) *nixld.System {
	t.Helper()
	dir := t.TempDir()
	files.in(t, dir)
	sys, err := nixld.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sys.Close() })
	return sys
}

const (
	hash    = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz"
	glibc   = hash + "-glibc-2.40/lib"
	nixLibs = "/run/current-system/sw/share/nix-ld/lib"
	ldso    = "/lib64/ld-linux-x86-64.so.2"
	managed = "/home/u/.local/share/uv/python/cpython-3.13.1-linux-x86_64-gnu"
	venv    = "/p/.venv"
	site    = venv + "/lib/python3.13/site-packages"
	tag     = ".cpython-313-x86_64-linux-gnu.so"
)

// nixos is a system with nix-ld, a managed Python 3.13 and a virtual environment of it.
func nixos() tree {
	loader := object{soname: "ld-linux-x86-64.so.2", defs: []string{"ld-linux-x86-64.so.2", "GLIBC_2.2.5", "GLIBC_PRIVATE"}}
	libc := object{soname: "libc.so.6", defs: []string{"libc.so.6", "GLIBC_2.2.5", "GLIBC_2.40"}}
	return tree{
		"/etc/os-release":                     "ID=nixos\nVERSION_ID=\"25.11\"\n",
		ldso:                                  "-> " + hash + "-nix-ld-2.0.6/libexec/nix-ld",
		hash + "-nix-ld-2.0.6/libexec/nix-ld": object{}.String(),
		glibc + "/ld-linux-x86-64.so.2":       loader.String(),
		glibc + "/libc.so.6":                  libc.String(),
		nixLibs + "/ld.so":                    "-> " + glibc + "/ld-linux-x86-64.so.2",
		managed + "/bin/python3.13":           program.String(),
		managed + "/lib/python3.13/os.py":     "",
		venv + "/bin/python":                  "-> " + managed + "/bin/python3.13",
		venv + "/pyvenv.cfg":                  "home = " + managed + "/bin\nversion_info = 3.13.1\n",
		site:                                  "dir",
	}
}

var program = object{interp: ldso, needed: []string{"libc.so.6"}, needs: map[string]string{"libc.so.6": "GLIBC_2.2.5"}, rpath: "$ORIGIN/../lib"}

// lib is a library of that soname.
func lib(soname string, needed ...string) string {
	return object{soname: soname, needed: needed}.String()
}

// module is an extension module with needs.
func module(needed ...string) string {
	return object{needed: append(needed, "libc.so.6")}.String()
}

// check looks at the environment of a system.
func check(t testing.TB, sys *nixld.System, env host.Env, all bool) Verdict {
	t.Helper()
	v, err := Check(Request{System: sys, Env: env, Python: venv + "/bin/python", Dir: "/p", All: all})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// setting gives a root the NIX_LD* of env: as a login there would have them.
func (files tree) setting(env host.Env) tree {
	script := ""
	for _, entry := range env {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "NIX_LD") {
			script += "export " + name + "=\"" + value + "\"\n"
		}
	}
	return files.with(tree{"/etc/set-environment": script})
}

// short is a finding in few words.
func short(f Finding) string {
	text := string(f.Severity) + " " + string(f.Kind) + " " + f.Soname
	if f.SymbolVersion != "" {
		text += " " + f.SymbolVersion
	}
	if f.Distribution != "" {
		text += " of " + f.Distribution + " " + f.DistVersion
	}
	return text
}
