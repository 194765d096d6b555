package agreement

import (
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "uvshim/shim" // go test is to see that the program changed
	"uvshim/testscripts/nixroot"
	"uvshim/testscripts/parts"
)

var (
	only     = flag.String("wheels", "numpy,pillow,psycopg2-binary,pyzmq,lxml,python-magic", "rows of wheels.txt, or all")
	markdown = flag.Bool("markdown", false, "print the table in Markdown")
)

var (
	//go:embed wheels.txt
	wheels string
	//go:embed probe.py
	probe string
)

// A line is one of wheels.txt.
type line struct {
	name         string
	python       string // empty: the newest
	requirements []string
}

// lines returns the lines that were asked for.
func lines(t *testing.T) []line {
	t.Helper()
	asked := strings.Split(*only, ",")
	var out []line
	for text := range strings.Lines(wheels) {
		head, requirements, ok := strings.Cut(text, ":")
		name, python, _ := strings.Cut(head, " ")
		if ok && !strings.HasPrefix(text, "#") && (*only == "all" || slices.Contains(asked, name)) {
			out = append(out, line{name, python, strings.Fields(requirements)})
		}
	}
	if *only != "all" && len(out) != len(asked) {
		t.Fatalf("wheels.txt does not have all of %q", asked)
	}
	return out
}

// build returns the directory of the program under test.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(dir, "shim"), "uvshim/cmd/shim")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building shim: %v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "probe.py"), []byte(probe), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

const (
	tools = "/mnt"
	venv  = "/home/user/venv"
)

// Where shim check and the dynamic loader disagree, shim check is wrong.
func TestTable(t *testing.T) {
	dir := build(t)
	var out table
	for _, l := range lines(t) {
		t.Run(l.name, func(t *testing.T) {
			root := nixroot.New(t, nixroot.Options{Minor: l.python})
			root = root.In(nixroot.Session{
				Env: []string{"UV_OFFLINE=1", "UV_NO_INDEX=1", "UV_NO_CACHE=1", "UV_FIND_LINKS=/wheelhouse", "UV_PYTHON_DOWNLOADS=never"},
				Binds: []nixroot.Bind{
					{Host: parts.Wheels(t, root.Python.Minor, l.requirements...), Inside: "/wheelhouse"},
					{Host: dir, Inside: tools},
				},
			})
			root.Must("uv", "venv", "--python", root.Python.Exe, venv)
			root.Must(append([]string{"uv", "pip", "install", "--no-deps", "--python", venv}, l.requirements...)...)
			e := &environment{root: root, name: l.name}
			e.targets = root.Must(venv+"/bin/python", tools+"/probe.py", "list", venv+"/lib/python"+root.Python.Minor+"/site-packages")
			out.add(e.row(t))
		})
	}
	t.Logf("\n%s", out.text(*markdown))
}

// An environment is the installed wheels of one line.
type environment struct {
	root    *nixroot.Root
	name    string
	targets string // for probe.py import
}

// row tries the environment with every list of libraries.
func (e *environment) row(t *testing.T) row {
	rest := slices.DeleteFunc(nixroot.Default(), func(a string) bool { return a == "stdenv.cc.cc" })
	r := row{name: e.name, inside: e.files(t), sets: []set{
		e.try(t, "none", nil), e.try(t, "default", nixroot.Default()), e.try(t, "default without libstdc++", rest),
		e.try(t, "default with old libstdc++", append(rest, "old-gcc")),
	}}
	r.asked = e.ask(t)
	r.sets = append(r.sets, e.try(t, "as asked", r.asked))

	works := map[string]bool{}
	for _, s := range r.sets {
		for _, i := range s.imports {
			works[i.Module] = works[i.Module] || i.Error == ""
		}
	}
	for _, s := range r.sets {
		for n := range s.imports {
			i := &s.imports[n]
			i.Cured = i.Error != "" && works[i.Module]
		}
		for _, i := range Misses(s.required, s.imports, r.inside) {
			t.Errorf("miss: libraries %s: %s of %s fails, and shim check has nothing required that tells why\n%s\n%s", s.name, i.Module, i.Distribution, i.Error, i.Trace)
		}
		for _, f := range FalseAlarms(s.required, s.imports, s.opens) {
			t.Errorf("false alarm: libraries %s: %+v", s.name, f)
		}
	}
	return r
}

// files returns the names of the environment's files.
func (e *environment) files(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	err := filepath.WalkDir(e.root.Path(venv), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out[d.Name()] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// try imports everything, and asks shim check, with these libraries.
func (e *environment) try(t *testing.T, name string, libraries []string) set {
	t.Helper()
	e.root.Relib(libraries...)
	s := set{name: name, required: e.check(t).Required()}
	var imports strings.Builder
	cmd := e.root.Command(venv+"/bin/python", tools+"/probe.py", "import")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(e.targets), &imports, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("importing: %v", err)
	}
	for text := range strings.Lines(imports.String()) {
		var i Import
		if err := json.Unmarshal([]byte(text), &i); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		s.imports = append(s.imports, i)
	}
	if want := strings.Count(e.targets, "\n"); len(s.imports) != want {
		t.Fatalf("%d imports were tried, %d of them came to an end", want, len(s.imports))
	}
	s.opens = map[string]bool{}
	for _, f := range s.required {
		if f.ByName() {
			s.opens[f.Soname] = e.root.Run(venv+"/bin/python", "-c", "import ctypes, sys; ctypes.CDLL(sys.argv[1])", f.Soname).Code == 0
		}
	}
	slices.SortFunc(s.imports, func(a, b Import) int { return strings.Compare(a.Module, b.Module) })
	return s
}

// ask returns the attributes that shim check asks for, until it asks for nothing more.
func (e *environment) ask(t *testing.T) []string {
	t.Helper()
	var asked []string
	for {
		before := len(asked)
		e.root.Relib(asked...)
		for _, a := range e.check(t).Attributes {
			if !slices.Contains(asked, a) {
				asked = append(asked, a)
			}
		}
		if len(asked) == before {
			slices.Sort(asked)
			return asked
		}
	}
}

func (e *environment) check(t *testing.T) Report {
	t.Helper()
	got := e.root.Run(tools+"/shim", "check", venv, "--json")
	var report Report
	if err := json.Unmarshal([]byte(got.Stdout), &report); err != nil || len(report.Targets) != 1 || report.Targets[0].Error != "" {
		t.Fatalf("shim check: exit %d: %v\n%s%s", got.Code, err, got.Stdout, got.Stderr)
	}
	if covered := len(report.Required()) == 0; covered != report.Targets[0].Covered || covered != (got.Code == 0) {
		t.Errorf("shim check: exit %d, covered %v, and %d required findings", got.Code, report.Targets[0].Covered, len(report.Required()))
	}
	return report
}

// A set is what came of one list of libraries.
type set struct {
	name     string
	required []Finding
	imports  []Import
	opens    map[string]bool // of the libraries that are opened by name
}

// failed returns how many imports fail for want of a library.
func (s set) failed() (n int) {
	for _, i := range s.imports {
		if i.Failed() {
			n++
		}
	}
	return n
}

// A row is what came of one line, with each list.
type row struct {
	name   string
	asked  []string
	sets   []set
	inside map[string]bool // names of the environment's files
}

type table struct{ rows []row }

func (t *table) add(r row) { t.rows = append(t.rows, r) }

// text prints the table: of each list the imports that fail and the findings that say so.
func (t *table) text(markdown bool) string {
	if len(t.rows) == 0 {
		return ""
	}
	head := []string{"wheels", "modules"}
	for _, s := range t.rows[0].sets {
		head = append(head, s.name)
	}
	cells := [][]string{append(head, "misses", "false alarms", "shim check asks for")}
	var modules, checks, misses, alarms int
	var notes []string
	for _, r := range t.rows {
		line := []string{r.name, fmt.Sprint(len(r.sets[0].imports))}
		modules += len(r.sets[0].imports)
		var m, a int
		for _, s := range r.sets {
			line = append(line, fmt.Sprintf("%d fail, %d found", s.failed(), len(s.required)))
			m, a, checks = m+len(Misses(s.required, s.imports, r.inside)), a+len(FalseAlarms(s.required, s.imports, s.opens)), checks+len(s.imports)
		}
		misses, alarms = misses+m, alarms+a
		asked := strings.Join(r.asked, " ")
		if asked == "" {
			asked = "nothing"
		}
		cells = append(cells, append(line, fmt.Sprint(m), fmt.Sprint(a), asked))
		notes = append(notes, r.notes()...)
	}
	var b strings.Builder
	if markdown {
		for n, line := range cells {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(line, " | "))
			if n == 0 {
				b.WriteString(strings.Repeat("|---", len(line)) + "|\n")
			}
		}
	} else {
		width := make([]int, len(cells[0]))
		for _, line := range cells {
			for n, cell := range line {
				width[n] = max(width[n], len(cell))
			}
		}
		for _, line := range cells {
			for n, cell := range line {
				fmt.Fprintf(&b, "%-*s  ", width[n], cell)
			}
			b.WriteString("\n")
		}
	}
	fmt.Fprintf(&b, "\n%d modules, %d imports: %d misses, %d false alarms\n", modules, checks, misses, alarms)
	for _, note := range notes {
		b.WriteString(note + "\n")
	}
	return b.String()
}

// notes say what does not work even with all that was asked for, and what no library helps.
func (r row) notes() (out []string) {
	last := r.sets[len(r.sets)-1]
	for _, i := range last.imports {
		words, _, _ := strings.Cut(i.Error, "\n")
		switch {
		case i.Failed():
			out = append(out, fmt.Sprintf("- %s: %s does not work with what was asked for: %s", r.name, i.Module, words))
		case i.Error != "":
			out = append(out, fmt.Sprintf("- %s: %s fails for another reason: %s", r.name, i.Module, words))
		}
	}
	for _, f := range last.required {
		out = append(out, fmt.Sprintf("- %s: shim check still finds: %s %s of %s (%s): %s", r.name, f.Kind, f.subject(), f.Distribution, f.Origin, f.Note))
	}
	return out
}
