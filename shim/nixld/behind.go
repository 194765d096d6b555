package nixld

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"uvshim/shim/elfdeps"
)

// A Target is glibc's own loader: the one at PT_INTERP, or the one behind nix-ld.
type Target struct {
	Path    string   // as NIX_LD has it, or PT_INTERP
	Real    string   // without links
	Dir     string   // glibc's library directory, where Real is
	Version string   // of the libc.so.6 in Dir, such as "2.42"; empty if there is none
	Trusted []string // the directories that it searches last, compiled in
	Cache   string   // its ld.so.cache, compiled in; there need be no such file
}

// Why there is no target.
var (
	errNothing  = errors.New("no such file")
	errArch     = errors.New("is for another machine")
	errNoLoader = errors.New("is not glibc's loader")
)

// behind returns the real loader at name for programs with e_machine machine.
func behind(sys FS, name string, machine uint16) (Target, error) {
	if name == "" {
		return Target{}, errNothing
	}
	t := Target{Path: name}
	real, err := sys.Real(name)
	if trimmed, ok := strings.CutSuffix(name, "\n"); ok && err != nil && gone(err) {
		// nix-support/dynamic-linker ends in a newline, which nix-ld forgives
		t.Path = trimmed
		real, err = sys.Real(trimmed)
	}
	if err != nil {
		if gone(err) {
			err = errNothing
		}
		return t, err
	}
	t.Real, t.Dir = real, path.Dir(real)
	f, size, err := openRegular(sys, real)
	if err != nil {
		return t, err
	}
	defer f.Close()
	facts, err := elfdeps.Read(f, size)
	switch {
	case err != nil:
		return t, fmt.Errorf("is not an ELF file: %w", err)
	case facts.Machine != machine:
		return t, errArch
	case facts.Type != elfdeps.TypeDyn || !glibcLoader(facts):
		return t, errNoLoader
	}
	t.Version = glibcVersion(sys, t.Dir)
	content, err := io.ReadAll(io.NewSectionReader(f, 0, min(size, maxLoader)))
	if err != nil {
		return t, err
	}
	t.Trusted = trusted(content)
	if t.Trusted == nil {
		t.Trusted = []string{t.Dir} // glibc's own directory is always one of them
	}
	t.Cache = cachePath(content)
	return t, nil
}

// trusted returns the directories that are compiled into a loader, or nil if they are not found.
// glibc's Makefile writes them as system_dirs[] = "a/\0b/\0" and an array of their lengths
// (elf/gen-trusted-dirs.awk, elf/dl-load.c). nixpkgs adds libgcc's to glibc's own, which is how
// libgcc_s.so.1 is found with an empty library path.
func trusted(content []byte) []string {
	budget := 256 // of searches for an array of lengths: real loaders take some five
	for at := 0; budget > 0; {
		start := bytes.Index(content[at:], []byte("\x00/"))
		if start < 0 {
			break
		}
		at += start + 1
		var run []string
		for {
			dir, ok := directory(content[at:])
			if !ok {
				break
			}
			run = append(run, dir)
			at += len(dir) + 1
		}
		if len(run) > 0 {
			at-- // the NUL at the end may be the one before the next
		}
		if dirs := measured(content, run, &budget); dirs != nil {
			return slices.Compact(dirs)
		}
	}
	return nil
}

// measured returns the longest part of run whose lengths are in content as an array of size_t.
// The strings before and after it are of something else. A list of one is none: slibdir and
// libdir are always there, if only twice the same.
func measured(content []byte, run []string, budget *int) []string {
	wide := len(content) > 4 && content[4] == elfdeps.Class64
	for size := min(len(run), 16); size > 1; size-- {
		for part := range len(run) - size + 1 {
			if *budget--; *budget < 0 {
				return nil
			}
			var lengths []byte
			var dirs []string
			for _, dir := range run[part : part+size] {
				if wide {
					lengths = binary.LittleEndian.AppendUint64(lengths, uint64(len(dir)))
				} else {
					lengths = binary.LittleEndian.AppendUint32(lengths, uint32(len(dir)))
				}
				dirs = append(dirs, path.Clean(dir))
			}
			if bytes.Contains(content, lengths) {
				return dirs
			}
		}
	}
	return nil
}

// directory returns the absolute path, NUL-terminated and ending in a slash, that b begins with.
func directory(b []byte) (string, bool) {
	const longest = 4096
	end := bytes.IndexByte(b[:min(len(b), longest)], 0)
	if end < 1 || b[0] != '/' || b[end-1] != '/' {
		return "", false
	}
	return string(b[:end]), true
}

// cachePath returns the ld.so.cache that is compiled into a loader. nixpkgs' is below glibc's own
// store path, where no such file is (dont-use-system-ld-so-cache.patch).
func cachePath(content []byte) string {
	const name = "/ld.so.cache\x00"
	for at := 0; ; {
		i := bytes.Index(content[at:], []byte(name))
		if i < 0 {
			return ""
		}
		at += i
		start := bytes.LastIndexByte(content[:at], 0) + 1
		if dir := string(content[start:at]); strings.HasPrefix(dir, "/") && !strings.ContainsAny(dir, " \n") {
			return dir + "/ld.so.cache"
		}
		at += len(name)
	}
}
