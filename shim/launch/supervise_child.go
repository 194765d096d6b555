//go:build amd64 || arm64

package launch

import (
	"errors"
	"fmt"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
)

// settle is how long a stopped child is left alone before we stop as well. Where the terminal
// stopped us both and the shell continues us both, we may be the first to run, and would take the
// child's old stop for a new one.
const settle = 20 * time.Millisecond

// Supervise runs the plan's program as a child in our process group, waits for its end and returns
// how that was. The child is born as Exec would have it: descriptors, ignored signals, signal mask
// and limits are those that this process was started with. Two things are not kept: that SIGCHLD
// is ignored, for then the kernel would keep the child's end to itself, and that what a fault
// raises is (SIGSEGV and its kin). The child dies with us.
//
// Of the signals that reach us the child gets each once: one that the terminal sends goes to the
// whole group, the child has it already; any other is passed on. That is more exact than uv's own
// rule for its child, by whether standard input is a terminal (uv-command-support/src/child.rs). A
// kill(2) of the whole group cannot be told from one of ours, and reaches the child twice, as it
// does uv's. A child that is stopped stops us, and what continues us continues it; only a SIGSTOP
// of ours alone it does not see.
//
// With an error the program did not run.
func (p Plan) Supervise(o Supervision) (Outcome, error) {
	// the kernel kills the child at the death of the thread that forked
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	var mask unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, nil, &mask); err != nil {
		return Outcome{}, fmt.Errorf("reading the signal mask: %w", err)
	}
	host.AsStarted()
	restore := func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &mask, nil) }
	for n := syscall.Signal(1); n <= lastSignal; n++ {
		if n != unix.SIGCHLD && ignored(n) {
			signal.Ignore(n) // or the runtime would give the child the default
		}
	}
	inbox, err := catch()
	if err != nil {
		restore()
		return Outcome{}, err
	}
	files := []uintptr{0, 1, 2}
	for fd := range files {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC != 0 {
			files[fd] = ^uintptr(0) // closed when we were started
		}
	}
	var tail *capture
	if o.Tail > 0 && files[2] == 2 {
		tail = newCapture(o.Tail)
	}
	if tail != nil {
		files[2] = uintptr(tail.theirs)
	}
	early := inbox.read(0)
	var pid int
	err = p.fit(func(argv []string, env host.Env) error {
		var err error
		pid, err = syscall.ForkExec(p.Path, argv, &syscall.ProcAttr{
			Env:   env,
			Files: files,
			Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
		})
		return err
	})
	restore()
	tail.begin()
	var ws unix.WaitStatus
	if err == nil {
		c := child{pid: pid, inbox: inbox, tail: tail}
		for _, s := range early {
			if n := unix.Signal(s.Signal); n != unix.SIGCHLD {
				_ = unix.Kill(pid, n) // from whomever, the child was not born yet
			}
		}
		ws, err = c.wait()
	}
	inbox.close() // from here on a signal is for us
	out := Outcome{Tail: tail.end()}
	switch {
	case err != nil:
		return Outcome{}, err
	case ws.Signaled():
		out.Signal, out.Core = ws.Signal(), ws.CoreDump()
	default:
		out.Exit = ws.ExitStatus()
	}
	return out, nil
}

// A child is the running program.
type child struct {
	pid   int
	inbox *inbox
	tail  *capture
}

// wait returns the child's end. Until then it passes signals on and follows stops.
func (c *child) wait() (unix.WaitStatus, error) {
	var stopped unix.Signal
	for {
		timeout := time.Duration(-1)
		if stopped != 0 {
			timeout = settle
		}
		news := c.inbox.read(timeout)
		for _, s := range news {
			c.pass(s)
		}
		for {
			var ws unix.WaitStatus
			pid, err := unix.Wait4(c.pid, &ws, unix.WNOHANG|unix.WUNTRACED|unix.WCONTINUED, nil)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil {
				return 0, fmt.Errorf("waiting for process %d: %w", c.pid, err)
			}
			if pid == 0 {
				break
			}
			switch {
			case ws.Stopped():
				stopped = ws.StopSignal()
			case ws.Continued():
				stopped = 0
			default:
				return ws, nil
			}
		}
		if stopped != 0 && len(news) == 0 {
			raise(stopped)
			stopped = 0
		}
	}
}

// pass does with a signal what is to be done for the child, which is still there or a zombie: its
// number cannot be another's before we have waited for it.
func (c *child) pass(s caught) {
	switch n := unix.Signal(s.Signal); n {
	case unix.SIGCHLD:
		return
	case unix.SIGWINCH:
		if c.tail.resize() {
			break // the child may have asked for the size before it was set
		}
		if c.has(s) {
			return
		}
	case unix.SIGCONT:
		c.tail.resize() // the size may have changed while we were in the background
	case unix.SIGPIPE, unix.SIGXFSZ:
		if int(s.PID) == unix.Getpid() {
			return // of our own write
		}
	default:
		if c.has(s) {
			return
		}
	}
	_ = unix.Kill(c.pid, unix.Signal(s.Signal))
}

// has reports whether the child has got the signal already, as one of the group that the terminal
// sent it to.
func (c *child) has(s caught) bool {
	const siKernel = 0x80 // sigaction(2): SI_KERNEL
	if s.Code != siKernel {
		return false
	}
	switch unix.Signal(s.Signal) {
	case unix.SIGHUP:
		// The leader of the session gets one of its own when the terminal is gone.
		if sid, err := unix.Getsid(0); err != nil || sid == unix.Getpid() {
			return false
		}
	case unix.SIGINT, unix.SIGQUIT, unix.SIGWINCH:
	default:
		return false // such as the SIGALRM of an alarm(2) before our start
	}
	theirs, err := unix.Getpgid(c.pid)
	return err == nil && theirs == unix.Getpgrp()
}
