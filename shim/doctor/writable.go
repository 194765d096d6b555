package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"uvshim/shim/link"
)

// pathWritable looks for directories on PATH, down to the shims', into which others can put a
// python: the directory itself, or one above it in which it could be exchanged for another.
func pathWritable(m *Machine) []Finding {
	var dirs []string
	for _, dir := range filepath.SplitList(m.Host.Env.Get("PATH")) {
		if filepath.IsAbs(dir) {
			dirs = append(dirs, dir)
		}
		if isShimDir(dir) {
			break
		}
	}
	if m.Dirs.Data != "" {
		dirs = append(dirs, link.Dir(m.Dirs.Data))
	}
	open := map[writers][]string{}
	for _, dir := range dirs {
		for at, who := range m.writable(dir) {
			if !slices.Contains(open[who], at) {
				open[who] = append(open[who], at)
			}
		}
	}
	if len(open) == 0 {
		return ok("nobody else can put programs before the shims")
	}
	var found []Finding
	where := func(list []string) string {
		slices.Sort(list)
		return many(list, "directory that a python is looked for in", "directories that a python is looked for in")
	}
	if list := open[everybody]; len(list) > 0 {
		text := where(list)
		found = append(found, one(Error, "chmod o-w "+m.words(list), list, "everybody can put programs into %s", text)...)
	}
	if list := open[group]; len(list) > 0 {
		var evidence []string
		text := where(list)
		for _, dir := range list {
			evidence = append(evidence, m.owner(dir))
		}
		found = append(found, one(Warning, "chmod g-w "+m.words(list)+"   # with sudo where it is not yours", evidence, "a group can put programs into %s", text)...)
	}
	if list := open[stranger]; len(list) > 0 {
		var evidence []string
		text := where(list)
		for _, dir := range list {
			evidence = append(evidence, m.owner(dir))
		}
		found = append(found, one(Warning, inFile("your shell's start file", "# take it off PATH, or put it behind the shims"), evidence, "another user can put programs into %s", text)...)
	}
	return found
}

// writers are who else can write a directory.
type writers string

const (
	everybody writers = "everybody"
	group     writers = "group"
	stranger  writers = "stranger"
)

// writable returns the directories by which others decide what is found in dir, which is absolute.
func (m *Machine) writable(dir string) map[string]writers {
	out := map[string]writers{}
	// where a link on the way stands counts, and where it leads
	for _, way := range []string{filepath.Clean(dir), real(dir)} {
		for at := way; ; at = filepath.Dir(at) {
			var st unix.Stat_t
			if unix.Stat(at, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
				if who := m.writers(at, &st, at == way); who != "" {
					out[at] = who
				}
			} else if at == way {
				break // nothing is looked for in what is not there
			}
			if at == "/" {
				break
			}
		}
	}
	return out
}

// writers returns who else can write the directory at path, last one on its way or not: above that, a
// sticky directory keeps its entries to their owners.
func (m *Machine) writers(path string, st *unix.Stat_t, last bool) writers {
	sticky := st.Mode&unix.S_ISVTX != 0 && !last
	switch {
	case st.Mode&0o002 != 0 && !sticky:
		return everybody
	case st.Uid != 0 && int(st.Uid) != m.Host.UID:
		return stranger
	case st.Mode&0o020 != 0 && !sticky && (hasACL(path) || m.shared(st.Gid)):
		return group
	}
	return ""
}

// hasACL reports whether the directory has an access control list, of which the group's bits are the
// mask (acl(5)): whoever stands in it may then be able to write.
func hasACL(path string) bool {
	n, err := unix.Getxattr(path, "system.posix_acl_access", nil)
	return err == nil && n > 0
}

// shared reports whether somebody else than the user and root may be in a group. Debian's staff, which
// owns /usr/local of older installations, is empty on most machines. Of a group that is not in
// /etc/group nobody knows.
func (m *Machine) shared(gid uint32) bool {
	number := strconv.Itoa(int(gid))
	for line := range strings.Lines(m.read("/etc/passwd")) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) == 7 && f[3] == number && f[2] != "0" && f[2] != strconv.Itoa(m.Host.UID) {
			return true
		}
	}
	for line := range strings.Lines(m.read("/etc/group")) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) != 4 || f[2] != number {
			continue
		}
		return slices.ContainsFunc(strings.Split(f[3], ","), func(name string) bool {
			return name != "" && name != "root" && name != m.user()
		})
	}
	return gid != 0 && int(gid) != m.Host.UID
}

// owner tells whose a directory is.
func (m *Machine) owner(dir string) string {
	info, err := os.Stat(dir)
	var st unix.Stat_t
	if err != nil || unix.Stat(dir, &st) != nil {
		return dir
	}
	return fmt.Sprintf("%s: %s, of user %d and group %d", dir, info.Mode(), st.Uid, st.Gid)
}
