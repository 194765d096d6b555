package pip

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"uvshim/shim/say"
)

// pypi is where pip and uv look when nobody says otherwise.
const pypi = "https://pypi.org/simple"

// A source is one place that packages come from.
type source struct {
	place string // normalized, to compare
	shown string // as it was given, without credentials
	from  string // what says so
	given given  // of pip's
}

// sources are the places that a program takes packages from.
type sources struct {
	index    source   // the default index; an empty place: nothing says
	extra    []source // further indexes
	links    []source // find-links
	none     source   // of --no-index, place "yes"
	strategy bool     // of uv: the order of the indexes is chosen
}

// indexes refuses a call whose packages uv would take from other places than pip. Where neither
// pip's configuration nor the command line nor a requirements file names a place, uv's own
// configuration stands as it is.
func (j *job) indexes() *Answer {
	if !j.cmd.network && !j.any("outdated") {
		return nil
	}
	p := j.pipSources()
	named := p.index.place != "" || len(p.extra) > 0 || len(p.links) > 0 || p.none.place != ""
	if !named {
		return nil
	}
	for _, project := range j.projectFiles() {
		u, err := j.uvSources(project)
		if err != nil {
			no := refuse([]string{"uv pip " + j.cmd.name + " does as uv says, and leaves pip's configuration out"}, "cannot tell which index uv would take: %v", err)
			return &no
		}
		if no := j.compare(p, u); no != nil {
			return no
		}
		// pip takes the best version from all indexes, uv from the first that has any
		if len(p.extra) > 0 && !u.strategy && !slices.Contains(j.args, "--index-strategy") {
			j.args = append(j.args, "--index-strategy", "unsafe-best-match")
		}
	}
	return nil
}

// compare refuses the first difference.
func (j *job) compare(p, u sources) *Answer {
	lacking := func(s source, variable string) *Answer {
		hints := []string{"to have uv do it as well: export " + variable + "=" + j.suggest(s.given)}
		if strings.Contains(s.given.value, "@") && s.given.from != "" && !strings.HasPrefix(s.given.from, "PIP_") {
			hints = append(hints, "*** stands for the name and password there")
		}
		if s.given.name() == "no-index" {
			hints = []string{"on the command line: --no-index; or no-index = true below [pip] in uv.toml"}
		} else if slices.ContainsFunc(j.values(s.given.name()), func(g given) bool { return g.from == "" }) {
			hints = append(hints, "with --"+s.given.name()+" on the command line uv leaves "+variable+" out: name all of them there")
		}
		if s.given.name() == "extra-index-url" {
			hints = append(hints, "of several indexes uv takes the first that has a package, pip the best version of all: export UV_INDEX_STRATEGY=unsafe-best-match has uv do as pip")
		}
		no := refuse(append(hints, unread), "%s sets %s to %s, and uv does not go by it", say.Word(s.from), s.given.name(), say.Quote(s.shown))
		return &no
	}
	more := func(s source) *Answer {
		no := refuse([]string{"take it out for this call, or say it to pip as well; uv pip " + j.cmd.name + " does as uv says"},
			"uv would take packages from %s, which %s names, and pip would not", say.Quote(s.shown), say.Word(s.from))
		return &no
	}
	if p.none.place != "" && u.none.place == "" {
		return lacking(p.none, "")
	}
	if u.none.place == "" {
		if p.index.place != "" && u.index.place != p.index.place && (u.index.place != "" || p.index.place != j.place(pypi, "")) {
			if u.index.place != "" && p.index.given.from == "" {
				return more(u.index)
			}
			return lacking(p.index, "UV_DEFAULT_INDEX")
		}
		if s, ok := absent(p.extra, u.extra); ok {
			return lacking(s, "UV_EXTRA_INDEX_URL")
		}
		if p.index.place != "" || len(p.extra) > 0 {
			// the same index twice is no other index
			main := p.index
			if main.place == "" {
				main.place = pypi
			}
			if s, ok := absent(u.extra, append(slices.Clip(p.extra), main)); ok {
				return more(s)
			}
		}
	}
	if s, ok := absent(p.links, u.links); ok {
		return lacking(s, "UV_FIND_LINKS")
	}
	if s, ok := absent(u.links, p.links); ok {
		return more(s)
	}
	return nil
}

// absent returns the first source of a that is not in b.
func absent(a, b []source) (source, bool) {
	for _, s := range a {
		if !slices.ContainsFunc(b, func(o source) bool { return o.place == s.place }) {
			return s, true
		}
	}
	return source{}, false
}

// pipSources returns where pip would look: what its configuration and the command line say, then
// the requirements files, whose index is the last word.
func (j *job) pipSources() sources {
	var p sources
	for _, g := range slices.Concat(j.all, j.files.options) {
		from := g.from
		if from == "" {
			from = "the command line"
		}
		s := source{place: j.place(g.value, g.base(j.Dir)), shown: masked(g.value), from: from, given: g}
		switch g.name() {
		case "index-url":
			p.index = s
		case "extra-index-url":
			p.extra = append(p.extra, s)
		case "find-links":
			p.links = append(p.links, s)
		case "no-index":
			s.place, s.shown = "yes", "true"
			p.none = s
		}
	}
	return p
}

// base is the directory that a path in a requirements file is relative to.
func (g given) base(dir string) string {
	if g.file != "" {
		return filepath.Dir(g.file)
	}
	return dir
}

// place brings a URL or path into the form in which two of the same place are equal, without
// credentials: the same index is the same whoever asks.
func (j *job) place(text, dir string) string {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "://") && !strings.HasPrefix(text, "file:") {
		path := tilde(text, j.Dirs.Home)
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		return "file://" + filepath.Clean(path)
	}
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	if u.Scheme == "file" {
		return "file://" + filepath.Clean(u.Path)
	}
	u.User = nil
	u.Fragment = ""
	host := strings.ToLower(u.Hostname())
	if port := u.Port(); port != "" && !(u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80") {
		host += ":" + port
	}
	u.Host = host
	return strings.TrimRight(u.String(), "/")
}

// masked is a URL without its credentials.
func masked(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return text
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	// a password may hold what ends an authority; rather too much is hidden than too little
	at := strings.LastIndexByte(authority, '@')
	if at < 0 && strings.Contains(authority, ":") {
		at = strings.LastIndexByte(rest, '@')
	}
	if at < 0 {
		return text
	}
	return scheme + "://***" + rest[at:]
}

// suggest is the value of a variable of uv's that says what g says, to paste into a shell: by the
// name of pip's variable, so that no password is printed, or quoted.
func (j *job) suggest(g given) string {
	values := []string{masked(g.value)}
	if g.takes == list {
		values = nil
		for _, o := range j.values(g.name()) {
			if o.from == g.from {
				values = append(values, masked(o.value))
			}
		}
	}
	if strings.HasPrefix(g.from, "PIP_") && g.valued() && len(values) == 1 {
		return `"$` + g.from + `"`
	}
	if len(values) == 0 { // of a requirements file
		values = []string{masked(g.value)}
	}
	between := " "
	if g.name() == "find-links" {
		between = ","
	}
	return say.ShellWord(strings.Join(values, between))
}
