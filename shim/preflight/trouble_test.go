package preflight

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"golang.org/x/sys/unix"

	"uvshim/shim/elfdeps"
)

func TestPassing(t *testing.T) {
	for err, want := range map[error]bool{
		nil:         false,
		unix.ENOENT: false,
		unix.EACCES: false,
		io.EOF:      false,
		unix.EIO:    true,
		unix.EMFILE: true,
		unix.ESTALE: true,
		&fs.PathError{Op: "open", Path: "/x", Err: unix.ENFILE}:    true,
		fmt.Errorf("finding the interpreter: %w", error(unix.EIO)): true,
	} {
		if got := passing(err); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// A troubled is a file system on which everything fails.
type troubled struct {
	elfdeps.FS
	err error
}

func (f troubled) Open(string) (elfdeps.File, error) { return nil, f.err }
func (f troubled) Stat(string) (elfdeps.Info, error) { return elfdeps.Info{}, f.err }
func (f troubled) Real(string) (string, error)       { return "", f.err }

// Of several troubles the first is told; that a file is not there is none.
func TestNoting(t *testing.T) {
	for err, want := range map[error]bool{unix.ENOENT: false, unix.EIO: true} {
		met := new(trouble)
		n := noting{troubled{err: err}, met}
		n.Stat("/first")
		n.Open("/second")
		n.Real("/third")
		if got := met.err; (got != nil) != want || want && (got.Error() != "looking at /first: input/output error" || !errors.Is(got, err)) {
			t.Errorf("%v: %v", err, got)
		}
	}
}
