package uv

import (
	"path/filepath"
	"strings"

	"uvshim/shim/decode"
	"uvshim/shim/host"
)

// Settings are what uv's configuration files say about where it works. A field is empty where none
// of them says anything.
type Settings struct {
	CacheDir string // verbatim
	NoCache  bool
	Preview  bool   // features are on that put environments elsewhere
	Python   string // the section pip: the interpreter to install into
	System   bool   // the section pip: not into environments
	Target   string // the section pip: target or prefix
	Resolver bool   // something is said about indexes, versions or builds
}

// FindSettings returns what the configuration files say that count for the nearest of up, the
// strongest first for each field. With userOnly they are the user's and the system's alone, as for
// tools.
func (d Dirs) FindSettings(env host.Env, up *Upward, userOnly bool) Settings {
	var all Settings
	if userOnly {
		up = &Upward{facts: up.facts}
	}
	for _, file := range d.configFiles(env, up) {
		data, err := up.facts.File("uv-settings", file, parseSettings)
		if err != nil {
			continue // uv itself says what is wrong with its file
		}
		s := unpackSettings(string(data))
		all.CacheDir = first(all.CacheDir, s.CacheDir)
		all.Python = first(all.Python, s.Python)
		all.Target = first(all.Target, s.Target)
		all.NoCache = all.NoCache || s.NoCache
		all.Preview = all.Preview || s.Preview
		all.System = all.System || s.System
		all.Resolver = all.Resolver || s.Resolver
	}
	return all
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// noResolver are the keys of uv.toml that have no say in what is installed. Any other may: a version
// of uv knows more of them than this one does.
const noResolver = ` required-version system-certs native-tls offline no-cache cache-dir preview 
 preview-features python-preference python-downloads concurrent-downloads concurrent-builds 
 concurrent-installs allow-insecure-host http-proxy https-proxy no-proxy python-install-mirror 
 pypy-install-mirror python-downloads-json-url pip cache-keys publish-url trusted-publishing check-url `

func parseSettings(path string) ([]byte, error) {
	data, err := host.ReadFile(path, maxConfig)
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	if err := decode.TOML(data, &doc); err != nil {
		return nil, err
	}
	if filepath.Base(path) == "pyproject.toml" {
		tool, _ := doc["tool"].(map[string]any)
		doc, _ = tool["uv"].(map[string]any)
	}
	var b []byte
	field := func(name, value string) {
		b = append(append(b, name+"="+strings.ReplaceAll(value, "\x00", "")...), 0)
	}
	text := func(table map[string]any, key, name string) {
		if value, ok := table[key].(string); ok && value != "" {
			field(name, value)
		}
	}
	truth := func(table map[string]any, key, name string) {
		if value, _ := table[key].(bool); value {
			field(name, "")
		}
	}
	text(doc, "cache-dir", "cache-dir")
	truth(doc, "no-cache", "no-cache")
	truth(doc, "preview", "preview")
	if features, ok := doc["preview-features"]; ok && features != false {
		field("preview", "")
	}
	pip, _ := doc["pip"].(map[string]any)
	text(pip, "python", "python")
	truth(pip, "system", "system")
	text(pip, "target", "target")
	text(pip, "prefix", "target")
	for key := range doc {
		if !strings.Contains(noResolver, " "+key+" ") {
			field("resolver", "")
			break
		}
	}
	return b, nil
}

func unpackSettings(text string) (s Settings) {
	for _, field := range strings.Split(text, "\x00") {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "cache-dir":
			s.CacheDir = value
		case "no-cache":
			s.NoCache = true
		case "preview":
			s.Preview = true
		case "python":
			s.Python = value
		case "system":
			s.System = true
		case "target":
			s.Target = value
		case "resolver":
			s.Resolver = true
		}
	}
	return s
}
