package version

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"uvshim/testscripts/differ/trials"
)

// dice draws what the random trials are made of.
type dice struct {
	*rand.Rand
	list []Interpreter // what is installed: half of the versions drawn are of these
}

func pick[T any](d dice, list ...T) T { return list[d.IntN(len(list))] }

func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

// interpreters draws what is installed.
func (d dice) interpreters(t *testing.T) []Interpreter {
	var list []Interpreter
	for range 2 + d.IntN(9) {
		text := "3." + strconv.Itoa(pick(d, 8, 11, 12, 13, 13, 14, 14, 14, 15, 16)) + "." + strconv.Itoa(pick(d, 0, 0, 1, 2, 9, 10, 11))
		switch {
		case d.chance(20):
			text = text[:strings.LastIndexByte(text, '.')] + ".0" + pick(d, "a1", "a7", "b1", "b2", "rc1", "rc2")
		case d.chance(10):
			text = pick(d, "pypy-", "pypy-", "graalpy-") + text
		}
		if !strings.Contains(text, "py") {
			text += pick(d, "", "", "", "", "+freethreaded", "+freethreaded", "+debug", "+freethreaded+debug")
		}
		if i := fake(t, text); !slices.Contains(list, i) {
			list = append(list, i)
		}
	}
	return list
}

// number draws a version without a variant.
func (d dice) number() string {
	minor, patch := pick(d, 0, 5, 6, 7, 11, 12, 13, 14, 15, 16, 99, 255, 256), pick(d, 0, 1, 2, 10, 99, 255, 256)
	pre := ""
	if len(d.list) > 0 && d.chance(60) {
		i := pick(d, d.list...)
		minor, patch = i.Version.Minor, i.Version.Patch
		if i.Version.Prerelease() {
			pre = i.Version.Pre + strconv.FormatUint(i.Version.PreNum, 10)
		}
	}
	major := pick(d, "3", "3", "3", "3", "3", "3", "3", "3", "3", "2", "4", "03", "v3", "0!3", "1!3")
	text := major
	switch d.IntN(10) {
	case 0:
	case 1, 2:
		text += strconv.Itoa(minor)
	case 3, 4, 5:
		text += "." + strconv.Itoa(minor)
	case 6:
		text += "." + strconv.Itoa(minor) + "." + strconv.Itoa(patch) + "." + strconv.Itoa(d.IntN(3))
	default:
		text += "." + strconv.Itoa(minor) + "." + strconv.Itoa(patch)
	}
	if pre == "" && d.chance(12) {
		pre = pick(d, "a1", "b2", "rc1", "a", "c1", "alpha1", "-beta.2", "_rc_1", ".pre1", "preview", "a01", "A1")
	}
	text += pre
	if d.chance(6) {
		text += pick(d, ".post1", "-1", ".dev0", ".dev3", "+abc", "+1.2", ".post", "post2.dev1")
	}
	return text
}

func (d dice) variant() string {
	if d.chance(60) {
		return ""
	}
	return pick(d, "t", "t", "d", "td", "dt", "tt", "T", "+", "+t", "+d", "+td", "+freethreaded", "+freethreaded", "+debug", "+gil",
		"+freethreaded+debug", "+debug+freethreaded", "+gil+debug", "+Freethreaded", "freethreaded", "gil", "debug", "++t", "+x")
}

func (d dice) blank() string {
	if d.chance(85) {
		return ""
	}
	return pick(d, " ", "  ", "\t", "\u00a0", "\u2003")
}

func (d dice) specifier() string {
	op := pick(d, ">=", ">=", ">=", "<", "<", "==", "==", "!=", "!=", "~=", "<=", ">", "===", "=", "=>", "><", "~", "=<")
	text := d.blank() + op + d.blank() + d.number()
	if d.chance(20) {
		text += pick(d, ".*", ".*", ".*", "*", ".x", ".*.1")
	}
	return text + d.blank()
}

func (d dice) specifiers() string {
	text := d.specifier()
	for range pick(d, 0, 0, 1, 1, 2, 3) {
		text += pick(d, ",", ",", ",", ",", ", ", " ", ";", ",,") + d.specifier()
	}
	return text
}

func (d dice) implementation() string {
	return pick(d, "cpython", "cpython", "cp", "CPython", "pypy", "pp", "PyPy", "graalpy", "gp", "pyodide", "python", "Python", "any", "jython")
}

// key draws one of uv's keys, with parts left out, doubled, or in another's place.
func (d dice) key() string {
	parts := []string{
		d.implementation(), d.number() + d.variant(),
		pick(d, "linux", "linux", "linux", "Linux", "macos", "darwin", "windows", "emscripten", "wasip1", "freebsd", "darwin20.1"),
		pick(d, uvArch(), uvArch(), uvArch(), "x86_64_v3", "aarch64", "i686", "amd64", "arm64", "armv7", "s390x", "wasm32", "foo"),
		pick(d, "gnu", "gnu", "gnu", "musl", "none", "gnueabihf", "GNU", "msvc"),
	}
	for i := range parts {
		if d.chance(15) {
			parts[i] = pick(d, "any", "any", "any", "ANY", "")
		}
	}
	switch d.IntN(8) {
	case 0, 1:
		parts = parts[:1+d.IntN(5)]
	case 2:
		parts = parts[d.IntN(5):]
	case 3, 4:
		n := d.IntN(5)
		parts = slices.Delete(parts, n, n+1)
	case 5:
		parts = append(parts, pick(d, "x", "any", "gnu"))
	case 6:
		a, b := d.IntN(5), d.IntN(5)
		parts[a], parts[b] = parts[b], parts[a]
	}
	if len(d.list) > 0 && d.chance(15) {
		return pick(d, d.list...).Key()
	}
	return strings.Join(parts, "-")
}

// request draws the text of a request, or of what is nearly one.
func (d dice) request() string {
	text := ""
	switch d.IntN(20) {
	case 0, 1, 2, 3, 4:
		text = d.number() + d.variant()
	case 5, 6, 7, 8, 9:
		text = d.specifiers() + d.variant()
	case 10, 11, 12:
		text = d.implementation() + pick(d, "", "", "@", "@", "-", " ", "@@") + pick(d, "", d.number()+d.variant(), d.number()+d.variant(), d.specifiers(), "latest")
	case 13, 14, 15, 16:
		text = d.key()
	case 17:
		text = pick(d, "any", "default", "ANY", "Default", "latest", "3.x", "3.13-dev", "system", "miniconda3", "x", "~", "*", "-", "--", "@", "é", "３.13", "\ufeff3.13")
	case 18:
		text = pick(d, "./", "/no/", "x/", "../", "a/../", "~/", ".") + pick(d, "", "x", ".", "..", d.number(), "python3.12")
	default:
		for range 1 + d.IntN(8) {
			text += pick(d, "3", ".", "1", "2", "t", "d", "-", "@", "+", ">", "=", "<", "~", "!", ",", "*", " ", "python", "cp", "any", "linux", "gnu", "a", "rc", "v", "_", "é")
		}
	}
	for d.chance(25) {
		text = d.mutate(text)
	}
	return text
}

// mutate changes one character.
func (d dice) mutate(text string) string {
	letters := []rune(text)
	if len(letters) == 0 {
		return pick(d, "", " ", "3")
	}
	n := d.IntN(len(letters))
	switch d.IntN(6) {
	case 0:
		letters = slices.Delete(letters, n, n+1)
	case 1:
		letters = slices.Insert(letters, n, letters[n])
	case 2:
		letters = slices.Insert(letters, n, pick(d, []rune(" .,-+@t3=0*<\tx\u00a0_v!")...))
	case 3:
		letters[n] = pick(d, []rune(" .,-+@t3=0*<dx_1")...)
	case 4:
		m := d.IntN(len(letters))
		letters[n], letters[m] = letters[m], letters[n]
	default:
		return pick(d, strings.ToUpper, strings.ToLower, strings.TrimSpace)(text)
	}
	return string(letters)
}

// file draws the text of a version file.
func (d dice) file() string {
	var b strings.Builder
	if d.chance(6) {
		b.WriteString(pick(d, "\ufeff", "\xff\xfe", "\x00"))
	}
	end := pick(d, "\n", "\n", "\n", "\r\n", "\r", "\u2028", "\n\n")
	for range pick(d, 0, 1, 1, 1, 2, 2, 3, 5) {
		b.WriteString(pick(d, "", "", "", " ", "\t", "\u00a0", "\v"))
		switch d.IntN(12) {
		case 0:
			b.WriteString(pick(d, "#", "# 3.12", "#3.13", "##", "; 3.12", "// 3.12", "# café", "# caf\xe9"))
		case 1:
		case 2:
			b.WriteString(pick(d, "system", "miniconda3-latest", "3.12 3.13", "3.12:3.13", "pypy3.10-7.3.12", "3.13-dev", "latest", "3.12,3.13"))
		default:
			b.WriteString(d.request())
		}
		b.WriteString(pick(d, "", "", "", "", " ", "\t", " # why", "#", "  3.12", "\x00", "\x1f", "\f"))
		b.WriteString(end)
	}
	text := b.String()
	if d.chance(30) {
		text = strings.TrimSuffix(text, end)
	}
	if d.chance(3) {
		text += pick(d, "\xff", "\xed\xa0\x80", "\xc3")
	}
	return text
}

// group is how many trials have the same interpreters installed: to uv each new one is a process.
const group = 50

// random calls compare for each trial, with the interpreters of its group installed.
func random(t *testing.T, few int, compare func(*testing.T, realUV, dice)) {
	u := findUV(t)
	var list []Interpreter
	installed := ^uint64(0)
	trials.Run(t, few, func(t *testing.T, seed uint64) {
		if seed/group != installed {
			installed = seed / group
			if err := os.RemoveAll(filepath.Join(u.dir, "python")); err != nil {
				t.Fatal(err)
			}
			list = dice{rand.New(rand.NewPCG(installed, 1)), nil}.interpreters(t)
			for _, i := range list {
				u.install(t, i)
			}
		}
		compare(t, u, dice{rand.New(rand.NewPCG(seed, 2)), list})
	})
}

func TestRandomRequests_uv(t *testing.T) {
	random(t, 100, func(t *testing.T, u realUV, d dice) {
		if text := d.request(); !strings.Contains(text, "\x00") {
			u.compare(t, text, d.list)
		}
	})
}

func TestRandomFiles_uv(t *testing.T) {
	random(t, 100, func(t *testing.T, u realUV, d dice) {
		u.compareFile(t, pick(d, ".python-version", ".python-versions"), d.file(), d.list)
	})
}
