package testscripts

import (
	"bytes"
	"os"
	"testing"
)

// A pipe that nobody reads any more ends a command by SIGPIPE and without a word, as it ends others.
func TestClosedPipe(t *testing.T) {
	h := newHome(t)
	for _, args := range [][]string{{"help"}, {"which", "uv", "--json"}, {"doctor"}} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		cmd := h.Command(append([]string{"shim"}, args...)...)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = w, &stderr
		code, err := status(cmd.Run())
		w.Close()
		if err != nil || code != 128+13 || stderr.Len() > 0 {
			t.Errorf("%q: status %d, %v, says %q", args, code, err, stderr.String())
		}
	}
}
