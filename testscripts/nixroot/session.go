package nixroot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"uvshim/shim/host"
)

// A Session is how programs are started in a root, by the user. The zero value is a login: its
// working directory is the home directory, its environment what /etc/set-environment makes.
type Session struct {
	Env     []string // NAME=value set, or NAME taken away, on top of a login's
	NoNixLD bool     // without NIX_LD and NIX_LD_LIBRARY_PATH, as a service
	Path    string   // PATH; empty: a login's
	Dir     string   // working directory; empty: the home directory
	Binds   []Bind
	Net     bool // with the network of this machine
}

// A Bind shows a file or directory of this machine in a root: at a path that the root has, for which
// /mnt and /wheelhouse are there, or below /home or /tmp.
type Bind struct {
	Host, Inside string
	Write        bool
}

// A Result is what a program left behind. Code is its exit status, or 128 and the signal.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// In returns the root with another session; the files are the same.
func (r *Root) In(s Session) *Root {
	view := *r
	view.Session = s
	return &view
}

// Environ returns the environment that a session's programs start with.
func (r *Root) Environ() host.Env {
	s := r.Session
	env := host.Env{
		"HOME=" + userHome, "USER=user", "LOGNAME=user", "SHELL=/run/current-system/sw/bin/bash",
		"TERM=dumb", "LANG=C.UTF-8", "__NIXOS_SET_ENVIRONMENT_DONE=1",
	}
	if r.system.loader == NixLD && !s.NoNixLD {
		env = append(env, "NIX_LD="+nixLDDir+"/ld.so", "NIX_LD_LIBRARY_PATH="+nixLDDir)
	}
	path := s.Path
	if path == "" {
		path = expand("$HOME/.local/bin:" + loginPath)
	}
	env = append(env, "PATH="+path)
	for _, entry := range s.Env {
		name, _, set := strings.Cut(entry, "=")
		env = slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
		if set {
			env = append(env, entry)
		}
	}
	return env
}

// Command returns the call of a program in the root, which is looked for on the session's PATH.
// Standard input, output and error are the caller's to set.
func (r *Root) Command(argv ...string) *exec.Cmd {
	r.t.Helper()
	s := r.Session
	args := []string{"--unshare-user", "--uid", fmt.Sprint(userID), "--gid", fmt.Sprint(groupID),
		"--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "nixos", "--die-with-parent"}
	if !s.Net {
		args = append(args, "--unshare-net")
	}
	args = append(args, "--ro-bind", r.Dir, "/", "--bind", r.Path("/home"), "/home",
		"--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/var/tmp")
	for _, b := range s.Binds {
		how := "--ro-bind"
		if b.Write {
			how = "--bind"
		}
		args = append(args, how, b.Host, b.Inside)
	}
	dir := s.Dir
	if dir == "" {
		dir = userHome
	}
	// not in bwrap's own environment, which LD_LIBRARY_PATH and LD_DEBUG are not meant for
	args = append(args, "--clearenv")
	for _, entry := range r.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		args = append(args, "--setenv", name, value)
	}
	args = append(append(args, "--chdir", dir, "--"), argv...)
	cmd := exec.Command("bwrap", args...)
	cmd.Env = []string{}
	return cmd
}

// tooLong ends programs that hang. It is no measure of anything.
const tooLong = 5 * time.Minute

// Run runs a program in the root to its end, whichever that is.
func (r *Root) Run(argv ...string) Result {
	r.t.Helper()
	cmd := r.Command(argv...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		r.t.Fatalf("starting %q in a root: %v", argv, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), tooLong)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	if !stop() {
		r.t.Fatalf("%q did not end\n%s%s", argv, &stdout, &stderr)
	}
	result := Result{Stdout: stdout.String(), Stderr: stderr.String()}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		result.Code = exit.ExitCode()
		if status := exit.Sys().(syscall.WaitStatus); status.Signaled() {
			result.Code = 128 + int(status.Signal())
		}
	case err != nil:
		r.t.Fatalf("running %q in a root: %v", argv, err)
	}
	return result
}

// Must runs a program in the root that has to succeed, and returns its standard output.
func (r *Root) Must(argv ...string) string {
	r.t.Helper()
	result := r.Run(argv...)
	if result.Code != 0 {
		r.t.Fatalf("%q in a root: exit %d\n%s%s", argv, result.Code, result.Stdout, result.Stderr)
	}
	return result.Stdout
}

// sandbox reports why programs cannot be started in a root on this machine. It tries once.
var sandbox = sync.OnceValue(func() error {
	out, err := exec.Command("bwrap", "--unshare-user", "--uid", "1000", "--gid", "100", "--unshare-pid", "--unshare-net", "--unshare-ipc",
		"--unshare-uts", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--", "/bin/true").CombinedOutput()
	if err != nil {
		return fmt.Errorf("this machine makes no user namespaces: bwrap: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
})
