//go:build amd64 || arm64

package launch

import (
	"testing"

	"golang.org/x/sys/unix"
)

// When the program has ended, signals are again whose they were: what runs after it, such as the
// check of what it changed, can be interrupted.
func TestInbox_close(t *testing.T) {
	actions := func() (now [lastSignal + 1]action) {
		for _, n := range passed {
			if err := sigaction(n, nil, &now[n]); err != nil {
				t.Fatal(err)
			}
		}
		return now
	}
	before := actions()
	in, err := catch()
	if err != nil {
		t.Fatal(err)
	}
	caught := actions()
	in.close()
	after := actions()
	for _, n := range passed {
		if !ignored(n) && caught[n].handler == before[n].handler {
			t.Errorf("%v was not caught", n)
		}
		if after[n].handler != before[n].handler {
			t.Errorf("%v is still caught", n)
		}
	}
}

// The terminal sends a signal of a key to the whole group, and no other: one of the kernel's own is
// for us alone, and has to be passed on.
func TestChild_has(t *testing.T) {
	const siKernel = 0x80
	c := &child{pid: unix.Getpid()}
	for _, row := range []struct {
		name string
		s    caught
		want bool
	}{
		{"key", caught{Signal: int32(unix.SIGINT), Code: siKernel}, true},
		{"key_quit", caught{Signal: int32(unix.SIGQUIT), Code: siKernel}, true},
		{"window", caught{Signal: int32(unix.SIGWINCH), Code: siKernel}, true},
		{"kill", caught{Signal: int32(unix.SIGINT)}, false},
		{"alarm_of_before", caught{Signal: int32(unix.SIGALRM), Code: siKernel}, false},
	} {
		if got := c.has(row.s); got != row.want {
			t.Errorf("%s: %t", row.name, got)
		}
	}
}
