package preflight

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"uvshim/shim/host"
	"uvshim/shim/nixld"
	"uvshim/testscripts/parts"
)

// realWheels are small and differ in how they bring their libraries along. pyzmq and lxml have
// abi3 modules or none of their own libraries; python-magic has no ELF file at all.
var realWheels = []string{"numpy==2.5.5", "pillow==13.0.0", "psycopg2-binary==2.9.13", "pyzmq==27.3.0", "lxml==6.1.3", "python-magic==0.4.27"}

// A lab is a real Python with real wheels whose loader finds libraries in no directory of the
// system: what nix-ld gives it is LD_LIBRARY_PATH.
type lab struct {
	dir, python, site string
	libs              []string // where this machine has its libraries
}

func newLab(t *testing.T) lab {
	if runtime.GOARCH != "amd64" {
		parts.Missing(t, errors.New("the loader that this test changes is that of x86_64"))
	}
	var python parts.Python
	for _, p := range parts.Pythons(t) {
		if p.Minor == "3.13" {
			python = p
		}
	}
	if python.Exe == "" {
		parts.Missing(t, errors.New("this machine has no CPython 3.13"))
	}
	wheels := parts.Wheels(t, python.Minor, realWheels...)
	l := lab{dir: t.TempDir()}
	l.python, l.site = l.dir+"/venv/bin/python", l.dir+"/venv/lib/python3.13/site-packages"
	for _, dir := range []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib"} {
		if isDir(nixld.Running(), dir) {
			l.libs = append(l.libs, dir)
		}
	}
	// a loader without directories and cache of its own, with the glibc that belongs to it
	loader, err := os.ReadFile(ldso)
	if err != nil {
		parts.Missing(t, err)
	}
	for _, name := range []string{"/lib/", "/lib64/", "/ld.so.cache"} {
		loader = bytes.ReplaceAll(loader, []byte(name), []byte(strings.ToUpper(name)))
	}
	l.write(t, "glibc/ld-linux-x86-64.so.2", loader)
	for _, name := range []string{"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1"} {
		data, err := os.ReadFile(l.library(t, name))
		if err != nil {
			t.Fatal(err)
		}
		l.write(t, "glibc/"+name, data)
	}
	exe, err := os.ReadFile(python.Exe)
	if err != nil {
		t.Fatal(err)
	}
	l.write(t, "base/bin/python3.13", setInterp(t, exe, l.dir+"/glibc/ld-linux-x86-64.so.2"))
	l.write(t, "venv/pyvenv.cfg", []byte("home = "+l.dir+"/base/bin\nversion = 3.13\n"))
	tree{"/base/lib": "-> " + filepath.Dir(python.Stdlib), "/venv/bin/python": "-> " + l.dir + "/base/bin/python3.13"}.in(t, l.dir)
	files, err := filepath.Glob(wheels + "/*.whl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no wheels: %v", err)
	}
	for _, name := range files {
		unzip(t, name, l.site)
	}
	return l
}

func (l lab) write(t *testing.T, name string, data []byte) {
	t.Helper()
	name = filepath.Join(l.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o755); err != nil {
		t.Fatal(err)
	}
}

// library returns where this machine has a library.
func (l lab) library(t *testing.T, soname string) string {
	t.Helper()
	for _, dir := range l.libs {
		if _, err := os.Stat(dir + "/" + soname); err == nil {
			return dir + "/" + soname
		}
	}
	parts.Missing(t, errors.New("this machine has no "+soname))
	return ""
}

// setInterp gives a program another loader: the kernel reads the name at its place in the file,
// which may be behind all the rest.
func setInterp(t *testing.T, exe []byte, interp string) []byte {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(exe))
	if err != nil {
		t.Fatal(err)
	}
	out := append(slices.Clone(exe), interp+"\x00"...)
	phoff := binary.LittleEndian.Uint64(exe[32:])
	for i, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			header := out[phoff+uint64(56*i):]
			binary.LittleEndian.PutUint64(header[8:], uint64(len(exe)))
			binary.LittleEndian.PutUint64(header[32:], uint64(len(interp)+1))
		}
	}
	return out
}

func unzip(t *testing.T, name, dir string) {
	t.Helper()
	r, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, f := range r.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// predicted is what a scan says of one module.
type predicted struct {
	file
	required []string // sonames
}

// predict returns what is required of each module, and the whole verdict.
func (l lab) predict(t *testing.T, env host.Env) ([]predicted, Verdict) {
	t.Helper()
	r := Request{System: nixld.Running(), Env: env, Python: l.python}
	v, err := Check(r)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Find(r.System, env, r.Python)
	if err != nil {
		t.Fatal(err)
	}
	state := nixld.Examine(r.System, env, e.Interp, e.Machine)
	if state.Verdict != nixld.Native {
		t.Fatalf("the loader is %+v", state)
	}
	s, _, err := new(Verdict).scanner(r, env, &e, &state, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.needs = map[string]bool{}
	outcomes := make([]outcome, len(s.files))
	var out []predicted
	for i, f := range s.files {
		if f.module == "" || f.optional {
			continue
		}
		s.findings = newFindings(s.most)
		s.objects.Store(int64(s.most.objects))
		s.each([]int{i}, outcomes)
		s.judge(f, &outcomes[i])
		p := predicted{file: f}
		for _, f := range s.findings.all {
			if f.Severity == Required {
				p.required = append(p.required, f.Soname)
			}
		}
		out = append(out, p)
	}
	return out, v
}

// truth returns what the loader says of each module when its file is loaded, and when it is
// imported.
func (l lab) truth(t *testing.T, env host.Env, modules []predicted, more ...string) (alone, imported map[string]string) {
	t.Helper()
	var input strings.Builder
	for _, m := range modules {
		input.WriteString(m.name() + "\t" + m.path + "\n")
	}
	for _, name := range more {
		input.WriteString(name + "\n")
	}
	script, err := os.ReadFile("testdata/truth.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(l.python, "-B", "-c", string(script))
	cmd.Env = env
	cmd.Stdin = strings.NewReader(input.String())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	alone, imported = map[string]string{}, map[string]string{}
	for line := range strings.Lines(string(text)) {
		field := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(field) == 3 {
			alone[field[0]], imported[field[0]] = field[1], field[2]
		}
	}
	return alone, imported
}

// The verdict says of each module what the real loader does with it, and of the environment that
// it is covered if and only if everything can be imported.
func TestReal(t *testing.T) {
	if testing.Short() {
		t.Skip("imports every module of real wheels")
	}
	l := newLab(t)
	gcc := []string{"libstdc++.so.6", "libgcc_s.so.1"}
	rows := []struct {
		name  string
		libs  []string
		spoil string // a version that libstdc++.so.6 is to lack
		all   bool
	}{
		{name: "none"},
		{name: "libz", libs: []string{"libz.so.1"}},
		{name: "libstdc++", libs: gcc},
		{name: "libstdc++_alone", libs: gcc[:1]},
		{name: "both", libs: append(gcc, "libz.so.1")},
		{name: "libstdc++_old", libs: append(gcc, "libz.so.1"), spoil: "GLIBCXX_3.4\x00"},
		{name: "everything", all: true},
	}
	for i, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			set := l.dir + "/set" + string(rune('a'+i))
			if err := os.Mkdir(set, 0o755); err != nil {
				t.Fatal(err)
			}
			for _, soname := range row.libs {
				from := l.library(t, soname)
				if soname != gcc[0] || row.spoil == "" {
					tree{"/" + soname: "-> " + from}.in(t, set)
					continue
				}
				data, err := os.ReadFile(from)
				if err != nil {
					t.Fatal(err)
				}
				data = bytes.ReplaceAll(data, []byte(row.spoil), []byte(strings.ToLower(row.spoil)))
				tree{"/" + soname: string(data)}.in(t, set)
			}
			path := l.dir + "/glibc:" + set
			if row.all {
				path += ":" + strings.Join(l.libs, ":")
			}
			env := host.Env{"PATH=/usr/bin:/bin", "LD_LIBRARY_PATH=" + path}
			modules, v := l.predict(t, env)
			if len(modules) < 80 {
				t.Fatalf("only %d modules", len(modules))
			}
			alone, imported := l.truth(t, env, modules, "magic")
			if len(imported) != len(modules)+1 {
				t.Fatalf("%d of %d modules were tried", len(imported)-1, len(modules))
			}
			failures := 0
			for _, m := range modules {
				said := alone[m.name()]
				if (said != "") != (len(m.required) > 0) {
					t.Errorf("%s: the loader says %q, the verdict %q", m.path, said, m.required)
				}
				if said != "" {
					failures++
					if !slices.ContainsFunc(m.required, func(soname string) bool { return strings.Contains(said, soname) }) {
						t.Errorf("%s: the loader says %q, which is none of %q", m.path, said, m.required)
					}
				}
			}
			broken := ""
			for name, said := range imported {
				if said != "" {
					broken = name + ": " + said
				}
			}
			if (broken == "") != (v.Outcome == OK) {
				t.Errorf("verdict %q with %q, but importing: %q", v.Outcome, v.Missing, broken)
			}
			magic := slices.Contains(v.Missing, "libmagic.so.1")
			if said := imported["magic"]; magic != (said != "") {
				t.Errorf("libmagic is missing: %v; importing magic: %q", magic, said)
			}
			t.Logf("%d modules, %d not loadable; %s", len(modules), failures, v.Outcome)
		})
	}
}

// name is what the module of a file is imported as.
func (f file) name() string {
	dirs := strings.TrimPrefix(path.Dir(f.path), f.site)
	return strings.TrimPrefix(strings.ReplaceAll(dirs, "/", ".")+"."+f.module, ".")
}
