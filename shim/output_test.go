package shim

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"uvshim/shim/say"
)

// Half a result is none: after what could not be written nothing is, and the command fails with that.
func TestOutput_firstError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()

	o := &output{file: file}
	if o.print("one\n"); o.err != nil || !o.used {
		t.Fatalf("%v, used %v", o.err, o.used)
	}
	o.file = full
	o.println("two")
	o.file = file
	o.printf("%s\n", "three")
	o.table("head", [][]string{{"four", ""}})
	o.json(5)
	if text, _ := os.ReadFile(path); string(text) != "one\n" || !errors.Is(o.err, unix.ENOSPC) {
		t.Errorf("%q, %v", text, o.err)
	}
	if n, err := o.Write([]byte("six")); n != 0 || !errors.Is(err, unix.ENOSPC) {
		t.Errorf("%d, %v", n, err)
	}
	// what cannot be JSON does not take its place
	if o.json(func() {}); !errors.Is(o.err, unix.ENOSPC) {
		t.Error(o.err)
	}

	for _, c := range []struct {
		name string
		out  *output
		code int
		said string
	}{
		{"end_well", &output{file: file}, exitOK, ""},
		{"end_with_its_own_code", &output{file: file}, exitNotFound, ""},
		{"end_unwritten", o, exitOK, "shim: error: cannot write to standard output: no space left on device\n"},
		{"end_unwritten_with_another_code", o, exitNotFound, "shim: error: cannot write to standard output: no space left on device\n"},
		{"end_without_a_path", &output{err: unix.EBADF}, exitOK, "shim: error: cannot write to standard output: bad file descriptor\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var said bytes.Buffer
			p := &program{out: c.out, say: say.Speaker{W: &said}}
			want := c.code
			if c.said != "" {
				want = exitFailed
			}
			if got := p.end(c.code); got != want || said.String() != c.said {
				t.Errorf("%d, says %q", got, said.String())
			}
		})
	}
}
