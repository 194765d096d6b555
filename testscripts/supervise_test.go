package testscripts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"uvshim/testscripts/parts"
)

// The first `uv run` of a project is supervised, since it makes the environment. Each of these
// tests does the same with uv alone and with uv behind the shim, and wants the same.

// A rival is uv under one of its two guises, in a machine with a real Python.
type rival struct {
	*home
	uv string // path
}

// bothWays runs test with the real uv and with the shim.
func bothWays(t *testing.T, test func(t *testing.T, r *rival)) {
	h := newHome(t)
	h.Set(h.uv())
	h.Set(h.python())
	h.Set(vars{"UV_PYTHON": h.Env.Get("REALPY"), "TERM": "xterm"})
	for name, uv := range map[string]string{"bare": h.Env.Get("REALUV"), "shim": filepath.Join(h.ShimDir, "uv")} {
		t.Run(name, func(t *testing.T) { test(t, &rival{h.in(t), uv}) })
	}
}

// project makes a new project of a directory named project, which has no environment yet, and
// puts program into it as prog.py.
func (r *rival) project(program string) string {
	r.Helper()
	parent, err := os.MkdirTemp(r.Work, "p")
	if err != nil {
		r.Fatal(err)
	}
	dir := filepath.Join(parent, "project")
	text := "[project]\nname = \"project\"\nversion = \"1\"\nrequires-python = \">=3.9\"\n"
	if err := os.Mkdir(dir, 0o755); err != nil {
		r.Fatal(err)
	}
	for name, content := range map[string]string{"pyproject.toml": text, "prog.py": program} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			r.Fatal(err)
		}
	}
	return dir
}

// run returns the call `uv run` of the program in a project of its own.
func (r *rival) run(program string, args ...string) *exec.Cmd {
	r.Helper()
	cmd := r.Command(append([]string{r.uv, "run", "-q", "python", "-u", "prog.py"}, args...)...)
	cmd.Dir = r.project(program)
	return cmd
}

// A session is a running program and what it writes.
type session struct {
	testing.TB
	cmd    *exec.Cmd
	input  io.WriteCloser
	screen *os.File // nil without a terminal
	done   chan struct{}

	mu   sync.Mutex
	text string
	seen int // what wait has gone over
}

// start starts cmd in a process group of its own, with pipes.
func start(t testing.TB, cmd *exec.Cmd) *session {
	t.Helper()
	s := &session{TB: t, cmd: cmd, done: make(chan struct{})}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if cmd.Stdin == nil {
		if s.input, err = cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Stdout, cmd.Stderr = w, w
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.begin(r, w)
	return s
}

// startOnTerminal starts cmd in a session of its own with a terminal.
func startOnTerminal(t testing.TB, cmd *exec.Cmd) *session {
	t.Helper()
	screen, tty, err := openTerminal()
	if err != nil {
		t.Fatal(err)
	}
	s := &session{TB: t, cmd: cmd, input: screen, screen: screen, done: make(chan struct{})}
	s.resize(24, 80)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	s.begin(screen, tty)
	return s
}

func (s *session) begin(from, theirs *os.File) {
	s.Helper()
	err := s.cmd.Start()
	theirs.Close()
	if err != nil {
		s.Fatal(err)
	}
	go func() {
		defer close(s.done)
		buf := make([]byte, 4096)
		for {
			n, err := from.Read(buf)
			s.mu.Lock()
			s.text += string(buf[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	s.Cleanup(func() {
		_ = unix.Kill(-s.cmd.Process.Pid, unix.SIGKILL)
		from.Close()
	})
}

// wait waits until the program has written text after what the last wait found, and returns the
// line from there on as far as it has come.
func (s *session) wait(text string) string {
	s.Helper()
	for deadline := time.Now().Add(tooLong); ; time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		all := s.text
		s.mu.Unlock()
		if i := strings.Index(all[s.seen:], text); i >= 0 {
			s.seen += i + len(text)
			line, _, _ := strings.Cut(all[s.seen:], "\n")
			return strings.TrimSpace(line)
		}
		if time.Now().After(deadline) {
			s.Fatalf("waited for %q\n%q", text, all)
		}
	}
}

// number waits as wait does and returns the number between the two texts.
func (s *session) number(before, after string) int {
	s.Helper()
	s.wait(before)
	from := s.seen
	s.wait(after)
	s.mu.Lock()
	text := s.text[from : s.seen-len(after)]
	s.mu.Unlock()
	n, err := strconv.Atoi(text)
	if err != nil {
		s.Fatal(err)
	}
	return n
}

// stopped waits until a process has stopped. One that has been told to and did not run since still takes
// what is typed next, though the terminal is a shell's again.
func (s *session) stopped(pid int) {
	s.Helper()
	for deadline := time.Now().Add(tooLong); ; time.Sleep(5 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || bytes.Contains(stat, []byte(") T ")) {
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("does not stop: %s", stat)
		}
	}
}

func (s *session) typed(text string) {
	s.Helper()
	if _, err := io.WriteString(s.input, text); err != nil {
		s.Fatal(err)
	}
}

func (s *session) signal(n unix.Signal) { _ = unix.Kill(s.cmd.Process.Pid, n) }

func (s *session) resize(rows, cols uint16) {
	s.Helper()
	raw, err := s.screen.SyscallConn()
	if err == nil {
		_ = raw.Control(func(fd uintptr) {
			err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols})
		})
	}
	if err != nil {
		s.Fatal(err)
	}
}

// end waits for the program's end and returns its status, see status, and all that was written.
func (s *session) end() (int, string) {
	s.Helper()
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	select {
	case err := <-ended:
		code, err := status(err)
		if err != nil {
			s.Fatal(err)
		}
		<-s.done
		return code, strings.ReplaceAll(s.text, "\r\n", "\n")
	case <-time.After(tooLong):
		s.Fatalf("does not end\n%q", s.text)
	}
	return 0, ""
}

// The tests would show nothing if the first `uv run` were not supervised.
func TestSupervised(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rival) {
		cmd := r.run("import os; print('parent', os.readlink(f'/proc/{open(f\"/proc/{os.getppid()}/stat\").read().split()[3]}/exe'))")
		code, text := start(t, cmd).end()
		if strings.HasPrefix(text, "parent "+r.ShimDir) != (r.uv != r.Env.Get("REALUV")) || code != 0 {
			t.Errorf("exit %d, %q", code, text)
		}
	})
}

// listenedPy waits until uv listens to signals, which it begins to after it has started its program.
// SIGPIPE is the last of them (run_to_completion in uv-command-support/src/child.rs).
const listenedPy = `
import os, signal, time
def caught(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(next(line for line in status if line.startswith("SigCgt:")).split()[1], 16)
while not caught(os.getppid()) >> signal.SIGPIPE - 1 & 1:
    time.sleep(0.005)
`

// heardPy tells of the signals that it gets, until the end of its standard input.
const heardPy = listenedPy + `
import signal, sys
def heard(n, frame):
    print("got", signal.Signals(n).name)
for n in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGTSTP, signal.SIGCONT}:
    if n < 32 and signal.getsignal(n) != signal.SIG_IGN:
        signal.signal(n, heard)
print("ready")
while sys.stdin.read(1):
    pass
print("end")
sys.exit(7)
`

func TestSupervised_signals(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rival) {
		s := start(t, r.run(heardPy))
		s.wait("ready\n")
		want := "ready\n"
		for _, n := range []unix.Signal{
			unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2, unix.SIGQUIT, unix.SIGALRM, unix.SIGWINCH, unix.SIGTERM,
		} {
			s.signal(n)
			line := "got " + unix.SignalName(n) + "\n"
			s.wait(line)
			want += line
		}
		s.input.Close()
		if code, text := s.end(); code != 7 || text != want+"end\n" {
			t.Errorf("exit %d\n%s", code, text)
		}
	})
}

// A signal that ends the program ends the call.
func TestSupervised_deadlySignals(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rival) {
		for n, want := range map[unix.Signal]int{unix.SIGTERM: 143, unix.SIGHUP: 129, unix.SIGINT: 130} {
			s := start(t, r.run(listenedPy+"print('ready')\ntry: input()\nexcept KeyboardInterrupt: print('interrupted'); raise SystemExit(130)"))
			s.wait("ready\n")
			s.signal(n)
			if code, text := s.end(); code != want || strings.Contains(text, "interrupted") != (n == unix.SIGINT) {
				t.Errorf("%v: exit %d, %q", n, code, text)
			}
		}
	})
}

func TestSupervised_interrupt(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rival) {
		s := startOnTerminal(t, r.run(listenedPy+"print('ready'); input()"))
		s.wait("ready")
		s.typed("\x03")
		code, text := s.end()
		if code != 130 || strings.Count(text, "KeyboardInterrupt") != 1 {
			t.Errorf("exit %d\n%s", code, text)
		}
	})
}

// Each with the end of a program, or of uv itself, as the caller sees it.
func TestSupervised_death(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rival) {
		for _, c := range []struct {
			who, signal string
			want        int
		}{
			{"getpid", "SIGSEGV", 139}, {"getpid", "SIGKILL", 137}, {"getpid", "SIGTERM", 143},
			{"getppid", "SIGKILL", 137}, {"getppid", "SIGVTALRM", 154},
		} {
			s := start(t, r.run(fmt.Sprintf("import os, signal; os.kill(os.%s(), signal.%s)", c.who, c.signal)))
			code, text := s.end()
			if code != c.want || text != "" {
				t.Errorf("%s, %s: exit %d, %q", c.who, c.signal, code, text)
			}
			// uv exits as if its program had exited, and dies itself where it is uv that is hit
			ws := s.cmd.ProcessState.Sys().(syscall.WaitStatus)
			if ws.Signaled() != (c.who == "getppid") {
				t.Errorf("%s, %s: wait status %#x", c.who, c.signal, ws)
			}
		}
	})
}

// Whoever kills the call kills uv: nothing goes on changing the environment.
func TestSupervised_noOrphan(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rival) {
		s := start(t, r.run("import os; print('uv', os.getppid(), flush=True); input()"))
		line := s.wait("uv ")
		s.signal(unix.SIGKILL)
		pid, err := strconv.Atoi(line)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for deadline := time.Now().Add(tooLong); ; time.Sleep(5 * time.Millisecond) {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if err != nil || bytes.Contains(stat, []byte(") Z ")) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("uv is still there: %s", stat)
			}
		}
		s.input.Close()
		if code, _ := s.end(); code != 137 {
			t.Errorf("exit %d", code)
		}
	})
}

func TestSupervised_resize(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rival) {
		s := startOnTerminal(t, r.run(`
import os, signal
def told(*_):
    print("size", [tuple(os.get_terminal_size(fd)) for fd in range(3)])
signal.signal(signal.SIGWINCH, told)
told()
input()`))
		s.wait("size [(80, 24), (80, 24), (80, 24)]")
		s.resize(7, 33)
		s.wait("size [(33, 7), (33, 7), (33, 7)]")
		s.typed("\n")
		if code, _ := s.end(); code != 0 {
			t.Errorf("exit %d", code)
		}
	})
}

// jobPy reads lines, and is a good citizen of a shell's job control.
const jobPy = `
import os, sys
print(f"ready {os.getpid()}.")
for line in sys.stdin:
    print("heard", line.strip())
    if line.strip() == "stop":
        sys.exit(5)
`

func TestSupervised_jobs(t *testing.T) {
	for _, c := range []struct {
		shell         []string
		stopped, kill string
	}{
		{[]string{"bash", "--norc", "--noprofile", "-i"}, "Stopped", "Terminated"},
		{[]string{"zsh", "-f", "-i", "+Z"}, "suspended", "terminated"},
	} {
		t.Run(c.shell[0], func(t *testing.T) {
			path := parts.Tool(t, c.shell[0])
			bothWays(t, func(t *testing.T, r *rival) {
				cmd := r.Command(append([]string{path}, c.shell[1:]...)...)
				cmd.Env = r.Env.With("PS1", "> ").With("UV", r.uv)
				cmd.Dir = r.project(jobPy)
				s := startOnTerminal(t, cmd)
				s.typed("$UV run -q python -u prog.py\n")
				program := s.number("ready ", ".")
				for range 3 {
					s.typed("\x1a")
					s.wait(c.stopped)
					s.stopped(program)
					s.typed("jobs; echo 'the 'jobs\n")
					s.wait(c.stopped)
					s.wait("the jobs")
					s.typed("fg\n")
					s.typed("hello\n")
					s.wait("heard hello")
				}
				s.typed("\x1a")
				s.wait(c.stopped)
				s.stopped(program)
				s.typed("bg; while ! jobs | grep -q " + c.stopped + "; do sleep .1; done; echo 'stopped 'again\n")
				s.wait("stopped again") // since it reads from the terminal
				s.typed("fg\n")
				s.typed("stop\n")
				s.wait("heard stop")
				s.typed("echo status $?.\n")
				s.wait("status 5.")

				s.typed("rm -r .venv; $UV run -q python -u prog.py\n")
				program = s.number("ready ", ".")
				s.typed("\x1a")
				s.wait(c.stopped)
				s.stopped(program)
				s.typed("kill %1; fg; echo status $?.\n")
				s.wait("status 143.")

				s.typed("rm -r .venv; $UV run -q python -u prog.py </dev/null & wait $!; echo status $?.\n")
				s.wait("ready")
				s.wait("status 0.")
				s.typed("exit\n")
				s.end()
			})
		})
	}
}

// A stop of uv alone is seen by whoever waits for the call, and so is its end.
func TestSupervised_stop(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rival) {
		s := start(t, r.run("import os, signal; os.kill(os.getppid(), signal.SIGSTOP); input(); print('done')"))
		var ws unix.WaitStatus
		for deadline := time.Now().Add(tooLong); !ws.Stopped(); time.Sleep(5 * time.Millisecond) {
			pid, err := unix.Wait4(s.cmd.Process.Pid, &ws, unix.WUNTRACED|unix.WNOHANG, nil)
			if err != nil || pid != 0 && !ws.Stopped() || time.Now().After(deadline) {
				t.Fatalf("not stopped: wait status %#x, %v", ws, err)
			}
		}
		s.signal(unix.SIGCONT)
		s.typed("\n")
		if code, text := s.end(); code != 0 || text != "done\n" {
			t.Errorf("exit %d, %q", code, text)
		}
	})
}

func TestSupervised_nohup(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rival) {
		cmd := r.run(heardPy)
		nohup, err := r.find("nohup")
		if err != nil {
			t.Fatal(err)
		}
		cmd.Path, cmd.Args = nohup, append([]string{"nohup"}, cmd.Args...)
		s := start(t, cmd)
		s.wait("ready\n")
		s.signal(unix.SIGHUP)
		s.signal(unix.SIGUSR1)
		s.wait("got SIGUSR1\n")
		s.input.Close()
		// uv itself listens to SIGHUP all the same, and its program does not
		if code, text := s.end(); code != 7 || text != "ready\ngot SIGUSR1\nend\n" {
			t.Errorf("exit %d\n%s", code, text)
		}
	})
}

func TestSupervised_standardInput(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rival) {
		cmd := r.run("import sys; print(len(sys.stdin.read()), sys.stdin.isatty())")
		cmd.Stdin = strings.NewReader(strings.Repeat("x", 1_000_000))
		if code, text := start(t, cmd).end(); code != 0 || text != "1000000 False\n" {
			t.Errorf("exit %d, %q", code, text)
		}
		cmd = r.run("import sys; print(sys.stdin)")
		null, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer null.Close()
		cmd.Stdin = null
		cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", `exec "$@" <&-`, "sh"}, cmd.Args...)
		if code, text := start(t, cmd).end(); code != 0 {
			t.Errorf("closed: exit %d, %q", code, text)
		}
	})
}

// An alarm(2) that was set before is one of the process, which is no longer the program's.
func TestSupervised_alarm(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rival) {
		cmd := r.run("input()")
		state := "default(signal.SIGALRM); signal.alarm(2)"
		cmd.Args = append([]string{r.Env.Get("REALPY"), "-I", "-c", preparePy, state}, cmd.Args...)
		cmd.Path = r.Env.Get("REALPY")
		if code, text := start(t, cmd).end(); code != 142 || text != "" {
			t.Errorf("exit %d, %q", code, text)
		}
	})
}

// A program of the whole screen shows the same.
func TestSupervised_fullScreen(t *testing.T) {
	var shown []string
	bothWays(t, func(t *testing.T, r *rival) {
		if out, err := exec.Command(r.Env.Get("REALPY"), "-c", "import curses").CombinedOutput(); err != nil {
			parts.Missing(t, fmt.Errorf("a Python with curses: %s", out))
		}
		s := startOnTerminal(t, r.run(`
import curses
def main(screen):
    screen.addstr(3, 5, f"size {curses.COLS}x{curses.LINES}, q to quit")
    screen.refresh()
    while (key := screen.getch()) != ord("q"):
        screen.addstr(4, 5, "resized" if key == curses.KEY_RESIZE else "other")
        screen.refresh()
curses.wrapper(main)`))
		s.wait("q to quit")
		s.resize(20, 60)
		s.wait("resized")
		s.typed("q")
		code, text := s.end()
		if code != 0 {
			t.Errorf("exit %d, %q", code, text)
		}
		shown = append(shown, text)
	})
	if len(shown) == 2 && shown[0] != shown[1] {
		t.Errorf("shown\n%q\nand\n%q", shown[0], shown[1])
	}
}

// What uv shows of a change on a terminal, colours and all, is the same though it is listened to.
func TestSupervised_shown(t *testing.T) {
	said := map[string]string{}
	bothWays(t, func(t *testing.T, r *rival) {
		for _, fds := range []string{"012", "2", "01"} {
			cmd := r.Command(r.uv, "sync")
			cmd.Dir = r.project("")
			var other bytes.Buffer
			cmd.Stdout, cmd.Stderr = &other, &other
			text, err := onTerminal(cmd, fds, nil)
			if code, _ := status(err); code != 0 {
				t.Errorf("%s: exit %d\n%s%s", fds, code, text, other.String())
			}
			text = settled(text) + "\nelsewhere\n" + settled(other.String())
			if was, ok := said[fds]; ok && was != text {
				t.Errorf("%s: shown\n%q\nand the other way\n%q", fds, text, was)
			}
			if fds == "012" && !strings.Contains(text, "\x1b[") || !strings.Contains(text, "Resolved") {
				t.Errorf("%s: uv says %q", fds, text)
			}
			said[fds] = text
		}
	})
}

// settled returns text without what a progress bar wrote over again, and with T for each number
// that has a unit of time.
func settled(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		words := strings.SplitAfter(line[strings.LastIndex(line, "\x1b[2K")+1:], " ")
		for j, word := range words {
			if unit := strings.TrimLeft(word, "0123456789."); unit != word && strings.HasPrefix(strings.TrimLeft(unit, "mµ"), "s") {
				words[j] = "T" + strings.TrimLeft(unit, "mµ")
			}
		}
		lines[i] = strings.Join(words, "")
	}
	return strings.Join(lines, "\n")
}

// notInherited are the states that a child does not get, whoever starts it.
var notInherited = []string{"timer", "signal_pending", "death_signal"}

// The process that uv gets is the one that it would have been, but for what is a process's own.
func TestSupervised_state(t *testing.T) {
	h := newHome(t)
	h.Set(h.python())
	python, out := h.Env.Get("REALPY"), filepath.Join(h.Work, "told")
	probe := filepath.Join(h.Work, "probe.py")
	uv := filepath.Join(h.Work, "bin", "uv")
	for path, text := range map[string]string{
		probe: probePy,
		uv:    "#!/bin/sh\nexec " + python + " -I " + probe + " " + out + "\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	tell := func(t *testing.T, program, state string) map[string]any {
		t.Helper()
		os.Remove(out)
		dir := filepath.Join(h.Work, "here")
		os.RemoveAll(dir)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer null.Close()
		cmd := h.Command(python, "-I", "-c", preparePy, state, program, "run", "x")
		cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, null, null, null
		if err := cmd.Run(); err != nil {
			t.Errorf("%s: %v", program, err)
		}
		var told map[string]any
		data, err := os.ReadFile(out)
		if err == nil {
			err = json.Unmarshal(data, &told)
		}
		if err != nil {
			t.Fatalf("%s told %q: %v", program, data, err)
		}
		pid := float64(cmd.Process.Pid)
		if direct := told["pid"] == pid; direct != (program == uv) {
			t.Errorf("%s ran as process %v, the call is %v", program, told["pid"], pid)
		}
		for _, key := range []string{"group", "session"} {
			if told[key] == pid {
				told[key] = "own"
			}
		}
		for _, key := range []string{"pid", "parent", "death signal"} {
			delete(told, key)
		}
		told["environment"] = slices.DeleteFunc(told["environment"].([]any), func(entry any) bool {
			name, _, _ := strings.Cut(entry.(string), "=")
			return name == "UV_PYTHON_SEARCH_PATH" || name == "SHIM_SEARCH_PATH" || name == "SHIM_GUARD"
		})
		return told
	}
	for _, name := range slices.Sorted(maps.Keys(states)) {
		if slices.Contains(notInherited, name) || strings.HasPrefix(name, "argument") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			want := tell(t, uv, states[name])
			compare(t, tell(t, filepath.Join(h.ShimDir, "uv"), states[name]), want)
		})
	}
}
