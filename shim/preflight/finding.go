package preflight

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"uvshim/shim/elfdeps"
	"uvshim/shim/nixld/attribute"
)

// A Kind says what is wrong.
type Kind string

const (
	MissingSoname  Kind = "missing-soname"
	MissingVersion Kind = "missing-version"
	Shadowed       Kind = "shadowed" // the library path has another file of that name, which does not do
	ForeignLibc    Kind = "foreign-libc"
	ExecStack      Kind = "exec-stack"
	BadFile        Kind = "bad-file"
	NoLoaderFound  Kind = "no-loader"
	ForeignPath    Kind = "foreign-pythonpath"
	ExpectsImport  Kind = "expects-import" // comes with another file of the environment, to be loaded before
	FindLibrary    Kind = "find-library"   // looked for in a way that finds nothing behind nix-ld
)

// A Severity says whether a finding keeps something from working that was asked for.
type Severity string

const (
	Required Severity = "required" // a module that can be imported, or the interpreter, cannot be loaded
	Optional Severity = "optional"
)

// A Finding is one thing that an environment needs and does not get. There is one for each soname,
// version and distribution, whatever number of files it is found in.
type Finding struct {
	Kind          Kind
	Severity      Severity
	Soname        string
	SymbolVersion string
	Attribute     string // of nixpkgs, ready to use; empty where none helps
	AttributeKind attribute.Kind
	Note          string // what else to say, without a full stop
	Distribution  string // with DistVersion; empty for the interpreter and what no distribution has
	DistVersion   string
	File          string // the object that needs it
	Module        string // the file through which that is loaded; File itself where it is one
	Path          string // the file that was found instead of a right one
	Detail        string // as the loader says it
}

// Listable reports whether Attribute in programs.nix-ld.libraries cures the finding.
func (f Finding) Listable() bool {
	return f.Attribute != "" && (f.Kind == MissingSoname || f.Kind == MissingVersion) &&
		attribute.Answer{Kind: f.AttributeKind, Attribute: f.Attribute}.Listable()
}

// The findings of a scan, one for each key.
type findings struct {
	all   map[findingKey]*Finding
	most  bounds
	count map[Severity]int
	told  map[Severity]int // bytes
	over  int              // further ones, which are only counted
}

func newFindings(most bounds) findings {
	return findings{all: map[findingKey]*Finding{}, most: most, count: map[Severity]int{}, told: map[Severity]int{}}
}

type findingKey struct {
	kind                  Kind
	soname, version, dist string
}

// add adds f, or makes the one that is there required if f is.
func (fs *findings) add(f Finding) {
	key := findingKey{f.Kind, f.Soname, f.SymbolVersion, f.Distribution}
	if f.Soname == "" {
		key.soname = f.File
	}
	old := fs.all[key]
	switch {
	case old == nil && (fs.count[f.Severity] >= fs.most.findings || fs.told[f.Severity]+f.length() > fs.most.told):
		fs.over++
	case old == nil:
		fs.all[key] = &f
		fs.count[f.Severity]++
		fs.told[f.Severity] += f.length()
	case old.Severity == Optional && f.Severity == Required:
		fs.all[key] = &f
	case old.Severity == Required && f.Severity == Optional:
	case f.File < old.File:
		fs.all[key] = &f
	}
}

// length is how long the text of a finding is, about.
func (f *Finding) length() int {
	return 100 + len(f.Soname) + len(f.SymbolVersion) + len(f.Note) + len(f.File) + len(f.Module) + len(f.Path) + len(f.Detail)
}

// sorted returns the findings, required ones first.
func (fs *findings) sorted() []Finding {
	var out []Finding
	for _, f := range fs.all {
		out = append(out, *f)
	}
	slices.SortFunc(out, func(a, b Finding) int {
		return cmp.Or(
			-cmp.Compare(a.Severity, b.Severity), // "required" > "optional"
			cmp.Compare(a.Soname, b.Soname),
			cmp.Compare(a.SymbolVersion, b.SymbolVersion),
			cmp.Compare(a.Distribution, b.Distribution),
			cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.File, b.File),
		)
	})
	return out
}

// finding returns what a problem of the loader is to the user.
func (s *scan) finding(p elfdeps.Problem, module string, process *elfdeps.Process) Finding {
	f := Finding{Soname: p.Name, SymbolVersion: p.Version, Path: p.Path, Detail: p.Detail, File: module, Module: module}
	if p.By != nil && p.By.Path != "" {
		f.File = path.Clean(p.By.Path)
	}
	switch p.Kind {
	case elfdeps.MissingFile:
		f.Kind = MissingSoname
	case elfdeps.MissingVersion:
		f.Kind = MissingVersion
		if p.Provider != nil {
			f.Path = p.Provider.Path
			if process != nil && process.Shadowed(p.Provider) != "" {
				f.Kind = Shadowed
				f.Note = "the library path has " + f.Path + ", which comes before the file's own " + process.Shadowed(p.Provider)
			}
		}
	case elfdeps.ForeignLibc:
		f.Kind = ForeignLibc
	case elfdeps.ExecStackRefused:
		f.Kind = ExecStack
		f.Note = "glibc 2.41 and newer refuse it; GLIBC_TUNABLES=glibc.rtld.execstack=2 allows it to a program"
	default:
		f.Kind = BadFile
	}
	if strings.Contains(f.Soname, "/") {
		f.Soname = ""
		if p.Path != "" {
			f.File = p.Path
		}
	}
	if f.Kind == MissingSoname || f.Kind == MissingVersion {
		s.attribute(&f)
	}
	return f
}

// attribute says what provides a finding's soname.
func (s *scan) attribute(f *Finding) {
	if f.Soname == "" {
		return
	}
	answer := attribute.Of(f.Soname, s.release)
	f.Attribute, f.AttributeKind = answer.Attribute, answer.Kind
	if f.Note == "" {
		f.Note = answer.Note
	}
}
