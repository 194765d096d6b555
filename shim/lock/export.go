package lock

import (
	"slices"
	"strings"
)

// Export returns the part of l that another machine can restore, as TOML that Decode reads: for each
// managed interpreter the request, the exact version as a request, and the build; for each tool the
// request, the version, its Python and its resolved set. Days, paths, projects and changes are this machine's. An
// interpreter or a tool that comes from a path is left out, for what has its name elsewhere may be
// something else.
func Export(l Lock) []byte {
	var out Lock
	seen := map[string]bool{}
	for _, p := range l.Python {
		p = Python{Version: restorable(p), Build: p.Build, Request: p.Request}
		if p.Version == "" || seen[p.Version] {
			continue
		}
		seen[p.Version] = true
		if local(p.Request) {
			p.Request = ""
		}
		out.Python = append(out.Python, p)
	}
	for _, t := range l.Tool {
		if local(t.Request) || slices.ContainsFunc(t.Resolved, local) {
			continue
		}
		t = Tool{Name: t.Name, Request: t.Request, Version: t.Version, Python: t.Python, Resolved: t.Resolved}
		if local(t.Python) {
			t.Python = ""
		}
		out.Tool = append(out.Tool, t)
	}
	return Encode(out)
}

// restorable returns the request for exactly p on any platform: "cpython-3.14.1" of the key
// "cpython-3.14.1-linux-x86_64-gnu". It is empty for an interpreter that uv did not install.
func restorable(p Python) string {
	if p.Key == "" && p.Path == "" {
		return p.Version // l is itself an export
	}
	words := strings.Split(p.Key, "-")
	if len(words) < 5 {
		return p.Key
	}
	return strings.Join(words[:len(words)-3], "-")
}

// local reports whether a request names a file or directory.
func local(request string) bool {
	if _, url, ok := strings.Cut(request, "@"); ok && strings.HasPrefix(strings.TrimSpace(url), "/") {
		return true
	}
	if strings.Contains(request, "file:") {
		return true
	}
	remote := strings.Contains(request, "://")
	return !remote && (strings.Contains(request, "/") || strings.HasPrefix(request, ".") || strings.HasPrefix(request, "~"))
}
