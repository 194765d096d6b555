package doctor

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"uvshim/shim/host"
	"uvshim/shim/link"
	"uvshim/shim/lock"
	"uvshim/shim/nixld"
	"uvshim/shim/remember"
	"uvshim/shim/uv"
)

// A world is a made-up machine: a home, and a root in which the system's own files are. The machine
// takes itself for the running one.
type world struct {
	*testing.T
	dir  string
	env  host.Env
	kind Kind
	edit []func(*Machine)
	lock []lock.Record
	days []time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, dir: t.TempDir()}
	w.env = host.Env{"HOME=" + w.at("home"), "PATH=" + w.at("home/.local/share/shim/bin") + ":" + w.at("bin"), "USER=me", "SHELL=" + w.at("bin/sh")}
	for _, dir := range []string{"home", "root", "bin"} {
		if err := os.Mkdir(w.at(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// at returns where a file of the world is. Those of the system are below root.
func (w *world) at(name string) string { return filepath.Join(w.dir, name) }

// file makes a file; one that begins like a program can be run.
func (w *world) file(name, text string) {
	w.Helper()
	mode := os.FileMode(0o644)
	if strings.HasPrefix(text, "#!") || strings.HasPrefix(text, "\x7fELF") {
		mode = 0o755
	}
	w.check(os.MkdirAll(filepath.Dir(w.at(name)), 0o755))
	w.check(os.WriteFile(w.at(name), []byte(w.text(text)), mode))
}

// link makes a link. In target and in a file's text W stands for the world.
func (w *world) link(name, target string) {
	w.Helper()
	w.check(os.MkdirAll(filepath.Dir(w.at(name)), 0o755))
	w.check(os.Symlink(w.text(target), w.at(name)))
}

func (w *world) mode(name string, mode os.FileMode) {
	w.Helper()
	w.check(os.MkdirAll(w.at(name), 0o755))
	w.check(os.Chmod(w.at(name), mode))
}

func (w *world) text(text string) string { return strings.ReplaceAll(text, "W/", w.dir+"/") }

func (w *world) set(name, value string) { w.env = w.env.With(name, w.text(value)) }

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// policy declares.
func (w *world) policy(text string) { w.file("home/.config/shim/policy.toml", text) }

// managed makes interpreters that uv installed, with their minor-version links.
func (w *world) managed(keys ...string) {
	w.Helper()
	for _, key := range keys {
		version, _, _ := strings.Cut(strings.TrimPrefix(key, "cpython-"), "-")
		minor := version[:strings.LastIndexByte(version, '.')]
		dir := "home/.local/share/uv/python/"
		w.file(dir+key+"/bin/python"+minor, "#!/bin/sh\n")
		os.Remove(w.at(dir + "cpython-" + minor + "-linux-x86_64-gnu"))
		w.link(dir+"cpython-"+minor+"-linux-x86_64-gnu", "W/"+dir+key)
	}
}

// shims makes the shims, for the interpreters that are there.
func (w *world) shims() {
	w.Helper()
	w.file("program", "#!/bin/sh\n# shim\n")
	f, err := os.Open(w.at("program"))
	w.check(err)
	defer f.Close()
	names := link.Names(nil)
	for _, x := range (uv.Dirs{Python: w.at("home/.local/share/uv/python")}).Managed() {
		names = append(names, x.Executable())
	}
	slices.Sort(names)
	_, err = link.Make(w.at("home/.local/share"), f, slices.Compact(names))
	w.check(err)
}

// installer is an install.sh in a directory, which made the shims.
func (w *world) installer(dir string) {
	w.Helper()
	text, err := os.ReadFile("../../install.sh")
	w.check(err)
	w.file(dir+"/install.sh", string(text))
	w.file("home/.local/share/shim/installed", "command /x\nscript /gone/install.sh\nscript "+w.at(dir+"/install.sh")+"\nfile /y\n")
}

// nixos makes the system one.
func (w *world) nixos() {
	w.file("root/etc/os-release", "ID=nixos\nVERSION_ID=\"25.11\"\n")
}

// state is what is at the loader's path.
func (w *world) state(s nixld.State) {
	w.edit = append(w.edit, func(m *Machine) { m.once.state.get(func() nixld.State { return s }) })
}

// nixLD is a nix-ld that works, in an environment.
func (w *world) nixLD(env ...string) {
	loader := nixld.Loader{Kind: nixld.NixLD, Version: "2.0.6", Major: 2, Real: "/nix/store/x-nix-ld-2.0.6/libexec/nix-ld", Machine: 62}
	w.state(nixld.State{Loader: loader, Settings: nixld.Environment(env, loader), Target: nixld.Target{Version: "2.42"}, Verdict: nixld.OK})
}

// environments are what is known of the recorded ones.
func (w *world) environments(all ...environment) {
	w.edit = append(w.edit, func(m *Machine) { m.once.looked.get(func() []environment { return all }) })
}

func (w *world) machine() *Machine {
	w.Helper()
	system, err := nixld.At(w.at("root"))
	w.check(err)
	w.Cleanup(func() { system.Close() })
	h := host.Host{Env: w.env, Dir: w.dir, UID: os.Geteuid(), PID: os.Getpid()}
	m := &Machine{
		Host: h, Dirs: h.Dirs(), UV: uv.Locate(w.env, h.Dirs(), w.dir), System: system, Kind: w.kind, Facts: remember.Open(h),
		Finder: host.NewFinder(w.env.Get("PATH")), Policy: []string{w.at("root/etc/shim/policy.toml"), w.at("home/.config/shim/policy.toml")},
		Self: w.at("program"), Today: "2026-11-22",
	}
	if path, ok := m.Finder.Program("uv"); ok {
		m.RealUV = path
	}
	for i, r := range w.lock {
		r.Time = w.days[i]
		_, err := lock.Open(h).Note(r)
		w.check(err)
	}
	for _, edit := range w.edit {
		edit(m)
	}
	return m
}

// record puts a record into the lock, of a day.
func (w *world) record(day string, r lock.Record) {
	w.Helper()
	t, err := time.Parse(time.DateOnly, day)
	w.check(err)
	w.lock, w.days = append(w.lock, r), append(w.days, t)
}

// ask makes one check of the world.
func (w *world) ask(id string) []Result {
	w.Helper()
	checks := slices.DeleteFunc(Checks(), func(c Check) bool { return c.ID != id })
	if len(checks) != 1 {
		w.Fatalf("%d checks are called %q", len(checks), id)
	}
	return Run(w.machine(), checks).Results
}

// show is findings as text: for each a line with its level and message, then evidence and fix.
func (w *world) show(results []Result) string {
	var b strings.Builder
	for _, r := range results {
		b.WriteString(string(r.Level) + ": " + r.Message + "\n")
		for _, text := range r.Evidence {
			b.WriteString("  " + text + "\n")
		}
		for line := range strings.Lines(r.Fix) {
			b.WriteString("  > " + strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	return strings.ReplaceAll(b.String(), w.dir, "W")
}

func (w *world) remove(name string) {
	w.Helper()
	w.check(os.RemoveAll(w.at(name)))
}

// elf is as much of a program as tells its loader and the libraries that it names (System V ABI,
// program headers and PT_DYNAMIC).
func elf(interp string, needed ...string) string {
	le := binary.LittleEndian
	const base, programs = 0x1000, 3
	table := []byte{0}
	var dynamic []byte
	add := func(tag, value uint64) { dynamic = le.AppendUint64(le.AppendUint64(dynamic, tag), value) }
	for _, name := range needed {
		add(1, uint64(len(table))) // DT_NEEDED
		table = append(append(table, name...), 0)
	}
	begin := 64 + programs*56
	strings, dyn := begin+len(interp)+1, begin+len(interp)+1+len(table)
	end := dyn + len(dynamic) + 3*16
	add(5, uint64(base+strings)) // DT_STRTAB
	add(10, uint64(len(table)))  // DT_STRSZ
	add(0, 0)
	b := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 9)...)
	for _, half := range []uint16{3, 62} { // ET_DYN, x86_64
		b = le.AppendUint16(b, half)
	}
	b = le.AppendUint32(b, 1)
	for _, word := range []uint64{0, 64, 0} {
		b = le.AppendUint64(b, word)
	}
	b = le.AppendUint32(b, 0)
	for _, half := range []uint16{64, 56, programs, 0, 0, 0} {
		b = le.AppendUint16(b, half)
	}
	for _, p := range [programs][3]int{{3, begin, len(interp) + 1}, {1, 0, end}, {2, dyn, len(dynamic)}} { // INTERP, LOAD, DYNAMIC
		b = le.AppendUint32(le.AppendUint32(b, uint32(p[0])), 4)
		for _, word := range []int{p[1], base + p[1], base + p[1], p[2], p[2], 1} {
			b = le.AppendUint64(b, uint64(word))
		}
	}
	return string(b) + interp + "\x00" + string(table) + string(dynamic)
}
