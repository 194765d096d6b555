package version

import (
	"strconv"
	"strings"
)

// implementations in uv's order of preference, with the short names of wheel tags.
var implementations = [...]struct{ long, short string }{
	{"cpython", "cp"}, {"pypy", "pp"}, {"graalpy", "gp"}, {"pyodide", ""},
}

// implementation returns the long form of a long or short name in any case.
func implementation(name string) (string, bool) {
	name = lower(name)
	for _, i := range implementations {
		if name == i.long || i.short != "" && name == i.short {
			return i.long, true
		}
	}
	return "", false
}

func implementationRank(name string) int {
	for rank, i := range implementations {
		if name == i.long {
			return rank
		}
	}
	return len(implementations)
}

// lower is strings.ToLower for ASCII alone, as uv compares.
func lower(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// A variant is what a request says of the build. An interpreter's own is one of the first four.
type variant uint8

const (
	plain variant = iota
	debug
	freethreaded
	freethreadedDebug
	gil
	gilDebug
	anyVariant // of a name without a suffix, see FromName
)

// parseVariant reads a variant in its short or long spelling; an Interpreter's field holds long ones.
func parseVariant(text string) (variant, bool) {
	switch text {
	case "":
		return plain, true
	case "d", "debug":
		return debug, true
	case "t", "freethreaded":
		return freethreaded, true
	case "td", "freethreaded+debug":
		return freethreadedDebug, true
	case "gil":
		return gil, true
	case "gil+debug":
		return gilDebug, true
	}
	return plain, false
}

// suffix is what the variant adds to an executable's name.
func (v variant) suffix() string {
	switch v {
	case debug, gilDebug:
		return "d"
	case freethreaded:
		return "t"
	case freethreadedDebug:
		return "td"
	}
	return ""
}

// built is the variant of an interpreter that was built so.
func (v variant) built() string {
	switch v {
	case debug, gilDebug:
		return "debug"
	case freethreaded:
		return "freethreaded"
	case freethreadedDebug:
		return "freethreaded+debug"
	}
	return ""
}

func (v variant) debug() bool {
	return v == debug || v == freethreadedDebug || v == gilDebug
}

func (v variant) freethreaded() bool { return v == freethreaded || v == freethreadedDebug }

func variantRank(name string) variant {
	v, _ := parseVariant(name)
	return v
}

// The names that uv's keys may have for a platform, besides those that platformOS and platformArch
// treat themselves. The sets were asked of uv 0.13.9; they are target-lexicon's.
const (
	osNames = " aix amdhsa bitrig cloudabi cuda cygwin dragonfly emscripten espidf freebsd fuchsia" +
		" haiku hermit horizon hurd illumos l4re linux nebulet netbsd none openbsd psp redox solaris" +
		" solid_asp3 uefi vxworks wasi wasip1 wasip2 windows "
	osVersioned = " darwin ios macosx tvos visionos watchos xros "
	archNames   = " aarch64 aarch64_be amdgcn arm armeb armebv7r armv4 armv4t armv5t armv5te armv5tej" +
		" armv6 armv6j armv6k armv6kz armv6m armv6t2 armv6z armv7 armv7a armv7k armv7m armv7r armv7s" +
		" armv7ve armv8 armv8.1a armv8.2a armv8.3a armv8.4a armv8.5a armv8a armv8m.base armv8m.main" +
		" armv8r asmjs avr bpfeb bpfel clever hexagon i386 i586 loongarch64 m68k mips mips64 mips64el" +
		" mipsel mipsisa32r6 mipsisa32r6el mipsisa64r6 mipsisa64r6el msp430 nvptx64 powerpc powerpc64" +
		" powerpc64le pulley32 pulley32be pulley64 pulley64be riscv32 riscv32gc riscv32i riscv32im" +
		" riscv32ima riscv32imac riscv32imafc riscv32imc riscv64 riscv64a23 riscv64gc riscv64imac" +
		" s390x sparc sparc64 sparcv9 thumbeb thumbv4t thumbv5te thumbv6m thumbv7a thumbv7em thumbv7m" +
		" thumbv7neon thumbv8m.base thumbv8m.main wasm32 wasm64 x86 x86_64 x86_64h xtensa "
	libcNames = " gnu gnueabi gnueabihf musl musleabi musleabihf none "
)

func listed(list, name string) bool {
	return name != "" && !strings.Contains(name, " ") && strings.Contains(list, " "+name+" ")
}

// platformOS returns uv's normal form of an operating system's name: "darwin" is "macos".
func platformOS(name string) (string, bool) {
	if name == "macos" || listed(osNames, name) {
		return name, true
	}
	bare := strings.TrimRight(name, ".0123456789")
	if !listed(osVersioned, bare) {
		return "", false
	}
	release, ok := osRelease(name[len(bare):])
	if bare == "darwin" {
		return "macos", ok
	}
	return bare + release, ok
}

// osRelease fills up a deployment target: "13" is "13.0.0".
func osRelease(text string) (string, bool) {
	if text == "" {
		return "", true
	}
	parts := strings.Split(text, ".")
	if len(parts) > 3 {
		return "", false
	}
	for len(parts) < 3 {
		parts = append(parts, "0")
	}
	for i, part := range parts {
		bits := 8
		if i == 0 {
			bits = 16
		}
		n, err := strconv.ParseUint(part, 10, bits)
		if err != nil {
			return "", false
		}
		parts[i] = strconv.FormatUint(n, 10)
	}
	return strings.Join(parts, "."), true
}

// platformArch returns uv's normal form of an architecture's name: "arm64" is "aarch64". A level of
// the instruction set ("_v3") is known for x86_64 alone.
func platformArch(name string) (string, bool) {
	switch name {
	case "arm64":
		return "aarch64", true
	case "i686":
		return "x86", true
	case "x86_64_v2", "x86_64_v3", "x86_64_v4":
		return name, true
	}
	return name, listed(archNames, name)
}

// splitArch parts the family from the level of the instruction set.
func splitArch(arch string) (family, level string) {
	if family, ok := strings.CutPrefix(arch, "x86_64_v"); ok {
		return "x86_64", family
	}
	return arch, ""
}

func platformLibc(name string) (string, bool) { return name, listed(libcNames, name) }
