package main

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"uvshim/shim/host"
)

var (
	//go:embed c/floor.c
	floorC []byte
	//go:embed c/peak.c
	peakC []byte
	//go:embed c/end.c
	endC []byte
)

// programs are what the rows run. Those in C are "" where there is no C compiler.
type programs struct {
	shim    string
	goFloor string
	cFloor  string
	peak    string
	target  string // ends at once, and is for the system's loader, as an interpreter is
	module  string // an ELF file for environments to hold
	lacking string // one that needs a library that is not there
}

// build makes the programs in dir. A file given as shim is taken in place of one from this source.
func build(dir, shim string, finder *host.Finder) (programs, error) {
	p := programs{
		shim:    filepath.Join(dir, "shim"),
		goFloor: filepath.Join(dir, "gofloor"),
	}
	built := p.goFloor + ".built"
	if err := goBuild(built, "uvshim/testscripts/bench/floor", "-s -w"); err != nil {
		return p, err
	}
	if err := copyFile(built, p.goFloor); err != nil {
		return p, err
	}
	if shim != "" {
		if err := copyFile(shim, p.shim); err != nil {
			return p, err
		}
	} else if err := goBuild(p.shim, "uvshim/cmd/shim", shimFlags()); err != nil {
		return p, err
	}
	gcc, ok := finder.Program("gcc")
	if !ok {
		p.target = p.goFloor
		return p, nil
	}
	for name, path := range map[string]*string{
		"cfloor": &p.cFloor, "peak": &p.peak, "end": &p.target, "module.so": &p.module, "lacking.so": &p.lacking,
	} {
		*path = filepath.Join(dir, name)
	}
	absent := filepath.Join(dir, "libabsent.so")
	return p, errors.Join(
		gccBuild(gcc, p.cFloor+".built", floorC, "-static", "-O2"),
		copyFile(p.cFloor+".built", p.cFloor),
		gccBuild(gcc, p.peak, peakC, "-static", "-O2"),
		gccBuild(gcc, p.target, endC, "-O2"),
		gccBuild(gcc, p.module, nil, "-shared", "-fPIC", "-Wl,--no-as-needed"),
		gccBuild(gcc, absent, nil, "-shared", "-fPIC", "-Wl,-soname,libabsent.so.1"),
		gccBuild(gcc, p.lacking, []byte("void *PyInit_lacking(void) { return 0; }\n"), "-shared", "-fPIC", "-Wl,--no-as-needed", absent),
	)
}

// shimFlags are the linker flags of the program as it is shipped.
func shimFlags() string {
	if runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64" {
		return "-s -w -E uvshim/shim/host.entry"
	}
	return "-s -w"
}

func goBuild(out, pkg, ldflags string) error {
	cmd := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-ldflags", ldflags, "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", pkg, err, text)
	}
	return nil
}

func gccBuild(gcc, out string, source []byte, flags ...string) error {
	file := out + ".c"
	if err := os.WriteFile(file, source, 0o644); err != nil {
		return err
	}
	if text, err := exec.Command(gcc, append(flags, "-o", out, file)...).CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", filepath.Base(out), err, text)
	}
	return nil
}

// copyFile copies the program from to to, in one write: on ext4 of Linux 6.18 the page cache then
// keeps it in large folios, and a Go program starts with some fifty page faults fewer than after
// many small writes, a tenth of a millisecond. The floors are to have the best of it.
func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}
