package version

import (
	"cmp"
	"fmt"
	"runtime"
	"strings"
)

// An Interpreter is what is known of an installed Python. Any field may be unknown: an empty text,
// or a Version with parts missing. The Variant alone has no unknown: of a file name that has no
// suffix one takes it to be "".
type Interpreter struct {
	Impl    string // "cpython", "pypy", "graalpy", "pyodide"
	Version Version
	Variant string // "", "freethreaded", "debug", "freethreaded+debug"
	OS      string // as in uv's keys: "linux", "macos"
	Arch    string // "x86_64", "aarch64", "x86_64_v3"
	Libc    string // "gnu", "musl", "none"
}

// ParseKey reads the name of one of uv's install directories, "cpython-3.14.1-linux-x86_64-gnu":
// exactly five parts between hyphens. Other names, and those that begin with a dot, are no
// installs to uv (managed.rs, PythonInstallationKey). The name of a minor-version link reads as an
// interpreter whose patch is unknown; uv never reads it, since it skips links.
func ParseKey(name string) (Interpreter, error) {
	fail := func(what, part string) (Interpreter, error) {
		return Interpreter{}, fmt.Errorf("install directory %q: %q is no %s", name, part, what)
	}
	if len(name) > maxVersion {
		return Interpreter{}, fmt.Errorf("install directory: name is longer than %d bytes", maxVersion)
	}
	parts := strings.Split(name, "-")
	if len(parts) != 5 {
		return Interpreter{}, fmt.Errorf("install directory %q: %d parts, want 5", name, len(parts))
	}
	var i Interpreter
	var ok bool
	if i.Impl, ok = implementation(parts[0]); !ok {
		return fail("Python implementation", parts[0])
	}
	text, suffix, _ := strings.Cut(parts[1], "+")
	built, ok := parseVariant(suffix)
	if !ok {
		return fail("variant", suffix)
	}
	i.Variant = built.built()
	if i.Version, ok = keyVersion(text); !ok {
		return fail("version", text)
	}
	if i.OS, ok = platformOS(parts[2]); !ok {
		return fail("operating system", parts[2])
	}
	if i.Arch, ok = platformArch(parts[3]); !ok {
		return fail("architecture", parts[3])
	}
	if i.Libc, ok = platformLibc(parts[4]); !ok {
		return fail("libc", parts[4])
	}
	if i.OS == "emscripten" {
		i.Impl = "pyodide" // a CPython, and for users one of its own
	}
	return i, nil
}

// keyVersion is ParseVersion with the greater leniency of a key: a post part and a fourth number
// are passed over (python_version.rs, PythonVersion::from_str).
func keyVersion(text string) (Version, bool) {
	p, ok := parsePEP(text)
	if !ok || p.dev.set || p.epoch != 0 { // nor a local part, which begins with a plus
		return Version{}, false
	}
	v := Version{Parts: min(len(p.release), 3), Pre: p.pre, PreNum: p.preNum}
	for i, field := range []*int{&v.Major, &v.Minor, &v.Patch} {
		if p.part(i) > maxPart {
			return Version{}, false
		}
		*field = int(p.part(i))
	}
	if v.Pre != "" {
		v.Parts = 3
	}
	return v, true
}

// Key returns the name of i's install directory. With an unknown patch it is the minor-version
// link's; with another field unknown it is no key.
func (i Interpreter) Key() string {
	return i.key(i.Version)
}

// MinorLink returns the name of the link beside the install directories that uv keeps on the
// newest patch of i's minor, "cpython-3.14-linux-x86_64-gnu". Only CPython has one; for others, and
// when the minor is unknown, it is empty (managed.rs, PythonMinorVersionLink).
func (i Interpreter) MinorLink() string {
	if i.Impl != "cpython" || i.Version.Parts < 2 {
		return ""
	}
	return i.key(New(i.Version.Major, i.Version.Minor))
}

func (i Interpreter) key(v Version) string {
	number := v.String()
	if i.Variant != "" {
		number += "+" + i.Variant
	}
	return strings.Join([]string{i.Impl, number, i.OS, i.Arch, i.Libc}, "-")
}

// Executable returns the file name of the interpreter below bin/: "python3.14t", "pypy3.11",
// "graalpy"; Pyodide's "python" stands in the install directory itself. It is empty when the
// implementation or a needed part of the version is unknown.
func (i Interpreter) Executable() string {
	if i.Version.Parts < 2 && (i.Impl == "cpython" || i.Impl == "pypy") {
		return ""
	}
	minor := New(i.Version.Major, i.Version.Minor).String()
	suffix := variantRank(i.Variant).suffix()
	switch i.Impl {
	case "cpython":
		return "python" + minor + suffix
	case "pypy":
		return "pypy" + minor + suffix
	case "graalpy":
		return "graalpy"
	case "pyodide":
		return "python" + suffix
	}
	return ""
}

func (i Interpreter) freethreaded() bool { return strings.HasPrefix(i.Variant, "freethreaded") }

func (i Interpreter) debug() bool { return strings.HasSuffix(i.Variant, "debug") }

// Order is the order in which uv tries installed interpreters: CPython before PyPy before GraalPy,
// then the newest version, then this machine's architecture, then the GIL build before debug and
// free-threaded ones (installation_key.rs, Ord). It is negative when a comes before b. A newer
// free-threaded build comes before an older GIL build: only of one version is the GIL preferred.
func Order(a, b Interpreter) int {
	return cmp.Or(
		cmp.Compare(implementationRank(a.Impl), implementationRank(b.Impl)),
		cmp.Compare(a.Impl, b.Impl),
		b.Version.Compare(a.Version),
		cmp.Compare(a.OS, b.OS),
		compareArch(a.Arch, b.Arch),
		cmp.Compare(a.Libc, b.Libc),
		cmp.Compare(variantRank(a.Variant), variantRank(b.Variant)),
	)
}

func compareArch(a, b string) int {
	familyA, variantA := splitArch(a)
	familyB, variantB := splitArch(b)
	if familyA == familyB {
		return cmp.Compare(variantA, variantB)
	}
	native := map[string]string{"amd64": "x86_64", "arm64": "aarch64", "386": "x86"}[runtime.GOARCH]
	if familyA == native {
		return -1
	}
	if familyB == native {
		return 1
	}
	return cmp.Compare(familyA, familyB)
}
