package builds

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The files are what uv 0.13.9 printed of real packages, cut to the end as Find gets it: bare, with
// nothing on PATH that builds, and gcc, with gcc and no pkg-config.
func TestFind_real(t *testing.T) {
	for _, c := range []struct{ file, pkg, lacks, attributes, wheel string }{
		{"psycopg2-bare", "psycopg2==2.9.10", "pg_config", "gcc postgresql.pg_config", "psycopg2-binary"},
		{"mysqlclient-bare", "mysqlclient==2.3.1", "pkg-config", "gcc pkg-config", ""},
		{"pycairo-bare", "pycairo==1.29.2", "a C compiler", "gcc", ""},
		{"pycairo-gcc", "pycairo==1.29.2", "pkg-config", "gcc pkg-config", ""},
		{"lxml-bare", "lxml==5.3.0", "libxml2 and libxslt", "gcc pkg-config libxml2 libxslt", ""},
		{"cffi-bare", "", "a C compiler", "gcc", ""},
		{"pydantic-core-bare", "", "a C compiler", "gcc", ""},
		{"numpy-bare", "numpy==2.2.1", "a C compiler", "gcc", ""},
		{"dlib-bare", "dlib==20.0.1", "a C compiler", "gcc", ""},
		{"python-ldap-gcc", "python-ldap==3.4.4", "the header lber.h", "gcc openldap", ""},
		{"pyaudio-gcc", "pyaudio==0.2.14", "the header portaudio.h", "gcc portaudio", ""},
		{"h5py-gcc", "", "pkg-config", "gcc pkg-config", ""},
	} {
		t.Run(c.file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", c.file+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			p, ok := Find(string(data))
			if got := strings.Join(p.Attributes, " "); !ok || p.Package != c.pkg || p.Lacks != c.lacks || got != c.attributes || p.Wheel != c.wheel {
				t.Errorf("got %+v, want %+v", p, c)
			}
		})
	}
}

func TestFind_lines(t *testing.T) {
	for _, c := range []struct{ name, line, lacks, attributes string }{
		{"distutils", "error: command 'gcc' failed: No such file or directory", "a C compiler", "gcc"},
		{"distutils_execute", "unable to execute 'x86_64-linux-gnu-gcc': No such file or directory", "a C compiler", "gcc"},
		{"subprocess", "FileNotFoundError: [Errno 2] No such file or directory: 'clang++'", "a C compiler", "gcc"},
		{"fortran", "ERROR: Unknown compiler(s): [['gfortran'], ['flang-new']]", "a Fortran compiler", "gfortran"},
		{"rust", "error: can't find Rust compiler", "a Rust compiler", "gcc cargo rustc"},
		{"shell_debian", "/bin/sh: 1: pkg-config: not found", "pkg-config", "gcc pkg-config"},
		{"shell_bash", "sh: line 1: make: command not found", "make", "gcc gnumake"},
		{"krb5", "/bin/sh: 1: krb5-config: not found", "krb5-config", "gcc libkrb5.dev"},
		{"mysql", "OSError: mysql_config not found", "mysql_config", "gcc libmysqlclient.dev"},
		{"clang_header", "x.c:1:10: fatal error: 'Python.h' file not found", "the header Python.h", "gcc"},
		{"gcc_header", "x.c:1:10: fatal error: ffi.h: No such file or directory", "the header ffi.h", "gcc libffi"},
		{"nested_header", "x.c:1: fatal error: openssl/ssl.h: No such file or directory", "the header openssl/ssl.h", "gcc openssl"},
		{"unknown_header", "x.c:1: fatal error: acme.h: No such file or directory", "the header acme.h", "gcc"},
		{"linker", "/usr/bin/ld: cannot find -lz: No such file or directory", "the library libz", "gcc zlib"},
		{"linker_old", "/usr/bin/ld: cannot find -lpq", "the library libpq", "gcc postgresql.dev"},
		{"pkgconf", "Package 'cairo', required by 'virtual:world', not found", "the library cairo", "gcc pkg-config cairo"},
		{"pkg-config", "Package libffi was not found in the pkg-config search path.", "the library libffi", "gcc pkg-config libffi"},
		{"meson", `ERROR: Dependency "dbus-1" not found, tried pkgconfig and cmake`, "the library dbus-1", "gcc pkg-config dbus"},
		{"colours", "\x1b[31merror\x1b[39m: command '\x1b[1mgcc\x1b[0m' failed: No such file or directory", "a C compiler", "gcc"},
		{"after_progress", "Building…\rerror: linker `cc` not found", "a C compiler", "gcc"},
		{"git", "error: Git executable not found. Ensure that Git is installed and available.", "git", "git"},

		{"other_file", "FileNotFoundError: [Errno 2] No such file or directory: 'README.md'", "", ""},
		{"other_command", "error: command '/usr/bin/gcc' failed with exit code 1", "", ""},
		{"failed_list", "CalledProcessError: Command '['gcc', 'x.c']' returned non-zero exit status 1.", "", ""},
		{"compile_error", "x.c:3:1: error: unknown type name 'foo'", "", ""},
		{"resolution", "No solution found when resolving dependencies: because ruff was not found", "", ""},
		{"empty", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, ok := Find("  " + c.line + "  \n")
			if ok != (c.lacks != "") || p.Lacks != c.lacks || strings.Join(p.Attributes, " ") != c.attributes {
				t.Errorf("Find(%q) = %+v, %v", c.line, p, ok)
			}
		})
	}
}

func TestFind_heaviest(t *testing.T) {
	p, ok := Find("sh: 1: pkg-config: not found\nx.c:1: fatal error: a.h: No such file or directory\nerror: command 'gcc' failed: No such file or directory\n")
	if !ok || p.Lacks != "a C compiler" {
		t.Errorf("got %+v: a compiler is needed whatever else is", p)
	}
	p, _ = Find("error: Failed to build `lib @ file:///home/user/lib`\nerror: linker `cc` not found\n")
	if p.Package != "lib" {
		t.Errorf("got %+v", p)
	}
	p, _ = Find("error: Failed to build `psycopg2==2.9.10`\n   Error: pg_config executable not found.\n")
	if p.Package != "psycopg2==2.9.10" || p.Wheel != "psycopg2-binary" {
		t.Errorf("got %+v", p)
	}
}

func TestMessage(t *testing.T) {
	p := Problem{"psycopg2==2.9.10", "pg_config", []string{"gcc", "postgresql.pg_config"}, "psycopg2-binary"}
	for _, c := range []struct {
		name string
		p    Problem
		nix  bool
		want string
	}{
		{"nix", p, true, `psycopg2 2.9.10 was to be built from source, which needs pg_config
  fix        nix-shell -p gcc postgresql.pg_config --run 'uv add psycopg2'
  or take    psycopg2-binary, the same package with wheels`},
		{"elsewhere", p, false, `psycopg2 2.9.10 was to be built from source, which needs pg_config
  fix        install it with your system's package manager, then again:
               uv add psycopg2
  or take    psycopg2-binary, the same package with wheels`},
		{"unknown_header", Problem{Lacks: "the header acme.h", Attributes: []string{"gcc"}}, true, `a package was to be built from source, which needs the header acme.h
  fix        nix-shell -p gcc --run 'uv add psycopg2'
             and after -p also the package that has it`},
		{"escapes", Problem{Package: "a\x1b[2J", Lacks: "the header \x1b]0;x\a.h", Attributes: []string{"gcc"}}, false,
			"a\\x1b[2J was to be built from source, which needs the header \\x1b]0;x\\a.h\n  fix        install it with your system's package manager, then again:\n               uv add psycopg2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.p.Message("uv add psycopg2", c.nix); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func FuzzFind(f *testing.F) {
	f.Add("error: Failed to build `a==1`\nfatal error: x.h: No such file or directory")
	f.Add("\x1b[")
	f.Fuzz(func(t *testing.T, text string) {
		if p, ok := Find(text); ok != (p.Lacks != "") {
			t.Errorf("%+v, %v", p, ok)
		}
	})
}
