package nixld

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
)

func TestEnvironment_machines(t *testing.T) {
	for name, machine := range map[string]uint16{
		"i686": elfdeps.Machine386, "x86_64": elfdeps.MachineX86_64, "aarch64": elfdeps.MachineAArch64, "riscv64": elfdeps.MachineRISCV,
	} {
		var env host.Env
		for _, other := range []string{"i686", "x86_64", "aarch64", "riscv64", "other", ""} {
			env = append(env, "NIX_LD_"+other+"_linux=/"+other)
		}
		got := Environment(env, Loader{Kind: NixLD, Major: 2, Machine: machine}).Loader
		if want := (Setting{Value: "/" + name, Name: "NIX_LD_" + name + "_linux"}); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestBehind_whatIsALoader(t *testing.T) {
	a := arches()[0]
	sys := tree{
		"/lib64/ld64.so.2": elfFile{machine: a.machine, soname: "ld64.so.2", defs: []string{"GLIBC_PRIVATE"}}.String(), // as on ppc64le
		"/lib64/libc.so.6": a.libc("2.42"),                                                                             // has GLIBC_PRIVATE as well
	}.root(t)
	for name, want := range map[string]error{"": errNothing, "/nothing": errNothing, "/lib64/ld64.so.2": nil, "/lib64/libc.so.6": errNoLoader} {
		target, err := behind(sys, name, a.machine)
		if err != want {
			t.Errorf("%q: %v, want %v", name, err, want)
		}
		if err == nil && (target.Real != name || target.Dir != "/lib64" || target.Version != "2.42") {
			t.Errorf("%q: %+v", name, target)
		}
	}
	if state := Examine(sys, nil, "/lib64/libc.so.6", a.machine); state.Verdict != Unclear || state.Certain {
		t.Errorf("libc.so.6 in the loader's place: %+v", state)
	}
}

// A glibc loader that cannot be moved is none that a program could be started by, but that is
// nothing certain.
func TestExamine_glibcNotMovable(t *testing.T) {
	a := arches()[0]
	sys := tree{a.interp: elfFile{machine: a.machine, exec: true, soname: a.soname, defs: []string{"GLIBC_PRIVATE"}}.String()}.root(t)
	if s := Examine(sys, nil, a.interp, a.machine); s.Verdict != Unclear || s.Certain || s.Err != errNoLoader {
		t.Errorf("%+v", s)
	}
}

func TestSearch_cache(t *testing.T) {
	const cache = "/etc/ld.so.cache"
	for name, row := range map[string]struct{ content, want string }{
		"file_isRead":             {"", cache},
		"directory_isNone":        {"dir", ""},
		"dangling_isNone":         {"-> nothing", ""},
		"unanswered_mayBeThere":   {"-> ld.so.cache", cache},
		"belowAFile_isNoneEither": {"-> /file/x", ""},
	} {
		sys := tree{cache: row.content, "/file": ""}.root(t)
		if got := (State{Target: Target{Cache: cache}}).Search(sys).Cache; got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
	if got := (State{}).Search(tree{"/x": ""}.root(t)).Cache; got != "" {
		t.Errorf("without one compiled in: %q", got)
	}
}

// A root says as the kernel does after how many links it gives up.
func TestRoot_manyLinks(t *testing.T) {
	files := tree{"/0": "content"}
	for i := range 41 {
		files[fmt.Sprintf("/%d", i+1)] = fmt.Sprintf("-> %d", i)
	}
	for _, plain := range []bool{false, true} {
		sys := files.root(t)
		sys.plain = plain
		if got := read(t, sys, "/40"); got != "content" {
			t.Errorf("plain %v, 40 links: %q", plain, got)
		}
		if got := read(t, sys, "/41"); got != "error: "+unix.ELOOP.Error() {
			t.Errorf("plain %v, 41 links: %q", plain, got)
		}
	}
}

func TestAt_whatIsAGeneration(t *testing.T) {
	for name, files := range map[string]tree{
		"both":    {"sw": "dir", "nixos-version": "26.05", "etc/tmpfiles.d": "dir"},
		"sw":      {"sw": "dir", "etc/tmpfiles.d": "dir"},
		"version": {"nixos-version": "26.05", "etc/tmpfiles.d": "dir"},
	} {
		sys := files.root(t)
		if got := sys.Generation(); got != (name == "both") {
			t.Errorf("%s: generation %v", name, got)
		}
	}
}

func TestAt_onlyRulesCount(t *testing.T) {
	const rule = "L+ /lib64/%s - - - - /nowhere\n"
	sys := tree{"sw": "dir", "nixos-version": "26.05", "etc/tmpfiles.d/a.conf": fmt.Sprintf(rule, "a"),
		"etc/tmpfiles.d/a.conf.bak": fmt.Sprintf(rule, "b"), "etc/tmpfiles.d/README": fmt.Sprintf(rule, "c")}.root(t)
	for name, want := range map[string]bool{"a": true, "b": false, "c": false} {
		if _, err := sys.Readlink("/lib64/" + name); (err == nil) != want {
			t.Errorf("/lib64/%s: %v", name, err)
		}
	}
}

func TestUnquote(t *testing.T) {
	for word, want := range map[string]string{
		`plain`: `plain`, ``: ``, `"`: `"`, `""`: ``, `''`: ``, `"a b"`: `a b`, `'a\$b'`: `a\$b`, `'a"`: `'a"`,
		`"\$a\"b\\c\` + "`" + `"`: `$a"b\c` + "`", `"\n"`: `\n`, `"a\"`: `a\`,
	} {
		if got := unquote(word); got != want {
			t.Errorf("%s: %s, want %s", word, got, want)
		}
	}
}

func TestTrusted_shortestFile(t *testing.T) {
	if got := trusted([]byte("\x00/\x00/")); got != nil {
		t.Errorf("%q", got)
	}
}

// Nothing that is looked at stays open.
func TestExamine_closesFiles(t *testing.T) {
	a := arches()[0]
	sys := tree{a.interp: "-> " + store("nix-ld-2.0.6/bin/nix-ld"), store("nix-ld-2.0.6/bin/nix-ld"): elfFile{machine: a.machine}.String(),
		DefaultLoader: a.loader(), DefaultLibraryPath + "/libc.so.6": a.libc("2.42"), "/etc/os-release": "ID=nixos\n"}.root(t)
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			lacking(t, "no /proc")
		}
		return len(entries)
	}
	before := open()
	for range 5 {
		if s := Examine(sys, nil, a.interp, a.machine); s.Verdict != OK || s.Target.Version != "2.42" {
			t.Fatalf("%+v", s)
		}
		if _, err := ReadRelease(sys); err != nil {
			t.Fatal(err)
		}
		if _, err := sys.ELF().Stat(a.interp); err != nil {
			t.Fatal(err)
		}
	}
	if after := open(); after != before {
		t.Errorf("%d files are open, %d before", after, before)
	}
}
