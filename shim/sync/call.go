package sync

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"uvshim/policy/version"
	"uvshim/shim/host"
	"uvshim/shim/lock"
)

var errInterrupted = errors.New("interrupted")

// A call is one call of uv.
type call struct {
	args    []string
	extra   []string  // variables
	said    io.Writer // what uv prints; nil is our own standard error
	attempt bool      // a failure is not the end of it
	part    []string  // of what is recorded as this one call, by who makes the parts
}

// run has the real uv do it, and records the call if it changed something or failed. One during which
// a signal told us to end is recorded too, and is the last.
func (r *Runner) run(c call) error {
	if r.Told != 0 {
		return errInterrupted
	}
	before := r.state()
	cmd := exec.Command(r.Program, c.args...)
	cmd.Dir, cmd.Env = r.workDir(), slices.Concat(r.environ(), c.extra)
	// an *os.File is handed down as it is, so that uv sees the terminal
	if cmd.Stdout, cmd.Stderr = c.said, c.said; c.said == nil {
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	}
	told, err := wait(cmd)
	if cmd.ProcessState == nil {
		return err // it did not start
	}
	changed := r.state() != before
	r.Changed = r.Changed || changed
	argv := c.args
	if c.part != nil {
		argv = c.part
	}
	if told != 0 && (changed || err != nil) || c.part == nil && (changed || err != nil && !c.attempt) {
		r.noteCall(argv, err)
	}
	r.Told = told
	return err
}

// wait runs a command to its end. Of the signals that would end us it gets those that come meanwhile,
// and told is the last of them; one that comes from the terminal it has already, which does no harm.
func wait(cmd *exec.Cmd) (told syscall.Signal, err error) {
	caught := make(chan os.Signal, 8)
	for _, s := range [...]os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM} {
		if !signal.Ignored(s) { // as under nohup
			signal.Notify(caught, s)
		}
	}
	defer signal.Stop(caught)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-caught:
			told = s.(syscall.Signal)
			_ = cmd.Process.Signal(s)
		case err := <-done:
			select {
			case s := <-caught: // which has most likely ended it
				told = s.(syscall.Signal)
			default:
			}
			return told, err
		}
	}
}

// noteCall records a call of uv that ended with err.
func (r *Runner) noteCall(args []string, err error) {
	exit := 0
	if failed := new(exec.ExitError); errors.As(err, &failed) {
		exit = exitOf(failed.ProcessState)
	}
	r.note(lock.Record{Change: &lock.Change{Directory: r.workDir(), Argv: append([]string{"uv"}, args...), Exit: exit}})
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
