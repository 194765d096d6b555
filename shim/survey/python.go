package survey

import (
	"fmt"
	"slices"

	"uvshim/policy/version"
	"uvshim/shim/sync"
)

// pythons sets versions and defaults.
func (f Found) pythons(d *Draft) {
	k := picker{Found: f, draft: d, request: map[string]string{}, defaults: map[string]string{}}
	for _, text := range f.Home.Versions {
		k.fromHome(text)
	}
	for _, line := range f.minors() {
		k.minor(line)
	}
	k.fromHomeDefault()
	k.fromLink("python")
	k.fromPin()
	if k.defaults["cpython"] != "" {
		// alone it would make a bare python PyPy, which `uv python install --default pypy` does not
		k.fromLink("pypy")
	}
	for _, m := range f.Pythons {
		if d.Newest == "" && m.Impl == "cpython" && m.Variant == "" && !m.Version.Prerelease() {
			d.Newest = k.request[m.Key]
		}
	}
}

type picker struct {
	Found
	draft    *Draft
	request  map[string]string // key of an interpreter: what declares it
	defaults map[string]string // implementation: its default
}

func (k *picker) add(text, why string) {
	k.draft.Versions = append(k.draft.Versions, Line{text, why})
}

// note adds a comment to the versions.
func (k *picker) note(format string, args ...any) { k.add("", fmt.Sprintf(format, args...)) }

// fromHome adds what Home Manager installs. It stands for every interpreter that it is satisfied by.
func (k *picker) fromHome(text string) {
	const from = "Home Manager's programs.uv.python.versions"
	if err := valid("python", "versions", text); err != nil {
		k.note("%s has what cannot be declared: %v", from, err)
		return
	}
	k.add(text, from)
	request, _ := version.Parse(text)
	for _, m := range k.Pythons {
		if k.request[m.Key] == "" && request.Matches(m.Interpreter) == version.Yes && request.Asked(m.Interpreter) {
			k.request[m.Key] = text
		}
	}
}

// minors returns the managed interpreters, those that are patches of one minor together, the newest
// that runs first.
func (f Found) minors() [][]sync.Managed {
	var all [][]sync.Managed
	at := map[version.Interpreter]int{}
	for _, m := range f.Pythons { // newest first
		line := minorOf(m.Interpreter)
		i, seen := at[line]
		if !seen {
			i = len(all)
			at[line], all = i, append(all, nil)
		}
		all[i] = append(all[i], m)
	}
	for _, line := range all {
		slices.SortStableFunc(line, func(a, b sync.Managed) int { return rank(a) - rank(b) })
	}
	return all
}

func rank(m sync.Managed) int {
	if m.Runs {
		return 0
	}
	return 1
}

// minorOf returns what the patches of one minor have in common.
func minorOf(i version.Interpreter) version.Interpreter {
	i.Version = version.New(i.Version.Major, i.Version.Minor)
	return i
}

// minor declares the patches of one minor. uv's links tell what the user asked for: "3.14" makes links
// through the minor-version link, and upgrades keep the patches before; "3.14.0" makes one to just that
// patch. Where there is no link, uv fetched it by itself, for a project.
func (k *picker) minor(line []sync.Managed) {
	newest := line[0]
	exact := len(k.programs(line, true)) > 0 && len(k.programs(line, false)) == 0
	for i, m := range line {
		switch {
		case k.request[m.Key] != "": // Home Manager's
		case i > 0 && !m.Runs:
			k.note("%s is damaged: not declared", m.Key)
		case i > 0 && !exact:
			k.note("%s is there too, as upgrades leave the patch before: not declared", m.Key)
		default:
			k.declare(m, exact, newest)
		}
	}
}

func (k *picker) declare(m sync.Managed, exact bool, newest sync.Managed) {
	text := k.requestFor(m, exact)
	if text == "" {
		k.note("%s is what no request brings", m.Key)
		return
	}
	why := m.Key
	links := k.programs([]sync.Managed{m}, exact)
	switch {
	case !m.Runs:
		why += ", which is damaged: shim sync installs it anew"
	case exact && len(links) == 0:
		why += ", a patch beside " + newest.Version.String()
	case exact:
		why += "; " + k.Short(links[0]) + " leads to just this patch"
	case len(links) > 0:
		why += ", by " + k.Short(links[0])
	default:
		why += ", to which no link of uv's leads"
	}
	k.request[m.Key] = text
	if !slices.Contains(texts(k.draft.Versions), text) {
		k.add(text, why)
	}
}

// programs returns the links to one of the interpreters, to just its patch or through the
// minor-version link; the one with the version in its name first.
func (k *picker) programs(of []sync.Managed, patch bool) []string {
	var paths []string
	for _, p := range k.Programs {
		if p.Patch == patch && slices.ContainsFunc(of, func(m sync.Managed) bool { return m.Key == p.Key }) {
			paths = append(paths, p.Path)
		}
	}
	slices.SortFunc(paths, func(a, b string) int { return len(b) - len(a) })
	return paths
}

// requestFor returns the shortest request that brings the interpreter here, "" if none does.
func (f Found) requestFor(m sync.Managed, exact bool) string {
	prefix := m.Impl + "@"
	if m.Impl == "cpython" {
		prefix = ""
	}
	suffix := map[string]string{"freethreaded": "t", "debug": "d", "freethreaded+debug": "td"}[m.Variant]
	minor := minorOf(m.Interpreter)
	for i, text := range [...]string{
		prefix + minor.Version.String() + suffix, // 3.14, 3.14t, pypy@3.11
		minor.Key(),                              // cpython-3.14-linux-x86_64-musl
		prefix + m.Version.String() + suffix,
		m.Key,
	} {
		if exact && i < 2 {
			continue
		}
		if f.answers(text, m) {
			return text
		}
	}
	return ""
}

// answers reports whether uv takes m for the request. Of another variant it would take one only if
// there were nothing else.
func (f Found) answers(text string, m sync.Managed) bool {
	var list []version.Interpreter
	var keys []string
	for _, other := range f.Pythons {
		if other.Variant == m.Variant && (other.Runs || other.Key == m.Key) {
			list, keys = append(list, other.Interpreter), append(keys, other.Key)
		}
	}
	request, err := version.Parse(text)
	if err != nil || valid("python", "versions", text) != nil {
		return false
	}
	i := version.Choose(request, list)
	return i >= 0 && keys[i] == m.Key
}

// setDefault makes text, one of the versions, the default of its implementation, and reports whether that had none.
func (k *picker) setDefault(text, why string) bool {
	impl := implementation(text)
	if k.defaults[impl] != "" {
		return false
	}
	k.defaults[impl] = text
	k.draft.Default = append(k.draft.Default, Line{text, why})
	return true
}

func implementation(text string) string {
	if r, err := version.Parse(text); err == nil {
		return r.Installs()
	}
	return "cpython"
}

func (k *picker) fromHomeDefault() {
	for _, text := range k.Home.Default {
		if slices.Contains(texts(k.draft.Versions), text) {
			k.setDefault(text, "Home Manager's programs.uv.python.default")
		}
	}
}

// fromLink takes for the default what uv's link of that name, made by `uv python install --default`,
// leads to.
func (k *picker) fromLink(name string) {
	for _, link := range k.Links {
		if text := k.request[link.Key]; link.Name == name && text != "" {
			k.setDefault(text, k.Short(link.Path)+" leads to it")
		}
	}
}

// fromPin takes uv's global pin for the default, where no link says otherwise and an interpreter here
// satisfies it.
func (k *picker) fromPin() {
	line, ok := version.First(version.Lines([]byte(k.Pin.Text)))
	if !ok {
		return
	}
	why := "uv's global pin, " + k.Short(k.Pin.Path)
	remark := func(format string, args ...any) {
		k.draft.Default = append(k.draft.Default, Line{Why: why + ", " + fmt.Sprintf(format, args...)})
	}
	text := line.Text
	if err := valid("python", "versions", text); err != nil {
		remark("cannot be declared: %v", err)
		return
	}
	listed := slices.Contains(texts(k.draft.Versions), text)
	if before := k.defaults[implementation(text)]; before != "" {
		if before != text {
			remark("says %q", text)
		}
		return
	}
	if !listed && !slices.ContainsFunc(k.Pythons, func(m sync.Managed) bool { return k.answers(text, m) }) {
		remark("says %q, which no Python of uv's here satisfies", text)
		return
	}
	if !listed {
		k.add(text, why)
	}
	k.setDefault(text, why)
}
