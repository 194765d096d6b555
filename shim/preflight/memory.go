package preflight

import (
	"encoding/hex"
	"errors"
	"hash/fnv"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
	"uvshim/shim/nixld"
	"uvshim/shim/remember"
)

// A Memory keeps verdicts and the facts of ELF files from one call to the next.
type Memory struct {
	verdicts remember.Store
	dir      string // for facts and for the locks of scans
}

// OpenMemory returns the memory that is kept in a store, nil for a store that remembers nothing.
func OpenMemory(store remember.Store) *Memory {
	if store.Dir() == "" {
		return nil
	}
	return &Memory{verdicts: store, dir: filepath.Join(store.Dir(), "elf")}
}

func (m *Memory) facts() *facts { return &facts{dir: m.dir} }

// schema is that of a remembered verdict, and of the rules that led to it.
const schema = "verdict 2"

// key is what a verdict is remembered by. A Nix shell shares an environment but not its verdict,
// and so does a container.
func (r *Request) key() string {
	native, _ := nixld.NativeInterp()
	return r.keyWith(realPath(native))
}

// keyWith is key for who knows the loader's path without links already.
func (r *Request) keyWith(loader string) string {
	var b strings.Builder
	b.Grow(512)
	b.WriteString("verdict\n" + schema + "\n")
	b.WriteString(r.Python)
	b.WriteByte('\n')
	b.WriteString(loader)
	var deciding []string
	for _, entry := range r.Env {
		if name, _, ok := strings.Cut(entry, "="); ok && decides(name) {
			deciding = append(deciding, entry)
		}
	}
	// A shell hands its variables on in an order of its own. Of one that is there twice it counts.
	slices.SortStableFunc(deciding, func(a, b string) int {
		a, _, _ = strings.Cut(a, "=")
		b, _, _ = strings.Cut(b, "=")
		return strings.Compare(a, b)
	})
	for _, entry := range deciding {
		b.WriteByte('\n')
		b.WriteString(entry)
	}
	return b.String()
}

// decides reports whether a variable has a part in what the loader finds or Python imports.
func decides(name string) bool {
	switch name {
	case "LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH", "GLIBC_TUNABLES", "PYTHONNOUSERSITE", "PYTHONUSERBASE":
		return true
	}
	return strings.HasPrefix(name, "NIX_LD")
}

// realPath is the path without links. Where it leads to nothing, it is "", or what says that there
// is a link: another story to tell of a loader.
func realPath(name string) string {
	if name == "" {
		return ""
	}
	real, err := host.Real(name)
	if err != nil {
		if target, err := os.Readlink(name); err == nil {
			return "-> " + target
		}
	}
	return real
}

// A watch is something whose change makes a verdict void.
type watch struct {
	how  byte // watchFile and the others
	path string
	was  string
}

const (
	watchFile  = 'f' // was: its identity
	watchReal  = 'r' // was: its path without links
	watchNames = 'n' // was: its identity, a space, and the hash of the names in it
	watchKinds = "frn"
)

// watches returns what a verdict hangs on, as it is now. It is nil for another system than the
// running one, about which nothing is remembered.
func watches(r *Request, env host.Env, e *Environment, state *nixld.State) []watch {
	if !r.System.Running() || len(r.Paths) > 0 {
		return nil
	}
	out := []watch{{how: watchReal, path: e.Interp}, {how: watchFile, path: e.Python}, {how: watchReal, path: e.Python}}
	add := func(how byte, name string) {
		w := watch{how: how, path: name}
		if path.IsAbs(name) && !slices.ContainsFunc(out, func(old watch) bool { return old.how == how && old.path == name }) {
			out = append(out, w)
		}
	}
	if e.Config != "" {
		add(watchFile, e.Config)
	}
	add(watchFile, state.Target.Path)
	search := state.Search(r.System)
	for _, dir := range slices.Concat(search.Library, search.Default, nixld.DriverDirs(r.System)) {
		add(watchFile, dir)
	}
	if state.Target.Cache != "" {
		add(watchFile, state.Target.Cache)
	}
	add(watchFile, "/run/opengl-driver/lib")
	for _, dir := range e.Dirs {
		if dir.Source == Stdlib {
			add(watchFile, dir.Path)
		} else {
			add(watchNames, dir.Path)
		}
	}
	if !e.Virtual() && env.Get("PYTHONNOUSERSITE") == "" && env.Get("HOME") != "" {
		add(watchFile, path.Join(env.Get("HOME"), ".local/lib", libName(e.Interpreter)))
	}
	for i := range out {
		out[i].was = out[i].now()
	}
	return out
}

// now returns what a watch sees.
func (w *watch) now() string {
	switch w.how {
	case watchReal:
		return realPath(w.path)
	case watchNames:
		return string(host.Identify(w.path)) + " " + namesHash(w.path, maxHashed)
	}
	return string(host.Identify(w.path))
}

// holds reports whether nothing has changed, and whether w.was had to be brought up to date.
func (w *watch) holds() (ok, moved bool) {
	if w.how != watchNames {
		return w.was == w.now(), false
	}
	id, names, _ := strings.Cut(w.was, " ")
	now := string(host.Identify(w.path))
	if now == id {
		return true, false
	}
	if now == string(host.Missing) || names == "" || namesHash(w.path, maxHashed) != names {
		return false, false
	}
	w.was = now + " " + names
	return true, true
}

// maxHashed bounds the names in a directory that are hashed. Real ones have some thousands.
const maxHashed = 50_000

// namesHash returns a hash of the sorted names in a directory, without __pycache__, which Python
// makes when it first imports. Of a directory with too many it is "", and its times decide.
func namesHash(dir string, limit int) string {
	names, err := host.Names(dir, limit, func(name string) bool { return name != "__pycache__" })
	if err != nil {
		return ""
	}
	h := fnv.New128a()
	for _, name := range names {
		h.Write([]byte(name))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}

var errUnsettled = errors.New("the environment is still changing")

// Load returns the remembered verdict on a request and the day that Save was given with it. It costs
// the reading of one small file and a look at each thing that the verdict hangs on.
func (m *Memory) Load(r Request) (v Verdict, day string, ok bool) {
	if m == nil || !r.System.Running() || len(r.Paths) > 0 {
		return Verdict{}, "", false
	}
	native, _ := nixld.NativeInterp()
	loader := realPath(native)
	key := r.keyWith(loader)
	data, ok := m.verdicts.Load(key)
	if !ok {
		return Verdict{}, "", false
	}
	v, day, ok = decodeVerdict(string(data))
	if !ok || r.All {
		return Verdict{}, "", false
	}
	moved := false
	for i := range v.watched {
		w := &v.watched[i]
		if w.how == watchReal && w.path == native && w.was == loader {
			continue
		}
		holds, changed := w.holds()
		if !holds {
			return Verdict{}, "", false
		}
		moved = moved || changed
	}
	if moved {
		_ = m.verdicts.Save(key, encodeVerdict(&v, day))
	}
	return v, day, true
}

// Save keeps a verdict with the day given. One that is not complete, that has optional findings in
// it, or whose environment changed while it was being looked at, is not kept: an error.
func (m *Memory) Save(r Request, v Verdict, day string) error {
	switch {
	case m == nil:
		return errors.New("nothing is remembered here")
	case v.Incomplete || r.All || v.watched == nil:
		return errors.New("not a whole verdict")
	}
	for i := range v.watched {
		w := &v.watched[i]
		if w.was != w.now() {
			return errUnsettled
		}
		if id, _, _ := strings.Cut(w.was, " "); w.how != watchReal && id != string(host.Missing) && !host.Identity(id).Rested(remember.Settle) {
			return errUnsettled
		}
	}
	return m.verdicts.Save(r.key(), encodeVerdict(&v, day))
}

// Claim takes the right to scan an environment, which one process at a time has. Nobody waits for
// it.
func (m *Memory) Claim(r Request) (release func(), ok bool) {
	if m == nil {
		return func() {}, true
	}
	if os.MkdirAll(m.dir, 0o700) != nil {
		return func() {}, true
	}
	h := fnv.New32a()
	h.Write([]byte(r.Python))
	name := filepath.Join(m.dir, "scan-"+strconv.FormatUint(uint64(h.Sum32()%64), 10))
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return func() {}, true
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		unix.Close(fd)
		// where the file system has no locks, two may scan at once
		return func() {}, err != unix.EWOULDBLOCK
	}
	return func() { unix.Close(fd) }, true
}
