package fix

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"uvshim/shim/elfdeps"
)

// Fits returns why the libraries in a directory must not get onto the library path of the loader
// whose glibc is of that version, such as "2.42": they need a newer one, or are a glibc themselves.
// Of files that cannot be read nothing is said: the loader passes over them, too.
func Fits(files *elfdeps.Files, dir, glibc string) error {
	ours, known := minor(glibc)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.Contains(e.Name(), ".so") {
			continue
		}
		facts, err := files.Facts(filepath.Join(dir, e.Name()))
		if err != nil {
			continue
		}
		if facts.Soname == "libc.so.6" {
			return errors.New("it has a libc.so.6 of its own, which only works with its own loader")
		}
		if version := newer(facts, ours); known && version != "" {
			return fmt.Errorf("%s needs %s, and the glibc of this system is %s: it is from a newer nixpkgs", e.Name(), version, glibc)
		}
	}
	return nil
}

// newer returns a version of glibc's that a file needs and that 2.ours does not have, "" for none.
// That a weak one is not there is no error (glibc elf/dl-version.c).
func newer(f *elfdeps.Facts, ours int) string {
	for _, need := range f.Needs {
		for _, v := range need.Versions {
			text, glibc := strings.CutPrefix(v.Name, "GLIBC_")
			if n, ok := minor(text); glibc && ok && n > ours && !v.Weak {
				return v.Name
			}
		}
	}
	return ""
}
