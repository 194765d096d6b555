package shim

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"uvshim/policy"
	"uvshim/shim/host"
	"uvshim/shim/intercept"
	"uvshim/shim/launch"
	"uvshim/shim/resolve"
	"uvshim/shim/say"
	"uvshim/shim/uv"
)

// question is what the call asks of resolve.
func (p *program) question(declared policy.Policy) resolve.Question {
	return resolve.Question{
		Name:       p.call.Name,
		Constraint: p.call.Constraint,
		Explicit:   p.call.Explicit,
		Host:       p.host,
		UV:         p.uv,
		Up:         p.up,
		Facts:      p.facts,
		Finder:     p.finder,
		Default:    declared.Python.Default,
		InProject:  declared.Python.Environment == policy.Project,
	}
}

// resolve finds the Python that answers the call. While uv is at work on its interpreters one may
// be missing for a moment, so a miss is looked at again when uv has finished; and where the policy
// says so, what is missing is installed.
func (p *program) resolve(declared policy.Policy) (resolve.Target, error) {
	q := p.question(declared)
	target, err := resolve.Python(q)
	if err != nil && !p.call.Probe && p.uv.Busy() {
		p.uv.Wait(uvBusy)
		target, err = resolve.Python(q)
	}
	p.trail(target)
	if err == nil {
		return target, nil
	}
	if p.call.Probe {
		return resolve.Any(q)
	}
	var missing *resolve.NotInstalled
	if !declared.Python.AutoInstall || !errors.As(err, &missing) || missing.Foreign || len(missing.Broken) > 0 {
		return target, err
	}
	if line, undeclared := declared.UndeclaredPython(missing.Request); undeclared && p.denied(declared, "python", missing.Request, line) {
		return target, err
	}
	if p.install(missing.Request) {
		return resolve.Python(q)
	}
	return target, err
}

// install has uv install what satisfies the request, with uv's own progress on the terminal. Its
// output goes to standard error: standard output is that of the Python which then runs.
func (p *program) install(request string) bool {
	path, ok := p.findUV("uv")
	if !ok {
		return false
	}
	args := []string{"python", "install"}
	if request != "" {
		args = append(args, request)
	}
	p.debug("run %s %s", say.Quote(path), say.Word(strings.Join(args, " ")))
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env = p.away(launch.ForUV(p.host.Env, p.finder.Dirs()))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		p.say.Warning("uv %s: %v", strings.Join(args, " "), err)
		return false
	}
	return true
}

// away returns where to run uv, and with what environment, for an install that the user did not type:
// not in the working directory, whose uv.toml could name another source for Pythons. Relative paths
// in the variables keep their meaning.
func (p *program) away(env host.Env) (string, host.Env) {
	dir := "/"
	if info, err := os.Stat(p.dirs.Home); err == nil && info.IsDir() {
		dir = p.dirs.Home
	}
	for _, name := range [...]string{"UV_PYTHON_INSTALL_DIR", "UV_PYTHON_BIN_DIR", "UV_PYTHON_CACHE_DIR", "UV_CACHE_DIR", "UV_CONFIG_FILE"} {
		if value := env.Get(name); value != "" && !filepath.IsAbs(value) && p.host.Dir != "" {
			env = env.With(name, filepath.Join(p.host.Dir, value))
		}
	}
	return dir, env
}

// notInstalled says that no Python answers, and what would help.
func (p *program) notInstalled(err error, declared policy.Policy) int {
	var missing *resolve.NotInstalled
	if !errors.As(err, &missing) {
		p.say.Error("%v", err)
		return exitNotFound
	}
	if missing.Step.Source == resolve.PolicyDefault && missing.Step.File == "" {
		missing.Step.File, missing.Step.Line = p.defaultPos()
	}
	p.say.Error("%s", say.Word(err.Error()))
	if missing.Program {
		return exitNotFound
	}
	p.sayHome()
	argv := []string{"uv", "python", "install"}
	switch _, uv := p.findUV("uv"); {
	case !uv:
		p.say.Hint("uv, which installs Pythons, is not there either: %s", p.uvAdvice())
	case len(missing.Broken) > 0:
		p.sayReinstall(missing.Broken[0])
	case missing.Request == "":
		p.say.Hint("to install it: %s", commandLine(argv))
	default:
		p.say.Hint("to install it: %s", commandLine(append(argv, missing.Request)))
		if _, undeclared := declared.UndeclaredPython(missing.Request); undeclared && declared.Python.Prune {
			p.say.Hint("and to have it kept, as shim sync removes what the policy does not list (prune = true): %s", commandLine([]string{"shim", "declare", "python", missing.Request}))
		}
	}
	if len(missing.Have) > 0 {
		p.say.Hint("to take another once: %s", "python +"+strings.Join(missing.Have, ", python +"))
	}
	return exitNotFound
}

// sayReinstall tells how an interpreter of uv's that cannot be run is made anew.
func (p *program) sayReinstall(m uv.Managed) {
	p.say.Hint("to install it again: %s", commandLine([]string{"uv", "python", "install", "--reinstall", m.Exact()}))
}

// bypass runs the next real program of the name, at once. If there is none for a Python, it is the
// newest managed one.
func (p *program) bypass() int {
	path, ok := p.finder.Program(p.call.Name)
	switch {
	case ok:
	case p.call.Tool == intercept.Python:
		declared := policy.Default()
		target, err := resolve.Managed(p.question(declared))
		if err != nil {
			return p.notInstalled(err, declared)
		}
		path = target.Path
	case p.call.Tool == intercept.Pip:
		return p.noPip()
	default:
		if path, ok = p.findUV(p.call.Name); !ok {
			return p.noUV()
		}
	}
	return p.exec(launch.Plan{Path: path, Args: p.call.Args, Env: p.host.Env}, true)
}

// findUV returns the real uv or uvx: the first on PATH, else the one that install.sh put into our
// data directory.
func (p *program) findUV(name string) (string, bool) {
	if path, ok := p.finder.Program(name); ok {
		return path, true
	}
	if p.dirs.Data == "" {
		return "", false
	}
	path := filepath.Join(p.dirs.Data, "shim", "uv", "bin", name)
	return path, p.finder.Runnable(path)
}

func (p *program) noUV() int {
	name := p.call.Name
	if p.call.Tool == intercept.Pip {
		name = "uv, which is to stand in for pip,"
	}
	p.say.Error("%s is not installed: there is none on PATH besides this shim", name)
	if _, ok := p.findUV("uv"); ok && p.call.Tool == intercept.UVX {
		p.say.Hint("uv is there, and uvx is short for: uv tool run")
		return exitNotFound
	}
	p.say.Hint("%s", p.uvAdvice())
	return exitNotFound
}

// uvAdvice tells how to get uv here.
func (p *program) uvAdvice() string {
	if onNixOS() {
		return "in configuration.nix: environment.systemPackages = with pkgs; [ uv ];"
	}
	if again := p.again(); again != "" {
		return again + ", or install uv as its documentation says"
	}
	return "run shim's install.sh again, or install uv as its documentation says"
}
