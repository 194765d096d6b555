package doctor

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"uvshim/shim/host"
	"uvshim/shim/link"
	"uvshim/shim/say"
)

// asking bounds how long another program may take to answer.
const asking = 2 * time.Second

// ask runs a program with nothing to read and returns what it printed. It is in a session of its
// own, which ends with it: a start file may leave something running that keeps the pipe.
func ask(env host.Env, argv ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), asking)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = env
	if home := env.Get("HOME"); filepath.IsAbs(home) && exists(home) {
		cmd.Dir = home // where a login begins: a start file is not to find what a project has
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 100 * time.Millisecond
	var out head
	cmd.Stdout = &out
	err := cmd.Run()
	if ctx.Err() != nil {
		err = errors.New("no answer within " + asking.String())
	}
	return string(out), err
}

// A head keeps the first 256 KiB that are written to it.
type head []byte

func (h *head) Write(p []byte) (int, error) {
	const limit = 256 << 10
	*h = append(*h, p[:max(0, min(len(p), limit-len(*h)))]...)
	return len(p), nil
}

// A login is what a login shell answered.
type login struct {
	shell string
	path  string
	err   error  // it did not answer
	why   string // it was not asked
}

// login asks the user's shell for the PATH that it has after a login.
func (m *Machine) login() login {
	return m.once.login.get(func() login {
		shell := m.Host.Env.Get("SHELL")
		switch filepath.Base(shell) {
		case "bash", "zsh", "fish", "sh", "dash", "ksh", "ash", "mksh":
		case ".":
			return login{why: "SHELL is not set"}
		default:
			return login{why: "how to ask " + shell + " is not known"}
		}
		if !filepath.IsAbs(shell) || !runnable(shell) {
			return login{why: "there is no shell " + shell}
		}
		// start files may print what they like
		const mark = "shim-path="
		out, err := ask(m.loginEnv(), shell, "-lc", `printf '\n`+mark+`%s\n' "$PATH"`)
		answer := login{shell: shell, err: err}
		for line := range strings.Lines(out) {
			if path, ok := strings.CutPrefix(line, mark); ok {
				answer.path, answer.err = strings.TrimSuffix(path, "\n"), nil
			}
		}
		if answer.path == "" && answer.err == nil {
			answer.err = errors.New("its answer makes no sense")
		}
		return answer
	})
}

// loginEnv is what a login shell is started with: who the user is, and nothing of what this shell
// has activated or what tells a start file that it has run already.
func (m *Machine) loginEnv() host.Env {
	env := host.Env{"PATH=/run/wrappers/bin:/run/current-system/sw/bin:/usr/local/bin:/usr/bin:/bin"}
	for _, name := range []string{"HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "TMPDIR", "ZDOTDIR",
		"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"} {
		if value, ok := m.Host.Env.Lookup(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// loginPath looks whether the shims answer after the next login.
func loginPath(m *Machine) []Finding {
	if m.Dirs.Data == "" {
		return skip("no place for the shims is known")
	}
	l := m.login()
	switch {
	case l.why != "":
		return skip("%s", l.why)
	case l.err != nil:
		return one(Warning, say.ShellWord(l.shell)+" -lc true   # see what it waits for", []string{"SHELL=" + l.shell}, "a login shell was asked for its PATH: %v", l.err)
	}
	if !exists(link.Dir(m.Dirs.Data)) {
		return skip("there are no shims")
	}
	name := filepath.Base(l.shell)
	before, on := m.before(l.path, m.loginEnv()) // what this shell activated, a login has not
	switch {
	case !on:
		return one(Error, m.lasting(name), []string{"PATH=" + l.path}, "%s is not on PATH of a login %s", m.tilde(link.Dir(m.Dirs.Data)), name)
	case len(before) > 0:
		return one(Warning, m.lasting(name), before, "in a login %s %s", name, elsewhere(before))
	}
	return ok("the shims stand first on PATH of a login %s", name)
}

// lasting is what puts the shims first in every shell from now on: install.sh once more, the
// configuration of Nix that has the start files, or else a line for the file that a login shell reads last.
func (m *Machine) lasting(shell string) string {
	if again := m.again(); again != "" {
		return again
	}
	file, line := m.startFile(shell)
	if target, _ := os.Readlink(file); strings.HasPrefix(target, "/nix/store/") || strings.HasPrefix(real(file), "/nix/store/") {
		return inFile("home.nix, then home-manager switch", "home.sessionPath = [ \""+m.homeVariable(link.Dir(m.Dirs.Data))+`" ];`)
	}
	fix := "echo " + say.ShellWord(line) + " >> " + m.word(file)
	if dir := filepath.Dir(file); !exists(dir) {
		fix = "mkdir -p " + m.word(dir) + " && " + fix
	}
	return fix
}

// startFile returns the start file that a login shell reads last, and the line for it. That does nothing
// where shim is not there any more.
func (m *Machine) startFile(shell string) (file, line string) {
	env := m.homeVariable(filepath.Join(m.Dirs.Data, "shim", "env"))
	line = `[ ! -r "` + env + `.sh" ] || . "` + env + `.sh"`
	file = filepath.Join(m.Dirs.Home, ".profile")
	switch shell {
	case "fish":
		return filepath.Join(m.Dirs.Config, "fish", "config.fish"), `test ! -r "` + env + `.fish"; or source "` + env + `.fish"`
	case "zsh":
		dir := m.Host.Env.Get("ZDOTDIR")
		if dir == "" {
			dir = m.Dirs.Home
		}
		file = filepath.Join(dir, ".zprofile")
	case "bash":
		for _, name := range []string{".bash_profile", ".bash_login"} {
			if exists(filepath.Join(m.Dirs.Home, name)) {
				return filepath.Join(m.Dirs.Home, name), line
			}
		}
	}
	return file, line
}

// homeVariable returns a path with $HOME for the home directory.
func (m *Machine) homeVariable(path string) string {
	if rest, ok := strings.CutPrefix(path, m.Dirs.Home+"/"); ok && m.Dirs.Home != "" {
		return "$HOME/" + rest
	}
	return path
}
