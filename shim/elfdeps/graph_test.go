package elfdeps

import (
	"debug/elf"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"uvshim/testscripts/differ/trials"
)

// LibraryPath returns what nix-ld makes LD_LIBRARY_PATH of an environment for the real loader. The
// package that knows it imports this one: behind_test.go sets it.
var LibraryPath func(env []string) string

// TestGraphs makes random graphs of files and compares what we say of them with the real loader.
// With ELFDEPS_LDCONFIG, which is for a sandbox with an /etc of its own, some directories of every
// graph go into /etc/ld.so.cache. ELFDEPS_KEEP is a directory to leave them in.
func TestGraphs(t *testing.T) { graphs(t, 40, realLoader) }

// TestGraphs_nixLD is TestGraphs for programs whose loader is nix-ld, or what does as it does.
func TestGraphs_nixLD(t *testing.T) {
	driverImage(t)
	loader := filepath.Join(t.TempDir(), "nix-ld")
	out, err := exec.Command("gcc", "-O2", "-fPIE", "-static-pie", "-nostdlib", "-ffreestanding", "-fno-stack-protector",
		"-fcf-protection=none", "-fno-asynchronous-unwind-tables", "-Wl,--no-dynamic-linker,-z,noexecstack", "-s",
		"-o", loader, "../../testscripts/nixroot/standin/nix-ld.c").CombinedOutput()
	if err != nil {
		t.Fatalf("%v %s", err, out)
	}
	graphs(t, 20, loader)
}

func graphs(t *testing.T, few int, interp string) {
	driverImage(t)
	opens, succeeded := 0, 0
	root := t.TempDir()
	keep := os.Getenv("ELFDEPS_KEEP")
	if keep != "" {
		root = keep
	}
	trials.Run(t, few, func(t *testing.T, seed uint64) {
		dir := filepath.Join(root, strconv.FormatUint(seed, 10))
		g := newGraph(t, seed, dir, interp)
		if interp != realLoader {
			g.behind()
		}
		n, ok := g.compare(t)
		opens, succeeded = opens+n, succeeded+ok
		if t.Failed() {
			t.Logf("in %s with %q", g.dir, g.env())
		}
		if keep == "" {
			os.RemoveAll(dir)
		}
	})
	t.Logf("%d opens, of which %d succeeded", opens, succeeded)
}

// behind draws some of nix-ld's variables.
func (g *graph) behind() {
	g.nix = []string{"NIX_LD" + pick(g, "", "_x86_64_linux") + "=" + realLoader}
	for _, name := range []string{"NIX_LD_LIBRARY_PATH", "NIX_LD_LIBRARY_PATH_x86_64_linux"} {
		if g.chance(60) {
			path := g.path(":;", true)
			if g.chance(10) {
				path = ""
			}
			g.nix = append(g.nix, name+"="+path)
		}
	}
	if g.chance(20) {
		g.nix = append(g.nix, "NIX_LD_LIBRARY_PATH_i686_linux="+g.path(":", true))
	}
	if g.libraryPath == "" && g.chance(30) {
		g.nix = append(g.nix, "LD_LIBRARY_PATH=")
	}
	g.Shuffle(len(g.nix), func(i, j int) { g.nix[i], g.nix[j] = g.nix[j], g.nix[i] })
}

// A graph is a directory with files that need one another.
type graph struct {
	setting
	*rand.Rand
	files         []string
	size          int
	lib, platform string // what $LIB and $PLATFORM stand for
}

func newGraph(t testing.TB, seed uint64, dir, interp string) *graph {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	g := &graph{setting: setting{dir: real, interp: interp}, Rand: rand.New(rand.NewPCG(seed, 7))}
	g.size = 3 + g.IntN(8)
	g.lib, g.platform = libDir(), platform()
	for range 2 + g.IntN(3*g.size) {
		g.file(t)
	}
	if g.chance(60) {
		g.libraryPath = g.path(":;", true)
	}
	if g.chance(8) {
		g.preload = g.needed(true)
		if g.chance(30) {
			g.preload += ":" + g.needed(true)
		}
		g.preload = strings.ReplaceAll(g.preload, "$", "")
		g.optional = append(g.optional, strings.Split(g.words(g.preload), ":")...)
	}
	return g
}

func (g *graph) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g *graph, list ...T) T { return list[g.IntN(len(list))] }

func (g *graph) soname() string { return fmt.Sprintf("lib%c.so.1", 'a'+g.IntN(g.size)) }

func (g *graph) subdir() string {
	dir := fmt.Sprintf("d%d", g.IntN(4))
	if g.chance(12) {
		dir += "/" + pick(g, "glibc-hwcaps/x86-64-v2", "glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v4", "glibc-hwcaps/x86-64-v5",
			"tls", "x86_64", "sub", g.lib, g.platform)
	}
	return dir
}

// entry is one directory of a search path.
func (g *graph) entry(environment bool) string {
	d := g.IntN(5) // d4 is nowhere
	switch g.IntN(14) {
	case 12:
		return fmt.Sprintf(pick(g, "$ORIGIN/../d%d/$LIB", "d%d/${LIB}/", "d%d/$PLATFORM", "${ORIGIN}/../d%d//${PLATFORM}"), d)
	case 0, 1, 2:
		return fmt.Sprintf("$ORIGIN/../d%d", d)
	case 3:
		return fmt.Sprintf("${ORIGIN}/../d%d/", d)
	case 4:
		return "$ORIGIN"
	case 5:
		return fmt.Sprintf("%s/d%d//", g.dir, d)
	case 6:
		return pick(g, "", "", ".", "./", "$ORIGINAL", "$LIB", "$PLATFORM", "$X", "/", "//", "$ORIGIN/../link", "$ORIGIN/../a\x01b", "${ORIGIN")
	case 7:
		return fmt.Sprintf("d%d", d)
	}
	return fmt.Sprintf("%s/d%d", g.dir, d)
}

func (g *graph) path(separators string, environment bool) string {
	text := g.entry(environment)
	for range g.IntN(4) {
		text += string(separators[g.IntN(len(separators))]) + g.entry(environment)
	}
	return text
}

// needed is a name for DT_NEEDED. The loader's path is the program's PT_INTERP: under another it would
// be loaded a second time, which goes well or crashes.
func (g *graph) needed(environment bool) string {
	switch g.IntN(30) {
	case 0:
		return "libmissing.so.1"
	case 1:
		return "$ORIGIN/../" + g.subdir() + "/" + g.soname()
	case 2:
		return g.dir + "/" + g.subdir() + "/" + g.soname()
	case 3:
		return g.subdir() + "/" + g.soname()
	case 4, 5:
		return pick(g, "libc.so.6", "libm.so.6", "libz.so.1", "libstdc++.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", g.interp)
	case 6:
		return pick(g, "other.so", "x${PLATFORM}", "lib$LIB.so", "libalias.so")
	}
	return g.soname()
}

func (g *graph) versions(file string) VersionNeed {
	need := VersionNeed{File: file}
	for range 1 + g.IntN(2) {
		need.Versions = append(need.Versions, Version{pick(g, "V1", "V1", "V1", "V2", "V3"), g.chance(25)})
	}
	if file == "libc.so.6" {
		need.Versions = []Version{{pick(g, "GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_9.9"), g.chance(30)}}
	}
	return need
}

// file adds one file, or what stands in place of one.
func (g *graph) file(t testing.TB) {
	t.Helper()
	name := g.soname()
	path := filepath.Join(g.dir, g.subdir(), name)
	if g.chance(5) {
		path = filepath.Join(g.dir, name)
	}
	if _, err := os.Lstat(path); err == nil {
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	g.files = append(g.files, path)
	if len(g.files) > 1 {
		old := g.files[g.IntN(len(g.files)-1)]
		switch g.IntN(30) {
		case 0:
			must(os.Symlink(old, path))
			return
		case 1:
			if os.Link(old, path) == nil {
				return
			}
		case 2:
			must(os.Symlink(pick(g, "/lib/x86_64-linux-gnu/libz.so.1", "/lib/x86_64-linux-gnu/libm.so.6", "/nowhere", filepath.Base(path)), path))
			return
		case 3:
			os.Symlink(filepath.Dir(old), filepath.Join(filepath.Dir(path), "link"))
		}
	}
	switch g.IntN(70) {
	case 0:
		must(os.WriteFile(path, []byte("/* GNU ld script */ "+strings.Repeat(" ", 100)), 0o755))
		return
	case 1:
		must(os.WriteFile(path, []byte("short"), 0o755))
		return
	case 2:
		must(os.Mkdir(path, 0o755))
		return
	}
	data := g.elf(name).bytes()
	if g.chance(3) {
		data = g.damaged(data)
	}
	mode := os.FileMode(0o755)
	if g.chance(2) {
		mode = 0 // of no consequence for root
	}
	must(os.WriteFile(path, data, mode))
}

// damaged returns a file cut off before its segments, or with a header that is not quite right.
func (g *graph) damaged(data []byte) []byte {
	if g.chance(30) {
		return data[:pick(g, 0, 3, 10, 51, 52, 60, 63, 64, 100)]
	}
	const class, order, version, osABI, abiVersion, padding, typ, machine, entrySize, entries = 4, 5, 6, 7, 8, 9, 16, 18, 54, 56
	at, value := pick(g, class, order, version, osABI, abiVersion, padding, typ, machine, 20, entrySize, entries), pick(g, 0, 1, 2, 3, 4, 9)
	if at == entries {
		value %= 4 // what follows the segments is none
	}
	data[at] = byte(value)
	return data
}

func (g *graph) elf(name string) elfFile {
	e := elfFile{Soname: name}
	if g.chance(15) {
		e.Soname = pick(g, "", "", g.soname(), g.soname(), g.soname(), "libalias.so", "other.so",
			g.subdir()+"/"+g.soname(), g.dir+"/"+g.subdir()+"/"+g.soname(), "$ORIGIN/"+g.soname(), "x"+g.platform)
	}
	for range g.IntN(4) {
		e.Needed = append(e.Needed, g.needed(false))
	}
	if g.chance(50) {
		path := g.path(":", false)
		if g.chance(55) {
			e.RPath = path
		} else {
			e.RunPath, e.Empty = path, true
		}
		if g.chance(10) {
			e.RPath = g.path(":", false)
		}
		if g.chance(5) {
			e.RunPath, e.Empty = "", true
		}
	}
	if g.chance(35) && e.Soname != "" {
		e.Defs = []string{"V1"}
		if g.chance(50) {
			e.Defs = append(e.Defs, "V2")
		}
	}
	for _, needed := range e.Needed {
		if g.chance(25) && !strings.Contains(needed, "/") && !strings.HasPrefix(needed, "l$") {
			e.Needs = append(e.Needs, g.versions(needed))
		}
	}
	if g.chance(1) {
		e.Needs = append(e.Needs, g.versions(g.soname()))
	}
	if g.chance(6) {
		e.Filters = append(e.Filters, Filter{g.needed(false), g.chance(70), g.IntN(len(e.Needed) + 1)})
		g.filters = true
	}
	switch g.IntN(40) {
	case 0, 1:
		e.Class = 1
	case 2:
		e.Machine = MachineAArch64
	case 3:
		e.Flags1 = df1PIE
	case 4:
		e.Flags1 = df1NoOpen
	case 5, 6, 7:
		e.Flags1 = df1NoDefLib
	case 8:
		e.Stack = "exec"
	case 9:
		e.Stack = "none"
	case 10:
		e.Relr = true
	case 11:
		e.Type = TypeExec
	}
	return e
}

func (g *graph) compare(t testing.TB) (opens, succeeded int) {
	t.Helper()
	program := g.elf("")
	program.Soname, program.Interp, program.Defs, program.Filters = "", g.interp, nil, nil
	program.Flags1 |= df1PIE
	program.Class, program.Machine, program.Type = 0, 0, 0
	for range 2 {
		program.Needed = append(program.Needed, g.soname())
	}
	program.Needed = append(program.Needed, "libc.so.6") // the loader looks for its malloc
	path := filepath.Join(g.dir, g.subdir(), "program")
	program.write(t, path)
	if g.chance(30) {
		link := filepath.Join(g.dir, "linked")
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		path = link
	}
	if os.Getenv("ELFDEPS_LDCONFIG") != "" {
		g.ldconfig(t)
	}
	g.compareStart(t, path)

	rpath := ""
	if g.chance(60) {
		rpath = g.path(":", false)
	}
	driver := filepath.Join(g.dir, "d0", "driver")
	if err := os.MkdirAll(filepath.Dir(driver), 0o755); err != nil {
		t.Fatal(err)
	}
	writeDriver(t, driver, g.interp, pick(g, elf.DT_RPATH, elf.DT_RPATH, elf.DT_RUNPATH), rpath)
	caller := filepath.Join(g.dir, g.subdir(), "caller")
	if err := os.MkdirAll(filepath.Dir(caller), 0o755); err != nil {
		t.Fatal(err)
	}
	writeCaller(t, caller, pick(g, elf.DT_RPATH, elf.DT_RUNPATH), g.path(":", false))
	var lists [][]string
	for _, file := range g.files {
		list := []string{file}
		if g.chance(30) {
			list = append(list, pick(g, g.files...))
		}
		if g.chance(30) {
			list = append([]string{g.soname()}, list...)
		}
		if g.chance(10) {
			list = append(list, g.needed(true))
		}
		if g.chance(10) {
			list = append(list, caller, caller+">"+g.needed(true))
		}
		lists = append(lists, list)
	}
	return g.compareOpens(t, driver, lists)
}

func (g *graph) ldconfig(t testing.TB) {
	t.Helper()
	conf := fmt.Sprintf("%s/d%d\n%s/d%d\n/lib/x86_64-linux-gnu\n", g.dir, g.IntN(4), g.dir, g.IntN(4))
	if err := os.WriteFile("/etc/ld.so.conf", []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("/sbin/ldconfig", "-i", "-X", "-c", pick(g, "new", "compat")).CombinedOutput(); err != nil {
		t.Skipf("ldconfig cannot take this graph: %v %s", err, out)
	}
}
