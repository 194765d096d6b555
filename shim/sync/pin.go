package sync

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"uvshim/shim/host"
)

// A Pin is uv's global pin.
type Pin struct {
	Path string // its file; "" where there is no place for one
	Text string // "" for no pin
	Ours bool   // shim may change it: there is none, or shim wrote it
}

const (
	maxPin    = 64 << 10 // bytes
	pinSchema = "schema = 1\n"
)

// readPin reads the global pin. It is ours if it says what shim wrote, which is kept in the state
// directory; what a user wrote into the file since is the user's.
func readPin(at Place) Pin {
	if at.UV.Config == "" || at.Base.State == "" {
		return Pin{}
	}
	pin := Pin{Path: filepath.Join(at.UV.Config, ".python-version")}
	info, err := os.Lstat(pin.Path)
	if errors.Is(err, fs.ErrNotExist) {
		pin.Ours = true
		return pin
	}
	data, readErr := host.ReadFile(pin.Path, maxPin)
	pin.Text = strings.TrimSpace(string(data))
	if err != nil || readErr != nil || !info.Mode().IsRegular() {
		return pin // a link leads into a repository of dotfiles, or into the store
	}
	pin.Ours = slices.Contains(at.pinsWritten(), pin.Text)
	return pin
}

// pinsWritten returns the pins that shim wrote: the last one, and the one before.
func (at Place) pinsWritten() []string {
	data, err := host.ReadFile(at.pinState(), maxPin)
	text, ok := strings.CutPrefix(string(data), pinSchema)
	if err != nil || !ok {
		return nil
	}
	return strings.Fields(text)
}

// pinState is the file that has the pins which shim wrote.
func (at Place) pinState() string {
	return filepath.Join(at.Base.State, "shim", "pin")
}

// setPin writes the pin. That it is ours is written down before, beside the one that is there now, so
// that a kill between the two leaves a pin that is still known.
func setPin(at Place, pin Pin, text string) error {
	written := pinSchema + text + "\n"
	if pin.Text != "" {
		written += pin.Text + "\n"
	}
	if err := at.write(at.pinState(), written, 0o700, 0o600); err != nil {
		return err
	}
	return at.write(pin.Path, text+"\n", 0o755, 0o644)
}

// write replaces a file in a directory of the user's own, which is made if need be.
func (at Place) write(path, text string, dirPerm, perm fs.FileMode) error {
	dir := filepath.Dir(path)
	if !at.Host.Owns(dir) {
		return &fs.PathError{Op: "write", Path: path, Err: errors.New("it is in a directory of another user's")}
	}
	if err := os.MkdirAll(dir, dirPerm); err != nil {
		return err
	}
	return host.WriteFile(path, []byte(text), perm)
}

func removePin(pin Pin) error { return os.Remove(pin.Path) }
