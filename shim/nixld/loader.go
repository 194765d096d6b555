// Package nixld knows the dynamic loader of a system: what stands at an ELF program's PT_INTERP
// path, what nix-ld makes of an environment, which loader and library directories are behind it,
// and whether that can work.
//
// Its rules come from nix-ld's sources (2.x: src/main.rs, src/arch.rs, src/elf.rs; 1.x:
// src/nix-ld.c), nixpkgs' modules (nixos/modules/programs/nix-ld.nix, config/ldso.nix,
// config/stub-ld.nix) and glibc (elf/dl-load.c, elf/rtld.c).
package nixld

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"uvshim/shim/elfdeps"
)

// A Kind says what a loader is.
type Kind string

const (
	Missing   Kind = "missing"            // no such file
	Dangling  Kind = "dangling"           // a link to nothing, as to a collected store path
	NixLD     Kind = "nix-ld"             //
	Stub      Kind = "stub-ld"            // NixOS's, which only says that it cannot help
	Glibc     Kind = "glibc"              // the real one
	Musl      Kind = "musl"               //
	WrongArch Kind = "wrong architecture" // an ELF file for another machine than the program
	Unknown   Kind = "unknown"            // something else, or unreadable: nothing is concluded from it
)

// A Loader is the file at a program's PT_INTERP.
type Loader struct {
	Path    string // as the program has it
	Machine uint16 // the program's e_machine
	Kind    Kind
	Real    string // without links; empty if missing or dangling
	Version string // of nix-ld if its store path tells, or of glibc; else empty
	Major   int    // of nix-ld: 1, or 2 (nix-ld-rs counts as 2); else 0
	Reason  string // for Unknown: what was seen
	Err     error  // for Unknown, Missing and Dangling: what came of looking
}

// Inspect says what the loader at interp is, by files alone, for a program with e_machine machine.
func Inspect(sys FS, interp string, machine uint16) Loader {
	l := Loader{Path: interp, Machine: machine, Kind: Unknown}
	if _, err := sys.Lstat(interp); err != nil {
		if gone(err) {
			l.Kind = Missing
		}
		l.Reason, l.Err = reason(err), err
		return l
	}
	real, err := sys.Real(interp)
	if err != nil {
		if gone(err) || errors.Is(err, syscall.ELOOP) {
			l.Kind = Dangling
		}
		l.Reason, l.Err = reason(err), err
		return l
	}
	l.Real = real
	f, size, err := openRegular(sys, real)
	if err != nil {
		l.Reason, l.Err = reason(err), err
		return l
	}
	defer f.Close()
	facts, err := elfdeps.Read(f, size)
	switch {
	case err != nil:
		l.Reason, l.Err = "not an ELF file", err
	case facts.Machine != machine:
		l.Kind = WrongArch
	default:
		l.identify(sys, facts, f)
	}
	if l.Kind == Unknown && l.Reason == "" {
		l.Reason = "not a known loader"
	}
	return l
}

// identify sets the kind of an ELF file for the right machine: by its store path, which nixpkgs
// names, else by what is in it.
func (l *Loader) identify(sys FS, facts elfdeps.Facts, content io.Reader) {
	if version, major, ok := nixLDPath(l.Real); ok {
		l.Kind, l.Version, l.Major = NixLD, version, major
		return
	}
	if stubPath(l.Real) {
		l.Kind = Stub
		return
	}
	if glibcLoader(facts) {
		l.Kind = Glibc
		l.Version = glibcVersion(sys, path.Dir(l.Real))
		return
	}
	if strings.HasPrefix(facts.Soname, "libc.musl-") {
		l.Kind = Musl // Alpine's; upstream's has no DT_SONAME
		return
	}
	if facts.Soname != "" {
		return
	}
	// nix-ld and stub-ld have no DT_SONAME. nix-ld 1.x also has the strings of the later one.
	switch found := search(content, "You are trying to run an unpatched binary on nixos", "[nix-ld] FATAL: ",
		"Could not start dynamically linked executable"); {
	case found[0]:
		l.Kind, l.Major = NixLD, 1
	case found[1]:
		l.Kind, l.Major = NixLD, 2
	case found[2]:
		l.Kind = Stub
	case strings.HasPrefix(path.Base(l.Path), "ld-musl-"):
		l.Kind = Musl
	}
}

// gone reports whether an error says that there is no such file.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// reason returns the text of an error without the path, which the message around it has.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return err.Error()
}

// nixLDPath takes a nix-ld's store path apart: /nix/store/HASH-nix-ld-2.0.6/bin/nix-ld, or
// nix-ld-rs, or without a version from nix-ld's own flake. major is 2 where no version tells.
func nixLDPath(real string) (version string, major int, ok bool) {
	name, rest, ok := storeName(real)
	if !ok || rest != "libexec/nix-ld" && rest != "bin/nix-ld" {
		return "", 0, false
	}
	tail, ok := strings.CutPrefix(name, "nix-ld")
	if !ok {
		return "", 0, false
	}
	tail, rust := strings.CutPrefix(tail, "-rs")
	version, ok = strings.CutPrefix(tail, "-")
	switch {
	case tail == "":
		return "", 2, true
	case !ok || version == "" || version[0] < '0' || version[0] > '9':
		return "", 0, false
	}
	if !rust && strings.HasPrefix(version, "1.") {
		return version, 1, true
	}
	return version, 2, true
}

// stubPath reports whether a real path is NixOS's stub-ld, a store path that is itself the file.
func stubPath(real string) bool {
	name, rest, ok := storeName(real)
	return ok && rest == "" && (name == "stub-ld" || strings.HasPrefix(name, "stub-ld-"))
}

// storeName takes /nix/store/HASH-NAME/REST apart.
func storeName(real string) (name, rest string, ok bool) {
	tail, ok := strings.CutPrefix(real, "/nix/store/")
	if !ok {
		return "", "", false
	}
	base, rest, _ := strings.Cut(tail, "/")
	const hash = 32
	if len(base) < hash+2 || base[hash] != '-' || strings.Contains(base[:hash], "-") {
		return "", "", false
	}
	return base[hash+1:], rest, true
}

// glibcLoader reports whether an ELF file is glibc's loader. Its names: sysdeps/*/ldsodefs.h and
// shlib-versions; that it defines GLIBC_PRIVATE tells it from what only borrows the name.
func glibcLoader(facts elfdeps.Facts) bool {
	return (strings.HasPrefix(facts.Soname, "ld-linux") || strings.HasPrefix(facts.Soname, "ld64.so")) &&
		slices.Contains(facts.Defs, "GLIBC_PRIVATE")
}

// glibcVersion returns the version of the libc.so.6 in dir, its highest GLIBC_2.x, such as "2.42";
// empty if there is none. The loader's own definitions stop at the version that last changed it.
func glibcVersion(sys FS, dir string) string {
	f, size, err := openRegular(sys, path.Join(dir, "libc.so.6"))
	if err != nil {
		return ""
	}
	defer f.Close()
	facts, err := elfdeps.Read(f, size)
	if err != nil {
		return ""
	}
	highest := ""
	for _, name := range facts.Defs {
		if version, ok := strings.CutPrefix(name, "GLIBC_"); ok && older(highest, version) {
			highest = version
		}
	}
	return highest
}

// older reports whether version a is before b, both dotted numbers. What is no number is before
// all that are.
func older(a, b string) bool { return slices.Compare(numbers(a), numbers(b)) < 0 }

func numbers(version string) []int {
	var out []int
	for part := range strings.SplitSeq(version, ".") {
		n, digits := 0, 0
		for digits < len(part) && digits < 9 && part[digits] >= '0' && part[digits] <= '9' {
			n = n*10 + int(part[digits]-'0')
			digits++
		}
		if digits == 0 {
			return out
		}
		out = append(out, n)
		if digits < len(part) {
			return out
		}
	}
	return out
}

// maxLoader bounds what is read of a loader. The largest known, unstripped, have 2 MiB.
const maxLoader = 8 << 20

// search streams content and reports which of words are in its first maxLoader bytes.
func search(content io.Reader, words ...string) []bool {
	found := make([]bool, len(words))
	longest := 0
	for _, word := range words {
		longest = max(longest, len(word))
	}
	content = io.LimitReader(content, maxLoader)
	buf := make([]byte, 64<<10)
	kept := 0
	for {
		n, err := content.Read(buf[kept:])
		seen := buf[:kept+n]
		for i, word := range words {
			found[i] = found[i] || bytes.Contains(seen, []byte(word))
		}
		if err != nil {
			return found
		}
		// a word may lie across two reads
		kept = copy(buf, seen[max(0, len(seen)-longest+1):])
	}
}
