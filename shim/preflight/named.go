package preflight

import (
	"path"
	"slices"
	"strings"

	"uvshim/shim/nixld/attribute"
)

// named looks for the libraries that installed distributions open by name, which no ELF file
// speaks of.
func (s *scan) named() {
	cuda := s.cuda()
	seen := map[string]bool{}
	for _, d := range s.dists.list {
		open, ok := attribute.Dlopens(d.key)
		if !ok || seen[d.key] || s.moot(open) {
			continue
		}
		seen[d.key] = true
		for _, soname := range open.Sonames {
			s.opens(d, open, soname, cuda)
		}
	}
}

// opens makes the findings of one library that a distribution opens by name.
func (s *scan) opens(d *dist, open attribute.Dlopen, soname string, cuda bool) {
	kind := attribute.Of(soname, s.release).Kind
	found := s.base.Clone().Open(soname, nil).OK()
	f := Finding{Kind: MissingSoname, Severity: Optional, Soname: soname, File: d.path, Module: d.path,
		Detail: soname + ": cannot open shared object file: No such file or directory"}
	if kind == attribute.Driver {
		// Without the hardware there is nothing to find, and nothing is wrong.
		driver := s.driver(soname)
		if found || driver == "" {
			return
		}
		f.Path = driver
		if open.Class == attribute.ByName && !open.Optional || cuda && strings.HasPrefix(soname, "libcuda.") {
			f.Severity = Required
		}
	} else {
		switch {
		case found && open.Class == attribute.ByFind && s.nixLD:
			f.Kind, f.Detail = FindLibrary, ""
		case found:
			return
		case open.Class == attribute.ByName && !open.Optional:
			f.Severity = Required
			if !s.needs[soname] {
				s.need(soname)
			}
		}
	}
	if f.Severity == Optional && !s.all {
		return
	}
	f.Note = open.Sentence
	s.attribute(&f)
	s.dists.load(d)
	f.Distribution, f.DistVersion = d.name, d.version
	s.findings.add(f)
}

// moot reports whether another distribution makes it moot what one opens.
func (s *scan) moot(open attribute.Dlopen) bool {
	return slices.ContainsFunc(open.Unless, func(key string) bool { return s.dists.has(key) != nil })
}

// cuda reports whether the environment is one for CUDA: builds for the processor alone also have
// the code that opens its driver, and do without it.
func (s *scan) cuda() bool {
	return slices.ContainsFunc(s.dists.list, func(d *dist) bool {
		return strings.HasPrefix(d.key, "nvidia-") && d.key != "nvidia-ml-py" ||
			strings.HasPrefix(d.key, "cupy-cuda") || strings.HasPrefix(d.key, "jax-cuda") || d.key == "numba-cuda" ||
			strings.Contains(d.version, "+cu")
	})
}

// driver returns the path of a library of the graphics driver, which stands where no loader looks.
func (s *scan) driver(soname string) string {
	for _, dir := range s.drivers {
		name := path.Join(dir, soname)
		if info, err := s.fs.Stat(name); err == nil && info.Regular {
			return name
		}
	}
	return ""
}
