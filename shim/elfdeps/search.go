package elfdeps

import (
	"io"
	"os"
	"slices"
	"strings"
	"sync"
)

// A System says where its dynamic loader looks for shared objects.
type System struct {
	Files *Files

	// Loader is the path of glibc's own loader: not of nix-ld, which stands in its place. Empty: the
	// program's PT_INTERP.
	Loader string
	// Dir is the working directory, for relative entries of search paths.
	Dir string
	// LibraryPath is LD_LIBRARY_PATH as the loader gets it, split by SplitPath. An empty entry is
	// the working directory.
	LibraryPath []string
	// Preload is LD_PRELOAD, split.
	Preload []string
	// Cache is the ld.so.cache. Nil: none, as on NixOS.
	Cache *Cache
	// DefaultDirs are the directories built into the loader: nixld reads them out of it.
	DefaultDirs []string
	// HWCaps are the glibc-hwcaps subdirectories that the processor can use, best first: see HWCaps.
	HWCaps []string
	// OldSubdirs are the further subdirectories that glibc up to 2.36 looks into: see OldSubdirs.
	OldSubdirs []string
	// Lib and Platform are what $LIB and $PLATFORM stand for: the last part of the directory glibc was
	// built for ("lib64", "lib" in Nix), and "x86_64", or "haswell" on Intel's. A path with an empty
	// one is left out.
	Lib, Platform string
	// Glibc is the minor version of glibc, 41 for 2.41. Zero: that of the libc.so.6 or loader found.
	Glibc int
	// Tunables is GLIBC_TUNABLES.
	Tunables string
}

// tunable returns the value of a tunable, empty where it is not set.
func (sys *System) tunable(name string) string {
	value := ""
	for setting := range strings.SplitSeq(sys.Tunables, ":") {
		if key, text, ok := strings.Cut(setting, "="); ok && key == name {
			value = text
		}
	}
	return value
}

// SplitPath splits a value of LD_LIBRARY_PATH at colons and semicolons, as the loader does. An
// empty value has no entries.
func SplitPath(value string) []string {
	if value == "" {
		return nil
	}
	return strings.Split(strings.ReplaceAll(value, ";", ":"), ":")
}

// HWCaps returns the glibc-hwcaps subdirectories for this machine's processor, best first
// (glibc sysdeps/x86_64/dl-hwcaps-subdirs.c); none where /proc tells nothing of it. The processor is
// not asked itself: under virtualisation that takes 40 µs, and a package that does so at its
// initialisation takes them from every python.
func HWCaps() []string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, 16<<10) // the first processor's; they are alike
	n, _ := io.ReadFull(f, head)
	return hwcaps(string(head[:n]))
}

// hwcaps returns the subdirectories for what cpuinfo, the text of /proc/cpuinfo, lists under flags.
// The levels are those of the x86-64 psABI: abm is lzcnt, pni is sse3.
func hwcaps(cpuinfo string) []string {
	_, line, _ := strings.Cut(cpuinfo, "\nflags")
	line, _, _ = strings.Cut(line, "\n")
	flags := strings.Fields(line)
	var levels []string
	for _, level := range []struct{ name, flags string }{
		{"x86-64-v2", "cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3"},
		{"x86-64-v3", "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"},
		{"x86-64-v4", "avx512f avx512bw avx512cd avx512dq avx512vl"},
	} {
		for _, flag := range strings.Fields(level.flags) {
			if !slices.Contains(flags, flag) {
				return levels
			}
		}
		levels = append([]string{level.name}, levels...)
	}
	return levels
}

// OldSubdirs returns the subdirectories that the x86_64 loader of glibc 2.minor looks into after
// those of glibc-hwcaps: none since 2.37. Those that depend on the maker of the processor
// ("haswell") are not among them.
func OldSubdirs(minor int) []string {
	if minor == 0 || minor > 36 {
		return nil
	}
	return []string{"tls/x86_64/x86_64", "tls/x86_64", "tls", "x86_64/x86_64", "x86_64"}
}

// split returns the directories of a search path as fillin_rpath of elf/dl-load.c makes them:
// tokens expanded, those that cannot be left out, one slash at the end, each once. The empty string
// is the working directory.
func (sys *System) split(entries []string, origin string) []string {
	var dirs []string
	seen := map[string]bool{}
	for _, dir := range entries {
		if dir != "" {
			dir = sys.expand(dir, origin)
			if dir == "" {
				continue
			}
			for len(dir) > 1 && strings.HasSuffix(dir, "/") {
				dir = dir[:len(dir)-1]
			}
			if dir != "/" {
				dir += "/"
			}
		}
		if !seen[dir] {
			seen[dir] = true
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// expand replaces $ORIGIN, $LIB and $PLATFORM, in braces or not. If one has no value the result is
// empty.
func (sys *System) expand(text, origin string) string {
	if !strings.Contains(text, "$") {
		return text
	}
	var b strings.Builder
	for text != "" {
		before, rest, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			break
		}
		value, n := "", 0
		if n = token(rest, "ORIGIN"); n > 0 {
			value = origin
		} else if n = token(rest, "PLATFORM"); n > 0 {
			value = sys.Platform
		} else if n = token(rest, "LIB"); n > 0 {
			value = sys.Lib
		} else {
			b.WriteByte('$')
		}
		if n > 0 && value == "" {
			return ""
		}
		b.WriteString(value)
		text = rest[n:]
	}
	return b.String()
}

// token returns the length of the token name at the beginning of text, braces included, or 0.
func token(text, name string) int {
	if rest, ok := strings.CutPrefix(text, "{"); ok {
		if strings.HasPrefix(rest, name+"}") {
			return len(name) + 2
		}
		return 0
	}
	rest, ok := strings.CutPrefix(text, name)
	if !ok {
		return 0
	}
	if rest != "" {
		c := rest[0]
		if c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return 0
		}
	}
	return len(name)
}

// absolute returns path as an absolute one.
func (sys *System) absolute(path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return strings.TrimSuffix(sys.Dir, "/") + "/" + path
}

// A hit is a file that a search came upon: one to load, or one that ends the search with an error.
type hit struct {
	path string // as the loader put it together
	file *file
}

// A searcher looks for files of one kind. It is safe for concurrent use.
type searcher struct {
	sys     *System
	class   byte
	machine uint16
	subdirs []string // of every directory

	library, defaults []string

	mu    sync.Mutex
	known map[string][]string
}

func newSearcher(sys *System, class byte, machine uint16) *searcher {
	s := &searcher{sys: sys, class: class, machine: machine, known: map[string][]string{}}
	for _, name := range sys.HWCaps {
		s.subdirs = append(s.subdirs, "glibc-hwcaps/"+name+"/")
	}
	for _, name := range sys.OldSubdirs {
		s.subdirs = append(s.subdirs, name+"/")
	}
	s.defaults = sys.split(sys.DefaultDirs, "")
	return s
}

// A quest is what a search notes down and how much it may cost.
type quest struct {
	other bool // a file of the other class was passed over
	left  int  // files that may still be tried; the search is over when it is 0
}

// try opens path. A file of another class or machine is passed over (open_verify of elf/dl-load.c).
func (s *searcher) try(path string, q *quest) (*file, error) {
	if q.left <= 0 {
		return nil, nil
	}
	q.left--
	f := s.sys.Files.open(s.sys.absolute(path))
	if f.errno != nil {
		return nil, f.errno
	}
	if f.facts.Class != 0 && f.facts.Class != s.class {
		q.other = true
		return nil, nil
	}
	if f.facts.Machine != s.machine && (f.facts.Machine != 0 || f.err == nil) {
		return nil, nil
	}
	return f, nil
}

// places returns where to look in a directory of a search path: those of its subdirectories that
// are there, and itself; nothing if it is not there.
func (s *searcher) places(dir string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	places, known := s.known[dir]
	if known {
		return places
	}
	if dir == "" || s.sys.Files.isDir(s.sys.absolute(dir)) {
		for _, sub := range s.subdirs {
			if s.sys.Files.isDir(s.sys.absolute(dir + sub)) {
				places = append(places, dir+sub)
			}
		}
		places = append(places, dir)
	}
	if len(s.known) >= maxFiles {
		clear(s.known)
	}
	s.known[dir] = places
	return places
}

// in looks for name in the directories of one search path. As in open_path of elf/dl-load.c, an
// error other than that a file is not there or not readable ends it.
func (s *searcher) in(dirs []string, name string, q *quest) (hit, bool) {
	for _, dir := range dirs {
		places := s.places(dir)
		if q.left <= len(places) {
			q.left = min(q.left, 0)
			return hit{}, false
		}
		q.left-- // a directory that is not there costs as well
		for i, place := range places {
			f, errno := s.try(place+name, q)
			if f != nil {
				return hit{place + name, f}, true
			}
			if i == len(places)-1 && errno != nil && !absent(errno) {
				return hit{}, false
			}
		}
	}
	return hit{}, false
}
