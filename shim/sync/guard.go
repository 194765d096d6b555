package sync

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// ErrBusy: another sync held the guard all the time.
var ErrBusy = errors.New("another shim sync is at work")

// Guard keeps two syncs of one user from working at once, until the file is closed. It waits at most
// limit for another, and calls waiting once if it has to. Where no file can be locked (a read-only home, a
// file system without locks) it is nil, and uv's own locks have to do.
func Guard(at Place, limit time.Duration, waiting func()) (*os.File, error) {
	dir := filepath.Join(at.Base.State, "shim")
	if at.Base.State == "" || !at.Host.Owns(dir) || os.MkdirAll(dir, 0o700) != nil {
		return nil, nil
	}
	f, err := os.OpenFile(filepath.Join(dir, "sync.lock"), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, nil
	}
	for end := time.Now().Add(limit); ; {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return f, nil
		case !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			f.Close()
			return nil, nil
		case !time.Now().Before(end):
			f.Close()
			return nil, ErrBusy
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		time.Sleep(50 * time.Millisecond)
	}
}
