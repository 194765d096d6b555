package sync

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"uvshim/policy/version"
	"uvshim/shim/host"
	"uvshim/shim/lock"
)

// A call is one call of uv.
type call struct {
	args    []string
	extra   []string  // variables
	said    io.Writer // what uv prints; nil is our own standard error
	attempt bool      // a failure is not the end of it
}

// run has the real uv do it, and records the call if it changed something or failed.
func (r *Runner) run(c call) error {
	before := r.state()
	cmd := exec.Command(r.Program, c.args...)
	cmd.Dir, cmd.Env = r.workDir(), slices.Concat(r.environ(), c.extra)
	// an *os.File is handed down as it is, so that uv sees the terminal
	if cmd.Stdout, cmd.Stderr = c.said, c.said; c.said == nil {
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	}
	err := cmd.Run()
	if cmd.ProcessState == nil {
		return err // it did not start
	}
	changed := r.state() != before
	r.Changed = r.Changed || changed
	if changed || err != nil && !c.attempt {
		argv := append([]string{"uv"}, c.args...)
		r.note(lock.Record{Change: &lock.Change{Directory: cmd.Dir, Argv: argv, Exit: exitOf(cmd.ProcessState)}})
	}
	return err
}

// exitOf returns the exit status as a shell has it: 128 and the signal where one ended it.
func exitOf(p *os.ProcessState) int {
	if status, ok := p.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return p.ExitCode()
}

// environ is the environment of our calls of uv: without what the user's shell has for a project,
// and with the directories as they are meant here, since uv runs elsewhere.
func (r *Runner) environ() host.Env {
	env := r.Env
	for _, name := range [...]string{"UV_PYTHON", "VIRTUAL_ENV", "CONDA_PREFIX"} {
		env = env.Without(name)
	}
	for name, dir := range map[string]string{"UV_PYTHON_INSTALL_DIR": r.UV.Python, "UV_TOOL_DIR": r.UV.Tool} {
		if env.Get(name) != "" && dir != "" {
			env = env.With(name, dir)
		}
	}
	// so that --default does not warn of its being new
	features := "python-install-default"
	if theirs := env.Get("UV_PREVIEW_FEATURES"); theirs != "" {
		features = theirs + "," + features
	}
	return env.With("UV_PREVIEW_FEATURES", features)
}

// state is a text that changes with what uv has installed.
func (r *Runner) state() string {
	m := Read(Wish{}, r.Place, lock.Lock{})
	var b strings.Builder
	for _, p := range m.Pythons {
		fmt.Fprintln(&b, p.Key, p.Build, p.Runs)
	}
	fmt.Fprintln(&b, m.Links)
	for _, t := range m.Tools {
		fmt.Fprintln(&b, t.Name, t.Request, t.With, t.Constraints, t.Home, t.Resolved, t.Broken)
	}
	return b.String()
}

// answerTo returns the interpreter for a request as things are now.
func (r *Runner) answerTo(request string) *Managed {
	parsed, err := version.Parse(request)
	if err != nil {
		return nil
	}
	return Read(Wish{}, r.Place, lock.Lock{}).answer(parsed)
}
