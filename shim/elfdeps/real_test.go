package elfdeps

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const realLoader = "/lib64/ld-linux-x86-64.so.2"

// rpathRoom and interpRoom are what driver.c is linked with as DT_RPATH and PT_INTERP, to be
// written over.
var rpathRoom, interpRoom = strings.Repeat("X", 1000), "/" + strings.Repeat("Y", 1000)

// skip says why a test cannot run here; where CI is set nothing may be missing.
func skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

var driver struct {
	once           sync.Once
	image, library []byte // of driver.c and caller.c
	err            error
}

// driverImage returns testdata/driver.c as a program.
func driverImage(t testing.TB) []byte {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		skip(t, "the files these tests make are for x86_64")
	}
	if _, err := os.Stat(realLoader); err != nil {
		skip(t, "no glibc loader at "+realLoader)
	}
	driver.once.Do(func() {
		driver.image, driver.err = compiled("ELFDEPS_DRIVER", "testdata/driver.c", "-Wl,--dynamic-linker="+interpRoom)
		if driver.err == nil {
			driver.library, driver.err = compiled("ELFDEPS_CALLER", "testdata/caller.c", "-shared", "-fPIC")
		}
	})
	if driver.err != nil {
		skip(t, "gcc: "+driver.err.Error())
	}
	return driver.image
}

// compiled compiles a source, with room for a DT_RPATH. The variable names it as built elsewhere,
// for a trial in a root without gcc and with another glibc.
func compiled(variable, source string, options ...string) ([]byte, error) {
	if path := os.Getenv(variable); path != "" {
		return os.ReadFile(path)
	}
	dir, err := os.MkdirTemp("", "elfdeps")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "out")
	options = append(options, "-O1", "-o", out, source, "-Wl,--disable-new-dtags,-rpath,"+rpathRoom)
	if text, err := exec.Command("gcc", options...).CombinedOutput(); err != nil {
		return nil, errors.New(err.Error() + " " + string(text))
	}
	return os.ReadFile(out)
}

// writeDriver puts the driver at path, with the given loader and the given entry for its library path.
func writeDriver(t testing.TB, path, interp string, tag elf.DynTag, value string) {
	t.Helper()
	image := slices.Clone(driverImage(t))
	copy(image[bytes.Index(image, []byte(interpRoom)):], interp+"\x00")
	writeImage(t, path, image, tag, value)
}

// writeCaller puts the library that calls dlopen at path.
func writeCaller(t testing.TB, path string, tag elf.DynTag, value string) {
	t.Helper()
	driverImage(t)
	writeImage(t, path, slices.Clone(driver.library), tag, value)
}

func writeImage(t testing.TB, path string, image []byte, tag elf.DynTag, value string) {
	t.Helper()
	copy(image[bytes.Index(image, []byte(rpathRoom)):], value+"\x00")
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	section := f.SectionByType(elf.SHT_DYNAMIC)
	for off := section.Offset; off < section.Offset+section.Size; off += 16 {
		if f.ByteOrder.Uint64(image[off:]) == uint64(elf.DT_RPATH) {
			if value == "" {
				tag = 0x6ffff000 // means nothing
			}
			f.ByteOrder.PutUint64(image[off:], uint64(tag))
		}
	}
	if err := os.WriteFile(path, image, 0o755); err != nil {
		t.Fatal(err)
	}
}

// A setting is what a program is started with.
type setting struct {
	dir         string
	interp      string   // the program's loader
	nix         []string // variables of nix-ld, where that is the loader
	libraryPath string
	preload     string
	optional    []string // names for LD_PRELOAD, whose absence is no problem, though a trace lists them
	filters     bool     // on some of which the loader hangs or crashes
}

func (s setting) env(more ...string) []string {
	env := append([]string{"LC_ALL=C"}, more...)
	if s.libraryPath != "" {
		env = append(env, "LD_LIBRARY_PATH="+s.libraryPath)
	}
	env = append(env, s.nix...)
	if s.preload != "" {
		env = append(env, "LD_PRELOAD="+s.preload)
	}
	return env
}

// system is this machine with the setting.
func (s setting) system(t testing.TB) *System {
	t.Helper()
	loader, err := os.ReadFile(realLoader)
	if err != nil {
		t.Fatal(err)
	}
	sys := &System{
		Files:       NewFiles(Host{}, nil),
		Loader:      realLoader,
		Dir:         s.dir,
		LibraryPath: SplitPath(s.libraryPath),
		DefaultDirs: builtinDirs(loader),
		HWCaps:      HWCaps(),
		Lib:         libDir(),
		Platform:    platform(),
	}
	if s.nix != nil {
		sys.LibraryPath = SplitPath(LibraryPath(s.env()))
	}
	if s.preload != "" {
		sys.Preload = strings.FieldsFunc(s.preload, func(r rune) bool { return r == ':' || r == ' ' })
	}
	if data, err := os.ReadFile("/etc/ld.so.cache"); err == nil {
		if sys.Cache, err = ParseCache(data); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range sys.DefaultDirs {
		if libc, err := sys.Files.Facts(dir + "libc.so.6"); err == nil && libc.Class == Class64 {
			sys.OldSubdirs = OldSubdirs(GlibcMinor(libc))
			break
		}
	}
	return sys
}

// libDir returns what $LIB is here.
func libDir() string {
	if _, err := os.Stat("/lib/x86_64-linux-gnu"); err == nil {
		return "lib/x86_64-linux-gnu" // Debian's
	}
	return "lib64"
}

// platform returns what $PLATFORM is here: it depends on the maker of the processor.
var platform = sync.OnceValue(func() string {
	out, _ := exec.Command(realLoader, "--list-diagnostics").Output()
	for line := range strings.Lines(string(out)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "dl_platform="); ok {
			return strings.Trim(value, `"`)
		}
	}
	return "x86_64"
})

// run runs a program and returns its output and exit code, -1 for a death by signal.
func (s setting) run(t testing.TB, program, input string, more ...string) (string, string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program)
	cmd.Dir, cmd.Env = s.dir, s.env(more...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil && s.filters {
		t.Skip("filters of one another, on which the loader hangs")
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// words are our sentences and the loader's in one form: paths below dir relative, no errno text,
// nothing on LD_PRELOAD. Behind nix-ld the loader calls itself by the name of that, which is the
// program's PT_INTERP.
func (s setting) words(text string) string {
	if s.interp != "" {
		text = strings.ReplaceAll(text, s.interp+":", realLoader+":")
	}
	text = strings.ReplaceAll(text, s.dir+"/./", "")
	text = strings.ReplaceAll(text, s.dir+"/", "")
	text = strings.ReplaceAll(text, "(required by ./", "(required by ")
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(line, "./")
		if strings.HasPrefix(line, "ERROR: ld.so: object") {
			continue
		}
		for _, end := range []string{"cannot open shared object file", "cannot read file data", "as shared object requires"} {
			if before, _, ok := strings.Cut(line, end); ok {
				line = before + end
			}
		}
		b.WriteString(line)
	}
	return b.String()
}

// loaded returns the paths of what the loader lists as loaded, without what the kernel brings.
func (s setting) loaded(list []*Object) []string {
	var paths []string
	for _, o := range list {
		if o.How != ByKernel && o.Name != "" {
			paths = append(paths, s.words(o.Path))
		}
	}
	return paths
}

// real returns the paths of the loader's own list in the same form.
func (s setting) real(list []string) []string {
	var paths []string
	for _, path := range list {
		if path != "" && path != realLoader && path != s.interp && !strings.HasPrefix(path, "linux-vdso") {
			paths = append(paths, s.words(path))
		}
	}
	return paths
}

func fatal(r Result) []Problem {
	var list []Problem
	for _, p := range r.Problems {
		if !p.Kind.Note() && p.Kind != ForeignLibc {
			list = append(list, p)
		}
	}
	return list
}

// compareStart compares our start of program with the real one's trace and run. The program must
// exit with 0 if it starts.
func (s setting) compareStart(t testing.TB, program string) {
	t.Helper()
	_, got, err := Start(s.system(t), program)
	if err != nil {
		t.Fatal(err)
	}
	problems := fatal(got)
	for i := range problems {
		// the loader calls the program by argv[0]
		problems[i].Detail = strings.ReplaceAll(problems[i].Detail, got.Root.Path, program)
	}

	_, stderr, code := s.run(t, program, "")
	if code == -1 && s.filters {
		t.Skip("filters, on which the loader crashes")
	}
	text := s.words(stderr)
	switch {
	case strings.Contains(stderr, "rtld.c") && strings.Contains(stderr, "Assertion"):
		return // a filter for the loader itself
	case len(problems) == 0 && code != 0:
		t.Errorf("%s starts by us, the loader says %d: %s", program, code, stderr)
	case len(problems) > 0 && code == 0:
		t.Errorf("%s does not start by us: %s; it does", program, problems[0])
	case len(problems) > 0 && problems[0].Kind == StrayVersions:
		if !strings.Contains(stderr, "needed != NULL") {
			t.Errorf("%s: we say %s, the loader %s", program, problems[0], stderr)
		}
	case len(problems) > 0:
		if !strings.Contains(text, s.words(problems[0].String())) {
			t.Errorf("%s: we say %q, the loader %q", program, s.words(problems[0].String()), text)
		}
	}

	stdout, stderr, code := s.run(t, program, "", "LD_TRACE_LOADED_OBJECTS=1")
	if code == 127 {
		// the trace goes on behind a missing file only
		if len(problems) == 0 {
			t.Errorf("%s: the loader's trace says %q, we nothing", program, stderr)
		}
		return
	}
	var paths, missing, ours []string
	for line := range strings.Lines(stdout) {
		line = strings.TrimSpace(line)
		name, path, arrow := strings.Cut(line, " => ")
		if path == "not found" {
			missing = append(missing, s.words(name))
			continue
		}
		if !arrow {
			path = name
		}
		if i := strings.LastIndex(path, " (0x"); i >= 0 && strings.HasSuffix(path, ")") {
			paths = append(paths, path[:i])
		}
	}
	for _, p := range problems {
		if p.Kind == MissingFile {
			ours = append(ours, s.words(p.Name))
		}
	}
	if want := s.real(paths); !slices.Equal(s.loaded(got.Objects), want) {
		t.Errorf("%s: we load\n  %q, the loader\n  %q", program, s.loaded(got.Objects), want)
	}
	missing = slices.DeleteFunc(missing, func(name string) bool {
		return slices.Contains(s.optional, name) && !slices.Contains(ours, name)
	})
	if !s.filters && !slices.Equal(ours, missing) {
		t.Errorf("%s: we miss %q, the loader %q", program, ours, missing)
	}
	for _, p := range problems {
		// behind a missing file of the same name the trace sees no other
		if p.Kind == MissingVersion && !slices.Contains(missing, p.Name) && !strings.Contains(s.words(stderr), s.words(p.String())) {
			t.Errorf("%s: we say %q, the loader's trace %q", program, p, stderr)
		}
	}
	if n := strings.Count(stderr, ": version `"); n != 0 && len(missing) == 0 {
		got := slices.DeleteFunc(problems, func(p Problem) bool { return p.Kind != MissingVersion })
		if len(got) != n && !strings.Contains(stderr, "Inconsistency") {
			t.Errorf("%s: we miss versions %v, the loader's trace %q", program, got, stderr)
		}
	}
}

// compareOpens compares lists of opens, each list in a process of its own, with what the real
// loader makes of them. FILE>NAME is NAME opened by FILE, which is caller.c and opened before. It returns how many opens were compared and how many of them succeeded.
func (s setting) compareOpens(t testing.TB, program string, opens [][]string) (compared, succeeded int) {
	t.Helper()
	var input strings.Builder
	for _, list := range opens {
		input.WriteString(strings.Join(list, "\t") + "\n")
	}
	base, got, err := Start(s.system(t), program)
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := s.run(t, program, input.String())
	if code == -1 && s.filters {
		t.Skip("filters, on which the loader crashes")
	}
	if strings.Contains(stderr, "rtld.c") && strings.Contains(stderr, "Assertion") {
		return 0, 0
	}
	if problems := fatal(got); len(problems) > 0 {
		if code == 0 {
			t.Errorf("%s does not start by us: %s; it does", program, problems[0])
		}
		return 0, 0
	}
	if code != 0 {
		t.Errorf("%s starts by us; the loader says %d: %s", program, code, stderr)
		return 0, 0
	}
	children := strings.Split(stdout, "line\n")[1:]
	for i, list := range opens {
		process := base.Clone()
		answers := answers(children[i])
		failed := false
		for _, name := range list {
			var real answer
			if len(answers) > 0 {
				real, answers = answers[0], answers[1:]
			}
			compared++
			var caller *Object
			file, inside, in := strings.Cut(name, ">")
			if in {
				caller, name = process.Open(file, nil).Root, inside
			}
			got := process.Open(name, caller)
			problems := fatal(got)
			if s.filters && real.died {
				break // filters of one another crash the loader
			}
			if len(problems) == 0 != real.ok {
				t.Errorf("%s in %v: we say %v, the loader %q %s", name, list, problems, real.text, stderr)
				break
			}
			if real.ok {
				succeeded++
				ours, want := s.loaded(process.list()), s.real(real.maps)
				if s.filters && failed {
					// where the filters of what failed have put objects, they stay
					slices.Sort(ours)
					slices.Sort(want)
				}
				if !slices.Equal(ours, want) {
					t.Errorf("%s in %v: we load\n  %q, the loader\n  %q", name, list, ours, want)
				}
				continue
			}
			failed = true
			if real.died {
				if problems[0].Kind != StrayVersions {
					t.Errorf("%s in %v: we say %v, the loader died: %s", name, list, problems[0], stderr)
				}
				break
			} else if s.words(problems[0].String()) != s.words(real.text) {
				t.Errorf("%s in %v: we say %q, the loader %q", name, list, s.words(problems[0].String()), s.words(real.text))
			}
		}
	}
	return compared, succeeded
}

type answer struct {
	ok, died bool
	text     string
	maps     []string
}

func answers(text string) []answer {
	var list []answer
	for line := range strings.Lines(text) {
		kind, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch kind {
		case "ok":
			list = append(list, answer{ok: true})
		case "error":
			list = append(list, answer{text: rest})
		case "died":
			list = append(list, answer{died: true})
		case "map":
			list[len(list)-1].maps = append(list[len(list)-1].maps, rest)
		}
	}
	return list
}
