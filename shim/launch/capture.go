//go:build amd64 || arm64

package launch

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	// After the child's end its children may still have its standard error open: they are listened
	// to until they are silent for so long,
	afterword = 100 * time.Millisecond
	// and no longer than that.
	lastWord = time.Second
)

// A capture stands between the child's standard error and ours, and keeps the end of what went
// through. A nil one does nothing.
type capture struct {
	limit    int
	terminal bool
	from     int           // we read
	theirs   int           // the child writes; -1 once it has it
	bell     [2]int        // a pipe: closed at the child's end
	done     chan struct{} // closed at the end of copying; nil before its beginning
	tail     []byte
}

// newCapture returns a capture of the last limit bytes, nil where none can be had. What is a
// terminal now will be one for the child.
func newCapture(limit int) *capture {
	c := &capture{limit: limit}
	var err error
	if mode, notty := unix.IoctlGetTermios(2, unix.TCGETS); notty == nil {
		c.terminal = true
		c.from, c.theirs, err = openTerminal(mode)
	} else {
		var pipe [2]int
		err = unix.Pipe2(pipe[:], unix.O_CLOEXEC)
		c.from, c.theirs = pipe[0], pipe[1]
	}
	if err != nil {
		return nil
	}
	if unix.Pipe2(c.bell[:], unix.O_CLOEXEC) != nil {
		unix.Close(c.from)
		unix.Close(c.theirs)
		return nil
	}
	c.resize()
	return c
}

// openTerminal returns the descriptors of both sides of a new pseudo-terminal that is set like
// mode, but changes nothing of what is written to it: the real one is to do that, once. Never
// does it become the terminal that controls us.
func openTerminal(mode *unix.Termios) (ours, theirs int, err error) {
	const flags = unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC
	ours, err = unix.Open("/dev/ptmx", flags, 0)
	if err != nil {
		return -1, -1, err
	}
	raw := *mode
	raw.Oflag &^= unix.OPOST
	err = unix.IoctlSetPointerInt(ours, unix.TIOCSPTLCK, 0)
	if err == nil {
		theirs, err = openPeer(ours, flags)
	}
	if err != nil {
		unix.Close(ours)
		return -1, -1, err
	}
	if err := unix.IoctlSetTermios(theirs, unix.TCSETS, &raw); err != nil {
		unix.Close(ours)
		unix.Close(theirs)
		return -1, -1, err
	}
	return ours, theirs, nil
}

// openPeer opens the other side of a pseudo-terminal, also where /dev/pts is another one's.
func openPeer(ours, flags int) (int, error) {
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(ours), unix.TIOCGPTPEER, uintptr(flags))
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// resize gives the child's terminal the size of ours. It reports whether that was news.
func (c *capture) resize() bool {
	if c == nil || !c.terminal {
		return false
	}
	size, err := unix.IoctlGetWinsize(2, unix.TIOCGWINSZ)
	if err != nil {
		return false
	}
	now, err := unix.IoctlGetWinsize(c.from, unix.TIOCGWINSZ)
	if err == nil && *now == *size {
		return false
	}
	return unix.IoctlSetWinsize(c.from, unix.TIOCSWINSZ, size) == nil
}

// begin is for when the child has been started.
func (c *capture) begin() {
	if c == nil {
		return
	}
	unix.Close(c.theirs)
	c.done = make(chan struct{})
	go c.copy()
}

// end is for when the child has ended. It returns the last of what the child wrote.
func (c *capture) end() []byte {
	if c == nil {
		return nil
	}
	unix.Close(c.bell[1])
	<-c.done
	unix.Close(c.bell[0])
	return c.tail
}

// copy passes on what comes until there is nobody left to write it. It waits where our standard
// error makes it wait, and then so does the child; and when ours is broken, closes what the child
// writes to, which then learns it by a signal or an error as it would have without us.
func (c *capture) copy() {
	defer close(c.done)
	defer unix.Close(c.from)
	buf := make([]byte, 1<<14)
	wait := -1
	var deadline time.Time
	for {
		fds := []unix.PollFd{{Fd: int32(c.from), Events: unix.POLLIN}, {Fd: int32(c.bell[0]), Events: unix.POLLIN}}
		if wait >= 0 {
			fds = fds[:1]
		}
		n, err := unix.Poll(fds, wait)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil || n == 0:
			return
		case wait >= 0 && time.Now().After(deadline):
			return
		case wait < 0 && fds[1].Revents != 0:
			wait, deadline = int(afterword.Milliseconds()), time.Now().Add(lastWord)
		}
		if fds[0].Revents == 0 {
			continue
		}
		n, err = unix.Read(c.from, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 { // EIO is the end of a terminal
			return
		}
		c.keep(buf[:n])
		if !write(2, buf[:n]) {
			return
		}
	}
}

// keep adds data to the tail.
func (c *capture) keep(data []byte) {
	if over := len(c.tail) + len(data) - c.limit; over > 0 {
		cut := min(over, len(c.tail))
		c.tail = append(c.tail[:0], c.tail[cut:]...)
		data = data[over-cut:]
	}
	c.tail = append(c.tail, data...)
}

// write writes all of data to fd, and reports whether it could.
func write(fd int, data []byte) bool {
	for len(data) > 0 {
		n, err := unix.Write(fd, data)
		switch {
		case err == unix.EAGAIN: // somebody who shares it has set O_NONBLOCK
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, -1)
		case err != nil && err != unix.EINTR:
			return false
		}
		data = data[max(n, 0):]
	}
	return true
}
