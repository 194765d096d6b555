package sync

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"uvshim/policy"
	"uvshim/shim/uv"
)

// Same reports whether a declared requirement is what a receipt has, where uv writes requirements in
// its own form. Relative paths are below base. Of a URL without a name the source decides.
func Same(declared, receipt, base string) bool {
	name, rest := canonical(declared, base)
	installed, what := canonical(receipt, base)
	return rest == what && (name == installed && name != "" || name == "" && strings.HasPrefix(rest, "@"))
}

// canonical returns the name that a requirement begins with, normalised, "" if it is a URL or path
// alone; and what it asks of it: extras, then versions or "@" and the source, then a marker. uv's
// own short forms are understood: "ruff@0.14" and "ruff@latest".
func canonical(text, base string) (name, rest string) {
	text, marker, _ := strings.Cut(strings.TrimSpace(text), ";")
	text = strings.TrimSpace(text)
	if marker = strings.Join(strings.Fields(marker), ""); marker != "" {
		marker = ";" + strings.ReplaceAll(marker, `"`, "'")
	}
	end := strings.IndexAny(text, "[@<=>~!( \t")
	if end < 0 {
		end = len(text)
	}
	head := text[:end]
	if strings.ContainsAny(head, `/:\+`) || strings.HasPrefix(head, ".") {
		return "", "@" + source(text, base) + marker
	}
	name, _ = policy.Name(head)
	text = strings.TrimSpace(text[end:])
	extras := ""
	if inner, ok := strings.CutPrefix(text, "["); ok {
		inner, text, _ = strings.Cut(inner, "]")
		extras = "[" + sortedList(strings.ToLower(strings.ReplaceAll(inner, "_", "-"))) + "]"
		text = strings.TrimSpace(text)
	}
	at, direct := strings.CutPrefix(text, "@")
	at = strings.TrimSpace(at)
	switch {
	case direct && strings.ContainsAny(at, "/:"):
		return name, extras + "@" + source(at, base) + marker
	case direct && at == "latest":
		return name, extras + marker
	case direct:
		return name, extras + "==" + at + marker
	}
	return name, extras + sortedList(strings.Trim(text, "()")) + marker
}

// sortedList returns a list between commas without blanks, sorted.
func sortedList(text string) string {
	words := strings.Split(strings.Join(strings.Fields(text), ""), ",")
	slices.Sort(words)
	return strings.Join(words, ",")
}

// source returns the URL or path that a requirement comes from: paths as file URLs, and URLs without
// the user and password, which receipts do not keep.
func source(text, base string) string {
	if !strings.Contains(text, "://") {
		path := strings.TrimPrefix(text, "file:")
		if !filepath.IsAbs(path) {
			path = filepath.Join(base, path)
		}
		return (&url.URL{Scheme: "file", Path: filepath.Clean(path)}).String()
	}
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	u.User = nil
	return strings.TrimSuffix(u.String(), "/")
}

// knownAs is how a tool is remembered for the requirement that it was installed for.
func knownAs(t uv.Tool) string { return t.Name + "\n" + t.Request }
