package version

import "slices"

// A Match is the answer to whether an interpreter satisfies a request.
type Match uint8

const (
	Unknown Match = iota // too little is known of the interpreter
	Yes
	No
)

func (m Match) String() string { return [...]string{"unknown", "yes", "no"}[m] }

func truth(ok bool) Match {
	if ok {
		return Yes
	}
	return No
}

// all is No if one answer is, else Unknown if one is.
func all(answers ...Match) Match {
	switch {
	case slices.Contains(answers, No):
		return No
	case slices.Contains(answers, Unknown):
		return Unknown
	}
	return Yes
}

// Matches reports whether i satisfies r: version, variant, implementation and platform. It is
// Unknown for paths and names, and where what r asks after is not known of i.
//
// Yes is not yet uv's choice: a prerelease, a debug build or another implementation than CPython
// can satisfy "3.15" and is nevertheless passed over as long as Asked does not hold. Choose knows
// the whole rule.
func (r Request) Matches(i Interpreter) Match {
	switch r.kind {
	case KindAny:
		return Yes
	case KindDirectory, KindFile, KindName:
		return Unknown
	}
	return all(
		r.matchesImpl(i),
		r.matchesPlatform(i),
		r.wanted.matchesVersion(i.Version),
		r.wanted.variant.matches(i),
	)
}

func (r Request) matchesImpl(i Interpreter) Match {
	switch {
	case r.impl == "":
		return Yes
	case i.Impl == "":
		return Unknown
	}
	return truth(r.impl == i.Impl)
}

func (r Request) matchesPlatform(i Interpreter) Match {
	part := func(asked, known string) Match {
		switch {
		case asked == "":
			return Yes
		case known == "":
			return Unknown
		}
		return truth(asked == known)
	}
	system := part(r.os, i.OS)
	if r.os == "emscripten" {
		system = Yes // to uv that runs on every system, so any interpreter will do
	}
	arch := part(r.arch, i.Arch)
	if _, level := splitArch(r.arch); level != "" && arch == Yes {
		// uv compares with the directory's name and with what the interpreter says of itself,
		// which has no level: nothing is both
		arch = No
	}
	return all(system, arch, part(r.libc, i.Libc))
}

// matches is uv's matches_variant: from 3.14 on, a free-threaded build will do where none was asked
// for. Debug builds always do.
func (v variant) matches(i Interpreter) Match {
	switch v {
	case plain:
		switch {
		case !i.freethreaded():
			return Yes
		case i.Version.Parts == 0, i.Version.Parts == 1 && i.Version.Major == 3:
			return Unknown
		}
		return truth(!i.Version.older(3, 14))
	case debug:
		return truth(i.debug())
	case freethreaded:
		return truth(i.freethreaded())
	case freethreadedDebug:
		return truth(i.freethreaded() && i.debug())
	case gil:
		return truth(!i.freethreaded())
	case gilDebug:
		return truth(!i.freethreaded() && i.debug())
	}
	return Yes
}

func (w wanted) matchesVersion(v Version) Match {
	switch w.form {
	case exact:
		return w.matchesExact(v)
	case ranged:
		return w.matchesRange(v)
	}
	return Yes
}

func (w wanted) matchesExact(v Version) Match {
	asked := [...]int{w.major, w.minor, w.patch}
	for i, known := range [...]int{v.Major, v.Minor, v.Patch} {
		switch {
		case i == w.parts:
			return w.matchesPre(v)
		case i >= v.Parts:
			return Unknown
		case known != asked[i]:
			return No
		}
	}
	return w.matchesPre(v)
}

// matchesPre: a prerelease is matched as written, and a patch means the final release.
func (w wanted) matchesPre(v Version) Match {
	switch {
	case w.pre == "" && w.parts < 3:
		return Yes
	case v.Parts < 3:
		return Unknown
	}
	return truth(w.pre == v.Pre && w.preNum == v.PreNum)
}

func (w wanted) matchesRange(v Version) Match {
	if v.Parts >= 3 {
		return truth(w.admits(v))
	}
	// What is unknown ranges over all it can be: wherever the answer changes, one of the points is
	// the first with the new answer.
	var some, none bool
	for _, point := range append(w.points(), lowest(v)...) {
		if !point.within(v) {
			continue
		}
		if w.admits(point) {
			some = true
		} else {
			none = true
		}
	}
	switch {
	case some && none:
		return Unknown
	case some:
		return Yes
	}
	return No
}

// admits reports whether a range lets v in. Only a range that itself names a prerelease looks at
// v's: ">=3.15" lets 3.15.0a1 in, which PEP 440 does not (uv's matches_version).
func (w wanted) admits(v Version) bool {
	if !w.prerelease() {
		v.Pre, v.PreNum = "", 0
	}
	p := v.pep()
	for _, s := range w.specs {
		if !s.admits(p) {
			return false
		}
	}
	return true
}

// Asked reports whether r asks for what is unusual in i: prerelease, debug build, another
// implementation. uv passes over a managed interpreter that is not asked for. Where nothing else
// matches it takes a debug build, then a prerelease, but never another implementation. One found on
// PATH may be a prerelease or debug build unasked, and under the names python and python3 another
// implementation too.
func (r Request) Asked(i Interpreter) bool {
	return (r.AllowsPrerelease() || !i.Version.Prerelease()) &&
		(r.AllowsDebug() || !i.debug()) &&
		(r.AllowsAlternative() || !i.alternative())
}

func (i Interpreter) alternative() bool { return i.Impl != "cpython" && i.Impl != "" }

// Choose returns the index of the interpreter that uv would take for r if list were its managed
// ones, or -1 (find_python_installation). Only a certain match is taken.
func Choose(r Request, list []Interpreter) int {
	order := make([]int, len(list))
	for n := range order {
		order[n] = n
	}
	slices.SortStableFunc(order, func(a, b int) int { return Order(list[a], list[b]) })
	lastDebug, lastPre := -1, -1
	for _, n := range order {
		i := list[n]
		switch {
		case r.Matches(i) != Yes:
		case r.Asked(i):
			return n
		case i.Version.Prerelease() && !r.AllowsPrerelease():
			lastPre = first(lastPre, n)
		case i.debug() && !r.AllowsDebug():
			lastDebug = first(lastDebug, n)
		}
	}
	return first(lastDebug, lastPre)
}

// first returns a unless it is -1.
func first(a, b int) int {
	if a >= 0 {
		return a
	}
	return b
}

// within reports whether v has what is known of w, whose patch is not.
func (v Version) within(w Version) bool {
	return w.Parts < 1 || v.Major == w.Major && (w.Parts < 2 || v.Minor == w.Minor)
}
