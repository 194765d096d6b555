package version

import (
	"slices"
	"strconv"
	"strings"
)

// Names returns the executable names that uv looks for in each directory of PATH, the first it
// tries first; a path has none, and a name is its own. After them, for some requests, it takes
// every name that MatchName holds of, best key first (VersionRequest::executable_names).
func Names(r Request) []string {
	switch r.kind {
	case KindDirectory, KindFile:
		return nil
	case KindName:
		return []string{r.text}
	}
	stems := []string{"python"}
	switch {
	case r.impl != "":
		stems = []string{r.impl, "python"}
	case r.kind == KindAny:
		stems = append(stems, "cpython", "pypy", "graalpy", "pyodide")
	}
	endings := r.wanted.endings()
	var names []string
	for _, stem := range stems {
		for _, ending := range endings {
			if name := stem + ending; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// endings are what follows the stem: the most exact first, but the bare name where no version is
// asked for.
func (w wanted) endings() []string {
	switch w.form {
	case unsaid:
		return []string{"", "3"}
	case ranged:
		suffix := w.variant.suffix()
		return []string{"3" + suffix, "3", suffix, ""}
	}
	number := strconv.Itoa(w.major)
	numbers := []string{"", number}
	pre := ""
	if w.pre != "" {
		pre = w.pre + strconv.FormatUint(w.preNum, 10)
	}
	for i, part := range [...]int{w.minor, w.patch} {
		if i+1 < w.parts {
			number += "." + strconv.Itoa(part)
			numbers = append(numbers, number)
			if pre != "" {
				numbers = append(numbers, number+pre)
			}
		}
	}
	slices.Reverse(numbers)
	var endings []string
	for _, number := range numbers {
		if suffix := w.variant.suffix(); suffix != "" {
			endings = append(endings, number+suffix)
		}
		endings = append(endings, number)
	}
	return endings
}

// MatchName reports whether name is one of the python3.N and python3.Nt that uv tries in a
// directory after Names, and whose minor can satisfy r. Requests that name a minor have no such
// second look (find_all_minor). It is for choosing candidates: what an interpreter says of itself
// decides.
func MatchName(r Request, name string) bool {
	switch r.kind {
	case KindDirectory, KindFile, KindName:
		return false
	}
	if r.wanted.form == exact && r.wanted.parts > 1 {
		return false
	}
	rest, ok := strings.CutPrefix(name, "python3.")
	if !ok && r.impl != "" {
		rest, ok = strings.CutPrefix(name, r.impl+".") // so, without a 3, in uv
	}
	minor, numeric := minorOf(strings.TrimSuffix(rest, "t"))
	if !ok || !numeric || minor < 6 {
		return false
	}
	w := r.wanted
	w.specs = slices.Clone(w.specs)
	for i := range w.specs {
		// uv compares minors by release alone: python3.14 is no candidate for "<3.14.0rc2"
		w.specs[i].v = pep{epoch: w.specs[i].v.epoch, release: w.specs[i].v.release}
	}
	return w.matchesVersion(New(3, minor)) != No
}

// minorOf reads one or two digits.
func minorOf(text string) (int, bool) {
	if len(text) < 1 || len(text) > 2 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// FromName returns what the name of a Python executable demands of the interpreter behind it:
// "python" nothing, "python3" the major, "python3.12" the minor, "python3.14t" the variant too, and
// "pypy", "pypy3", "pypy3.10" PyPy. It is false for other names.
//
// A name without a suffix leaves the variant open, unlike a request: in an environment of 3.13t,
// python3.13 is a free-threaded build. To choose by the name alone, as uv would, parse the
// request's String.
func FromName(name string) (Request, bool) {
	if name == "python" {
		return Request{kind: KindAny, text: "default"}, true
	}
	text, pypy := strings.CutPrefix(name, "pypy")
	if !pypy {
		var ok bool
		if text, ok = strings.CutPrefix(name, "python"); !ok {
			return Request{}, false
		}
	}
	r := Request{kind: KindVersion, text: text, wanted: wanted{variant: anyVariant}}
	if pypy {
		r = Request{kind: KindImplementation, text: name, impl: "pypy"}
	}
	if text == "" {
		return r, true
	}
	rest, ok := strings.CutPrefix(text, "3")
	if !ok {
		return Request{}, false
	}
	r.wanted.form, r.wanted.parts, r.wanted.major = exact, 1, 3
	if rest == "" {
		return r, true
	}
	rest, ok = strings.CutPrefix(rest, ".")
	number, suffixed := strings.CutSuffix(rest, "t")
	minor, numeric := minorOf(number)
	if !ok || !numeric || suffixed && pypy || len(number) == 2 && number[0] == '0' {
		return Request{}, false
	}
	r.wanted.parts, r.wanted.minor = 2, minor
	if suffixed {
		r.wanted.variant = freethreaded
	}
	return r, true
}
