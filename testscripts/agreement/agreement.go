// Package agreement compares what shim check says with what the dynamic loader does: for many real
// wheels and several lists of programs.nix-ld.libraries, every module is imported by a real Python
// in a root made like NixOS. Run all of it, which fetches most of a gigabyte and takes ten minutes, with
//
//	go test ./testscripts/agreement -run TestTable -v -timeout 120m -wheels all
//
// and -markdown for the table in that form. -wheels numpy,scipy takes some of the rows of
// wheels.txt; without it they are a few small ones.
package agreement

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// A Finding is one of shim check's, as its JSON has it.
type Finding struct {
	Kind         string
	Severity     string
	Soname       string
	Version      string `json:"symbol-version"`
	Attribute    string
	Origin       string `json:"attribute-kind"`
	Note         string
	Distribution string
	File         string
	Module       string
}

// A Report is what shim check says of one environment.
type Report struct {
	Attributes []string
	Targets    []struct {
		Covered  bool
		Error    string
		Findings []Finding
	}
}

// Required returns the findings that keep something from working.
func (r Report) Required() []Finding {
	var out []Finding
	for _, t := range r.Targets {
		for _, f := range t.Findings {
			if f.Severity == "required" {
				out = append(out, f)
			}
		}
	}
	return out
}

// An Import is what came of importing one module; see probe.py.
type Import struct {
	Module       string
	File         string // of an extension module
	Distribution string
	Error        string
	Trace        string
	Cured        bool // with other libraries it works
}

// Failed reports whether the module cannot be imported for want of a library or version. Other
// reasons, such as a package that is not installed, are none of the loader's.
func (i Import) Failed() bool {
	return i.Error != "" && (i.Cured || len(i.Lacks()) > 0 || slices.ContainsFunc([]string{
		"undefined symbol:", "cannot enable executable stack", "static TLS block", "wrong ELF class", "invalid ELF header",
		"failed to map segment", "ELF load command",
	}, func(word string) bool { return strings.Contains(i.Error, word) }))
}

// Lacks returns what the loader did not find, by its own words in the error: sonames, and
// SONAME:VERSION.
func (i Import) Lacks() []string { return lacks(i.Error) }

func lacks(text string) []string {
	var out []string
	add := func(name string) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, m := range regexp.MustCompile("([^\\s:'\"`(/]+): cannot open shared object file").FindAllStringSubmatch(text, -1) {
		add(m[1])
	}
	for _, m := range regexp.MustCompile(`(\S+) => not found`).FindAllStringSubmatch(text, -1) {
		add(m[1])
	}
	for _, m := range regexp.MustCompile("(\\S+): version `([^']+)' not found").FindAllStringSubmatch(text, -1) {
		add(path.Base(m[1]) + ":" + m[2])
	}
	return out
}

// subject is what a finding says is lacking, in the words of Lacks.
func (f Finding) subject() string {
	if f.Version != "" {
		return f.Soname + ":" + f.Version
	}
	return f.Soname
}

// ByName reports whether the finding is of a library that Python code opens by its name.
func (f Finding) ByName() bool { return strings.HasSuffix(f.Module, ".dist-info") }

// Misses returns the imports that fail though shim check has nothing required that tells why. An
// error speaks of the first thing only that was not found, often by another module that came first;
// what the loader's trace of the module's own file has besides is to be found as well. inside has
// the names of the environment's own files: those the trace misses for want of what is imported
// before.
func Misses(required []Finding, imports []Import, inside map[string]bool) []Import {
	var out []Import
	for _, i := range imports {
		if !i.Failed() {
			continue
		}
		untold := func(name string) bool {
			return !inside[name] && !slices.ContainsFunc(required, func(f Finding) bool { return f.subject() == name })
		}
		if !slices.ContainsFunc(required, i.toldBy) || slices.ContainsFunc(lacks(i.Trace), untold) {
			out = append(out, i)
		}
	}
	return out
}

// toldBy reports whether a finding tells why an import fails. Where the error names no library,
// it is any finding of that distribution; where Python code has tried one name after the other, of
// which the error may have the wrong one, any of those that it opens.
func (i Import) toldBy(f Finding) bool {
	names := i.Lacks()
	if len(names) == 0 || i.File == "" && f.ByName() {
		return same(f.Distribution, i.Distribution)
	}
	return slices.Contains(names, f.subject())
}

// FalseAlarms returns the required findings that nothing in the real process bears out: neither the
// module that the finding is about nor any other of its distribution wants for that. What a module
// lacks besides the first thing, of which alone the error speaks, the loader's trace of its file
// tells. For a library that is opened by name, an import of the distribution has to fail, and so has
// the opening: opens says of sonames whether a real Python can open them.
func FalseAlarms(required []Finding, imports []Import, opens map[string]bool) []Finding {
	return slices.DeleteFunc(slices.Clone(required), func(f Finding) bool {
		if f.ByName() {
			return !opens[f.Soname] && slices.ContainsFunc(imports, func(i Import) bool { return i.Failed() && same(i.Distribution, f.Distribution) })
		}
		module := slices.ContainsFunc(imports, func(i Import) bool { return i.File == f.Module })
		return slices.ContainsFunc(imports, func(i Import) bool {
			switch {
			case !i.Failed():
				return false
			case module && i.File != f.Module && !same(i.Distribution, f.Distribution):
				return false
			case len(i.Lacks()) == 0:
				return same(i.Distribution, f.Distribution)
			}
			return slices.Contains(append(i.Lacks(), lacks(i.Trace)...), f.subject())
		})
	})
}

// same reports whether two names are of one distribution (PEP 503).
func same(a, b string) bool {
	normal := strings.NewReplacer("_", "-", ".", "-")
	return a != "" && strings.EqualFold(normal.Replace(a), normal.Replace(b))
}
