package host

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Alone reports whether what is found in dir may be believed: see Exposed.
func (h Host) Alone(dir string) bool { return h.Exposed(dir) == "" }

// Exposed returns where somebody else than the effective user and root decides what is found in dir, "" for
// nowhere. That is dir itself, or the nearest directory above it that is there, if the user does not own it
// or others can write it; and any directory or link on the way to it that belongs to another user, or,
// unless it is sticky, that others can write: they could put something of the user's own in its
// place, a repository that was cloned from them for one. The way begins at the home directory where dir is
// below it, for who writes that needs none of our files. The group may write where it is the user's own:
// many systems give each user a group of the same number and a umask that lets it write.
//
// The top of the file system is no place for what is not there yet, as for Owns.
//
// Below a home of the user's this takes a system call for each directory.
func (h Host) Exposed(dir string) string {
	return h.exposed(filepath.Clean(dir), filepath.Clean(h.Env.Get("HOME")), false, 0)
}

// maxLinks is how many links one path may lead through, as in the kernel.
const maxLinks = 40

// exposed is Exposed up to top, or to the top of the file system for what does not lie below it. found tells that the directory that counts has been looked at, and this
// is the way to it.
func (h Host) exposed(dir, top string, found bool, links int) string {
	for ; ; dir = filepath.Dir(dir) {
		if found && dir == top && top != "/" && h.UID != 0 {
			return "" // root may have been called with another user's home
		}
		var st unix.Stat_t
		switch err := unix.Lstat(dir, &st); {
		case errors.Is(err, unix.ENOENT) && !found && filepath.Dir(dir) != "/":
			continue
		case err != nil:
			return dir
		}
		own, roots := int(st.Uid) == h.UID, st.Uid == 0
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFLNK:
			target, err := os.Readlink(dir)
			if err != nil || links == maxLinks || !own && !roots {
				return dir
			}
			if !filepath.IsAbs(target) {
				target = filepath.Join(filepath.Dir(dir), target)
			}
			if at := h.exposed(filepath.Clean(target), top, found, links+1); at != "" {
				return at
			}
		case unix.S_IFDIR:
			open := othersWrite(&st) && (!found || st.Mode&unix.S_ISVTX == 0)
			if !own && (!found || !roots) || open && (dir != top || top == "/") {
				return dir
			}
		default:
			return dir
		}
		found = true
		if dir == top || dir == "/" { // a home that is not there is not on the way
			return ""
		}
	}
}

func othersWrite(st *unix.Stat_t) bool {
	return st.Mode&0o002 != 0 || st.Mode&0o020 != 0 && st.Gid != st.Uid
}

// ErrForeign is returned by ReadOwn for a file of another user's.
var ErrForeign = errors.New("the file belongs to another user")

// ReadOwn is ReadFile for a file that is believed only where the effective user or root made it.
func (h Host) ReadOwn(path string, limit int64) ([]byte, error) {
	return readFile(path, limit, func(uid uint32) bool { return int(uid) == h.UID || uid == 0 })
}
