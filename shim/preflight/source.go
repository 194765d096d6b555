package preflight

import (
	"bytes"
	"path"
	"strings"
)

// A source is the Python code of one distribution, as far as it tells which shared objects are
// loaded without any ELF file asking for them.
type source struct {
	loads bool // has a call of dlopen, by ctypes or cffi
	text  [][]byte
}

const (
	maxSources = 2000
	maxSource  = 2 << 20
	maxText    = 24 << 20 // of one distribution
)

// sourceOf returns the code of a distribution, read once.
func (d *dists) sourceOf(dist *dist) *source {
	if dist.source != nil {
		return dist.source
	}
	d.load(dist)
	s := &source{}
	dist.source = s
	total := 0
	for _, rel := range recordedFiles(dist.record, maxSources, func(rel string) bool {
		return strings.HasSuffix(rel, ".py") && !strings.Contains(rel, "/tests/") && !strings.Contains(rel, "/test/")
	}) {
		data, err := readELF(d.fs, path.Join(dist.site, rel), min(maxSource, d.left))
		if err != nil {
			continue
		}
		for _, call := range []string{"CDLL", "LoadLibrary", "dlopen(", "load_library"} {
			if bytes.Contains(data, []byte(call)) {
				s.loads = true
			}
		}
		if !bytes.Contains(data, []byte("lib")) && !bytes.Contains(data, []byte(".so")) {
			continue
		}
		if total += len(data); total > maxText {
			break
		}
		s.text = append(s.text, data)
		d.left -= int64(len(data))
	}
	return s
}

// mentions reports whether the code loads shared objects and has a word in it.
func (s *source) mentions(word string) bool {
	if !s.loads {
		return false
	}
	for _, text := range s.text {
		if bytes.Contains(text, []byte(word)) {
			return true
		}
	}
	return false
}

// stem is what of a library's name its loader's code is likely to have: libfoo of libfoo.so.1,
// libsoundfile of libsoundfile_x86_64.so.
func stem(name string) string {
	name, _, _ = strings.Cut(path.Base(name), ".so")
	for _, machine := range []string{"_x86_64", "-x86_64", "_aarch64", "-aarch64", "_amd64", "_arm64"} {
		name = strings.TrimSuffix(name, machine)
	}
	return name
}
