package version

import (
	"cmp"
	"fmt"
	"strconv"
)

// A Version is a Python version of which some of the end may be unknown. The zero Version is
// wholly unknown.
type Version struct {
	Major, Minor, Patch int
	Parts               int    // how many of the three are known, 0 to 3
	Pre                 string // "a", "b" or "rc"; empty for a final release, or when Parts is under 3
	PreNum              uint64
}

// New returns the version of the given parts, at most three: New(3, 12) is some 3.12.
func New(parts ...int) Version {
	v := Version{Parts: min(len(parts), 3)}
	for i, field := range []*int{&v.Major, &v.Minor, &v.Patch} {
		if i < v.Parts {
			*field = parts[i]
		}
	}
	return v
}

// ParseVersion reads "3", "3.12", "3.12.1" or "3.15.0a1", in all spellings of PEP 440. The patch of
// a prerelease is 0 when it is not written. Epochs, post, development and local versions, more than
// three parts, and parts over 255 (uv keeps them in a byte) are errors.
func ParseVersion(text string) (Version, error) {
	if len(text) > maxVersion {
		return Version{}, fmt.Errorf("version is longer than %d bytes", maxVersion)
	}
	p, ok := parsePEP(text)
	if !ok || p.epoch != 0 || p.post.set || p.dev.set || p.local != "" || len(p.release) > 3 {
		return Version{}, fmt.Errorf("%q is not a Python version", text)
	}
	v := Version{Parts: len(p.release), Pre: p.pre, PreNum: p.preNum}
	for i, n := range p.release {
		if n > maxPart {
			return Version{}, fmt.Errorf("%q is not a Python version: %d is over %d", text, n, maxPart)
		}
		*[]*int{&v.Major, &v.Minor, &v.Patch}[i] = int(n)
	}
	if v.Pre != "" {
		if v.Parts < 2 {
			return Version{}, fmt.Errorf("%q is not a Python version: a prerelease needs a minor", text)
		}
		v.Parts = 3
	}
	return v, nil
}

// String returns the known parts: "3.12", "3.15.0a1", "" when nothing is known.
func (v Version) String() string {
	if v.Parts <= 0 {
		return ""
	}
	b := strconv.AppendInt(nil, int64(v.Major), 10)
	if v.Parts > 1 {
		b = append(b, '.')
		b = strconv.AppendInt(b, int64(v.Minor), 10)
	}
	if v.Parts > 2 {
		b = append(b, '.')
		b = strconv.AppendInt(b, int64(v.Patch), 10)
		if v.Pre != "" {
			b = append(b, v.Pre...)
			b = strconv.AppendUint(b, v.PreNum, 10)
		}
	}
	return string(b)
}

// Prerelease reports whether v is known to be a prerelease.
func (v Version) Prerelease() bool { return v.Pre != "" }

// Compare orders versions as PEP 440 does: 3.15.0a1 < 3.15.0b1 < 3.15.0rc1 < 3.15.0. Unknown parts
// count as 0.
func (v Version) Compare(w Version) int {
	return v.pep().compare(w.pep())
}

func (v Version) pep() pep {
	p := pep{release: []uint64{0, 0, 0}, pre: v.Pre, preNum: v.PreNum}
	for i, n := range [...]int{v.Major, v.Minor, v.Patch} {
		if i < v.Parts && n > 0 {
			p.release[i] = uint64(n)
		}
	}
	return p
}

// older reports whether v's known major and minor are below the given ones.
func (v Version) older(major, minor int) bool {
	return cmp.Or(cmp.Compare(v.Major, major), cmp.Compare(v.Minor, minor)) < 0
}
