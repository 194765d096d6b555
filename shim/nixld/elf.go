package nixld

import (
	"golang.org/x/sys/unix"

	"uvshim/shim/elfdeps"
)

// ELF returns the system as elfdeps wants it.
func (s *System) ELF() elfdeps.FS {
	if s.Running() {
		return elfdeps.Host{}
	}
	return elfFS{s}
}

type elfFS struct{ sys *System }

func (e elfFS) Open(path string) (elfdeps.File, error) {
	fd, err := e.sys.open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return nil, err
	}
	return elfdeps.FD(fd), nil
}

func (e elfFS) Stat(path string) (elfdeps.Info, error) {
	fd, err := e.sys.open(path, unix.O_PATH)
	if err != nil {
		return elfdeps.Info{}, err
	}
	defer unix.Close(fd)
	return elfdeps.FD(fd).Info()
}

func (e elfFS) Real(path string) (string, error) { return e.sys.walk(path, true) }
