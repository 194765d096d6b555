package preflight

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"uvshim/shim/elfdeps"
	"uvshim/shim/nixld/attribute"
)

// A scan asks the loader's rules about every shared object of an environment.
type scan struct {
	fs       elfdeps.FS
	base     *elfdeps.Process
	inside   []string // files, and directories whose files, belong to the environment or interpreter
	release  string   // of nixpkgs
	nixLD    bool
	drivers  []string // directories with the graphics driver
	all      bool     // optional ones too
	wheel    bool     // a wheel alone: what it depends on is not there
	parallel int
	stop     func() bool
	most     bounds
	memory   *measured

	met      *trouble // what could not be looked at, though it may be there
	files    []file
	over     int  // shared objects that are not among the files, which are many
	more     bool // and not all were counted
	cut      bool // there was no time to find them all
	dists    *dists
	byName   map[string][]int // files by their base name
	reached  sync.Map         // paths that some module loads
	objects  atomic.Int64     // that may still be loaded
	refused  atomic.Int64     // files that are no shared objects, whatever their names say
	passed   atomic.Int64     // files that were not looked at, as too much would have to be kept
	findings findings
	needs    map[string]bool
	told     int // bytes of needs
}

// An outcome is what came of opening one file.
type outcome struct {
	done   bool
	failed bool
	result elfdeps.Result
	needs  []string
}

// run fills s.findings and s.needs. It reports false if it had to stop before the end.
func (s *scan) run() bool {
	s.findings, s.needs = newFindings(s.most), map[string]bool{}
	s.objects.Store(int64(s.most.objects))
	var modules, others []int
	for i, f := range s.files {
		switch {
		case f.optional && !s.all:
		case f.module != "" && f.tagged:
			modules = append(modules, i)
		default:
			others = append(others, i)
		}
	}
	outcomes := make([]outcome, len(s.files))
	if !s.each(modules, outcomes) {
		return false
	}
	// of what no name tells, only what no module brings in has a life of its own
	others = slices.DeleteFunc(others, func(i int) bool {
		_, reached := s.reached.Load(s.files[i].path)
		return reached
	})
	if !s.each(others, outcomes) {
		return false
	}
	for i := range outcomes {
		if s.stop() {
			return false
		}
		s.judge(s.files[i], &outcomes[i])
	}
	s.named()
	return !s.cut
}

// each opens files, each in a process of its own, on all processors.
func (s *scan) each(list []int, outcomes []outcome) bool {
	var next atomic.Int64
	var group sync.WaitGroup
	for range max(1, min(s.parallel, len(list))) {
		group.Go(func() {
			known := map[string]bool{}
			for {
				n := int(next.Add(1)) - 1
				if n >= len(list) || s.stop() {
					return
				}
				i := list[n]
				outcomes[i].done = true
				if s.objects.Load() < 0 || s.memory.left.Load() < 0 {
					s.passed.Add(1)
					continue
				}
				process := s.base.Clone()
				result := process.Open(s.files[i].path, nil)
				s.objects.Add(-int64(len(result.Objects)))
				if result.Root == nil && s.refused.Add(1) > int64(s.most.findings) {
					continue // there is enough to tell, and nothing to keep
				}
				outcomes[i].failed = !result.OK()
				if outcomes[i].failed {
					outcomes[i].result = result
					continue
				}
				if s.files[i].source != Stdlib {
					outcomes[i].needs = s.outside(process, result.Objects, known)
				}
				for _, o := range result.Objects {
					if !known[o.Path] {
						known[o.Path] = true
						s.reached.Store(path.Clean(o.Path), true)
					}
				}
			}
		})
	}
	group.Wait()
	return !slices.ContainsFunc(list, func(i int) bool { return !outcomes[i].done })
}

// outside returns the sonames that the environment's objects need and get from elsewhere. Objects
// in known were looked at before.
func (s *scan) outside(process *elfdeps.Process, objects []*elfdeps.Object, known map[string]bool) []string {
	var out []string
	for _, o := range objects {
		if known[o.Path] || !s.isInside(o.Path) {
			continue
		}
		for _, name := range o.Facts.Needed {
			provider := process.Find(name)
			if provider == nil { // of a failed open the process keeps nothing
				i := slices.IndexFunc(objects, func(o *elfdeps.Object) bool { return o.Name == name || o.Facts.Soname == name })
				if i < 0 {
					continue
				}
				provider = objects[i]
			}
			if provider.How != elfdeps.ByKernel && !s.isInside(provider.Path) {
				out = append(out, name)
			}
		}
	}
	return out
}

func (s *scan) isInside(name string) bool {
	return slices.ContainsFunc(s.inside, func(dir string) bool { return name == dir || below(name, dir) })
}

// below reports whether a path is in a directory, ".." in it resolved by text.
func below(name, dir string) bool {
	if dir == "" || dir == "/" {
		return false
	}
	if strings.Contains(name, "/..") {
		name = path.Clean(name)
	}
	return len(name) > len(dir) && name[len(dir)] == '/' && name[:len(dir)] == dir
}

// judge makes findings of what came of a file.
func (s *scan) judge(f file, o *outcome) {
	if !o.failed {
		for _, name := range o.needs {
			s.need(name)
		}
		return
	}
	severity := Required
	switch {
	case f.optional:
		severity = Optional
	case f.module != "" && (f.tagged || s.exports(f)):
	case !s.loadedByName(f):
		severity = Optional
	}
	if severity == Optional && !s.all {
		return
	}
	result := o.result
	process := s.base.Clone()
	first := map[string]string{} // sonames that come with other files of the environment
	var troubles []elfdeps.Problem
	for range 8 { // what is loaded first may want something loaded before itself
		before := len(first)
		for _, p := range result.Problems {
			if p.Kind != elfdeps.MissingFile || strings.Contains(p.Name, "/") || first[p.Name] != "" {
				continue
			}
			if sibling := s.sibling(f, p); sibling != "" {
				first[p.Name] = sibling
			}
		}
		if len(first) == before {
			break
		}
		process, troubles = s.base.Clone(), nil
		for range 2 { // they may need one another
			troubles = nil
			for _, name := range sortedKeys(first) {
				troubles = append(troubles, process.Open(first[name], nil).Problems...)
			}
		}
		result = process.Open(f.path, nil)
	}
	for _, name := range sortedKeys(first) {
		if !s.all {
			break
		}
		note := Finding{Kind: ExpectsImport, Severity: Optional, Soname: name, File: f.path, Module: f.path, Path: first[name]}
		if provider := s.dists.of(first[name]); provider != nil {
			note.Note = "expects " + provider.name + " to be imported first"
		}
		s.owned(&note)
		s.findings.add(note)
	}
	for _, p := range append(troubles, result.Problems...) {
		if p.Kind.Note() || first[p.Name] != "" && p.Kind == elfdeps.MissingFile {
			continue
		}
		finding := s.finding(p, f.path, process)
		finding.Severity = severity
		if s.withDependency(&finding) {
			finding.Severity = Optional
		}
		if finding.Severity == Optional && !s.all {
			continue
		}
		s.owned(&finding)
		s.findings.add(finding)
		if finding.Kind == MissingSoname && finding.Severity == Required && f.source != Stdlib {
			s.need(finding.Soname)
		}
	}
	if severity == Required && f.source != Stdlib {
		for _, name := range s.outside(process, result.Objects, map[string]bool{}) {
			s.need(name)
		}
	}
}

// need notes a soname that comes from outside, unless it comes with the loader.
func (s *scan) need(name string) {
	if s.needs[name] || name == "" || len(name) > maxName || strings.Contains(name, "/") || s.told+len(name) > s.most.needs {
		return
	}
	if kind := attribute.Of(name, s.release).Kind; kind != attribute.Glibc && kind != attribute.Kernel {
		s.needs[name] = true
		s.told += len(name)
	}
}

// maxName is NAME_MAX: there is no library of a longer name.
const maxName = 255

// owned says which distribution a finding is about: that of the file with the need, or else of the
// module that leads to it.
func (s *scan) owned(f *Finding) {
	for _, name := range []string{f.File, f.Module} {
		if d := s.dists.of(path.Clean(name)); d != nil {
			s.dists.load(d)
			f.Distribution, f.DistVersion = d.name, d.version
			return
		}
	}
}

// sibling returns the file of the environment that provides a missing soname, if there is reason to
// think that it is loaded before f is: it is of the same distribution, of one that it depends on, or
// its code speaks of it. Without such a reason a file elsewhere in the environment helps nobody.
func (s *scan) sibling(f file, p elfdeps.Problem) string {
	if s.byName == nil {
		s.byName = map[string][]int{}
		for i, f := range s.files {
			base := path.Base(f.path)
			s.byName[base] = append(s.byName[base], i)
		}
	}
	for _, i := range s.byName[p.Name] {
		candidate := s.files[i]
		if candidate.path == f.path || candidate.optional && !f.optional {
			continue
		}
		mine, its := s.dists.of(f.path), s.dists.of(candidate.path)
		if mine == nil {
			if top(candidate) == top(f) && candidate.site == f.site {
				return candidate.path
			}
			continue
		}
		if mine == its || its != nil && slices.Contains(s.dists.requires(mine), its.key) ||
			s.dists.sourceOf(mine).mentions(stem(p.Name)) {
			return candidate.path
		}
	}
	return ""
}

// top returns the first name below the directory of sys.path.
func top(f file) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(f.path, f.site+"/"), "/")
	return name
}

// loadedByName reports whether the code of a library's distribution loads it, with ctypes or cffi.
func (s *scan) loadedByName(f file) bool {
	d := s.dists.of(f.path)
	return d != nil && s.dists.sourceOf(d).mentions(stem(f.path))
}

// exports reports whether a file has the function by which Python makes a module of it.
func (s *scan) exports(f file) bool {
	return contains(s.fs, f.path, []byte("\x00PyInit_"+f.module+"\x00"), s.stop)
}

func cutLast(text, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(text, sep); i >= 0 {
		return text[:i], text[i+len(sep):], true
	}
	return "", text, false
}

// maxSearch bounds the part of a file that is searched for a name.
const maxSearch = 512 << 20

// contains reports whether a file has the bytes in it.
func contains(fs elfdeps.FS, name string, want []byte, stop func() bool) bool {
	f, err := fs.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	buf := make([]byte, 256<<10)
	for off := int64(0); off < maxSearch && !stop(); off += int64(len(buf) - len(want)) {
		n, err := f.ReadAt(buf, off)
		if bytes.Contains(buf[:n], want) {
			return true
		}
		if err != nil {
			break
		}
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
