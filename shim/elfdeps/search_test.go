package elfdeps

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestSystem_split(t *testing.T) {
	sys := &System{Lib: "lib64"}
	tests := []struct {
		name, path string
		want       []string
	}{
		{"empty_none", "", nil},
		{"empty_entryIsWorkingDirectory", ":/a", []string{"", "/a/"}},
		{"separators_colonAndSemicolon", "/a:/b;/c", []string{"/a/", "/b/", "/c/"}},
		{"slashes_oneAtTheEnd", "/a//:///:/", []string{"/a/", "/"}},
		{"twice_once", "/a:/b:/a/", []string{"/a/", "/b/"}},
		{"origin_plain", "$ORIGIN/../lib", []string{"/o/../lib/"}},
		{"origin_braces", "${ORIGIN}lib", []string{"/olib/"}},
		{"origin_longerName", "$ORIGINAL:$ORIGIN_", []string{"$ORIGINAL/", "$ORIGIN_/"}},
		{"origin_openBrace", "${ORIGIN/x", []string{"${ORIGIN/x/"}},
		{"lib_twice", "/$LIB/${LIB}", []string{"/lib64/lib64/"}},
		{"platform_unknownIsLeftOut", "/a/$PLATFORM:/b", []string{"/b/"}},
		{"dollar_alone", "/a$:$$LIB", []string{"/a$/", "$lib64/"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := sys.split(SplitPath(test.path), "/o"); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestGlibcMinor(t *testing.T) {
	for minor, defs := range map[int][]string{
		42: {"libc.so.6", "GLIBC_2.2.5", "GLIBC_2.42", "GLIBC_2.9", "GLIBC_PRIVATE", "GLIBC_2.x9", "GLIBC_2.1000"},
		0:  {"libm.so.6", "GLIBC_ABI_DT_RELR"},
	} {
		if got := GlibcMinor(&Facts{Defs: defs}); got != minor {
			t.Errorf("%q: got %d, want %d", defs, got, minor)
		}
	}
}

// TestPatchelf reads and loads what a compiler made and patchelf changed, as wheels are made.
func TestPatchelf(t *testing.T) {
	driverImage(t)
	if _, err := exec.LookPath("patchelf"); err != nil {
		skip(t, "no patchelf")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run := func(words ...string) {
		t.Helper()
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			skip(t, strings.Join(words, " ")+": "+string(out))
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "m.libs"), 0o755); err != nil {
		t.Fatal(err)
	}
	write("a.c", "int a(void) { return 1; } int b(void) { return 2; }")
	write("m.c", "int a(void); int b(void); int m(void) { return a() + b(); }")
	one := write("one.map", "V1 { a; };")
	two := write("two.map", "V1 { a; }; V2 { b; } V1;")
	const gcc, shared = "gcc", "-shared"
	run(gcc, shared, "-fPIC", "-o", "liba.so.1", "a.c", "-Wl,-soname,liba.so.1,--version-script,"+two)
	run(gcc, shared, "-fPIC", "-o", "m.so", "m.c", "liba.so.1")
	run("patchelf", "--set-soname", "liba-1234abcd.so.1", "--output", "m.libs/liba-1234abcd.so.1", "liba.so.1")
	run("patchelf", "--replace-needed", "liba.so.1", "liba-1234abcd.so.1", "m.so")
	run("patchelf", "--force-rpath", "--set-rpath", "$ORIGIN/m.libs", "--output", "rpath.so", "m.so")
	run("patchelf", "--set-rpath", "$ORIGIN/m.libs:"+strings.Repeat("/long", 2000), "--output", "runpath.so", "m.so")
	run("patchelf", "--add-needed", "libnot.so", "--output", "needs.so", "rpath.so")
	run("patchelf", "--remove-needed", "liba-1234abcd.so.1", "--output", "stray.so", "rpath.so")
	run(gcc, shared, "-fPIC", "-o", "libold.so.1", "a.c", "-Wl,-soname,liba-1234abcd.so.1,--version-script,"+one)

	for _, name := range []string{"liba.so.1", "m.libs/liba-1234abcd.so.1", "m.so", "rpath.so", "runpath.so", "needs.so", "stray.so"} {
		path := filepath.Join(dir, name)
		want, ok := oracle(t, path)
		got, err := readFile(path)
		if err != nil || !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", name, err, got, want)
		}
	}
	s := setting{dir: dir}
	program := filepath.Join(dir, "driver")
	writeDriver(t, program, realLoader, elf.DT_RPATH, "")
	at := func(name string) string { return filepath.Join(dir, name) }
	n, ok := s.compareOpens(t, program, [][]string{
		{at("rpath.so")}, {at("runpath.so")}, {at("m.so")}, {at("needs.so")}, {at("stray.so")},
		{at("rpath.so"), at("m.so"), at("needs.so")},
		{at("libold.so.1"), at("rpath.so")}, // V2 missing
	})
	if n != 10 || ok != 5 {
		t.Errorf("%d opens, %d succeeded; want 10 and 5", n, ok)
	}
}

// TestOpen_atOnce opens in many clones at the same time, for the race detector.
func TestOpen_atOnce(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	elfFile{Interp: "/loader"}.write(t, program)
	elfFile{Needed: []string{"liba.so", "libb.so"}, RPath: dir}.write(t, filepath.Join(dir, "x.so"))
	elfFile{Needed: []string{"libb.so"}}.write(t, filepath.Join(dir, "liba.so"))
	elfFile{}.write(t, filepath.Join(dir, "libb.so"))
	base, _, err := Start(&System{Files: NewFiles(Host{}, nil)}, program)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if r := base.Clone().Open(filepath.Join(dir, "x.so"), nil); !r.OK() || len(r.Objects) != 3 {
				t.Errorf("%v", r.Problems)
			}
		})
	}
	all.Wait()
}

func TestHWCaps_levels(t *testing.T) {
	const (
		v2 = "fpu cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3"
		v3 = v2 + " avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"
		v4 = v3 + " avx512f avx512bw avx512cd avx512dq avx512vl"
	)
	for flags, want := range map[string]string{
		"fpu sse2":                           "",
		v2:                                   "x86-64-v2",
		v3:                                   "x86-64-v3 x86-64-v2",
		v4:                                   "x86-64-v4 x86-64-v3 x86-64-v2",
		strings.Replace(v3, " movbe", "", 1): "x86-64-v2",
		strings.Replace(v4, " pni", "", 1):   "",
	} {
		text := "processor\t: 0\nvendor_id\t: x\nflags\t\t: " + flags + "\nbugs\t\t: avx512f\n"
		if got := strings.Join(hwcaps(text), " "); got != want {
			t.Errorf("%s: %q, want %q", flags, got, want)
		}
	}
	if got := hwcaps(""); got != nil {
		t.Errorf("of nothing: %q", got)
	}
}
