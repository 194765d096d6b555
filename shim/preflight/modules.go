package preflight

import (
	"strconv"
	"strings"

	"uvshim/shim/elfdeps"
)

// suffixes returns the ends of the names of e's extension modules, best first
// (importlib.machinery.EXTENSION_SUFFIXES). One that ends in "*" stands for all that begin so.
func (e *Environment) suffixes() []string {
	v := e.Interpreter.Version
	number := strconv.Itoa(v.Major) + strconv.Itoa(v.Minor)
	switch e.Interpreter.Impl {
	case "pypy":
		return []string{".pypy" + number + "-pp*"} // no others: an .so without a tag is none of PyPy's
	case "graalpy":
		return []string{".graalpy*", ".so"}
	}
	platform := platformTag(e.Machine, e.Interp) + ".so"
	free := strings.HasPrefix(e.Interpreter.Variant, "freethreaded")
	debug := strings.HasSuffix(e.Interpreter.Variant, "debug")
	flags := ""
	if free {
		flags = "t"
	}
	if v.Major == 3 && v.Minor < 8 {
		flags = "m"
	}
	var out []string
	if debug {
		out = append(out, ".cpython-"+number+flags+"d-"+platform)
	}
	out = append(out, ".cpython-"+number+flags+"-"+platform)
	// the stable ABI has no free-threaded build before 3.15, which names it abi3t
	if free {
		out = append(out, ".abi3t.so")
	} else {
		out = append(out, ".abi3.so")
	}
	return append(out, ".so")
}

// platformTag is CPython's PLATFORM_TRIPLET.
func platformTag(machine uint16, interp string) string {
	libc := "gnu"
	if strings.Contains(interp, "/ld-musl-") {
		libc = "musl"
	}
	switch machine {
	case elfdeps.Machine386:
		return "i386-linux-" + libc
	case elfdeps.MachineX86_64:
		return "x86_64-linux-" + libc
	case elfdeps.MachineAArch64:
		return "aarch64-linux-" + libc
	case elfdeps.MachineRISCV:
		return "riscv64-linux-" + libc
	case elfdeps.MachineARM:
		return "arm-linux-" + libc + "eabihf"
	}
	return "linux-" + libc
}

// moduleName returns the name of the module that a file is for an interpreter with these suffixes,
// and whether its suffix says so: one that is only ".so" may be any library.
func moduleName(file string, suffixes []string) (name string, tagged, ok bool) {
	name, rest, found := strings.Cut(file, ".")
	if !found || !identifier(name) {
		return "", false, false
	}
	rest = "." + rest
	for _, suffix := range suffixes {
		if start, open := strings.CutSuffix(suffix, "*"); open {
			if strings.HasPrefix(rest, start) && strings.HasSuffix(rest, ".so") && strings.Count(rest, ".") == 2 {
				return name, true, true
			}
		} else if rest == suffix {
			return name, suffix != ".so", true
		}
	}
	return "", false, false
}

// library reports whether a file's name is that of a shared object.
func library(name string) bool {
	return strings.HasSuffix(name, ".so") || strings.Contains(name, ".so.") && !strings.HasSuffix(name, ".py")
}

// identifier reports whether a name can stand in an import statement. What is beyond ASCII is taken
// to be letters.
func identifier(name string) bool {
	for i := 0; i < len(name); i++ {
		c := name[i]
		letter := c == '_' || c >= 0x80 || c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// optionalStdlib are the modules of the standard library that have needs of their own and that most
// programs do without: what distributions split off or leave out, and what is there for tests.
func optionalStdlib(name string) bool {
	switch name {
	case "_tkinter", "_crypt", "_gdbm", "_dbm", "nis", "ossaudiodev", "spwd", "readline", "_curses", "_curses_panel":
		return true
	}
	return strings.HasPrefix(name, "_test") || strings.HasPrefix(name, "xx") || strings.HasPrefix(name, "_xx") ||
		strings.HasSuffix(name, "_test")
}

// optionalDir reports whether what is in a directory of that name is loaded on demand only: Qt's
// plugins and QML modules, and tests.
func optionalDir(name string) bool {
	switch name {
	case "plugins", "qml", "tests", "test":
		return true
	}
	return false
}
