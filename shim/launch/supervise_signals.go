//go:build amd64 || arm64

package launch

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const lastSignal = 64

// passed are the signals that would end or tell something to the program if it ran in our place,
// and that can be caught. Left out are those of faults, those that the Go runtime lives on, and
// SIGTSTP, SIGTTIN and SIGTTOU: these stop us with the rest of the group, and no handler of ours
// could do that better.
var passed = [...]unix.Signal{
	unix.SIGCHLD, // not for the child, but about it
	unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGABRT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGPIPE, unix.SIGALRM, unix.SIGTERM,
	unix.SIGCONT, unix.SIGXCPU, unix.SIGXFSZ, unix.SIGVTALRM, unix.SIGWINCH, unix.SIGIO, unix.SIGPWR,
}

// A caught is the head of the kernel's siginfo_t.
type caught struct {
	Signal, Errno, Code, _ int32
	PID, UID               int32 // the sender, of one sent by kill(2)
}

// An inbox takes the signals that reach this process, until it is closed.
type inbox struct {
	from, to int // a pipe
	before   [lastSignal + 1]*action
}

// catch returns an inbox for the passed signals. One that is ignored stays so (nohup).
func catch() (*inbox, error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, fmt.Errorf("making a pipe for signals: %w", err)
	}
	in := &inbox{from: pipe[0], to: pipe[1]}
	signalPipe = int32(in.to)
	for _, n := range passed {
		if n == unix.SIGCHLD || !ignored(n) {
			old := &action{}
			if sigaction(n, onSignalAction(), old) == nil {
				in.before[n] = old
			}
		}
	}
	return in, nil
}

// read waits for signals, at most so long unless that is negative, and returns them.
func (in *inbox) read(timeout time.Duration) []caught {
	ms := -1
	if timeout >= 0 {
		ms = int(timeout.Milliseconds())
	}
	fds := []unix.PollFd{{Fd: int32(in.from), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, ms); err != unix.EINTR {
			break
		}
	}
	var got [64]caught
	buf := unsafe.Slice((*byte)(unsafe.Pointer(&got)), unsafe.Sizeof(got))
	n, _ := unix.Read(in.from, buf)
	return got[:max(n, 0)/int(unsafe.Sizeof(got[0]))]
}

// close gives the signals back to whom they were before.
func (in *inbox) close() {
	for n, old := range in.before {
		if old != nil {
			_ = sigaction(unix.Signal(n), old, nil)
		}
	}
	signalPipe = -1
	unix.Close(in.from)
	unix.Close(in.to)
}

// An action is the kernel's struct sigaction, which is not that of libc.
type action struct{ handler, flags, restorer, mask uint64 }

// sigaction is rt_sigaction(2): os/signal can neither tell what the disposition of a signal is nor
// who sent one.
func sigaction(n unix.Signal, set, old *action) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(n), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func ignored(n unix.Signal) bool {
	var now action
	return sigaction(n, nil, &now) == nil && now.handler == 1 // SIG_IGN
}

// raise sends n to this thread with the default disposition. It returns if that does not end the
// process: when a stopped one is continued.
func raise(n unix.Signal) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var only, mask unix.Sigset_t
	only.Val[0] = 1 << (n - 1)
	_ = sigaction(n, &action{}, nil)
	_ = unix.PthreadSigmask(unix.SIG_UNBLOCK, &only, &mask)
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), n)
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &mask, nil)
}
