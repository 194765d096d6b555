package policy

import "strings"

// Name returns the name of the package that a requirement of `uv tool install` asks for, as PEP 503
// normalises it: "ruff" for "ruff", "Ruff==0.14", "ruff[format]@latest" and "ruff @ https://…". It is
// false for text that is no requirement, and for a URL or path that does not tell: of a repository
// or directory uv learns the name when it builds it. An archive tells by its file name, as to uv
// (uv-requirements, unnamed.rs), and any URL by "#egg=ruff", which is only what its writer says.
func Name(requirement string) (string, bool) {
	text := strings.TrimSpace(requirement)
	if name, ok := named(text); ok {
		return normalize(name), true
	}
	if unnamed(text) {
		if name, ok := urlName(text); ok {
			return normalize(name), true
		}
	}
	return "", false
}

// named returns the name that a PEP 508 requirement begins with. What stands behind the name is
// looked at only to tell it from a URL or a path. A lone "x-1.0.tar.gz" would be a name as well, and
// is a file to pip and uv.
func named(text string) (string, bool) {
	end := nameEnd(text)
	name := text[:end]
	if !validName(name) {
		return "", false
	}
	rest := strings.TrimSpace(text[end:])
	if extras, ok := strings.CutPrefix(rest, "["); ok {
		if _, rest, ok = strings.Cut(extras, "]"); !ok {
			return "", false
		}
		rest = strings.TrimSpace(rest)
	}
	if rest == "" {
		_, archive := cutArchive(name)
		return name, !archive
	}
	return name, strings.IndexByte("@(<=>~!;", rest[0]) >= 0
}

// unnamed reports whether text is a URL, or the path of a directory or an archive.
func unnamed(text string) bool {
	path, _, _ := strings.Cut(text, " ")
	path, _, _ = strings.Cut(path, "[")
	_, archive := cutArchive(path)
	return archive || strings.HasPrefix(path, ".") || strings.Contains(path, "/")
}

// urlName returns the name that a URL or path tells.
func urlName(text string) (string, bool) {
	text, _, _ = strings.Cut(text, " ")
	text, fragment, _ := strings.Cut(text, "#")
	for field := range strings.SplitSeq(fragment, "&") {
		if egg, ok := strings.CutPrefix(field, "egg="); ok {
			name := egg[:nameEnd(egg)]
			return name, validName(name)
		}
	}
	text, _, _ = strings.Cut(text, "?")
	text, _, _ = strings.Cut(text, "[")
	scheme, rest, isURL := strings.Cut(text, "://")
	if isURL && (strings.Contains(scheme, "+") || strings.HasPrefix(rest, "github.com/") && strings.Contains(rest, "/archive/")) {
		return "", false // a repository, or one that GitHub packed under the name of a branch
	}
	stem, ok := cutArchive(text[strings.LastIndexByte(text, '/')+1:])
	if !ok {
		return "", false
	}
	name, release, ok := strings.Cut(stem, "-") // a wheel's name has no "-" in it
	if !strings.HasSuffix(text, ".whl") {
		last := max(strings.LastIndexByte(stem, '-'), 0)
		name, release = stem[:last], strings.TrimPrefix(stem[last:], "-")
	}
	digit := release != "" && '0' <= release[0] && release[0] <= '9'
	return name, ok && digit && validName(name)
}

// cutArchive returns the name of a wheel or source archive without its ending. These endings are
// the ones that make a bare word a file to uv (uv-pep508, looks_like_archive).
func cutArchive(file string) (stem string, ok bool) {
	for _, ending := range [...]string{".whl", ".tar.gz", ".tgz", ".zip", ".tar"} {
		if stem, ok = strings.CutSuffix(file, ending); ok {
			return stem, true
		}
	}
	return file, false
}

// nameEnd returns how much of text has the letters of a package's name.
func nameEnd(text string) int {
	for i := range len(text) {
		if !alphanumeric(text[i]) && strings.IndexByte("._-", text[i]) < 0 {
			return i
		}
	}
	return len(text)
}

// validName reports whether text, all of it letters of a name, begins and ends as names do (PEP 508).
func validName(text string) bool {
	return text != "" && nameEnd(text) == len(text) && alphanumeric(text[0]) && alphanumeric(text[len(text)-1])
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// normalize returns a valid name in lower case, each run of "-", "_" and "." as one "-" (PEP 503).
func normalize(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case alphanumeric(c):
			b.WriteString(strings.ToLower(name[i : i+1]))
		case alphanumeric(name[i-1]):
			b.WriteByte('-')
		}
	}
	return b.String()
}
