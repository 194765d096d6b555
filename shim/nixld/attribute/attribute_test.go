package attribute

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	for _, row := range []struct {
		name, soname, release string
		kind                  Kind
		attribute             string
		note                  string // a part of it
		listable              bool
	}{
		{"default_newest", "libstdc++.so.6", "", Default, "stdenv.cc.cc.lib", "", true},
		{"default_old", "libz.so.1", "24.05", Default, "zlib", "", true},
		{"nixpkgs_plain", "libexpat.so.1", "26.05", Nixpkgs, "expat", "", true},
		{"xorg_new_name", "libX11.so.6", "26.05", Nixpkgs, "libx11", "", true},
		{"xorg_old_name", "libX11.so.6", "25.11", Nixpkgs, "xorg.libX11", "", true},
		{"xorg_old_name_of_xcb_util", "libxcb-cursor.so.0", "25.05", Nixpkgs, "xorg.xcbutilcursor", "", true},
		{"xorg_release_unknown", "libX11.so.6", "", Nixpkgs, "libx11", "", true},
		{"xorg_release_of_nothing", "libX11.so.6", "rolling", Nixpkgs, "libx11", "", true},
		{"mesa_before_libgbm", "libgbm.so.1", "24.11", Nixpkgs, "mesa", "", true},
		{"mesa_no_more", "libgbm.so.1", "25.05", Nixpkgs, "libgbm", "", true},
		{"libpq_before", "libpq.so.5", "24.11", Nixpkgs, "postgresql.lib", "", true},
		{"libxml2_before_its_new_number", "libxml2.so.2", "25.05", Nixpkgs, "libxml2", "", true},
		{"libxml2_after", "libxml2.so.2", "25.11", Nixpkgs, "libxml2_13", "libxml2.so.16", true},
		{"libgcc", "libgcc_s.so.1", "", Libgcc, "stdenv.cc.cc.lib", "", true},
		{"glibc", "libc.so.6", "", Glibc, "", "never to be listed", false},
		{"kernel", "linux-vdso.so.1", "", Kernel, "", "", false},
		{"driver", "libcuda.so.1", "", Driver, "", "/run/opengl-driver/lib (WSL: /usr/lib/wsl/lib)", false},
		{"none", "libtiff.so.5", "", None, "", "nixpkgs has no such ABI: use a newer wheel; of an older version", false},
		{"subdir", "libmariadb.so.3", "", Subdir, "mariadb-connector-c", "lib/mariadb", false},
		{"wheel_cuda", "libcublas.so.12", "", Wheel, "cudaPackages.libcublas", "nvidia-cublas-cu12", false},
		{"wheel_glob", "libQt6Core.so.6", "", Wheel, "", "PyQt6-Qt6", false},
		{"wheel_glob_other_number", "libQt6Core.so.7", "", Unknown, "", "nix-locate -w lib/libQt6Core.so.7", false},
		{"python", "libpython3.14.so.1.0", "", Python, "", "comes with the interpreter", false},
		{"bundled", "libtcl9.0.so", "", Bundled, "", "damaged", false},
		{"glob_with_number", "libicuuc.so.74", "", Nixpkgs, "icu74", "", true},
		{"glob_with_long_number", "libicudata.so.76.1", "", Nixpkgs, "icu76", "", true},
		{"glob_plain", "libgdal.so.36", "", Nixpkgs, "gdal", "", true},
		{"unknown", "libfoo.so.9", "", Unknown, "", "nix-locate -w lib/libfoo.so.9", false},
		{"unknown_near_a_glob", "libQt6.so", "", Unknown, "", "nix-locate", false},
		{"unknown_other_number", "libz.so.2", "", Unknown, "", "nix-locate", false},
		{"unknown_empty", "", "", Unknown, "", "nix-locate", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := Of(row.soname, row.release)
			if got.Kind != row.kind || got.Attribute != row.attribute || !strings.Contains(got.Note, row.note) || got.Listable() != row.listable {
				t.Errorf("Of(%q, %q) = %+v, listable %v", row.soname, row.release, got, got.Listable())
			}
			if strings.HasSuffix(got.Note, ".") || strings.HasSuffix(got.Note, " ") {
				t.Errorf("the note of %q: %q", row.soname, got.Note)
			}
		})
	}
}

// What is said of the new name is not true of the old one.
func TestOldNameHasNoNote(t *testing.T) {
	if got := Of("libxml2.so.2", "25.05"); got.Note != "" {
		t.Errorf("%+v", got)
	}
}

func TestListable(t *testing.T) {
	for kind, want := range map[Kind]bool{Default: true, Nixpkgs: true, Libgcc: true, Located: true,
		Kernel: false, Glibc: false, Subdir: false, Driver: false, Wheel: false, Python: false, Bundled: false, None: false, Unknown: false} {
		if got := (Answer{Kind: kind}).Listable(); got != want {
			t.Errorf("%s: %v", kind, got)
		}
	}
}

// The table is data, and data is where typing errors hide.
func TestTable(t *testing.T) {
	kinds := []Kind{Kernel, Glibc, Libgcc, Default, Nixpkgs, Subdir, Driver, Wheel, Python, Bundled, None}
	count := map[Kind]int{}
	seen := map[string]int{}
	for i, line := range strings.Split(strings.TrimSuffix(sonames, "\n"), "\n") {
		i++
		if strings.HasPrefix(line, "#") {
			continue
		}
		field := strings.Split(line, "\t")
		if len(field) < 4 || len(field) > 5 || slices.Contains(field, "") {
			t.Errorf("line %d: %d columns, or an empty one", i, len(field))
			continue
		}
		kind, attribute, old := Kind(field[0]), field[1], field[2]
		if !slices.Contains(kinds, kind) {
			t.Errorf("line %d: kind %q", i, kind)
		}
		switch has := attribute != "-"; kind {
		case Libgcc, Default, Nixpkgs, Subdir:
			if !has {
				t.Errorf("line %d: %s without attribute", i, kind)
			}
		case Wheel:
		default:
			if has {
				t.Errorf("line %d: %s with an attribute", i, kind)
			}
		}
		if name, until, ok := strings.Cut(old, "<"); old != "-" && (!ok || name == "" || !before("1.0", until)) {
			t.Errorf("line %d: old name %q", i, old)
		}
		names := strings.Fields(field[3])
		if len(names) == 0 {
			t.Errorf("line %d: no soname", i)
		}
		for _, soname := range names {
			count[kind]++
			if at, ok := seen[soname]; ok {
				t.Errorf("line %d: %s is in line %d as well", i, soname, at)
			}
			seen[soname] = i
			if !strings.Contains(soname, ".so") || strings.ContainsAny(soname, "/,;") || strings.Count(soname, "*") > 1 {
				t.Errorf("line %d: soname %q", i, soname)
			}
		}
		if strings.Contains(line, "/nix/store/") || strings.Contains(line, "/home/") {
			t.Errorf("line %d has a path of some machine", i)
		}
	}
	// as many as were looked up: none is lost by an edit that moves a tab
	for kind, want := range map[Kind]int{Glibc: 20, Default: 28, Driver: 16, Wheel: 46, None: 24, Python: 6, Nixpkgs: 334} {
		if count[kind] != want {
			t.Errorf("%d sonames of kind %s, want %d", count[kind], kind, want)
		}
	}
	parsed := parse(sonames)
	if total := len(parsed.exact) + len(parsed.globs); total != len(seen) {
		t.Errorf("%d sonames parsed of %d", total, len(seen))
	}
}

func TestParseDamaged(t *testing.T) {
	got := parse("# text\n\nnixpkgs\tfoo\nnixpkgs\tbar\t-\tlibbar.so.1\n\t\t\t\t\t\t\n")
	want := map[string]row{"libbar.so.1": {kind: Nixpkgs, attribute: "bar"}}
	if !reflect.DeepEqual(got.exact, want) || got.globs != nil {
		t.Errorf("%+v", got)
	}
}

func TestGlob(t *testing.T) {
	g := glob{prefix: "libfoo.so", suffix: ".so"}
	for soname, want := range map[string]string{"libfoo.so": "none", "libfoo.so.so": "", "libfoo.so.1.so": ".1", "libfoo.so.1": "none"} {
		middle, ok := g.match(soname)
		if got := map[bool]string{true: middle, false: "none"}[ok]; got != want {
			t.Errorf("%s: %q, want %q", soname, got, want)
		}
	}
}

func TestListed(t *testing.T) {
	own, others := Listed([]string{"ld.so", "libstdc++.so.6", "libstdc++.so.6.0.33", "libgomp.so.1", "libz.so", "libz.so.1", "libX11.so.6",
		"libxcb.so.1", "libX11-xcb.so.1", "libc.so.6", "libcuda.so.1", "libgcc_s.so.1", "libcudart.so.12", "mariadb"}, "25.11")
	if want := []string{"stdenv.cc.cc.lib", "zlib"}; !slices.Equal(own, want) {
		t.Errorf("nix-ld's own %q, want %q", own, want)
	}
	if want := []string{"cudaPackages.cuda_cudart", "xorg.libX11", "xorg.libxcb"}; !slices.Equal(others, want) {
		t.Errorf("others %q, want %q", others, want)
	}
}

func TestDlopens(t *testing.T) {
	for _, row := range []struct {
		name, distribution string
		class              Class // 0: none
		soname             string
	}{
		{"pip_name", "python_magic", ByName, "libmagic.so.1"},
		{"capitals", "WeasyPrint", ByName, "libpango-1.0.so.0"},
		{"find_library", "sounddevice", ByFind, "libportaudio.so.2"},
		{"dot", "discord.py", ByFind, "libopus.so.0"},
		{"own_search", "triton", Own, "libcuda.so.1"},
		{"bare", "torch", Bare, "libcuda.so.1"},
		{"none", "numpy", 0, ""},
		{"empty", "", 0, ""},
	} {
		d, ok := Dlopens(row.distribution)
		if ok != (row.class != 0) || d.Class != row.class || ok && !slices.Contains(d.Sonames, row.soname) {
			t.Errorf("%s: Dlopens(%q) = %+v, %v", row.name, row.distribution, d, ok)
		}
	}
	seen := map[string]bool{}
	for _, d := range dlopens {
		if d.Distribution != Normalize(d.Distribution) || seen[d.Distribution] {
			t.Errorf("%q is not normalised, or there twice", d.Distribution)
		}
		seen[d.Distribution] = true
		for _, soname := range d.Sonames {
			if a := Of(soname, ""); a.Kind == Unknown || a.Kind == None {
				t.Errorf("%s opens %s, which is %s", d.Distribution, soname, a.Kind)
			}
		}
		if len(d.Sonames) == 0 || d.Source == "" || strings.HasSuffix(d.Sentence, ".") {
			t.Errorf("%s: %+v", d.Distribution, d)
		}
		if (d.Class == ByFind || d.Class == Own) && d.Sentence == "" {
			t.Errorf("%s: no word on what to do", d.Distribution)
		}
	}
}

func TestNormalize(t *testing.T) {
	for name, want := range map[string]string{
		"Foo-Bar": "foo-bar", "foo._-bar": "foo-bar", "FOO": "foo", "a.b_c": "a-b-c", "-x-": "-x-", "": "", "é": "é",
	} {
		if got := Normalize(name); got != want {
			t.Errorf("Normalize(%q) = %q, want %q", name, got, want)
		}
	}
}
