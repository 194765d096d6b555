package pip

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"uvshim/shim/decode"
	"uvshim/shim/host"
	"uvshim/shim/say"
	"uvshim/shim/uv"
)

// A uvTable is what a configuration file of uv says of indexes (uv-settings, settings.rs).
type uvTable struct {
	IndexURL      string   `toml:"index-url"`
	ExtraIndexURL []string `toml:"extra-index-url"`
	FindLinks     []string `toml:"find-links"`
	NoIndex       bool     `toml:"no-index"`
	IndexStrategy string   `toml:"index-strategy"`
	TorchBackend  string   `toml:"torch-backend"`
	Index         []struct {
		URL      string `toml:"url"`
		Default  bool   `toml:"default"`
		Explicit bool   `toml:"explicit"`
		Format   string `toml:"format"`
	} `toml:"index"`
}

type uvDocument struct {
	uvTable
	Pip uvTable `toml:"pip"`
}

// projectFiles returns the configuration file of the project that uv would read, uv.toml or the
// [tool.uv] of pyproject.toml: the nearest, or, within a workspace, its root's. Which of two it is,
// is not worth finding out: each is to agree. Without one it is "".
func (j *job) projectFiles() []string {
	if uv.NoConfig(j.Env) || j.Env.Get("UV_CONFIG_FILE") != "" {
		return []string{""}
	}
	dir := j.Dir
	for _, name := range []string{"UV_WORKING_DIR", "UV_PROJECT"} {
		if d := j.Env.Get(name); d != "" && dir != "" {
			dir = j.abs(d)
		}
	}
	var out []string
	for dir != "" {
		for _, name := range []string{"uv.toml", "pyproject.toml"} {
			if file := filepath.Join(dir, name); exists(file) {
				out = append(out, file)
				break
			}
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	if len(out) == 0 {
		return []string{""}
	}
	return out
}

// userFiles returns the configuration files that uv reads besides the project's, the strongest
// first.
func (j *job) userFiles() []string {
	if uv.NoConfig(j.Env) {
		return nil
	}
	if file := j.Env.Get("UV_CONFIG_FILE"); file != "" {
		return []string{j.abs(file)}
	}
	var out []string
	if j.Dirs.Config != "" {
		out = append(out, filepath.Join(j.Dirs.Config, "uv", "uv.toml"))
	}
	if uv.Boolish(j.Env.Get("UV_NO_SYSTEM_CONFIG")) {
		return out
	}
	for _, base := range filepath.SplitList(j.Env.Get("XDG_CONFIG_DIRS")) {
		if file := filepath.Join(base, "uv", "uv.toml"); exists(file) {
			return append(out, file)
		}
	}
	return append(out, filepath.Join(j.Etc, "uv", "uv.toml"))
}

// uvSources returns where uv would look, given the arguments that it will get: the command line,
// its variables, its files, and what the requirements files add.
func (j *job) uvSources(project string) (sources, error) {
	var u sources
	index := func(text, dir, from string) {
		if u.index.place == "" && text != "" {
			u.index = source{place: j.place(text, dir), shown: masked(text), from: from}
		}
	}
	extra := func(text, dir, from string) {
		u.extra = append(u.extra, source{place: j.place(text, dir), shown: masked(text), from: from})
	}
	link := func(text, dir, from string) {
		u.links = append(u.links, source{place: j.place(text, dir), shown: masked(text), from: from})
	}
	none := func(from string) { u.none = source{place: "yes", from: from} }

	line := map[string]bool{}
	for _, g := range j.all {
		if g.from != "" {
			continue
		}
		line[g.name()] = true
		switch g.name() {
		case "index-url":
			index(unnamed(g.value), j.Dir, "the command line")
		case "extra-index-url":
			for _, text := range strings.Fields(g.value) {
				extra(text, j.Dir, "the command line")
			}
		case "find-links":
			for text := range strings.SplitSeq(g.value, ",") {
				link(text, j.Dir, "the command line")
			}
		case "no-index":
			none("the command line")
		}
	}
	index(unnamed(j.Env.Get("UV_DEFAULT_INDEX")), j.Dir, "UV_DEFAULT_INDEX")
	for _, text := range strings.Fields(j.Env.Get("UV_INDEX")) {
		extra(unnamed(text), j.Dir, "UV_INDEX")
	}
	if !line["extra-index-url"] {
		for _, text := range strings.Fields(j.Env.Get("UV_EXTRA_INDEX_URL")) {
			extra(text, j.Dir, "UV_EXTRA_INDEX_URL")
		}
	}
	index(j.Env.Get("UV_INDEX_URL"), j.Dir, "UV_INDEX_URL")
	if !line["find-links"] {
		for text := range strings.SplitSeq(j.Env.Get("UV_FIND_LINKS"), ",") {
			if text != "" {
				link(text, j.Dir, "UV_FIND_LINKS")
			}
		}
	}
	if j.Env.Get("UV_TORCH_BACKEND") != "" {
		extra("the index of "+j.Env.Get("UV_TORCH_BACKEND"), "", "UV_TORCH_BACKEND")
	}
	u.strategy = j.Env.Get("UV_INDEX_STRATEGY") != ""

	files := j.userFiles()
	if project != "" {
		files = append([]string{project}, files...)
	}
	var docs []uvDocument
	for _, file := range files {
		doc, err := readUV(file)
		if err != nil {
			return u, err
		}
		docs = append(docs, doc)
	}
	// [pip] counts before the same keys above it, in whatever file
	for _, part := range []func(uvDocument) uvTable{
		func(d uvDocument) uvTable { return d.Pip },
		func(d uvDocument) uvTable { return d.uvTable },
	} {
		for i, doc := range docs {
			t, from, dir := part(doc), files[i], filepath.Dir(files[i])
			for _, x := range t.Index {
				switch {
				case x.Format == "flat":
					link(x.URL, dir, from)
				case x.Default:
					index(x.URL, dir, from)
				case !x.Explicit:
					extra(x.URL, dir, from)
				}
			}
			for _, text := range t.ExtraIndexURL {
				extra(text, dir, from)
			}
			for _, text := range t.FindLinks {
				link(text, dir, from)
			}
			if t.NoIndex {
				none(from)
			}
			if t.TorchBackend != "" {
				extra("the index of "+t.TorchBackend, "", from)
			}
			u.strategy = u.strategy || t.IndexStrategy != ""
		}
	}
	// an index-url gives way to every [[index]] that is a default
	for _, part := range []func(uvDocument) uvTable{
		func(d uvDocument) uvTable { return d.Pip },
		func(d uvDocument) uvTable { return d.uvTable },
	} {
		for i, doc := range docs {
			index(part(doc).IndexURL, filepath.Dir(files[i]), files[i])
		}
	}
	for _, g := range j.files.options {
		switch dir := g.base(j.Dir); g.name() {
		case "index-url":
			index(g.value, dir, g.from)
		case "extra-index-url":
			extra(g.value, dir, g.from)
		case "find-links":
			link(g.value, dir, g.from)
		case "no-index":
			none(g.from)
		}
	}
	return u, nil
}

// unnamed is an index as uv takes it, NAME=URL, without the name.
func unnamed(text string) string {
	name, rest, ok := strings.Cut(text, "=")
	if ok && !strings.ContainsAny(name, ":/.") {
		return rest
	}
	return text
}

func readUV(file string) (uvDocument, error) {
	var doc uvDocument
	data, err := host.ReadFile(file, maxFile)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) && filepath.Base(file) == "uv.toml" {
		return doc, nil
	}
	if err != nil {
		return doc, fmt.Errorf("%s: %w", say.Quote(file), err)
	}
	if filepath.Base(file) == "pyproject.toml" {
		var project struct {
			Tool struct {
				UV uvDocument `toml:"uv"`
			} `toml:"tool"`
		}
		err = decode.TOML(data, &project)
		doc = project.Tool.UV
	} else {
		err = decode.TOML(data, &doc)
	}
	if err != nil {
		return doc, fmt.Errorf("%s: %w", say.Quote(file), err)
	}
	return doc, nil
}
