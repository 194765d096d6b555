package lock

import (
	"errors"
	"fmt"
)

var (
	// ErrNoPlace: neither a state directory nor a home is known.
	ErrNoPlace = errors.New("no place for the lock: HOME is not set")
	// ErrBusy: somebody else held the lock all the time. The records stay pending.
	ErrBusy = errors.New("the lock is in use")
	// ErrNoFlock: the file system has no locks. The records stay pending.
	ErrNoFlock = errors.New("the file system of the lock has no file locks")
)

// A NotOwnedError is returned for a directory of another user's, in which nothing is written.
type NotOwnedError struct{ Dir string }

func (e *NotOwnedError) Error() string {
	return fmt.Sprintf("nothing is recorded below %q, which belongs to another user", e.Dir)
}

// An ExposedError is returned where others can write what leads to the records: what is found there may
// be of their making, and is not read, and nothing is written. Dir is where.
type ExposedError struct{ Dir string }

func (e *ExposedError) Error() string {
	return fmt.Sprintf("nothing is recorded or believed while others can write %q", e.Dir)
}

// A CorruptError tells of a lock or a pending file that could not be understood. Aside is where it is
// now; empty if it was left in its place.
type CorruptError struct {
	Path, Aside string
	Err         error
}

func (e *CorruptError) Error() string {
	if e.Aside == "" {
		return fmt.Sprintf("%q cannot be read: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("%q cannot be read and is now %q: %v", e.Path, e.Aside, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }
