// Package remember keeps between calls what was expensive to find out: in the cache directory, one
// small file for each thing, named by a hash of its key and replaced whole. Everything here may be
// deleted at any time and is then found out again.
package remember

import (
	"bytes"
	"encoding/hex"
	"errors"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"uvshim/shim/host"
)

// schema is the first line of every file. A file of another schema is ignored and not deleted:
// two versions of shim may run side by side.
const schema = "shim remember 1"

// limit bounds what is kept under one key, in bytes.
const limit = 4 << 20

// A Store is a directory of remembered things. The zero Store remembers nothing.
type Store struct {
	dir  string
	host host.Host
}

// Open returns the store below the cache directory, for a host that may write there. Elsewhere
// (sudo with the user's HOME, no home at all), and where others may write, nothing is remembered or believed: what another
// user wrote could name a program to run.
func Open(h host.Host) Store {
	cache := h.Dirs().Cache
	if cache == "" {
		return Store{}
	}
	dir := filepath.Join(cache, "shim")
	if !h.Alone(dir) {
		return Store{}
	}
	return Store{dir: dir, host: h}
}

// Dir returns the directory of the store, "" of one that remembers nothing.
func (s Store) Dir() string { return s.dir }

// Load returns what was saved under key, whose first line names the kind of thing. The key itself stands in the file, so that two keys of
// one hash cannot answer for each other.
func (s Store) Load(key string) ([]byte, bool) {
	if s.dir == "" {
		return nil, false
	}
	data, err := s.host.ReadOwn(s.file(key), limit)
	if err != nil {
		return nil, false
	}
	return cutHeader(data, key)
}

// Save keeps data under key.
func (s Store) Save(key string, data []byte) error {
	if s.dir == "" {
		return errNoDir
	}
	file, text := s.file(key), append(header(key), data...)
	if len(text) > limit {
		return host.ErrTooLarge // it would not be read back
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	added := host.Identify(file) == host.Missing
	if err := host.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	if added {
		prune(filepath.Dir(file), filepath.Base(file))
	}
	return nil
}

// Forget deletes what is kept under key.
func (s Store) Forget(key string) {
	if s.dir != "" {
		os.Remove(s.file(key))
	}
}

// Settle is how long a file must have rested before what it says is remembered. Two changes within
// one tick of the file system's clock, at most 10 ms on Linux, leave the same times behind.
const Settle = 50 * time.Millisecond

// File returns what parse makes of the file at path, remembered while the file keeps its identity.
// what names the kind of thing, as one file may have several. Neither a missing file nor an error
// of parse is remembered.
func (s Store) File(what, path string, parse func(path string) ([]byte, error)) ([]byte, error) {
	id := host.Identify(path)
	if id == host.Missing {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist}
	}
	key := what + "\n" + path
	if data, ok := s.Load(key); ok {
		if rest, ok := bytes.CutPrefix(data, []byte(string(id)+"\n")); ok {
			return rest, nil
		}
	}
	data, err := parse(path)
	if err != nil {
		return nil, err
	}
	if id == host.Identify(path) && id.Rested(Settle) {
		// Failing to remember costs the next call a parse and this one nothing.
		_ = s.Save(key, append([]byte(string(id)+"\n"), data...))
	}
	return data, nil
}

// Claim reports whether the caller is the first to claim text, on a terminal or not, which count
// apart. Of any number of callers at once one is the first. A line of text that is a path and the
// identity of the file there says what the claim is about: see pruneClaims. An error means that no claim can be kept.
func (s Store) Claim(text string, terminal bool) (bool, error) {
	if s.dir == "" {
		return false, errNoDir
	}
	key := "claim\n" + strconv.FormatBool(terminal) + "\n" + text
	file := s.file(key)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return false, err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// What is not written leaves a claim that is kept for good.
	_, _ = f.WriteString(subjects(text))
	err = f.Close()
	pruneClaims(filepath.Dir(file))
	return true, err
}

var errNoDir = errors.New("no cache directory of our own")

func header(key string) []byte {
	return []byte(schema + "\n" + hex.EncodeToString([]byte(key)) + "\n")
}

// cutHeader returns what stands after header(key). It makes no header to compare with, whose copies
// of the key would cost a warm call ten page faults.
func cutHeader(data []byte, key string) ([]byte, bool) {
	data, ok := bytes.CutPrefix(data, []byte(schema+"\n"))
	if end := 2 * len(key); !ok || len(data) <= end || data[end] != '\n' {
		return nil, false
	}
	const digits = "0123456789abcdef"
	for i := range len(key) {
		if data[2*i] != digits[key[i]>>4] || data[2*i+1] != digits[key[i]&15] {
			return nil, false
		}
	}
	return data[2*len(key)+1:], true
}

func (s Store) file(key string) string {
	h := fnv.New128a()
	h.Write([]byte(key))
	kind, _, _ := strings.Cut(key, "\n")
	return filepath.Join(s.dir, kind, hex.EncodeToString(h.Sum(nil)))
}
