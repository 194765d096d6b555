//go:build amd64 || arm64

package launch

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// helper is testdata/supervise, linked as the shim is.
var helper string

func TestMain(m *testing.M) {
	// what is caught is no longer ignored in children, as it is where nohup runs the tests
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP)
	dir, err := os.MkdirTemp("", "supervise-")
	if err == nil {
		helper = filepath.Join(dir, "supervise")
		build := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-E uvshim/shim/host.entry", "-o", helper, "./testdata/supervise")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		var out []byte
		if out, err = build.CombinedOutput(); err != nil {
			err = fmt.Errorf("building the helper: %w\n%s", err, out)
		}
	}
	code := 1
	if err == nil {
		code = m.Run()
	}
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// patience is how long a test waits before it takes something for hung.
const patience = 30 * time.Second

// supervise returns the call of a program under supervision.
func supervise(t *testing.T, tail int, argv ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(helper, append([]string{strconv.Itoa(tail), filepath.Join(t.TempDir(), "outcome")}, argv...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	t.Cleanup(func() {
		if cmd.Process != nil {
			_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		}
	})
	return cmd
}

// outcome returns what cmd's supervision told.
func outcome(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	text, err := os.ReadFile(cmd.Args[2])
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

func ended(cmd *exec.Cmd) syscall.WaitStatus {
	return cmd.ProcessState.Sys().(syscall.WaitStatus)
}

func TestSupervise_end(t *testing.T) {
	for _, c := range []struct {
		name, before, script string
		exit                 int
		signal               unix.Signal
	}{
		{"success", "", "exit 0", 0, 0},
		{"failure", "", "exit 3", 3, 0},
		{"exit_status_that_looks_like_a_signal", "", "exit 139", 139, 0},
		{"fault", "", "kill -SEGV $$", 0, unix.SIGSEGV},
		{"killed", "", "kill -KILL $$", 0, unix.SIGKILL},
		{"terminated", "", "kill -TERM $$", 0, unix.SIGTERM},
		{"broken_pipe", "", "kill -PIPE $$", 0, unix.SIGPIPE},
		{"abort", "", "kill -ABRT $$", 0, unix.SIGABRT},
		{"signal_that_go_lives_on", "", "exec env --default-signal=URG sh -c 'kill -PROF $$'", 0, unix.SIGPROF},
		{"signal_ignored_at_start", "trap '' TERM;", "exec env --default-signal=TERM sh -c 'kill -TERM $$'", 0, unix.SIGTERM},
		{"child_signal_ignored_at_start", "set -- env --ignore-signal=CHLD \"$@\";", "exit 4", 4, 0},
	} {
		for _, tail := range []int{0, 10} {
			t.Run(c.name+"_"+strconv.Itoa(tail), func(t *testing.T) {
				cmd := supervise(t, tail, "/bin/sh", "-c", c.script)
				script := []string{"-c", c.before + ` exec "$@"`, "sh"}
				cmd.Args = append(append([]string{"sh"}, script...), append([]string{helper}, cmd.Args[1:]...)...)
				cmd.Path = "/bin/sh"
				if out, _ := cmd.CombinedOutput(); len(out) > 0 {
					t.Errorf("wrote %q", out)
				}
				ws := ended(cmd)
				if c.signal != 0 && (!ws.Signaled() || ws.Signal() != c.signal) || c.signal == 0 && ws.ExitStatus() != c.exit {
					t.Errorf("wait status %#x", ws)
				}
				cmd.Args = cmd.Args[4:]
				if want := fmt.Sprintf(`%d %d "" <nil>`, c.exit, c.signal); outcome(t, cmd) != want {
					t.Errorf("outcome %s, want %s", outcome(t, cmd), want)
				}
			})
		}
	}
}

func TestOutcome(t *testing.T) {
	for _, c := range []struct {
		out  Outcome
		want int
	}{{Outcome{}, 0}, {Outcome{Exit: 3}, 3}, {Outcome{Signal: unix.SIGKILL}, 137}} {
		if got := c.out.Code(); got != c.want {
			t.Errorf("%+v: %d, want %d", c.out, got, c.want)
		}
	}
	if got := (Outcome{Exit: 3}).Repeat(); got != 3 {
		t.Errorf("an exit is repeated as %d", got)
	}
}

func TestSupervise_notRun(t *testing.T) {
	// here in this process as well, so that go test sees in its own binary that Supervise changed
	if out, err := (Plan{Path: filepath.Join(t.TempDir(), "none")}).Supervise(Supervision{Tail: 1}); !errors.Is(err, unix.ENOENT) {
		t.Errorf("%+v, %v", out, err)
	}
	for _, tail := range []int{0, 10} {
		cmd := supervise(t, tail, filepath.Join(t.TempDir(), "none"))
		if out, err := cmd.CombinedOutput(); len(out) > 0 || err != nil {
			t.Errorf("%q, %v", out, err)
		}
		if got := outcome(t, cmd); !strings.HasSuffix(got, "no such file or directory") {
			t.Errorf("outcome %s", got)
		}
	}
}

// The child's death leaves a core dump where it may, ours does not.
func TestSupervise_core(t *testing.T) {
	script := "ulimit -c unlimited; exec \"$@\""
	run := func(argv ...string) syscall.WaitStatus {
		cmd := exec.Command("/bin/sh", append([]string{"-c", script, "sh"}, argv...)...)
		cmd.Dir = t.TempDir()
		_ = cmd.Run()
		return ended(cmd)
	}
	fault := []string{"/bin/sh", "-c", "kill -SEGV $$"}
	if !run(fault...).CoreDump() {
		t.Skip("this machine leaves no core dumps")
	}
	ws := run(append([]string{helper, "0", filepath.Join(t.TempDir(), "o")}, fault...)...)
	if ws.Signal() != unix.SIGSEGV || ws.CoreDump() {
		t.Errorf("wait status %#x", ws)
	}
}

// startBlocked starts cmd with the signals blocked.
func startBlocked(cmd *exec.Cmd, signals []unix.Signal) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var set, mask unix.Sigset_t
	for _, n := range signals {
		set.Val[0] |= 1 << (n - 1)
	}
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, &set, &mask)
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &mask, nil)
	return cmd.Start()
}

// A signal that was blocked at the start ends the child, and then us.
func TestSupervise_endBlocked(t *testing.T) {
	cmd := supervise(t, 0, helper, "die")
	if err := startBlocked(cmd, []unix.Signal{unix.SIGUSR1}); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if out := outcome(t, cmd); out != `0 10 "" <nil>` {
		t.Errorf("outcome %s", out)
	}
	if ws := ended(cmd); !ws.Signaled() || ws.Signal() != unix.SIGUSR1 {
		t.Errorf("wait status %#x", ws)
	}
}

// The child is born as it would have been in our place.
func TestSupervise_birth(t *testing.T) {
	const tell = `grep 'Sig[^Q]' /proc/self/status; ulimit -a; umask
for fd in /proc/self/fd/*; do case $fd in */255) ;; *) echo "$fd"; esac; done
cut -d' ' -f5-8 /proc/self/stat`
	for _, c := range []struct {
		name, before string
		block        []unix.Signal
	}{
		{"plain", "", nil},
		{"closed_0", "exec <&-", nil},
		{"closed_02", "exec <&- 2>&-", nil},
		{"descriptors", "exec 3</dev/null 7</dev/null", nil},
		{"limits", "ulimit -Sn 64", nil},
		{"limits_equal", "ulimit -n 64", nil},
		{"ignored", "trap '' HUP INT QUIT PIPE TERM USR1 URG TSTP TTOU WINCH", nil},
		{"blocked", "", []unix.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGUSR1, unix.SIGCHLD, unix.SIGURG}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			run := func(how string) string {
				cmd := exec.Command(helper, how, out+".outcome", "/bin/sh", "-c", tell)
				if grep, err := exec.LookPath("grep"); err == nil && c.block != nil { // of which a shell may make none
					cmd = exec.Command(helper, how, out+".outcome", grep, "Sig[^Q]", "/proc/self/status")
				}
				if c.before != "" {
					cmd.Args = append([]string{"sh", "-c", c.before + "\nexec \"$@\"", "sh", helper}, cmd.Args[1:]...)
					cmd.Path = "/bin/sh"
				}
				file, err := os.Create(out)
				if err != nil {
					t.Fatal(err)
				}
				defer file.Close()
				cmd.Stdout = file
				cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // session and group by number
				err = startBlocked(cmd, c.block)
				if err == nil {
					err = cmd.Wait()
				}
				text, _ := os.ReadFile(out)
				if err != nil || len(text) < 90 {
					t.Fatalf("%s: %v, %q", how, err, text)
				}
				return strings.ReplaceAll(string(text), strconv.Itoa(cmd.Process.Pid), "PID")
			}
			want := run("exec")
			for _, how := range []string{"0", "100"} {
				if got := run(how); got != want {
					t.Errorf("supervised, with a tail of %s:\n%s\nwithout:\n%s", how, got, want)
				}
			}
		})
	}
}

// A listener is the helper's "signals" under supervision.
type listener struct {
	*testing.T
	cmd   *exec.Cmd
	child int
	lines chan string
}

// listen starts it. Its standard output is read by a pipe, whatever else cmd has.
func listen(t *testing.T, cmd *exec.Cmd) *listener {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l := &listener{T: t, cmd: cmd, lines: make(chan string, 1000)}
	go func() {
		defer close(l.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			l.lines <- s.Text()
		}
	}()
	first := l.next()
	if _, err := fmt.Sscanf(first, "ready %d", &l.child); err != nil {
		t.Fatalf("started with %q", first)
	}
	return l
}

// next returns the next line, "" at the end.
func (l *listener) next() string {
	l.Helper()
	select {
	case line := <-l.lines:
		return line
	case <-time.After(patience):
		l.Fatal("the child is silent")
	}
	return ""
}

// heard sends the last signal and returns all that came.
func (l *listener) heard() []string {
	l.Helper()
	_ = unix.Kill(l.cmd.Process.Pid, unix.SIGUSR2)
	var all []string
	for line := l.next(); line != ""; line = l.next() {
		all = append(all, line)
	}
	if err := l.cmd.Wait(); err != nil {
		l.Errorf("ended with %v", err)
	}
	return all
}

func TestSupervise_signals(t *testing.T) {
	for n := unix.Signal(1); n <= 31; n++ {
		switch n {
		case unix.SIGKILL, unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
			continue // not to be caught
		case unix.SIGILL, unix.SIGTRAP, unix.SIGBUS, unix.SIGFPE, unix.SIGSEGV, unix.SIGSTKFLT, unix.SIGSYS:
			continue // of faults
		case unix.SIGCHLD, unix.SIGURG, unix.SIGPROF:
			continue // the runtime's and ours
		case unix.SIGUSR2:
			continue // the listener's own
		}
		t.Run(unix.SignalName(n), func(t *testing.T) {
			l := listen(t, supervise(t, 0, helper, "signals"))
			var want []string
			for range 3 {
				_ = unix.Kill(l.cmd.Process.Pid, n)
				want = append(want, unix.SignalName(n))
				if got := l.next(); got != want[0] {
					t.Fatalf("got %q", got)
				}
			}
			if got := l.heard(); !slices.Equal(got, []string{"SIGUSR2"}) {
				t.Errorf("then got %q", got)
			}
		})
	}
}

// What was ignored is not ours to catch: the program under nohup stays as deaf as it was.
func TestSupervise_ignored(t *testing.T) {
	cmd := supervise(t, 0, helper, "signals")
	cmd.Args = append([]string{"sh", "-c", `trap '' HUP TERM USR1; exec "$@"`, "sh", helper}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	l := listen(t, cmd)
	for _, n := range []unix.Signal{unix.SIGHUP, unix.SIGTERM, unix.SIGUSR1} {
		_ = unix.Kill(cmd.Process.Pid, n)
	}
	if got := l.heard(); !slices.Equal(got, []string{"SIGUSR2"}) {
		t.Errorf("heard %q", got)
	}
}

// The terminal's signals go to the group, and are not doubled.
func TestSupervise_terminal(t *testing.T) {
	for _, tail := range []int{0, 100} {
		for _, c := range []struct {
			name string
			send func(screen *os.File)
			want string
		}{
			{"interrupt", func(screen *os.File) { _, _ = screen.WriteString("\x03") }, "SIGINT"},
			{"quit", func(screen *os.File) { _, _ = screen.WriteString("\x1c") }, "SIGQUIT"},
			{"resize", func(screen *os.File) {
				_ = unix.IoctlSetWinsize(int(screen.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 7, Col: 33})
			}, "SIGWINCH"},
		} {
			for _, stdin := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s_%d_%v", c.name, tail, stdin), func(t *testing.T) {
					cmd := supervise(t, tail, helper, "signals")
					screen, tty := terminal(t)
					if cmd.Stderr = tty; stdin {
						cmd.Stdin = tty
					}
					cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
					l := listen(t, cmd)
					c.send(screen)
					if got := l.next(); got != c.want {
						t.Fatalf("got %q", got)
					}
					got := l.heard()
					if tail > 0 && c.want == "SIGWINCH" && got[0] == c.want {
						got = got[1:] // the second, when the child's own terminal was set
					}
					if !slices.Equal(got, []string{"SIGUSR2"}) {
						t.Errorf("then got %q", got)
					}
				})
			}
		}
	}
}

// terminal returns both sides of a new pseudo-terminal.
func terminal(t *testing.T) (screen, tty *os.File) {
	t.Helper()
	ours, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	screen = os.NewFile(uintptr(ours), "screen")
	t.Cleanup(func() { screen.Close() })
	if err := unix.IoctlSetPointerInt(ours, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	theirs, err := openPeer(ours, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	tty = os.NewFile(uintptr(theirs), "tty")
	t.Cleanup(func() { tty.Close() })
	return screen, tty
}

// There is no orphan: the child's end closes its standard output.
func TestSupervise_noOrphan(t *testing.T) {
	l := listen(t, supervise(t, 0, helper, "signals"))
	_ = unix.Kill(l.cmd.Process.Pid, unix.SIGKILL)
	if got := l.next(); got != "" {
		t.Errorf("got %q", got)
	}
}

// state returns how the process is once it has stopped or ended.
func state(t *testing.T, pid int) syscall.WaitStatus {
	t.Helper()
	var ws syscall.WaitStatus
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		got, err := syscall.Wait4(pid, &ws, syscall.WUNTRACED|syscall.WNOHANG, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got == pid {
			return ws
		}
	}
	t.Fatal("neither stopped nor ended")
	return ws
}

func TestSupervise_stop(t *testing.T) {
	for _, n := range []unix.Signal{unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU} {
		t.Run(unix.SignalName(n), func(t *testing.T) {
			cmd := supervise(t, 0, "/bin/sh", "-c", fmt.Sprintf("kill -%d $$; kill -%[1]d $$; exit 3", n))
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if ws := state(t, cmd.Process.Pid); !ws.Stopped() || ws.StopSignal() != n {
					t.Fatalf("wait status %#x", ws)
				}
				_ = unix.Kill(cmd.Process.Pid, unix.SIGCONT)
			}
			if ws := state(t, cmd.Process.Pid); ws.ExitStatus() != 3 {
				t.Errorf("wait status %#x", ws)
			}
		})
	}
}

// The whole group is stopped and continued, as by Ctrl-Z and fg, many times.
func TestSupervise_stopGroup(t *testing.T) {
	for _, n := range []unix.Signal{unix.SIGSTOP, unix.SIGTSTP} {
		l := listen(t, supervise(t, 0, helper, "signals"))
		pid := l.cmd.Process.Pid
		for range 50 {
			_ = unix.Kill(-pid, n)
			if ws := state(t, pid); !ws.Stopped() || ws.StopSignal() != n {
				t.Fatalf("wait status %#x", ws)
			}
			_ = unix.Kill(-pid, unix.SIGCONT)
			_ = unix.Kill(pid, unix.SIGUSR1)
			for line := ""; line != "SIGUSR1"; line = l.next() {
				if line != "" && line != "SIGCONT" {
					t.Fatalf("got %q", line)
				}
			}
		}
		for _, line := range l.heard() {
			if line != "SIGUSR2" && line != "SIGCONT" {
				t.Fatalf("got %q", line)
			}
		}
	}
}
