//go:build amd64 || arm64

package launch

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCapture_pipe(t *testing.T) {
	for _, c := range []struct {
		name, script string
		tail         int
		said, kept   string
	}{
		{"nothing", "echo out", 10, "", ""},
		{"short", "echo err >&2", 10, "err\n", "err\n"},
		{"exact", "printf 0123456789 >&2", 10, "0123456789", "0123456789"},
		{"long", "printf 0123456789ab >&2", 10, "0123456789ab", "23456789ab"},
		{"pieces", "printf 01234567 >&2; sleep .05; printf 89a >&2; sleep .05; printf b >&2", 10, "0123456789ab", "23456789ab"},
		{"bytes", `printf 'a\000\377\r\n' >&2`, 10, "a\x00\xff\r\n", "a\x00\xff\r\n"},
		{"much", "head -c 3000000 /dev/zero >&2; printf end >&2", 5, strings.Repeat("\x00", 3e6) + "end", "\x00\x00end"},
		{"killed", "echo err >&2; kill -KILL $$", 10, "err\n", "err\n"},
		{"several_lines", "echo a >&2; echo b >&2; echo c >&2", 3, "a\nb\nc\n", "\nc\n"},
		{"grandchild", "(sleep .02; echo late >&2) & echo err >&2", 20, "err\nlate\n", "err\nlate\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := supervise(t, c.tail, "/bin/sh", "-c", c.script)
			var said bytes.Buffer
			cmd.Stderr = &said
			_ = cmd.Run()
			if said.String() != c.said {
				t.Errorf("said %.100q (%d bytes)", said.String(), said.Len())
			}
			if got := outcome(t, cmd); !strings.Contains(got, fmt.Sprintf(" %q ", c.kept)) {
				t.Errorf("outcome %s, want %q", got, c.kept)
			}
		})
	}
}

// A daemon that the child leaves behind does not hold us up.
func TestCapture_daemon(t *testing.T) {
	for _, c := range []struct{ name, daemon string }{
		{"silent", "sleep 1000"},
		{"chatty", "while :; do echo x >&2 || exit; done"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := supervise(t, 10, "/bin/sh", "-c", "("+c.daemon+") >/dev/null & echo $! >&3; echo err >&2")
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			cmd.ExtraFiles = []*os.File{w}
			stderr, err := os.Create(filepath.Join(t.TempDir(), "err"))
			if err != nil {
				t.Fatal(err)
			}
			defer stderr.Close()
			cmd.Stderr = stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			w.Close()
			if ws := state(t, cmd.Process.Pid); ws.ExitStatus() != 0 {
				t.Errorf("wait status %#x", ws)
			}
			text, _ := os.ReadFile(stderr.Name())
			if !strings.Contains(string(text), "err\n") {
				t.Errorf("said %q", text)
			}
		})
	}
}

// Where nobody reads our standard error any longer the child learns it.
func TestCapture_broken(t *testing.T) {
	cmd := supervise(t, 10, "/bin/sh", "-c", "while :; do echo x; done >&2")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	_, _ = io.ReadFull(r, make([]byte, 10))
	r.Close()
	if ws := state(t, cmd.Process.Pid); !ws.Signaled() || ws.Signal() != unix.SIGPIPE {
		t.Errorf("wait status %#x", ws)
	}
}

// Where nobody reads for a while the child waits, and we do not hoard.
func TestCapture_slow(t *testing.T) {
	cmd := supervise(t, 10, helper, "fill")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.Stderr = w
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	var took int
	if _, err := fmt.Fscan(out, &took); err != nil || took < 1000 || took > 1<<20 {
		t.Errorf("it took %d bytes, %v", took, err)
	}
	n, _ := io.Copy(io.Discard, r)
	if int(n) != took {
		t.Errorf("%d of %d bytes arrived", n, took)
	}
	if ws := state(t, cmd.Process.Pid); ws.ExitStatus() != 0 {
		t.Errorf("wait status %#x", ws)
	}
}

// On a terminal the child has one: of the same size, not one that controls it, and what it writes
// is changed by the real one only.
func TestCapture_terminal(t *testing.T) {
	cmd := supervise(t, 1000, "/bin/sh", "-c", `
trap 'stty size <&2 >&2; exit' WINCH
test -t 2 && echo terminal >&2
stty size <&2 >&2
test "$(readlink /proc/self/fd/2)" = "$(readlink /proc/self/fd/0)" || echo another >&2
echo "controlled by $(cut -d' ' -f7 /proc/self/stat)" >&2
echo ready; while :; do sleep 0.01; done`)
	screen, tty := terminal(t)
	size := func(rows, cols uint16) {
		if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols}); err != nil {
			t.Fatal(err)
		}
	}
	size(17, 71)
	cmd.Stdin, cmd.Stderr = tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // without a terminal, ready to take the next
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var word string
	if _, err := fmt.Fscan(out, &word); err != nil || word != "ready" {
		t.Fatalf("%q, %v", word, err)
	}
	size(18, 72)
	_ = unix.Kill(cmd.Process.Pid, unix.SIGWINCH) // the terminal does not know us
	if ws := state(t, cmd.Process.Pid); ws.ExitStatus() != 0 {
		t.Errorf("wait status %#x", ws)
	}
	tty.Close()
	shown := make([]byte, 1000)
	n, _ := io.ReadFull(screen, shown)
	want := "terminal\n17 71\nanother\ncontrolled by 0\n18 72\n"
	if got := string(shown[:n]); got != strings.ReplaceAll(want, "\n", "\r\n") {
		t.Errorf("shown %q", got)
	}
	if got, want := outcome(t, cmd), fmt.Sprintf("0 0 %q <nil>", want); got != want {
		t.Errorf("outcome %s, want %s", got, want)
	}
}
