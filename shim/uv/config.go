package uv

import (
	"path/filepath"
	"strings"

	"uvshim/shim/decode"
	"uvshim/shim/host"
)

// A Preference is uv's python-preference: which interpreters it takes, and which first.
type Preference string

const (
	OnlyManaged Preference = "only-managed"
	Managed1st  Preference = "managed" // uv's default
	System1st   Preference = "system"
	OnlySystem  Preference = "only-system"
)

// FindPreference returns the preference that uv would work with in the nearest of up, and where it is set: the
// name of a variable, the path of a file, or "" for uv's default. The variables win, then the
// nearest uv.toml or [tool.uv] upwards, the user's uv.toml and the system's
// (uv-settings, FilesystemOptions).
func (d Dirs) FindPreference(env host.Env, up *Upward) (Preference, string) {
	switch {
	case Boolish(env.Get("UV_MANAGED_PYTHON")):
		return OnlyManaged, "UV_MANAGED_PYTHON"
	case Boolish(env.Get("UV_NO_MANAGED_PYTHON")):
		return OnlySystem, "UV_NO_MANAGED_PYTHON"
	}
	if p, ok := preference(env.Get("UV_PYTHON_PREFERENCE")); ok {
		return p, "UV_PYTHON_PREFERENCE"
	}
	for _, file := range d.configFiles(env, up) {
		if p, ok := preference(up.readPreference(file)); ok {
			return p, file
		}
	}
	return Managed1st, ""
}

// NoConfig reports whether the user told uv to leave all configuration files alone, version files
// included.
func NoConfig(env host.Env) bool { return Boolish(env.Get("UV_NO_CONFIG")) }

// configFiles returns the configuration files that count, the strongest first.
func (d Dirs) configFiles(env host.Env, up *Upward) []string {
	if NoConfig(env) {
		return nil
	}
	if file := env.Get("UV_CONFIG_FILE"); file != "" {
		return []string{file}
	}
	var files []string
	for _, dir := range up.dirs {
		if up.hasFile(dir, "uv.toml") {
			files = append(files, join(dir, "uv.toml"))
			break
		}
		if up.hasFile(dir, "pyproject.toml") {
			if doc, err := up.pyproject(dir); err == nil && doc.uv {
				files = append(files, join(dir, "pyproject.toml"))
				break
			}
		}
	}
	if d.Config != "" {
		files = append(files, filepath.Join(d.Config, "uv.toml"))
	}
	if Boolish(env.Get("UV_NO_SYSTEM_CONFIG")) {
		return files
	}
	for _, base := range filepath.SplitList(env.Get("XDG_CONFIG_DIRS")) {
		if file := filepath.Join(base, "uv", "uv.toml"); host.Identify(file) != host.Missing {
			return append(files, file)
		}
	}
	return append(files, "/etc/uv/uv.toml")
}

func (u *Upward) readPreference(file string) string {
	if filepath.Base(file) == "pyproject.toml" {
		doc, _ := u.pyproject(filepath.Dir(file))
		return doc.preference
	}
	data, err := u.facts.File("uv-toml", file, func(path string) ([]byte, error) {
		data, err := host.ReadFile(path, maxConfig)
		if err != nil {
			return nil, err
		}
		var doc struct {
			Preference string `toml:"python-preference"`
		}
		err = decode.TOML(data, &doc)
		return []byte(doc.Preference), err
	})
	if err != nil {
		return "" // uv itself says what is wrong with its file
	}
	return string(data)
}

func preference(text string) (Preference, bool) {
	switch p := Preference(text); p {
	case OnlyManaged, Managed1st, System1st, OnlySystem:
		return p, true
	}
	return "", false
}

// Boolish reports whether uv takes the value of a variable as true (clap's BoolishValueParser).
func Boolish(value string) bool {
	switch strings.ToLower(value) {
	case "y", "yes", "t", "true", "on", "1":
		return true
	}
	return false
}
