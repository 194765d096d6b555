package doctor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
	"uvshim/shim/link"
	"uvshim/shim/nixld"
)

// A source is an environment that something else than a shell starts programs with.
type source struct {
	name  string // the file, or the command that told it
	env   host.Env
	whole bool // what is not in env is not set, either; of a file it may be in another
}

// services returns where services and graphical sessions get their environment from, as far as it
// is there: systemd's user manager, environment.d(5), and pam_env's file on NixOS.
func (m *Machine) services() []source {
	return m.once.services.get(func() []source {
		var found []source
		const system = "/etc/environment.d"
		entries, _ := m.System.ReadDir(system)
		for _, e := range entries {
			if file := filepath.Join(system, e.Name()); strings.HasSuffix(file, ".conf") {
				found = append(found, source{file, m.assignments(m.read(file)), false})
			}
		}
		var files []string
		if m.Dirs.Config != "" {
			files, _ = filepath.Glob(filepath.Join(m.Dirs.Config, "environment.d", "*.conf"))
		}
		for _, file := range files {
			if data, err := host.ReadFile(file, 1<<20); err == nil {
				found = append(found, source{file, m.assignments(string(data)), false})
			}
		}
		if data := m.read("/etc/pam/environment"); data != "" {
			found = append(found, source{"/etc/pam/environment", m.pamDefaults(data), false})
		}
		if systemctl, ok := m.Finder.Program("systemctl"); ok && m.Host.Env.Get("XDG_RUNTIME_DIR") != "" {
			if out, err := ask(m.Host.Env, systemctl, "--user", "show-environment"); err == nil {
				found = append(found, source{"systemctl --user show-environment", strings.Split(strings.TrimSpace(out), "\n"), true})
			}
		}
		return found
	})
}

// assignments reads lines of NAME=value.
func (m *Machine) assignments(text string) host.Env {
	var env host.Env
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && !strings.HasPrefix(name, "#") {
			env = append(env, name+"="+os.Expand(strings.Trim(value, `"'`), m.Host.Env.Get))
		}
	}
	return env
}

// pamDefaults reads lines of NAME DEFAULT="value" (pam_env.conf(5)).
func (m *Machine) pamDefaults(text string) host.Env {
	var env host.Env
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		value, ok := strings.CutPrefix(strings.TrimSpace(rest), "DEFAULT=")
		if ok {
			value = strings.NewReplacer("@{", "${", "$${", "${").Replace(strings.Trim(value, `"`))
			env = append(env, name+"="+os.Expand(value, m.Host.Env.Get))
		}
	}
	return env
}

// agree says how a source and this shell come to take the same. What a shell has besides the system's
// own list is for services as well; what stands in its place goes.
func (m *Machine) agree(s source, theirs, shell nixld.Setting) string {
	own := shell.Value == nixld.DefaultLoader || slices.Contains(elfdeps.SplitPath(shell.Value), nixld.DefaultLibraryPath)
	switch {
	case !own:
		return "unset " + shell.Name
	case s.whole && shell.Default:
		return "systemctl --user unset-environment " + theirs.Name
	case s.whole:
		return "systemctl --user import-environment " + shell.Name
	case m.Dirs.Config != "" && strings.HasPrefix(s.name, m.Dirs.Config+"/"):
		return "sed -i '/^" + theirs.Name + "=/d' " + m.word(s.name)
	}
	return nixos("# take " + theirs.Name + " out of environment.sessionVariables (" + s.name + ")")
}

// services holds what services are told about nix-ld against what this shell is told. nix-ld has
// defaults, so that what nobody sets agrees with what is set to them.
func services(m *Machine) []Finding {
	var found []Finding
	state, sources := m.state(), m.services()
	if state.Loader.Kind == nixld.NixLD {
		var differ, fixes []string
		shell := state.Settings
		for _, s := range sources {
			theirs := nixld.Environment(s.env, state.Loader)
			for _, pair := range [][2]nixld.Setting{{theirs.Loader, shell.Loader}, {theirs.Library, shell.Library}} {
				if (s.whole || !pair[0].Default) && pair[0].Value != pair[1].Value {
					differ = append(differ, s.name+": "+pair[0].Name+"="+pair[0].Value, "this shell: "+pair[1].Name+"="+pair[1].Value)
					if fix := m.agree(s, pair[0], pair[1]); !slices.Contains(fixes, fix) {
						fixes = append(fixes, fix)
					}
				}
			}
		}
		if len(differ) > 0 && !m.inNixShell() {
			found = one(Warning, strings.Join(fixes, "\n"), differ, "services find other libraries than this shell")
		}
	}
	dir := link.Dir(m.Dirs.Data)
	for _, s := range sources {
		path, ok := s.env.Lookup("PATH")
		if ok && s.whole && !slices.ContainsFunc(filepath.SplitList(path), isShimDir) {
			found = append(found, one(Info, "", []string{s.name + ": PATH=" + path},
				"services of this user do not have %s on PATH: a python there is uv's own, or none", m.tilde(dir))...)
		}
	}
	switch {
	case found != nil:
		return found
	case len(sources) == 0:
		return skip("nothing tells what services are started with")
	case state.Loader.Kind != nixld.NixLD:
		return ok("services have no part in this: there is no nix-ld here")
	}
	return ok("services and graphical sessions find the same libraries as this shell")
}
