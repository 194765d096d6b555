package preflight

import (
	"fmt"
	"sync/atomic"

	"uvshim/shim/elfdeps"
)

// bounds are what one look at an environment may cost. Real ones stay far below: torch with CUDA and
// all that is used beside it has some 3,000 shared objects in 10,000 directories, of which 5 MB are
// kept. What is beyond is counted and told, and not kept in memory.
type bounds struct {
	files    int   // shared objects
	names    int   // directories and links
	paths    int   // bytes of the paths of shared objects
	facts    int64 // bytes of what is kept of ELF files
	objects  int   // loaded, of all modules together
	findings int   // of each severity
	told     int   // bytes of these
	needs    int   // bytes of the sonames that come from elsewhere
	dists    int   // distributions
	metadata int64 // bytes of what is kept of them: RECORD, METADATA, code
}

func usualBounds() bounds {
	return bounds{files: 50_000, names: 100_000, paths: 16 << 20, facts: 64 << 20, objects: 2_000_000, findings: 5000, told: 1 << 20, needs: 128 << 10, dists: 20_000, metadata: 64 << 20}
}

// maxNotes bounds what is noted of files that cannot be looked at.
const maxNotes = 100

// maxPath is PATH_MAX, above which no system call takes a path.
const maxPath = 4096

// tooMany says how much of an environment was looked at. Where more is set, the files were not all
// counted.
func tooMany(looked, over int, more bool) string {
	least := ""
	if more {
		least = "more than "
	}
	return fmt.Sprintf("too many files to check: %s%d shared objects, of which %d were looked at", least, looked+over, looked)
}

// A measured is a memory that measures what of it a scan keeps.
type measured struct {
	elfdeps.Memory // nil: nothing is remembered
	left           atomic.Int64
}

// Lookup implements elfdeps.Memory.
func (m *measured) Lookup(id elfdeps.ID) (*elfdeps.Facts, bool) {
	if m.Memory == nil {
		return nil, false
	}
	facts, ok := m.Memory.Lookup(id)
	if ok {
		m.left.Add(-weight(facts))
	}
	return facts, ok
}

// Store implements elfdeps.Memory.
func (m *measured) Store(id elfdeps.ID, facts *elfdeps.Facts) {
	left := m.left.Add(-weight(facts))
	if m.Memory != nil && left >= 0 {
		m.Memory.Store(id, facts)
	}
}

// weight is about how many bytes facts take in memory.
func weight(f *elfdeps.Facts) int64 {
	const text, list = 16, 24 // the heads of a string and of a slice
	n := 200 + len(f.Interp) + len(f.Soname) + len(f.RPath) + len(f.RunPath)
	for _, name := range f.Needed {
		n += text + len(name)
	}
	for _, filter := range f.Filters {
		n += text + 16 + len(filter.Name)
	}
	for _, need := range f.Needs {
		n += text + list + len(need.File)
		for _, v := range need.Versions {
			n += text + 8 + len(v.Name)
		}
	}
	for _, name := range f.Defs {
		n += text + len(name)
	}
	return int64(n)
}
