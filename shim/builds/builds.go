// Package builds explains why a build of a Python package from source failed: for want of a
// compiler, a tool, a header or a library. It reads what uv printed and runs nothing.
//
// On NixOS this is the second wall, behind missing libraries: there is no compiler on PATH and no
// /usr/include.
package builds

import (
	"path"
	"strings"
)

// A Problem is what a build lacked.
type Problem struct {
	Package    string   // as uv names it, "psycopg2==2.9.10"; "" where it does not say
	Lacks      string   // for a sentence: "pg_config", "a C compiler", "the header ffi.h"
	Attributes []string // of nixpkgs, which bring it; none where that is not known
	Wheel      string   // a package on PyPI that is the same and comes built; "" for none
}

// Find returns what the last build in uv's output lacked, and false where it did not fail for want
// of anything known. The output may be cut off at its start and may have colours.
func Find(output string) (Problem, bool) {
	lines := strings.Split(plain(output), "\n")
	var p Problem
	found := len(rules)
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if name, ok := between(line, "Failed to build `", "`"); ok {
			p.Package, _, _ = strings.Cut(name, " @ ") // of a directory or URL
		}
		// A build tries many things, and says of each that it is missing; what weighs most is
		// the reason.
		for i, r := range rules[:found] {
			if lacks, attributes, ok := r(line); ok {
				p.Lacks, p.Attributes, found = lacks, attributes, i
				break
			}
		}
	}
	if p.Lacks == "" {
		return Problem{}, false
	}
	p.Wheel = wheels(p.Package)
	return p, true
}

// A rule recognises one line, and says what it means is missing.
type rule func(line string) (lacks string, attributes []string, ok bool)

// rules are in the order of their weight: a program that the build names as needed, before the
// compiler, before what pkg-config, the compiler and the linker did not find.
var rules = [...]rule{configProgram, compiler, pkgConfig, program, header, library, pkgConfigPackage, development}

// configProgram is one of the programs that tell where a library lies.
func configProgram(line string) (string, []string, bool) {
	for _, c := range [...][2]string{
		{"pg_config", "postgresql.pg_config"},
		{"mysql_config", "libmysqlclient.dev"},
		{"mariadb_config", "libmysqlclient.dev"},
		{"krb5-config", "libkrb5.dev"},
		{"llvm-config", "llvm.dev"},
		{"xmlsec1-config", "xmlsec.dev"},
		{"gdal-config", "gdal"},
		{"geos-config", "geos"},
		{"curl-config", "curl.dev"},
	} {
		if strings.Contains(line, c[0]) && says(line, "not found", "No such file", "not find", "could not run", "Could not run") {
			return c[0], []string{"gcc", c[1]}, true
		}
	}
	return "", nil, false
}

// compiler is a compiler that is not there, as setuptools, meson, cmake, cargo and a shell say it.
func compiler(line string) (string, []string, bool) {
	if strings.Contains(line, "Unknown compiler(s):") && strings.Contains(line, "gfortran") {
		return "a Fortran compiler", []string{"gfortran"}, true
	}
	if says(line, "Unknown compiler(s):", "No CMAKE_C_COMPILER could be found", "No CMAKE_CXX_COMPILER could be found",
		"CMAKE_C_COMPILER not set", "CMAKE_CXX_COMPILER not set", "linker `cc` not found", "No working compiler found",
		"failed to find tool \"cc\"", "failed to find tool \"c++\"", "no acceptable C compiler found") {
		return "a C compiler", []string{"gcc"}, true
	}
	if name, ok := missingProgram(line); ok && isCompiler(name) {
		return "a C compiler", []string{"gcc"}, true
	}
	return "", nil, false
}

func isCompiler(name string) bool {
	name = path.Base(name)
	if at := strings.LastIndexByte(name, '-'); at >= 0 && strings.Contains(name[:at], "-linux-") {
		name = name[at+1:] // x86_64-linux-gnu-gcc
	}
	switch name {
	case "cc", "gcc", "c++", "g++", "clang", "clang++":
		return true
	}
	return false
}

func pkgConfig(line string) (string, []string, bool) {
	name, ok := missingProgram(line)
	if ok && (name == "pkg-config" || name == "pkgconf") ||
		says(line, "Did not find pkg-config", "Pkg-config for machine host machine not found", "pkg-config probably not installed", "pkg-config is required", "pkg-config not found", "Could not find pkg-config", "Could NOT find PkgConfig") {
		return "pkg-config", []string{"gcc", "pkg-config"}, true
	}
	return "", nil, false
}

// program is another tool of builds.
func program(line string) (string, []string, bool) {
	if says(line, "can't find Rust compiler", "Rust toolchain", "Cargo, the Rust package manager, is not installed") {
		return "a Rust compiler", []string{"gcc", "cargo", "rustc"}, true
	}
	if says(line, "CMake must be installed", "Could not find CMake", "CMake is not installed", "Did not find CMake 'cmake'", "'cmake' not found") {
		return "cmake", []string{"gcc", "cmake"}, true
	}
	if strings.Contains(line, "Git executable not found") {
		return "git", []string{"git"}, true
	}
	name, ok := missingProgram(line)
	if !ok {
		return "", nil, false
	}
	switch name {
	case "cargo", "rustc":
		return "a Rust compiler", []string{"gcc", "cargo", "rustc"}, true
	case "make", "gmake":
		return name, []string{"gcc", "gnumake"}, true
	case "nvcc":
		return "CUDA's compiler nvcc", []string{"cudaPackages.cuda_nvcc"}, true
	case "cmake", "ninja", "swig", "git", "autoconf", "automake", "bison", "flex", "protoc", "gfortran", "go", "perl", "patch":
		attribute := map[string]string{"protoc": "protobuf"}[name]
		if attribute == "" {
			attribute = name
		}
		return name, []string{"gcc", attribute}, true
	}
	return "", nil, false
}

// missingProgram returns the program that a line says could not be started.
func missingProgram(line string) (string, bool) {
	for _, form := range [...][2]string{
		{"No such file or directory: '", "'"}, // Python's subprocess
		{"unable to execute '", "'"},          // distutils
		{"command '", "' failed: No such file"},
		{"Command '['", "'"}, // a list; only with what follows below
		{"executable file `", "` not found"},
	} {
		name, ok := between(line, form[0], form[1])
		if ok && form[0] == "Command '['" && !strings.Contains(line, "No such file") {
			ok = false
		}
		if ok && name != "" && !strings.ContainsAny(name, " \t") {
			return name, true
		}
	}
	// a shell: "/bin/sh: 1: pkg-config: not found", "sh: line 1: make: command not found"
	rest, ok := strings.CutSuffix(line, ": not found")
	if !ok {
		rest, ok = strings.CutSuffix(line, ": command not found")
	}
	if at := strings.LastIndex(rest, ": "); ok && at >= 0 && strings.Contains(rest[:at], "sh") {
		return rest[at+2:], true
	}
	return "", false
}

// header is a file that the compiler did not find, in gcc's words and in clang's.
func header(line string) (string, []string, bool) {
	_, rest, ok := strings.Cut(line, "fatal error: ")
	if !ok {
		return "", nil, false
	}
	name, ok := strings.CutSuffix(rest, ": No such file or directory")
	if !ok {
		name, ok = between(rest, "'", "' file not found")
	}
	if !ok || name == "" || strings.ContainsAny(name, " '\"") {
		return "", nil, false
	}
	attributes := []string{"gcc"}
	if a := headerAttribute(name); a != "" {
		attributes = append(attributes, a)
	}
	return "the header " + name, attributes, true
}

// library is a library that the linker did not find.
func library(line string) (string, []string, bool) {
	_, rest, ok := strings.Cut(line, "cannot find -l")
	if !ok {
		return "", nil, false
	}
	name, _, _ := strings.Cut(rest, ":")
	name = strings.TrimSpace(name)
	if name == "" || strings.ContainsAny(name, " '\"") {
		return "", nil, false
	}
	attributes := []string{"gcc"}
	if a := libraryAttribute(name); a != "" {
		attributes = append(attributes, a)
	}
	return "the library lib" + name, attributes, true
}

// pkgConfigPackage is a library that pkg-config did not find.
func pkgConfigPackage(line string) (string, []string, bool) {
	name, ok := between(line, "Package '", "', required by")
	if !ok {
		name, ok = between(line, "Package ", " was not found in the pkg-config search path")
	}
	if !ok && strings.Contains(line, "not found, tried pkgconfig") {
		name, ok = between(line, "Dependency \"", "\"")
	}
	if name = strings.Trim(name, "'\""); !ok || name == "" || strings.Contains(name, " ") {
		return "", nil, false
	}
	attributes := []string{"gcc", "pkg-config"}
	if a := packageAttribute(name); a != "" {
		attributes = append(attributes, a)
	}
	return "the library " + name, attributes, true
}

// development is a package's own words for what it needs.
func development(line string) (string, []string, bool) {
	if strings.Contains(line, "libxml2 and libxslt development packages") {
		return "libxml2 and libxslt", []string{"gcc", "pkg-config", "libxml2", "libxslt"}, true
	}
	return "", nil, false
}

func says(line string, texts ...string) bool {
	for _, t := range texts {
		if strings.Contains(line, t) {
			return true
		}
	}
	return false
}

func between(text, before, after string) (string, bool) {
	_, rest, ok := strings.Cut(text, before)
	if !ok {
		return "", false
	}
	return cutAt(rest, after)
}

func cutAt(text, after string) (string, bool) {
	name, _, ok := strings.Cut(text, after)
	return name, ok
}

// plain returns text without terminal control sequences, with the lines that a progress bar wrote
// over one another as lines.
func plain(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == 0x1b && i+1 < len(text) && text[i+1] == '[': // CSI … final byte
			for i += 2; i < len(text) && (text[i] < 0x40 || text[i] > 0x7e); i++ {
			}
		case c == '\r':
			b.WriteByte('\n')
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
