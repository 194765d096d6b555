package preflight

import (
	"slices"
	"strings"
	"testing"
	"time"

	"uvshim/shim/host"
)

// metadata is an installed distribution with what it needs and has.
func metadata(name, version, requires string, files ...string) tree {
	info := site + "/" + strings.ReplaceAll(name, "-", "_") + "-" + version + ".dist-info"
	text := "Metadata-Version: 2.4\nName: " + name + "\nVersion: " + version + "\n"
	if requires != "" {
		text += "Requires-Dist: " + requires + "\n"
	}
	record := ""
	for _, file := range files {
		record += file + ",sha256=x,1\n"
	}
	return tree{info + "/METADATA": text + "\nRequires-Dist: no header\n", info + "/RECORD": record}
}

func TestScan(t *testing.T) {
	rows := []struct {
		name  string
		files tree
		env   host.Env
		all   bool
		want  []string
		needs string
	}{
		{name: "module_bare", files: tree{site + "/a" + tag: module()}},
		{name: "module_missing",
			files: tree{site + "/a/b" + tag: module("libz.so.1")}.with(metadata("a-dist", "1.0", "", "a/b"+tag)),
			want:  []string{"required missing-soname libz.so.1 of a-dist 1.0"}, needs: "libz.so.1"},
		{name: "module_provided",
			files: tree{site + "/a" + tag: module("libz.so.1"), nixLibs + "/libz.so.1": lib("libz.so.1")}, needs: "libz.so.1"},
		{name: "module_provided_elsewhere", env: host.Env{"NIX_LD_LIBRARY_PATH=/x"},
			files: tree{site + "/a" + tag: module("libz.so.1"), "/x/libz.so.1": lib("libz.so.1")}, needs: "libz.so.1"},
		{name: "module_dependency_misses",
			files: tree{site + "/a" + tag: module("libz.so.1"), nixLibs + "/libz.so.1": lib("libz.so.1", "libq.so.2")},
			want:  []string{"required missing-soname libq.so.2"}, needs: "libq.so.2 libz.so.1"},
		{name: "module_other_python", files: tree{site + "/a.cpython-312-x86_64-linux-gnu.so": module("libz.so.1")}},
		{name: "module_other_machine", files: tree{site + "/a.cpython-313-aarch64-linux-gnu.so": module("libz.so.1")}},
		{name: "module_abi3", files: tree{site + "/a.abi3.so": module("libz.so.1")},
			want: []string{"required missing-soname libz.so.1"}, needs: "libz.so.1"},
		{name: "module_untagged", files: tree{site + "/a.so": object{needed: []string{"libz.so.1"}, text: "PyInit_a"}.String()},
			want: []string{"required missing-soname libz.so.1"}, needs: "libz.so.1"},
		{name: "library_untagged", files: tree{site + "/a.so": module("libz.so.1")}},
		{name: "library_untagged_all", all: true, files: tree{site + "/a.so": module("libz.so.1")},
			want: []string{"optional missing-soname libz.so.1"}},
		{name: "module_in_tests", files: tree{site + "/a/tests/b" + tag: module("libz.so.1")}},
		{name: "module_in_plugins_all", all: true, files: tree{site + "/a/plugins/b" + tag: module("libz.so.1")},
			want: []string{"optional missing-soname libz.so.1"}},
		{name: "module_not_importable", files: tree{site + "/a.libs/b" + tag: module("libz.so.1")}},
		{name: "stdlib_optional", files: tree{managed + "/lib/python3.13/lib-dynload/_tkinter" + tag: module("libtcl.so")}},
		{name: "stdlib_required", files: tree{managed + "/lib/python3.13/lib-dynload/_ssl" + tag: module("libssl.so.3")},
			want: []string{"required missing-soname libssl.so.3"}},
		// numpy 1.26: libopenblas on its own does not find libgfortran; in the process the module's
		// DT_RPATH is inherited
		{name: "library_rpath_inherited", files: tree{
			site + "/a/b" + tag:         object{needed: []string{"libblas.so"}, rpath: "$ORIGIN/../a.libs"}.String(),
			site + "/a.libs/libblas.so": lib("libblas.so", "libfortran.so"), site + "/a.libs/libfortran.so": lib("libfortran.so"),
		}},
		{name: "library_rpath_inherited_all", all: true, files: tree{
			site + "/a/b" + tag:         object{needed: []string{"libblas.so"}, rpath: "$ORIGIN/../a.libs"}.String(),
			site + "/a.libs/libblas.so": lib("libblas.so", "libfortran.so"), site + "/a.libs/libfortran.so": lib("libfortran.so"),
		}},
		{name: "one_finding_the_severest", all: true, files: tree{
			site + "/a/tests/b" + tag: module("libz.so.1"), site + "/a/z" + tag: module("libz.so.1"),
		}.with(metadata("a", "1", "", "a/tests/b"+tag, "a/z"+tag)),
			want: []string{"required missing-soname libz.so.1 of a 1"}, needs: "libz.so.1"},
		{name: "stdlib_provided", files: tree{managed + "/lib/python3.13/lib-dynload/_ssl" + tag: module("libssl.so.3"),
			nixLibs + "/libssl.so.3": lib("libssl.so.3")}},
		{name: "sibling_mentioned_not_loaded", files: tree{
			site + "/a/b" + tag: module("libfoo.so.1"), site + "/other/lib/libfoo.so.1": lib("libfoo.so.1"),
			site + "/a/__init__.py": "# libfoo.so.1 is needed",
		}.with(metadata("a", "1", "", "a/b"+tag, "a/__init__.py")).with(metadata("other", "1", "", "other/lib/libfoo.so.1")),
			want: []string{"required missing-soname libfoo.so.1 of a 1"}, needs: "libfoo.so.1"},
		{name: "library_runpath_not_inherited", files: tree{
			site + "/a/b" + tag:         object{needed: []string{"libblas.so"}, runpath: "$ORIGIN/../a.libs"}.String(),
			site + "/a.libs/libblas.so": lib("libblas.so", "libfortran.so.3"),
			site + "/x/libfortran.so.3": lib("libfortran.so.3"),
		}, want: []string{"required missing-soname libfortran.so.3"}, needs: "libfortran.so.3"},
		{name: "sibling_unrelated", files: tree{
			site + "/a/b" + tag: module("libfoo.so.1"), site + "/other/lib/libfoo.so.1": lib("libfoo.so.1"),
		}.with(metadata("a", "1", "", "a/b"+tag)).with(metadata("other", "1", "", "other/lib/libfoo.so.1")),
			want: []string{"required missing-soname libfoo.so.1 of a 1"}, needs: "libfoo.so.1"},
		{name: "sibling_required", all: true, files: tree{
			site + "/a/b" + tag: module("libfoo.so.1"), site + "/other/lib/libfoo.so.1": lib("libfoo.so.1"),
		}.with(metadata("a", "1", "Other>=1 ; python_version >= '3'", "a/b"+tag)).with(metadata("other", "1", "", "other/lib/libfoo.so.1")),
			want: []string{"optional expects-import libfoo.so.1 of a 1"}},
		{name: "sibling_preloaded", all: true, files: tree{
			site + "/a/b" + tag: module("libfoo.so.1"), site + "/other/lib/libfoo.so.1": lib("libfoo.so.1"),
			site + "/a/__init__.py": "ctypes.CDLL(find('libfoo.so.*'), RTLD_GLOBAL)",
		}.with(metadata("a", "1", "", "a/b"+tag, "a/__init__.py")).with(metadata("other", "1", "", "other/lib/libfoo.so.1")),
			want: []string{"optional expects-import libfoo.so.1 of a 1"}},
		{name: "sibling_itself_misses", files: tree{
			site + "/a/b" + tag: module("libfoo.so.1"), site + "/o/libfoo.so.1": lib("libfoo.so.1", "libz.so.1"),
		}.with(metadata("a", "1", "o", "a/b"+tag)).with(metadata("o", "2", "", "o/libfoo.so.1")),
			want: []string{"required missing-soname libz.so.1 of o 2"}, needs: "libz.so.1"},
		{name: "sibling_lacks_version", files: tree{
			site + "/a/b" + tag:     object{needed: []string{"libfoo.so.1"}, needs: map[string]string{"libfoo.so.1": "FOO_2"}}.String(),
			site + "/o/libfoo.so.1": object{soname: "libfoo.so.1", defs: []string{"libfoo.so.1", "FOO_1"}}.String(),
		}.with(metadata("a", "1", "o", "a/b"+tag)).with(metadata("o", "2", "", "o/libfoo.so.1")),
			want: []string{"required missing-version libfoo.so.1 FOO_2 of a 1"}},
		{name: "ctypes_library", files: tree{
			site + "/a/liba_x86_64.so": lib("", "libz.so.1"), site + "/a/x.py": "ffi.dlopen('liba_' + machine)",
		}.with(metadata("a", "1", "", "a/liba_x86_64.so", "a/x.py")),
			want: []string{"required missing-soname libz.so.1 of a 1"}, needs: "libz.so.1"},
		{name: "version_missing", files: tree{
			site + "/a" + tag:           object{needed: []string{"libstdc++.so.6"}, needs: map[string]string{"libstdc++.so.6": "GLIBCXX_3.4.32"}}.String(),
			nixLibs + "/libstdc++.so.6": object{soname: "libstdc++.so.6", defs: []string{"libstdc++.so.6", "GLIBCXX_3.4.30"}}.String(),
		}, want: []string{"required missing-version libstdc++.so.6 GLIBCXX_3.4.32"}, needs: "libstdc++.so.6"},
		{name: "version_shadowed", env: host.Env{"NIX_LD_LIBRARY_PATH=/x"}, files: tree{
			site + "/a" + tag:    object{needed: []string{"libq.so"}, runpath: "$ORIGIN", needs: map[string]string{"libq.so": "Q_2"}}.String(),
			site + "/libq.so":    object{soname: "libq.so", defs: []string{"libq.so", "Q_2"}}.String(),
			"/x/libq.so":         object{soname: "libq.so", defs: []string{"libq.so", "Q_1"}}.String(),
			nixLibs + "/libq.so": object{soname: "libq.so", defs: []string{"libq.so", "Q_1"}}.String(),
		}, want: []string{"required shadowed libq.so Q_2"}, needs: "libq.so"},
		{name: "glibc_too_old", files: tree{
			site + "/a" + tag: object{needed: []string{"libc.so.6"}, needs: map[string]string{"libc.so.6": "GLIBC_2.41"}}.String(),
		}, want: []string{"required missing-version libc.so.6 GLIBC_2.41"}},
		{name: "glibc_foreign", files: tree{nixLibs + "/libc.so.6": object{soname: "libc.so.6", defs: []string{"libc.so.6", "GLIBC_2.2.5"}}.String()},
			want: []string{"required foreign-libc libc.so.6"}},
		{name: "stack_executable", files: tree{
			site + "/a" + tag:    object{needed: []string{"libc.so.6"}, stack: true}.String(),
			glibc + "/libc.so.6": object{soname: "libc.so.6", defs: []string{"libc.so.6", "GLIBC_2.2.5", "GLIBC_2.41"}}.String(),
		}, want: []string{"required exec-stack "}},
		{name: "stack_executable_older_glibc", files: tree{site + "/a" + tag: object{needed: []string{"libc.so.6"}, stack: true}.String()}},
		{name: "file_no_elf", files: tree{site + "/a" + tag: "text"}, want: []string{"required bad-file "}},
		{name: "interpreter_misses", files: tree{managed + "/bin/python3.13": object{interp: ldso, needed: []string{"libc.so.6", "libz.so.1"}}.String()},
			want: []string{"required missing-soname libz.so.1"}},
		{name: "pythonpath_module", env: host.Env{"PYTHONPATH=/pp"}, files: tree{"/pp/a" + tag: module("libz.so.1")},
			want: []string{"required missing-soname libz.so.1"}, needs: "libz.so.1"},
		{name: "pth_module", files: tree{site + "/e.pth": "import x\n/src\n", "/src/a" + tag: module("libz.so.1")},
			want: []string{"required missing-soname libz.so.1"}, needs: "libz.so.1"},
		{name: "link_to_package", files: tree{site + "/a": "-> /src/a", "/src/a/b" + tag: module("libz.so.1"), "/src/a/a": "-> ."},
			want: []string{"required missing-soname libz.so.1"}, needs: "libz.so.1"},
		{name: "link_to_module", files: tree{site + "/b" + tag: "-> /cache/b", "/cache/b": module("libz.so.1")},
			want: []string{"required missing-soname libz.so.1"}, needs: "libz.so.1"},
		{name: "one_finding_each", files: tree{
			site + "/a/b" + tag: module("libz.so.1"), site + "/a/c" + tag: module("libz.so.1"),
		}.with(metadata("a", "1", "", "a/b"+tag, "a/c"+tag)),
			want: []string{"required missing-soname libz.so.1 of a 1"}, needs: "libz.so.1"},
		{name: "dlopen_class_a", files: metadata("weasyprint", "66.0", ""),
			want: []string{
				"required missing-soname libfontconfig.so.1 of weasyprint 66.0", "required missing-soname libgobject-2.0.so.0 of weasyprint 66.0",
				"required missing-soname libharfbuzz.so.0 of weasyprint 66.0", "required missing-soname libpango-1.0.so.0 of weasyprint 66.0",
				"required missing-soname libpangoft2-1.0.so.0 of weasyprint 66.0",
			}, needs: "libfontconfig.so.1 libgobject-2.0.so.0 libharfbuzz.so.0 libpango-1.0.so.0 libpangoft2-1.0.so.0"},
		{name: "dlopen_class_a_there", files: metadata("python-magic", "0.4", "").with(tree{nixLibs + "/libmagic.so.1": lib("libmagic.so.1")})},
		{name: "dlopen_class_b", files: metadata("sounddevice", "0.5", "")},
		{name: "dlopen_class_b_all", all: true, files: metadata("sounddevice", "0.5", ""),
			want: []string{"optional missing-soname libportaudio.so.2 of sounddevice 0.5"}},
		{name: "dlopen_class_b_listed_all", all: true,
			files: metadata("sounddevice", "0.5", "").with(tree{nixLibs + "/libportaudio.so.2": lib("libportaudio.so.2")}),
			want:  []string{"optional find-library libportaudio.so.2 of sounddevice 0.5"}},
		{name: "dlopen_moot", all: true, files: metadata("psycopg", "3", "").with(metadata("psycopg-binary", "3", ""))},
		{name: "driver_without_hardware", files: metadata("pynvml", "12", "")},
		{name: "cuda", files: metadata("torch", "2.9.0", "").with(metadata("nvidia-cublas-cu12", "12", "")).with(
			tree{"/run/opengl-driver/lib/libcuda.so.1": lib("libcuda.so.1")}),
			want: []string{"required missing-soname libcuda.so.1 of torch 2.9.0"}},
		{name: "cuda_on_path", env: host.Env{"NIX_LD_LIBRARY_PATH=" + nixLibs + ":/run/opengl-driver/lib"},
			files: metadata("torch", "2.9.0", "").with(metadata("nvidia-cublas-cu12", "12", "")).with(
				tree{"/run/opengl-driver/lib/libcuda.so.1": lib("libcuda.so.1")})},
		{name: "cuda_build_for_cpu", files: metadata("torch", "2.9.0+cpu", "").with(
			tree{"/run/opengl-driver/lib/libcuda.so.1": lib("libcuda.so.1")})},
		{name: "cuda_no_hardware", files: metadata("torch", "2.9.0", "").with(metadata("nvidia-cublas-cu12", "12", ""))},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			v := check(t, nixos().with(row.files).setting(row.env).root(t), row.env, row.all)
			var got []string
			for _, f := range v.Findings {
				got = append(got, short(f))
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("got %q\nwant %q", got, row.want)
			}
			if needs := strings.Join(v.Needs, " "); needs != row.needs {
				t.Errorf("needs %q, want %q", needs, row.needs)
			}
			for _, f := range v.Required() {
				if (f.Kind == MissingSoname) != slices.Contains(v.Missing, f.Soname) {
					t.Errorf("missing is %q", v.Missing)
				}
			}
			want := NotCovered
			if len(v.Required()) == 0 {
				want = OK
			}
			if v.Outcome != want || v.Incomplete {
				t.Errorf("outcome %q, incomplete %v", v.Outcome, v.Incomplete)
			}
		})
	}
}

func TestScan_tellsWhere(t *testing.T) {
	sys := nixos().with(tree{
		site + "/a/b" + tag:      object{needed: []string{"libq.so"}, rpath: "$ORIGIN/../a.libs"}.String(),
		site + "/a.libs/libq.so": lib("libq.so", "libX11.so.6"),
	}).with(metadata("Big-Name", "1.0", "", "a/b"+tag, "a.libs/libq.so")).root(t)
	v := check(t, sys, nil, false)
	if len(v.Findings) != 1 {
		t.Fatalf("findings: %+v", v.Findings)
	}
	f := v.Findings[0]
	if f.File != site+"/a.libs/libq.so" || f.Module != site+"/a/b"+tag {
		t.Errorf("file %q, module %q", f.File, f.Module)
	}
	if f.Attribute != "xorg.libX11" || f.AttributeKind != "nixpkgs" || !f.Listable() {
		t.Errorf("attribute %q of kind %q", f.Attribute, f.AttributeKind)
	}
	if f.Distribution != "Big-Name" || f.DistVersion != "1.0" {
		t.Errorf("distribution %q %q", f.Distribution, f.DistVersion)
	}
	if !slices.Equal(v.Attributes(), []string{"xorg.libX11"}) {
		t.Errorf("attributes %q", v.Attributes())
	}
	if w := v.Without([]string{"libX11.so.6"}); w.Outcome != OK || len(w.Findings) != 0 || len(w.Missing) != 0 || len(v.Findings) != 1 {
		t.Errorf("ignored, it is %+v", w)
	}
}

// What a limit cut off is no verdict, but its facts are kept: the next call goes on from there.
func TestCheck_stops(t *testing.T) {
	sys := nixos().with(tree{site + "/a" + tag: module("libz.so.1")}).root(t)
	v, err := Check(Request{System: sys, Python: venv + "/bin/python", Stop: time.Now().Add(-time.Second)})
	if err != nil || !v.Incomplete || v.Covered() {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestVerdict(t *testing.T) {
	wrong := object{machine: 183, soname: "ld-linux-x86-64.so.2", defs: []string{"x", "GLIBC_PRIVATE"}}.String()
	rows := []struct {
		name    string
		files   tree
		env     host.Env
		want    Outcome
		certain bool
		reason  string
	}{
		{name: "ok", want: OK},
		{name: "loader_missing", files: tree{ldso: "gone"}, want: NoLoader, certain: true, reason: "no /lib64"},
		{name: "loader_dangling", files: tree{ldso: "-> /nix/store/gone"}, want: NoLoader, certain: true, reason: "link"},
		{name: "loader_stub", files: tree{ldso: "-> " + hash + "-stub-ld", hash + "-stub-ld": object{}.String()}, want: StubLoader, certain: true, reason: "stub-ld"},
		{name: "nixld_nothing_behind", env: host.Env{"NIX_LD=/gone"}, want: Broken, certain: true, reason: "NIX_LD"},
		{name: "nixld_wrong_behind", env: host.Env{"NIX_LD=/other"}, files: tree{"/other": wrong}, want: Broken, reason: "machine"},
		{name: "loader_wrong_machine", files: tree{ldso: wrong}, want: Broken, reason: "machine"},
		{name: "loader_unknown", files: tree{ldso: "text"}, want: Unclear, reason: "ELF"},
		{name: "base_collected", files: tree{venv + "/bin/python": "-> /nix/store/x-python3/bin/python3.13"}, want: NotApplicable, certain: true, reason: "garbage"},
		{name: "pythonpath_foreign", env: host.Env{"PYTHONPATH=/nix/store/x-python3.12-numpy/lib/python3.12/site-packages"}, want: ForeignPython},
		{name: "pythonpath_same_minor", env: host.Env{"PYTHONPATH=/nix/store/x-python3.13-numpy/lib/python3.13/site-packages"}, want: OK},
		{name: "pythonpath_mine", env: host.Env{"PYTHONPATH=/home/u/lib/python3.12"}, want: OK},
		{name: "nix_built", files: tree{
			venv + "/bin/python":                        "-> " + hash + "-python3-3.13/bin/python3.13",
			hash + "-python3-3.13/bin/python3.13":       object{interp: glibc + "/ld-linux-x86-64.so.2", needed: []string{"libc.so.6"}, runpath: glibc}.String(),
			hash + "-python3-3.13/lib/python3.13/os.py": "",
			nixLibs + "/libz.so.1":                      lib("libz.so.1"),
			site + "/a" + tag:                           module("libz.so.1"),
		}, want: NotApplicable, reason: "built by Nix"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			v := check(t, nixos().with(row.files).setting(row.env).root(t), row.env, false)
			if v.Outcome != row.want || v.Certain != row.certain || !strings.Contains(v.Reason, row.reason) {
				t.Errorf("%q (certain %v): %s", v.Outcome, v.Certain, v.Reason)
			}
		})
	}
}

func TestVerdict_nixBuiltMisses(t *testing.T) {
	v := check(t, nixos().with(tree{
		venv + "/bin/python":                        "-> " + hash + "-python3-3.13/bin/python3.13",
		hash + "-python3-3.13/bin/python3.13":       object{interp: glibc + "/ld-linux-x86-64.so.2", needed: []string{"libc.so.6"}, runpath: glibc}.String(),
		hash + "-python3-3.13/lib/python3.13/os.py": "",
		nixLibs + "/libz.so.1":                      lib("libz.so.1"),
		site + "/a" + tag:                           module("libz.so.1"),
	}).root(t), nil, false)
	if !slices.Equal(v.Missing, []string{"libz.so.1"}) {
		t.Errorf("what nix-ld has is taken to help a Python that does not use it: %+v", v)
	}
	if text := v.Message(Wording{}); !strings.Contains(text, "built by Nix") || strings.Contains(text, "programs.nix-ld") {
		t.Errorf("message: %s", text)
	}
}
