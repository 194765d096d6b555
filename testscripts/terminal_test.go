package testscripts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// tooLong is how long a test waits before it takes something for hung. It says nothing of how long
// anything takes.
const tooLong = 5 * time.Minute

// onTerminal runs cmd in a session of its own whose terminal is the descriptors in fds, such as
// "012" or "2"; the others are left as cmd has them. Input is typed in, with an end of file after
// it, unless it is nil. It returns what the terminal showed, lines ending in \n, and Run's error.
// A command still there after that is too long is killed.
func onTerminal(cmd *exec.Cmd, fds string, input []byte) (shown string, err error) {
	screen, tty, err := openTerminal()
	if err != nil {
		return "", err
	}
	defer screen.Close()
	defer tty.Close()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	for _, fd := range fds {
		switch fd {
		case '0':
			cmd.Stdin = tty
		case '1':
			cmd.Stdout = tty
		case '2':
			cmd.Stderr = tty
		default:
			return "", fmt.Errorf("bad descriptor %q: want some of 012", fd)
		}
		cmd.SysProcAttr.Ctty = int(fd - '0')
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	tty.Close()
	limit, cancel := context.WithTimeout(context.Background(), tooLong)
	defer cancel()
	stop := context.AfterFunc(limit, func() {
		unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		screen.Close()
	})
	defer stop()
	if input != nil {
		go screen.Write(append(bytes.Clone(input), 4))
	}
	var out bytes.Buffer
	read := make(chan struct{})
	go func() {
		io.Copy(&out, screen) // to the EIO of a terminal that nobody has open any longer
		close(read)
	}()
	err = cmd.Wait()
	<-read
	return strings.ReplaceAll(out.String(), "\r\n", "\n"), err
}

// openTerminal returns both sides of a new pseudo-terminal.
func openTerminal() (screen, tty *os.File, err error) {
	screen, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	number, err := unlockTerminal(screen)
	if err == nil {
		tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		screen.Close()
		return nil, nil, err
	}
	return screen, tty, nil
}

// unlockTerminal is unlockpt(3) and ptsname(3). It does not ask for the file's Fd, which would make
// reads that Close cannot end.
func unlockTerminal(screen *os.File) (number int, err error) {
	raw, err := screen.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		if failed = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failed == nil {
			number, failed = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	return number, errors.Join(err, failed)
}

// status returns the exit status of a finished call, 128 and the signal where one ended it, and an
// error only where it did not run.
func status(err error) (int, error) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, err
	}
	if ws := exit.Sys().(syscall.WaitStatus); ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return exit.ExitCode(), nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
