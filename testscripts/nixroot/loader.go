package nixroot

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed standin/nix-ld.c
var nixLDSource []byte

//go:embed standin/stub-ld.c
var stubSource []byte

// The directories that are compiled into the store's loader. nixpkgs has the store paths of glibc
// and libgcc there. Debian's loader has no room for so much, but just enough for two links to
// them, which lay puts there.
const (
	glibcLink  = "/nix/store/.glibc"     // with /lib/ as long as /lib/x86_64-linux-gnu/
	libgccLink = "/nix/store/.libgcc-s1" // with /lib/ as long as /usr/lib/x86_64-linux-gnu/
)

// glibc returns the store path of glibc. Its loader, like that of nixpkgs, reads no
// /etc/ld.so.cache and no /etc/ld.so.preload, and has no other directories of its own than the
// lib directories of glibc and libgcc: Debian's, with other texts of the same length.
func (s *store) glibc() (string, error) {
	libgcc, err := s.library("libgcc")
	if err != nil {
		return "", err
	}
	inputs, err := versions("libc6")
	if err != nil {
		return "", err
	}
	changes := [][2]string{
		{"/lib/x86_64-linux-gnu/\x00/usr/lib/x86_64-linux-gnu/\x00/lib/\x00/usr/lib/\x00",
			glibcLink + "/lib/\x00" + libgccLink + "/lib/\x00/nix/\x00/nix/not/\x00"},
		{"/etc/ld.so.cache\x00", "/nix/ld.so.cache\x00"},
		{"/etc/ld.so.preload\x00", "/nix/ld.so.preload\x00"},
	}
	version, _, _ := strings.Cut(strings.TrimPrefix(inputs[0], "libc6="), "-")
	return s.add("glibc-"+version, append(inputs, libgcc, fmt.Sprint(changes)), func(out, _ string) ([]string, error) {
		lib := filepath.Join(out, "lib")
		if err := os.MkdirAll(lib, 0o755); err != nil {
			return nil, err
		}
		d, err := debian("libc6")
		if err != nil {
			return nil, err
		}
		if err := copyLibraries(d, lib); err != nil {
			return nil, err
		}
		if err := os.Symlink("lib", filepath.Join(out, "lib64")); err != nil {
			return nil, err
		}
		loader := filepath.Join(lib, "ld-linux-x86-64.so.2")
		content, err := os.ReadFile(loader)
		if err != nil {
			return nil, err
		}
		for _, change := range changes {
			if !sameLengths(change[0], change[1]) {
				return nil, fmt.Errorf("%q and %q differ in length", change[0], change[1])
			}
			if !bytes.Contains(content, []byte(change[0])) {
				return nil, lack(fmt.Errorf("this machine's loader has no %q, as Debian's has", change[0]))
			}
			content = bytes.ReplaceAll(content, []byte(change[0]), []byte(change[1]))
		}
		return []string{libgcc}, os.WriteFile(loader, content, 0o755)
	})
}

// sameLengths reports whether the texts that a and b consist of, each ending in a NUL, can take each
// other's place.
func sameLengths(a, b string) bool {
	return slices.EqualFunc(strings.Split(a, "\x00"), strings.Split(b, "\x00"), func(a, b string) bool { return len(a) == len(b) })
}

// nixLD returns the store path of the stand-in for nix-ld: see standin/nix-ld.c.
func (s *store) nixLD() (string, error) {
	return s.add("nix-ld-2.0.6", []string{string(nixLDSource)}, func(out, full string) ([]string, error) {
		for _, dir := range []string{"bin", "libexec", "nix-support"} {
			if err := os.MkdirAll(filepath.Join(out, dir), 0o755); err != nil {
				return nil, err
			}
		}
		if err := compile(nixLDSource, filepath.Join(out, "bin/nix-ld")); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(out, "nix-support/ldpath"), []byte(Interp+"\n"), 0o644); err != nil {
			return nil, err
		}
		return nil, os.Symlink("/nix/store/"+full+"/bin/nix-ld", filepath.Join(out, "libexec/nix-ld"))
	})
}

// stub returns the store path of the stand-in for stub-ld, which is the program itself.
func (s *store) stub() (string, error) {
	return s.add("stub-ld-x86_64-unknown-linux-musl", []string{string(stubSource)}, func(out, _ string) ([]string, error) {
		return nil, compile(stubSource, out)
	})
}

// compile makes a freestanding static-pie program, as the kernel can start for PT_INTERP.
func compile(source []byte, to string) error {
	dir, err := os.MkdirTemp("", "nixroot-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "source.c")
	if err := os.WriteFile(file, source, 0o644); err != nil {
		return err
	}
	_, err = run("gcc", "-O2", "-Wall", "-Wextra", "-fPIE", "-static-pie", "-nostdlib", "-ffreestanding",
		"-fno-stack-protector", "-fcf-protection=none", "-fno-asynchronous-unwind-tables",
		"-Wl,--no-dynamic-linker,-z,noexecstack", "-s", "-o", to, file)
	return err
}

// oldVersions returns the newest symbol versions of GCC 4.4's libstdc++, of each family.
func oldVersions() []string { return []string{"GLIBCXX_3.4.13", "CXXABI_1.3.3"} }

// oldGCC returns the store path of the libraries of an old GCC: Debian's libstdc++, from whose
// list of symbol versions those after oldVersions are taken out. The code is the same.
func (s *store) oldGCC() (string, error) {
	current, err := s.library("stdenv.cc.cc.lib")
	if err != nil {
		return "", err
	}
	return s.add("gcc-4.4.7-lib", append(oldVersions(), current), func(out, full string) ([]string, error) {
		if err := linkTree(s.out(current), out); err != nil {
			return nil, err
		}
		file := filepath.Join(out, "lib/libstdc++.so.6")
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, limit := range oldVersions() {
			if content, err = cutVersions(content, limit); err != nil {
				return nil, err
			}
		}
		real, err := filepath.EvalSymlinks(file)
		if err != nil {
			return nil, err
		}
		if err := os.Remove(real); err != nil { // a hard link to the current one
			return nil, err
		}
		return append(s.refs[current], current), os.WriteFile(real, content, 0o755)
	})
}
