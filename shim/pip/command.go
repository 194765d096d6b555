package pip

import (
	"path/filepath"
	"slices"
	"strings"

	"uvshim/shim/host"
	"uvshim/shim/say"
	"uvshim/shim/uv"
)

// A job is a call of one of the six commands while its answer is put together.
type job struct {
	Call
	cmd   command
	all   []given  // what counts: the configuration, and over it the command line
	words []string // packages
	files scanned  // what the requirements files say
	args  []string // uv's options so far
}

// command answers a call of one of the six commands.
func (c Call) command(cmd command, line []given, words []string) Answer {
	settings, err := c.settings(cmd)
	if err != nil {
		return refuse([]string{"pip would not run with it either, and uv reads no configuration of pip's"}, "%v", err)
	}
	settings = slices.DeleteFunc(settings, func(g given) bool { return g.mild })
	j := &job{Call: c, cmd: cmd, all: merge(settings, line), words: words}
	j.all = slices.DeleteFunc(j.all, func(g given) bool { return g.takes <= off && g.on == (g.takes == off) })
	if cmd.wants != "" && len(words) == 0 && !j.any("requirement", "editable", "group") {
		return refuse([]string{"see " + c.Name + " " + cmd.name + " --help"}, "%s %s wants %s", c.Name, cmd.name, cmd.wants)
	}
	for _, g := range j.all {
		if g.does == unable {
			return refuse([]string{g.as}, "uv pip %s has no %s", cmd.name, g.spoken())
		}
	}
	if j.cmd.name == "list" && len(j.values("path")) > 1 {
		return refuse([]string{"uv pip list --target DIRECTORY, once for each"}, "uv pip list takes one --path")
	}
	where, no := j.environment()
	if no != nil {
		return *no
	}
	if j.cmd.network {
		j.files = j.scan(j.values("requirement"), j.values("constraint"))
		if j.files.large != "" {
			return refuse([]string{"uv pip install takes it as it is"}, "%s is too large to see which index and which hashes it asks for", say.Quote(j.files.large))
		}
	}
	for _, check := range []func() *Answer{j.agreed, j.indexes} {
		if no := check(); no != nil {
			return *no
		}
	}
	env := j.translate()
	args := slices.Concat([]string{"pip", cmd.name}, where, j.args)
	if slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, "-") }) {
		args = append(args, "--")
	}
	return Answer{Kind: UV, Args: append(args, words...), Env: env}
}

// spoken is how a message names an option and where it comes from.
func (g given) spoken() string {
	if g.from == "" {
		return "--" + g.name()
	}
	return "--" + g.name() + " (" + say.Word(g.from) + ")"
}

func (j *job) last(name string) (given, bool) {
	for _, g := range slices.Backward(j.all) {
		if g.name() == name {
			return g, true
		}
	}
	return given{}, false
}

func (j *job) any(names ...string) bool {
	return slices.ContainsFunc(j.all, func(g given) bool { return slices.Contains(names, g.name()) })
}

func (j *job) values(name string) []given {
	var out []given
	for _, g := range j.all {
		if g.name() == name {
			out = append(out, g)
		}
	}
	return out
}

// environment returns the options that tell uv where to work. They are always given: what uv would
// choose by itself, UV_PYTHON and UV_SYSTEM_PYTHON change (uv#21191).
func (j *job) environment() ([]string, *Answer) {
	if g, ok := j.last("python"); ok {
		path := j.abs(g.value)
		if !exists(path) {
			no := refuse([]string{"a version goes to uv itself: uv pip " + j.cmd.name + " --python " + say.ShellWord(g.value)},
				"there is no Python at %s, which %s names", say.Quote(g.value), g.spoken())
			return nil, &no
		}
		return []string{"--python", path}, nil
	}
	if j.any("target", "prefix") && !j.any("require-virtualenv") && j.Environment == "" {
		return nil, nil
	}
	if j.Environment == "" {
		no := j.nowhere()
		return nil, &no
	}
	return []string{"--python", j.Environment}, nil
}

// translate appends uv's words for what is given, and returns the environment for uv.
func (j *job) translate() host.Env {
	env := j.Env
	for _, g := range j.all {
		switch {
		case g.does == pass && g.valued():
			j.option(g.as, g.value)
		case g.does == pass:
			for word := range strings.FieldsSeq(g.as) {
				j.args = append(j.args, word)
			}
		case g.does == own:
			env = j.own(g, env)
		}
	}
	if j.cmd.name == "freeze" && !j.any("all") {
		j.args = append(j.args, "--exclude", "pip")
	}
	if j.cmd.name == "install" {
		j.upgrade()
		// pip asks for hashes of all as soon as one requirement of a file has one
		if j.any("require-hashes") || j.files.hashes {
			j.args = append(j.args, "--require-hashes")
		}
	}
	return env
}

// option appends an option with a value.
func (j *job) option(name, value string) {
	switch {
	case !strings.HasPrefix(value, "-"):
		j.args = append(j.args, name, value)
	case strings.HasPrefix(name, "--"):
		j.args = append(j.args, name+"="+value)
	default:
		j.args = append(j.args, name+value)
	}
}

// own handles the options whose meaning takes more than another name.
func (j *job) own(g given, env host.Env) host.Env {
	path := tilde(g.value, j.Dirs.Home)
	switch g.name() {
	case "verbose":
		j.args = append(j.args, "-v")
	case "quiet":
		// what was asked for is printed all the same
		if j.cmd.name == "install" || j.cmd.name == "uninstall" {
			j.args = append(j.args, "-q")
		}
	case "keyring-provider":
		// uv asks no other, and only where it may need the network
		if (g.value == "subprocess" || g.value == "disabled") && slices.Contains([]string{"install", "uninstall", "list"}, j.cmd.name) {
			j.option("--keyring-provider", g.value)
		}
	case "proxy":
		for _, name := range proxies() {
			env = env.With(name, g.value)
		}
	case "cert":
		j.option("--cert", path)
	case "client-cert":
		env = env.With("SSL_CLIENT_CERT", path)
	case "requirement":
		j.option("-r", g.value)
	case "constraint":
		j.option("-c", g.value)
	case "build-constraint":
		j.option("--build-constraints", g.value)
	case "uploaded-prior-to":
		j.option("--exclude-newer", g.value)
	case "target", "prefix":
		j.option("--"+g.name(), path)
	case "path":
		j.option("--target", path)
	case "no-binary", "only-binary":
		j.option("--"+g.name(), g.value)
	case "index-url":
		if g.from == "" {
			j.option("--default-index", g.value)
		}
	case "extra-index-url":
		if g.from == "" {
			j.option("--extra-index-url", g.value)
		}
	case "find-links":
		if g.from == "" {
			j.option("--find-links", path)
		}
	case "no-index":
		if g.from == "" {
			j.args = append(j.args, "--no-index")
		}
	}
	return env
}

// proxies are the variables that uv takes a proxy from.
func proxies() []string {
	return []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"}
}

// upgrade says what is to be upgraded: pip upgrades what is named, and the rest where it must; uv's
// --upgrade means all of it, which is pip's strategy "eager".
func (j *job) upgrade() {
	if !j.any("upgrade") {
		return
	}
	if g, ok := j.last("upgrade-strategy"); ok && g.value == "eager" || j.files.unread {
		j.args = append(j.args, "--upgrade")
		return
	}
	for _, word := range slices.Concat(j.words, j.files.words) {
		if name := packageName(word); name != "" {
			j.args = append(j.args, "--upgrade-package", name)
		}
	}
}

// packageName returns the name that a requirement begins with, "" for a path or a URL.
func packageName(word string) string {
	end := strings.IndexFunc(word, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r))
	})
	if end < 0 {
		end = len(word)
	}
	name := word[:end]
	rest := strings.TrimLeft(word[end:], " \t")
	if name == "" || strings.Trim(name, "-_.") != name || rest != "" && !strings.ContainsRune("[<>=!~;@(", rune(rest[0])) {
		return ""
	}
	switch filepath.Ext(name) {
	case ".whl", ".zip", ".gz", ".tgz", ".bz2", ".xz":
		return ""
	}
	return name
}

// agreed refuses what a configuration of pip asks for and uv would not do: uv's own variable has to
// say it as well, or the command line.
func (j *job) agreed() *Answer {
	for _, g := range j.all {
		if g.from == "" {
			if g.name() == "uploaded-prior-to" {
				no := refuse([]string{"uv pip " + j.cmd.name + " --exclude-newer, for which a day ends where pip's begins"}, "uv pip %s has no %s", j.cmd.name, g.spoken())
				return &no
			}
			continue
		}
		name, same := "", false
		switch g.name() {
		case "constraint":
			name, same = "UV_CONSTRAINT", j.constrained("constraint", "UV_CONSTRAINT", g.value)
		case "build-constraint":
			name, same = "UV_BUILD_CONSTRAINT", j.constrained("build-constraint", "UV_BUILD_CONSTRAINT", g.value)
		case "require-hashes":
			name, same = "UV_REQUIRE_HASHES", uv.Boolish(j.Env.Get("UV_REQUIRE_HASHES"))
			g.value = "1"
		case "uploaded-prior-to":
			name, same = "UV_EXCLUDE_NEWER", j.Env.Get("UV_EXCLUDE_NEWER") == g.value
		case "proxy":
			name = "HTTPS_PROXY"
			for _, v := range proxies() {
				same = same || sameProxy(j.Env.Get(v), g.value)
			}
		default:
			continue
		}
		if !same {
			no := refuse(
				[]string{"to have uv do it as well: export " + name + "=" + j.suggest(g), unread},
				"%s sets %s to %s, and uv does not go by it", say.Word(g.from), g.name(), say.Quote(masked(g.value)))
			return &no
		}
	}
	// what the variable says already is not to be said twice
	j.all = slices.DeleteFunc(j.all, func(g given) bool {
		return g.from != "" && slices.Contains([]string{"constraint", "build-constraint", "require-hashes", "uploaded-prior-to", "proxy"}, g.name())
	})
	return nil
}

const unread = "uv reads neither PIP_ variables nor pip.conf"

// constrained reports whether uv would take the constraints file as well: from its variable, which
// counts only while the command line names none.
func (j *job) constrained(name, variable, file string) bool {
	same := func(other string) bool { return j.place(other, j.Dir) == j.place(file, j.Dir) }
	for _, g := range j.all {
		if g.name() == name && g.from == "" {
			return slices.ContainsFunc(j.all, func(o given) bool { return o.name() == name && o.from == "" && same(o.value) })
		}
	}
	return slices.ContainsFunc(strings.Fields(j.Env.Get(variable)), same)
}

func sameProxy(a, b string) bool {
	bare := func(text string) string { return strings.TrimSuffix(strings.TrimPrefix(text, "http://"), "/") }
	return bare(a) == bare(b)
}
