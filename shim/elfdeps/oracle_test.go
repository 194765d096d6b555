package elfdeps

import (
	"debug/elf"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// machineELFs returns ELF files of this machine: libraries, and what the Pythons have. Of a tree at
// most limit files.
func machineELFs(t testing.TB, limit int) []string {
	t.Helper()
	var list []string
	home, _ := os.UserHomeDir()
	roots := []string{"/usr/lib/x86_64-linux-gnu", "/usr/lib/python3", "/usr/lib64", "/usr/bin", "/nix/store"}
	pythons, _ := filepath.Glob(filepath.Join(home, ".pyenv/versions/*/lib"))
	for _, root := range append(append(roots, pythons...), filepath.SplitList(os.Getenv("ELFDEPS_TREES"))...) {
		n := 0
		filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil
			}
			if info, err := d.Info(); err != nil || info.Size() < 64 {
				return nil
			}
			f, err := os.Open(path)
			if err != nil {
				return nil
			}
			defer f.Close()
			var magic [4]byte
			if _, err := f.ReadAt(magic[:], 0); err != nil || string(magic[:]) != elf.ELFMAG {
				return nil
			}
			list = append(list, path)
			if n++; n == limit {
				return filepath.SkipAll
			}
			return nil
		})
	}
	return list
}

// oracle is what debug/elf says of a file. It goes by section headers, which these files have.
func oracle(t testing.TB, path string) (Facts, bool) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		return Facts{}, false
	}
	defer f.Close()
	want := Facts{Class: byte(f.Class), Machine: uint16(f.Machine), Type: uint16(f.Type)}
	if f.Data != elf.ELFDATA2LSB || f.Type != elf.ET_DYN && f.Type != elf.ET_EXEC {
		return Facts{}, false
	}
	for _, p := range f.Progs {
		switch p.Type {
		case elf.PT_LOAD:
			want.Flags |= Loadable
			if (p.Vaddr-p.Off)%4096 != 0 {
				want.Flags |= Unaligned
			}
		case elf.PT_DYNAMIC:
			if p.Filesz > 0 {
				want.Flags |= Dynamic
			}
		case elf.PT_INTERP:
			data := make([]byte, p.Filesz)
			if _, err := p.ReadAt(data, 0); err == nil {
				want.Interp, _, _ = strings.Cut(string(data), "\x00")
			}
		case elf.PT_GNU_STACK:
			want.Flags |= StackGiven
			if p.Flags&elf.PF_X != 0 {
				want.Flags |= StackExec
			}
		}
	}
	if want.Flags&Dynamic == 0 {
		return want, true
	}
	one := func(tag elf.DynTag) string {
		list, _ := f.DynString(tag)
		if len(list) == 0 {
			return ""
		}
		return list[len(list)-1]
	}
	want.Needed, _ = f.DynString(elf.DT_NEEDED)
	want.Soname, want.RunPath = one(elf.DT_SONAME), one(elf.DT_RUNPATH)
	if values, _ := f.DynValue(elf.DT_RUNPATH); len(values) > 0 {
		want.Flags |= HasRunPath
	} else {
		want.RPath = one(elf.DT_RPATH)
	}
	for tag, flag := range map[elf.DynTag]Flags{elf.DT_VERSYM: HasVersym, dtRelr: HasRelr} {
		if values, _ := f.DynValue(tag); len(values) > 0 {
			want.Flags |= flag
		}
	}
	if values, _ := f.DynValue(elf.DT_FLAGS_1); len(values) > 0 {
		for bit, flag := range map[uint64]Flags{df1PIE: PIE, df1NoDefLib: NoDefLib, df1NoOpen: NoOpen} {
			if values[0]&bit != 0 {
				want.Flags |= flag
			}
		}
	}
	needs, err := f.DynamicVersionNeeds()
	if err != nil {
		return Facts{}, false
	}
	for _, need := range needs {
		n := VersionNeed{File: need.Name}
		for _, v := range need.Needs {
			n.Versions = append(n.Versions, Version{v.Dep, v.Flags&elf.VER_FLG_WEAK != 0})
		}
		want.Needs = append(want.Needs, n)
	}
	defs, err := f.DynamicVersions()
	if err != nil {
		return Facts{}, false
	}
	for _, def := range defs {
		want.Defs = append(want.Defs, def.Name)
	}
	return want, true
}

func TestRead_oracle(t *testing.T) {
	limit := 100
	if os.Getenv("ELFDEPS_ALL") != "" {
		limit = -1
	}
	compared, other := 0, 0
	for _, path := range machineELFs(t, limit) {
		want, ok := oracle(t, path)
		if !ok {
			other++
			continue
		}
		compared++
		got, err := readFile(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		filters := got.Filters
		got.Filters = nil // debug/elf has no name for them
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", path, got, want)
		}
		got.Filters = filters
		parsed, err := ParseFacts(got.Append(nil))
		if err != nil || !reflect.DeepEqual(*parsed, got) {
			t.Errorf("%s: serialised and read back: %+v, %v", path, parsed, err)
		}
	}
	if compared == 0 {
		skip(t, "no ELF files on this machine")
	}
	t.Logf("%d files compared, %d not read by debug/elf or not loadable", compared, other)
}

func readFile(path string) (Facts, error) {
	f, err := Host{}.Open(path)
	if err != nil {
		return Facts{}, err
	}
	defer f.Close()
	info, err := f.Info()
	if err != nil {
		return Facts{}, err
	}
	return Read(f, info.Size)
}

func TestBuiltinDirs_thisMachine(t *testing.T) {
	loader, err := os.ReadFile(realLoader)
	if err != nil {
		skip(t, "no glibc loader at "+realLoader)
	}
	dirs := builtinDirs(loader)
	if len(dirs) == 0 {
		t.Fatal("no directories found in the loader")
	}
	for _, dir := range dirs {
		if !strings.HasPrefix(dir, "/") || !strings.HasSuffix(dir, "/") {
			t.Errorf("%q is no directory", dir)
		}
	}
	if !slices.ContainsFunc(dirs, func(dir string) bool { _, err := os.Stat(dir + "libc.so.6"); return err == nil }) {
		t.Errorf("none of %q has libc.so.6", dirs)
	}
	if dirs := builtinDirs([]byte("\x00/bin/sh\x00/a b/\x00/x/%s/\x00")); dirs != nil {
		t.Errorf("%q found in what is no loader", dirs)
	}
}

// builtinDirs returns the default directories of a loader from its bytes, in which they stand one
// after the other, each with a slash at both ends (elf/dl-load.c, system_dirs). This is the only
// place that tells them: distributions and Nix set their own. None are found in what is no loader.
func builtinDirs(loader []byte) []string {
	text := string(loader)
	for {
		i := strings.Index(text, "\x00/")
		if i < 0 {
			return nil
		}
		text = text[i+1:]
		var dirs []string
		for rest := text; ; {
			dir, after, found := strings.Cut(rest, "\x00")
			if !found || len(dir) < 3 || dir[0] != '/' || dir[len(dir)-1] != '/' || strings.ContainsAny(dir, " %:\n") {
				break
			}
			dirs, rest = append(dirs, dir), after
		}
		for _, dir := range dirs {
			if strings.HasSuffix(dir, "/lib/") || strings.HasSuffix(dir, "/lib64/") {
				return dirs
			}
		}
	}
}
