package version

// Covers reports whether what `uv python install` brings for the request b satisfies r as well. uv
// takes the newest version that b admits, and CPython where b leaves the implementation open. So
// "3.12" covers "3.12.1" and ">=3.11,<3.13", and not the other way round, since what "3.12" brings
// changes with time. A free-threaded or debug build is its own Python, which "3.14" does not cover,
// though where it is installed it satisfies that.
//
// "any" covers everything. Paths and names are never installed, nor do they cover anything.
func (r Request) Covers(b Request) bool {
	for _, request := range [...]Request{r, b} {
		switch request.kind {
		case KindDirectory, KindFile, KindName:
			return false
		}
	}
	if r.kind == KindAny {
		return true
	}
	if r.Installs() != b.Installs() || r.wanted.variant.built() != b.wanted.variant.built() {
		return false
	}
	if !agree(r.arch, b.arch) || !agree(r.libc, b.libc) || !agree(r.os, b.os) {
		return false
	}
	newest, ok := b.wanted.newest()
	return ok && r.wanted.matchesVersion(newest) == Yes
}

// Installs returns the implementation that installing r brings.
func (r Request) Installs() string {
	if r.impl == "" {
		return "cpython"
	}
	return r.impl
}

// newest returns the last version that w admits, with maxPart for the parts that w leaves open. It
// is false where w admits none.
func (w wanted) newest() (Version, bool) {
	points := around(3, maxPart, maxPart, "", 0)
	if w.form == exact {
		release := [...]int{w.major, w.minor, w.patch}
		for i := w.parts; i < len(release) && w.pre == ""; i++ {
			release[i] = maxPart
		}
		points = append(points, around(uint64(release[0]), uint64(release[1]), uint64(release[2]), w.pre, w.preNum)...)
	}
	for _, s := range w.specs {
		// what a specifier ends at, and the last version before that; a part below 0 wraps, and gives nothing
		a, b, c := s.v.part(0), s.v.part(1), s.v.part(2)
		for _, r := range [...][3]uint64{
			{a, b, c}, {a, b, c - 1}, {a, b, maxPart}, {a, b - 1, maxPart},
		} {
			points = append(points, around(r[0], r[1], r[2], s.v.pre, s.v.preNum)...)
		}
		if s.v.pre != "" {
			points = append(points, around(a, b, c, s.v.pre, s.v.preNum-1)...)
		}
	}
	var newest Version
	found := false
	for _, v := range points {
		if w.matchesVersion(v) == Yes && (!found || v.Compare(newest) > 0) {
			newest, found = v, true
		}
	}
	return newest, found
}
