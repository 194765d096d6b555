package version

// Overlap reports whether any interpreter can satisfy both requests: "3.12" and ">=3.11,<3.13" yes,
// "3.12" and "3.13" no, "pypy" and "cpython@3.12" no, "3.13" and "3.13t" no. Of a path or a name
// nothing is known, and the answer is yes.
func Overlap(a, b Request) bool {
	for _, r := range [...]Request{a, b} {
		switch r.kind {
		case KindAny, KindDirectory, KindFile, KindName:
			return true
		}
	}
	if !agree(a.impl, b.impl) || !agree(a.arch, b.arch) || !agree(a.libc, b.libc) {
		return false
	}
	if !agree(a.os, b.os) && a.os != "emscripten" && b.os != "emscripten" {
		return false
	}
	// Both sets of versions are well ordered, and so is what they share: its first member is the
	// lowest version of all or one where a set begins anew, and those are the points.
	points := append(a.wanted.points(), b.wanted.points()...)
	points = append(points, lowest(Version{})...)
	points = append(points, around(3, 14, 0, "", 0)...) // plain begins to take free-threaded builds
	for _, w := range [...]wanted{a.wanted, b.wanted} {
		if w.pre == "" || w.parts == 3 {
			continue
		}
		for _, v := range points { // "3.15a1" is any patch's a1 to uv, so it begins anew at each
			v.Pre, v.PreNum = w.pre, w.preNum
			points = append(points, v)
		}
	}
	for _, v := range points {
		if a.wanted.matchesVersion(v) != Yes || b.wanted.matchesVersion(v) != Yes {
			continue
		}
		for _, built := range [...]variant{plain, debug, freethreaded, freethreadedDebug} {
			i := Interpreter{Version: v, Variant: built.built()}
			if a.wanted.variant.matches(i) == Yes && b.wanted.variant.matches(i) == Yes {
				return true
			}
		}
	}
	return false
}

func agree(a, b string) bool { return a == "" || b == "" || a == b }

// points returns the versions at which what w admits can begin or end.
func (w wanted) points() []Version {
	if w.form == exact {
		return around(uint64(w.major), uint64(w.minor), uint64(w.patch), w.pre, w.preNum)
	}
	var points []Version
	for _, s := range w.specs {
		a, b, c := s.v.part(0), s.v.part(1), s.v.part(2)
		for _, r := range [...][3]uint64{
			{a, b, c}, {a, b, c + 1}, {a, b + 1, 0}, {a + 1, 0, 0},
		} {
			points = append(points, around(r[0], r[1], r[2], s.v.pre, s.v.preNum)...)
		}
	}
	return points
}

// around returns a release, its first prerelease, and the given prerelease with its successor. A part that no interpreter can have gives nothing.
func around(major, minor, patch uint64, pre string, preNum uint64) []Version {
	if major > maxPart || minor > maxPart || patch > maxPart {
		return nil
	}
	final := New(int(major), int(minor), int(patch))
	points := []Version{final}
	add := func(pre string, n uint64) {
		v := final
		v.Pre, v.PreNum = pre, n
		points = append(points, v)
	}
	add("a", 0)
	if pre != "" {
		add(pre, preNum)
		add(pre, preNum+1)
	}
	return points
}

// lowest returns the first versions that v can be when its unknown parts are known.
func lowest(v Version) []Version {
	low := v.pep()
	return around(low.release[0], low.release[1], low.release[2], "", 0)
}
