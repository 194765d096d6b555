package version

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Kind tells what a request asks by.
type Kind uint8

const (
	KindDefault        Kind = iota // nothing asked: a stable CPython
	KindAny                        // "any": whatever is there, prereleases and all
	KindVersion                    // "3.12", ">=3.12"
	KindImplementation             // "pypy", "cpython@3.12"
	KindKey                        // "cpython-3.12-linux", "any-3.13-any-x86_64-any"
	KindDirectory                  // a path that looks like a directory: ".", "dir/"
	KindFile                       // any other path
	KindName                       // an executable to be looked up on PATH
)

// A Request is a Python version request as uv takes it. The zero Request asks for nothing
// (KindDefault).
type Request struct {
	text           string
	kind           Kind
	impl           string
	wanted         wanted
	os, arch, libc string
}

// maxText is the longest path that Linux takes (PATH_MAX).
const maxText = 4096

// Parse reads a request as uv's PythonRequest::parse does. Nearly every text is some request to uv:
// what is no version, implementation, path or key is the name of an executable ("latest", "3.x").
// An error is returned where uv refuses the request when it searches for it (a version before 3.6,
// a free-threaded one before 3.13) and then beside the request; and for text that is not UTF-8, is
// over 1024 bytes and no path, is over 4096 bytes, or has more than 64 specifiers.
//
// Of what exists Parse knows nothing. uv takes the name of an existing file or directory for a path
// before it takes it for a key or a name, and tells directory and file apart by looking.
func Parse(text string) (Request, error) {
	path := strings.Contains(text, "/")
	switch {
	case len(text) > maxText, len(text) > maxVersion && !path:
		return Request{}, fmt.Errorf("request of %d bytes is too long", len(text))
	case !utf8.ValidString(text):
		return Request{}, fmt.Errorf("request %q is not UTF-8", text)
	case path || text == "." || text == "..":
		return Request{text: text, kind: pathKind(text)}, nil
	}
	switch low := lower(text); low {
	case "any":
		return Request{text: text, kind: KindAny}, nil
	case "default":
		return Request{text: text, kind: KindDefault}, nil
	default:
		r, found, err := parseNumbered(low)
		if err == nil && !found {
			r, found, err = parseKey(text)
		}
		if err != nil {
			return Request{}, fmt.Errorf("request %q: %w", text, err)
		}
		if !found {
			r = Request{kind: KindName}
		}
		r.text = text
		if err := r.wanted.supported(); err != nil {
			return r, fmt.Errorf("request %q: %w", text, err)
		}
		return r, nil
	}
}

// pathKind guesses from the text, which is all there is.
func pathKind(text string) Kind {
	switch text[strings.LastIndexByte(text, '/')+1:] {
	case "", ".", "..":
		return KindDirectory
	}
	return KindFile
}

// parseNumbered reads versions and implementations, in lower case: "3.12", "python3.12", "pypy",
// "pypy@3.10", "cp313".
func parseNumbered(low string) (Request, bool, error) {
	for _, prefix := range [...]string{"python", ""} {
		w, answer, err := split(prefix, low)
		if answer != no || err != nil {
			return Request{kind: KindVersion, wanted: w}, answer == yes, err
		}
	}
	for _, i := range implementations {
		for _, name := range [...]string{i.long, i.short} {
			if name == "" {
				continue
			}
			if low == name {
				return Request{kind: KindImplementation, impl: i.long}, true, nil
			}
			w, answer, err := split(name, low)
			if answer != no || err != nil {
				return Request{kind: KindImplementation, impl: i.long, wanted: w}, answer == yes, err
			}
		}
	}
	return Request{}, false, nil
}

type answer uint8

const (
	no    answer = iota
	yes          // prefix and version
	never        // an "@" without a version behind it: nothing else is tried
)

func split(prefix, low string) (wanted, answer, error) {
	if strings.HasPrefix(low, "@") {
		return wanted{}, never, nil
	}
	rest, ok := strings.CutPrefix(low, prefix)
	if !ok || rest == "" {
		return wanted{}, no, nil
	}
	rest, at := strings.CutPrefix(rest, "@")
	w, ok, err := parseWanted(rest)
	switch {
	case err != nil:
		return wanted{}, no, err
	case ok:
		return w, yes, nil
	case at:
		return wanted{}, never, nil
	}
	return wanted{}, no, nil
}

// parseKey reads a key of which parts may be left out or "any", each part taking the first place
// that it fits (download_request.rs). As in uv, what follows the libc is passed over, up to five
// parts in all.
func parseKey(text string) (Request, bool, error) {
	r := Request{kind: KindKey}
	place, open := 0, true // open: nothing was tried yet for the part at hand
	for count, part := range strings.Split(text, "-") {
		for open = true; place < 5; open = false {
			ok := strings.EqualFold(part, "any")
			if !ok {
				var err error
				if ok, err = r.setPart(place, part); err != nil {
					return r, false, err
				}
			}
			place++
			if ok {
				open = true
				break
			}
		}
		if place == 5 && !open || count >= 5 {
			return r, false, nil
		}
	}
	return r, true, nil
}

func (r *Request) setPart(place int, part string) (ok bool, err error) {
	switch place {
	case 0:
		r.impl, ok = implementation(part)
	case 1:
		var w wanted
		if w, ok, err = parseWanted(part); ok {
			r.wanted = w
		}
	case 2:
		r.os, ok = platformOS(part)
	case 3:
		if arch, found := platformArch(part); found {
			r.arch, ok = arch, true
		}
	case 4:
		if libc, found := platformLibc(part); found {
			r.libc, ok = libc, true
		}
	}
	return ok, err
}

// String returns the text as it was given.
func (r Request) String() string { return r.text }

// Kind tells what r asks by.
func (r Request) Kind() Kind { return r.kind }

// Implementation returns "cpython", "pypy", "graalpy" or "pyodide", or nothing where r leaves it
// open, which then means CPython unless nothing but a path or name decides.
func (r Request) Implementation() string { return r.impl }

// Path returns the path that r is, or nothing.
func (r Request) Path() string {
	if r.kind == KindDirectory || r.kind == KindFile {
		return r.text
	}
	return ""
}

// NamesPatch reports whether r names a patch version. uv then takes the install directory itself
// and not the minor-version link. "3.15.0a1" names none to uv: that is the minor's prerelease.
func (r Request) NamesPatch() bool {
	return r.wanted.form == exact && r.wanted.parts == 3
}

// AllowsPrerelease reports whether r asks for prereleases or takes them as they come. uv lets any
// request that has both implementation and version take them (PythonRequest::allows_prereleases).
func (r Request) AllowsPrerelease() bool {
	switch r.kind {
	case KindVersion, KindKey:
		return r.wanted.prerelease()
	case KindImplementation:
		return r.wanted.form != unsaid
	}
	return r.kind != KindDefault
}

// AllowsDebug is AllowsPrerelease for debug builds.
func (r Request) AllowsDebug() bool {
	switch r.kind {
	case KindVersion, KindKey:
		return r.wanted.variant.debug()
	case KindImplementation:
		return r.wanted.form != unsaid
	}
	return r.kind != KindDefault
}

// AllowsAlternative reports whether r asks for other implementations than CPython, or takes any.
func (r Request) AllowsAlternative() bool {
	switch r.kind {
	case KindDefault, KindVersion:
		return false
	case KindImplementation, KindKey:
		return r.impl != "" && r.impl != "cpython" || r.os == "emscripten"
	}
	return true
}
