package remember

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"uvshim/shim/host"
)

// How many things of one kind are kept, and how many more names are looked at when there are more. Who
// adds one drops the oldest: no call that only asks pays for that. Of real users who work with many
// environments it is still more than a year's.
const (
	maxKept    = 1000
	maxDropped = 1000
)

// prune drops what is oldest in the directory of one kind of things, if there are more than are kept. What
// is dropped is found out again by whoever asks for it, and is then the newest. added is the name of
// what has just come.
func prune(dir, added string) {
	names := held(dir)
	if len(names) <= maxKept {
		return
	}
	type thing struct {
		name string
		at   time.Time
	}
	var all []thing
	for _, name := range names {
		if info, err := os.Lstat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() && name != added {
			all = append(all, thing{name, info.ModTime()})
		}
	}
	slices.SortFunc(all, func(a, b thing) int { return cmp.Or(a.at.Compare(b.at), strings.Compare(a.name, b.name)) })
	// some more than there have to be, so that not every newcomer looks at all of them
	for _, old := range all[:min(len(all), len(names)-maxKept+maxKept/10)] {
		os.Remove(filepath.Join(dir, old.name))
	}
}

// held returns the names of remembered things in a directory, not all of them where there are far more
// than are kept.
func held(dir string) []string {
	names, _ := host.Names(dir, maxKept+maxDropped, func(name string) bool {
		return len(name) == 32 && strings.Trim(name, "0123456789abcdef") == ""
	})
	return names
}

// pruneClaims drops claims that nobody can ask for again, if there are more than are kept. The age of a
// claim says nothing: it is made once and keeps a warning from coming again as long as its cause is
// there, which may be years. But the text of most has the identity of what they are about, with the
// time of its last change, and once that file is another one or gone, no text has that identity
// again. Claims of any other text are kept.
func pruneClaims(dir string) {
	names := held(dir)
	if len(names) <= maxKept {
		return
	}
	for _, name := range names {
		file := filepath.Join(dir, name)
		if data, err := host.ReadFile(file, maxSubjects); err == nil && dead(string(data)) {
			os.Remove(file)
		}
	}
}

// maxSubjects bounds the text in a claim, in bytes.
const maxSubjects = 16 << 10

// subjects returns the lines of a claim's text that are a path and the identity of the file there.
func subjects(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if _, _, ok := subject(line); ok && b.Len()+len(line) <= maxSubjects {
			b.WriteString(line)
		}
	}
	return b.String()
}

func subject(line string) (path string, id host.Identity, ok bool) {
	line, whole := strings.CutSuffix(line, "\n")
	i := strings.LastIndexByte(line, ' ')
	if !whole || i < 0 || !filepath.IsAbs(line[:i]) {
		return "", "", false
	}
	path, id = line[:i], host.Identity(line[i+1:])
	return path, id, strings.Count(string(id), ":") == 4 && strings.Trim(string(id), "0123456789:-") == ""
}

// dead reports whether one of the files that a claim is about has changed for good.
func dead(claim string) bool {
	for line := range strings.Lines(claim) {
		if path, id, ok := subject(line); ok && changed(path, id) {
			return true
		}
	}
	return false
}

// changed reports whether no file at path will have that identity again. Behind a link the same file may be
// back, as after the rollback of a NixOS generation; and so it may where its file system is not
// mounted, or goes by another number than it did.
func changed(path string, was host.Identity) bool {
	dev, rest, _ := strings.Cut(string(was), ":")
	if real, err := host.Real(path); err == nil {
		now, other, _ := strings.Cut(string(host.Identify(path)), ":")
		return real == path && now == dev && other != rest
	}
	// the nearest directory that is there tells which file system the path is on
	var st syscall.Stat_t
	err := syscall.Lstat(path, &st)
	for ; errors.Is(err, fs.ErrNotExist); err = syscall.Lstat(path, &st) {
		path = filepath.Dir(path)
	}
	if err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFDIR || strconv.FormatUint(uint64(st.Dev), 10) != dev {
		return false
	}
	real, err := host.Real(path)
	return err == nil && real == path
}
