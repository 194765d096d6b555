package launch

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
)

// start runs a program to its end, as the kernel lets it.
func start(t *testing.T, tried *[]host.Env) func(argv []string, env host.Env) error {
	return func(argv []string, env host.Env) error {
		*tried = append(*tried, env)
		pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{Env: env})
		if err != nil {
			return err
		}
		var ws unix.WaitStatus
		if _, err := unix.Wait4(pid, &ws, 0, nil); err != nil {
			t.Error(err)
		}
		return nil
	}
}

// What shim adds is left out where it makes the call too large, which is then told of exactly.
func TestFit(t *testing.T) {
	large := strings.Repeat("x", maxString)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	none := []string{"-test.run=^$"}
	plain := host.Env{"A=1"}
	for _, tt := range []struct {
		name  string
		plan  Plan
		tries int
		want  string
	}{
		{"fits", Plan{Path: program, Args: none, Env: plain.With("OURS", "x"), Plain: plain}, 1, ""},
		{"ours_too_large", Plan{Path: program, Args: none, Env: plain.With("OURS", large), Plain: plain}, 2, ""},
		{"theirs_too_large", Plan{Path: program, Args: none, Env: plain.With("THEIRS", large), Plain: plain.With("THEIRS", large)}, 2,
			"THEIRS is 131079 bytes long, and the kernel takes 131071 at most"},
		{"both_too_large", Plan{Path: program, Args: none, Env: plain.With("OURS", large+large), Plain: plain.With("THEIRS", large)}, 2,
			"OURS is 262149 bytes long, and the kernel takes 131071 at most"},
		{"argument_too_large", Plan{Path: program, Args: append(none, large), Env: plain}, 1,
			"an argument is 131072 bytes long, and the kernel takes 131071 at most"},
		{"not_there", Plan{Path: program + ".gone", Env: plain.With("OURS", "x"), Plain: plain}, 1, "no such file or directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var tried []host.Env
			err := tt.plan.fit(start(t, &tried))
			if len(tried) != tt.tries {
				t.Errorf("%d tries, want %d", len(tried), tt.tries)
			}
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || err.Error() != tt.want):
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	many := sizeOf([]string{"a", "bc"}, host.Env{"D=1", "E=22"})
	if want := "the arguments take 21 bytes and the environment 25, more together than the kernel passes on"; many.Error() != want || !errors.Is(many, unix.E2BIG) {
		t.Errorf("got %v", many)
	}
}
