// Package attribute answers which attribute of nixpkgs brings a shared library, and which
// libraries Python distributions open by name. Pure but for Locate, and nothing is parsed before
// the first question.
package attribute

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Kind says where a library is to come from.
type Kind string

const (
	Kernel  Kind = "kernel"  // the vDSO, no file
	Glibc   Kind = "glibc"   // comes with the loader, never listed
	Libgcc  Kind = "libgcc"  // found by nixpkgs' loader without being listed
	Default Kind = "default" // in the list that programs.nix-ld has of its own
	Nixpkgs Kind = "nixpkgs" // to be listed
	Subdir  Kind = "subdir"  // to be listed, and lies where the loader does not look
	Driver  Kind = "driver"  // comes with the graphics driver
	Wheel   Kind = "wheel"   // comes with another distribution of the environment
	Python  Kind = "python"  // comes with the running interpreter
	Bundled Kind = "bundled" // comes in the interpreter's own lib directory
	None    Kind = "none"    // nixpkgs has no such ABI
	Located Kind = "located" // found by nix-locate, see Locate
	Unknown Kind = "unknown"
)

// An Answer is what is known of a soname.
type Answer struct {
	Kind      Kind
	Attribute string // empty where no package helps. Of a Wheel: for want of that wheel
	Note      string // what else to say, without a full stop; may be empty
}

// Listable reports whether Attribute, put into programs.nix-ld.libraries, provides the library.
func (a Answer) Listable() bool {
	switch a.Kind {
	case Libgcc, Default, Nixpkgs, Located:
		return true
	}
	return false
}

// Of answers for soname. release is the release of nixpkgs, such as "25.11", which decides between
// an attribute's old and new name; anything else, "" included, means the newest. A soname that is
// not in the table is Unknown: no name is ever guessed, the note has the search to run.
func Of(soname, release string) Answer {
	t := table()
	row, ok := t.exact[soname]
	middle := ""
	if !ok {
		for _, g := range t.globs {
			if middle, ok = g.match(soname); ok {
				row = g.row
				break
			}
		}
	}
	if !ok {
		return Answer{Kind: Unknown, Note: "nix-locate -w lib/" + soname}
	}
	a := Answer{Kind: row.kind, Attribute: row.attribute, Note: row.note}
	if row.old != "" && before(release, row.until) {
		a.Attribute, a.Note = row.old, ""
	}
	// libicuuc.so.74 is in icu74
	a.Attribute = strings.Replace(a.Attribute, "*", leadingDigits(middle), 1)
	if sentence := sentences(a.Kind); sentence != "" {
		a.Note = strings.TrimSuffix(sentence+"; "+a.Note, "; ")
	}
	return a
}

func sentences(kind Kind) string {
	switch kind {
	case Glibc:
		return "part of glibc, which comes with the loader and is never to be listed"
	case Driver:
		return "part of the graphics driver, which no package can replace: it must match the kernel module. " +
			"It is in /run/opengl-driver/lib (WSL: /usr/lib/wsl/lib), which is not on nix-ld's path: append that to NIX_LD_LIBRARY_PATH"
	case Python:
		return "comes with the interpreter; another one from nixpkgs must not take its place"
	case None:
		return "nixpkgs has no such ABI: use a newer wheel"
	}
	return ""
}

// Listed returns the attributes that have the files in a library directory, sorted and each once:
// those in nix-ld's own list, and the others. Files that are not in the table are passed over.
func Listed(names []string, release string) (own, others []string) {
	for _, name := range names {
		switch a := Of(name, release); {
		case a.Attribute == "":
		case a.Kind == Default || a.Kind == Libgcc:
			own = append(own, a.Attribute)
		default:
			others = append(others, a.Attribute)
		}
	}
	slices.Sort(own)
	slices.Sort(others)
	return slices.Compact(own), slices.Compact(others)
}

//go:embed sonames.tsv
var sonames string

type row struct {
	kind       Kind
	attribute  string
	old, until string // the attribute's name in releases before until
	note       string
}

type glob struct {
	prefix, suffix string
	row            row
}

func (g glob) match(soname string) (middle string, ok bool) {
	if len(soname) < len(g.prefix)+len(g.suffix) ||
		!strings.HasPrefix(soname, g.prefix) || !strings.HasSuffix(soname, g.suffix) {
		return "", false
	}
	return soname[len(g.prefix) : len(soname)-len(g.suffix)], true
}

type sonameTable struct {
	exact map[string]row
	globs []glob // in the order of the table, first match first
}

var (
	once   sync.Once // and not sync.OnceValue, which is work for every start of the program
	parsed sonameTable
)

// table parses the table when it is first asked for.
func table() sonameTable {
	once.Do(func() { parsed = parse(sonames) })
	return parsed
}

// parse reads lines of kind, attribute, NAME<RELEASE, sonames and note, with tabs between and "-"
// for nothing.
func parse(text string) sonameTable {
	t := sonameTable{exact: make(map[string]row, 512)}
	for line := range strings.Lines(text) {
		field := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || len(field) < 4 {
			continue
		}
		r := row{kind: Kind(field[0])}
		if field[1] != "-" {
			r.attribute = field[1]
		}
		if field[2] != "-" {
			r.old, r.until, _ = strings.Cut(field[2], "<")
		}
		if len(field) > 4 {
			r.note = field[4]
		}
		for soname := range strings.FieldsSeq(field[3]) {
			if prefix, suffix, ok := strings.Cut(soname, "*"); ok {
				t.globs = append(t.globs, glob{prefix, suffix, r})
			} else {
				t.exact[soname] = r
			}
		}
	}
	return t
}

// before reports whether a is a release, as nixpkgs numbers them, before b. What is none is not.
func before(a, b string) bool {
	year, month, ok := number(a)
	limitYear, limitMonth, _ := number(b)
	return ok && (year < limitYear || year == limitYear && month < limitMonth)
}

func number(release string) (year, month int, ok bool) {
	y, m, ok := strings.Cut(release, ".")
	year, err := strconv.Atoi(y)
	month, err2 := strconv.Atoi(m)
	return year, month, ok && err == nil && err2 == nil
}

func leadingDigits(text string) string {
	return text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
}
