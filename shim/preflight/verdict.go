// Package preflight says, before a Python runs, whether its loader and the libraries of the system
// can run it and what is installed for it, and what is missing. It runs nothing: it reads files and
// applies the rules of the dynamic loader to them.
package preflight

import (
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
	"uvshim/shim/nixld"
)

// An Outcome is the word for a verdict.
type Outcome string

const (
	OK            Outcome = "ok"
	NoLoader      Outcome = "no loader"
	StubLoader    Outcome = "stub loader"
	Broken        Outcome = "nix-ld broken"
	NotCovered    Outcome = "not covered"
	ForeignPython Outcome = "foreign PYTHONPATH"
	NotApplicable Outcome = "not applicable"
	Unclear       Outcome = "unknown"
)

// A Verdict is what is known of a Python before it runs.
type Verdict struct {
	Outcome Outcome
	Certain bool   // the Python cannot start, whatever else; all others are inferred
	Reason  string // for a human, without a full stop; empty for OK, and for NotCovered that is not Partial

	Python      string // the executable
	Environment string // root of the environment
	Version     string // the interpreter's, as far as it is known: "3.13"
	Virtual     bool   // a virtual environment
	NixLD       bool   // nix-ld is the loader
	NixOS       bool
	Release     string // of nixpkgs, such as "25.11"; empty outside NixOS
	Variable    string // the variable to which directories of libraries are to be added
	Override    string // its value, where that stands in the place of the system's own list
	Drivers     []string

	Findings   []Finding
	Needs      []string // sonames that the environment gets from elsewhere, glibc's apart; sorted
	Missing    []string // those of required findings
	Notes      []string // what could not be looked at
	Files      int      // how many shared objects were looked at
	Incomplete bool     // the scan did not come to its end: what is not in Findings is not known
	Partial    bool     // there is more than is looked at: Reason says how much

	watched []watch
}

// Covered reports whether nothing required is missing.
func (v *Verdict) Covered() bool {
	return !v.Incomplete && !v.Partial && !slices.ContainsFunc(v.Findings, func(f Finding) bool { return f.Severity == Required })
}

// Required returns the required findings.
func (v *Verdict) Required() []Finding {
	var out []Finding
	for _, f := range v.Findings {
		if f.Severity == Required {
			out = append(out, f)
		}
	}
	return out
}

// Attributes returns the attributes that cure the required findings, sorted, each once.
func (v *Verdict) Attributes() []string {
	var out []string
	for _, f := range v.Required() {
		if f.Listable() {
			out = append(out, f.Attribute)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Without returns v as it is for a user who does not want to hear of some sonames.
func (v Verdict) Without(ignored []string) Verdict {
	if len(ignored) == 0 {
		return v
	}
	not := func(name string) bool { return slices.Contains(ignored, name) }
	v.Findings = slices.DeleteFunc(slices.Clone(v.Findings), func(f Finding) bool { return not(f.Soname) })
	v.Missing = slices.DeleteFunc(slices.Clone(v.Missing), not)
	v.conclude()
	return v
}

// conclude sets the outcome of a Python whose loader works.
func (v *Verdict) conclude() {
	switch {
	case v.Outcome != OK && v.Outcome != NotCovered && v.Outcome != ForeignPython && !(v.Outcome == Unclear && v.Partial):
	case slices.ContainsFunc(v.Findings, func(f Finding) bool { return f.Kind == ForeignPath }):
		v.Outcome = ForeignPython
	case len(v.Required()) > 0:
		v.Outcome = NotCovered
	case v.Partial:
		v.Outcome = Unclear
	default:
		v.Outcome = OK
	}
}

// A Request is what to look at.
type Request struct {
	System *nixld.System
	Env    host.Env
	Python string    // the executable that is to run: absolute, links not followed
	Dir    string    // the working directory
	Memory *Memory   // may be nil
	Stop   time.Time // when to give up; zero: never
	All    bool      // optional findings too
	// Paths are files and directories to look at in the place of what the environment has: shared
	// objects and directories with modules in them.
	Paths []string

	most bounds // the usual ones where it is zero
}

// Check looks at everything. An error means that nothing is known: the Python is no ELF program,
// or is not there and why is not known.
func Check(r Request) (Verdict, error) {
	v := Verdict{Outcome: OK, Python: r.Python}
	env, err := r.System.Environ(r.Env)
	if err != nil {
		v.Notes = append(v.Notes, err.Error())
	}
	release, _ := nixld.ReadRelease(r.System)
	v.NixOS, v.Release = release.NixOS, release.Nixpkgs()

	if target, ok := nixld.Collected(r.System, r.Python); ok {
		v.Outcome, v.Certain = NotApplicable, true
		v.Reason = "its interpreter " + target + " was garbage-collected; make the environment anew"
		return v, nil
	}
	e, err := Find(r.System, env, r.Python)
	if err != nil {
		return v, err
	}
	v.Environment, v.Virtual, v.Version = e.Root, e.Virtual(), e.Interpreter.Version.String()
	state := nixld.Examine(r.System, env, e.Interp, e.Machine)
	if passing(state.Err) {
		return v, state.Err
	}
	v.nixLD(&state)
	v.Drivers = nixld.DriverDirs(r.System)
	v.watched = watches(&r, env, &e, &state)
	v.Notes = append(v.Notes, e.Notes...)
	if e.Interp == "" {
		return v, nil // linked statically: nothing to load, and nothing can be
	}
	if v.loader(&state); v.Outcome != OK {
		return v, nil
	}
	for _, dir := range e.Foreign {
		v.Findings = append(v.Findings, Finding{Kind: ForeignPath, Severity: Required, File: dir, Module: dir,
			Note: "it is for another Python than " + v.Version})
	}
	if state.Loader.Kind == nixld.Musl {
		v.Notes = append(v.Notes, "musl's loader: libraries are not checked")
		v.conclude()
		return v, nil
	}
	if err := v.coverage(r, env, &e, &state); err != nil {
		return v, err
	}
	v.conclude()
	if nixld.NixBuilt(e.Interp, e.Real) {
		v.Outcome = NotApplicable
		v.Reason = "the interpreter " + e.Real + " was built by Nix: nix-ld has no part in it, and what is listed for nix-ld does not help"
	}
	return v, nil
}

// nixLD takes over what nix-ld makes of the environment. A Nix shell that sets the library path hides
// the system's list, and what is listed there then seems not to help.
func (v *Verdict) nixLD(state *nixld.State) {
	library := state.Settings.Library
	v.NixLD, v.Variable = state.Loader.Kind == nixld.NixLD, library.Name
	if v.NixLD && !library.Default && library.Value != nixld.DefaultLibraryPath {
		v.Override = library.Name + "=" + library.Value
	}
}

// loader takes over what is known of the loader.
func (v *Verdict) loader(state *nixld.State) {
	v.Certain, v.Reason = state.Certain, state.Reason
	switch state.Verdict {
	case nixld.OK, nixld.Native:
	case nixld.NoLoader:
		v.Outcome = NoLoader
	case nixld.StubLoader:
		v.Outcome = StubLoader
	case nixld.NothingBehind, nixld.Broken, nixld.Wrong:
		v.Outcome = Broken
	default:
		v.Outcome = Unclear
	}
}

// coverage scans the environment.
func (v *Verdict) coverage(r Request, env host.Env, e *Environment, state *nixld.State) error {
	var memory elfdeps.Memory
	if r.Memory != nil {
		facts := r.Memory.facts()
		defer facts.save()
		memory = facts
	}
	s, start, err := v.scanner(r, env, e, state, memory)
	if err != nil {
		return err
	}
	v.scan(s, start)
	return s.met.err
}

// scanner returns a scan of the environment's files, and how the interpreter starts.
func (v *Verdict) scanner(r Request, env host.Env, e *Environment, state *nixld.State, memory elfdeps.Memory) (*scan, elfdeps.Result, error) {
	met := new(trouble)
	s, start, err := v.begin(r, env, e, state, storeFS{noting{r.System.ELF(), met}}, memory)
	if err != nil {
		return nil, start, err
	}
	s.met = met
	v.walk(s, r, e)
	return s, start, nil
}

// begin returns a scan that as yet has no files.
func (v *Verdict) begin(r Request, env host.Env, e *Environment, state *nixld.State, fs elfdeps.FS, memory elfdeps.Memory) (*scan, elfdeps.Result, error) {
	system, err := loaderSystem(r, env, e, state)
	if err != nil {
		return nil, elfdeps.Result{}, err
	}
	if r.most == (bounds{}) {
		r.most = usualBounds()
	}
	kept := &measured{Memory: memory}
	kept.left.Store(r.most.facts)
	system.Files = elfdeps.NewFiles(fs, kept)
	base, start, err := elfdeps.Start(system, e.Python)
	if err != nil {
		return nil, start, err
	}
	s := &scan{
		fs: fs, base: base, most: r.most, memory: kept, release: v.Release, nixLD: v.NixLD, drivers: v.Drivers, all: r.All, parallel: runtime.GOMAXPROCS(0),
		stop: func() bool { return !r.Stop.IsZero() && time.Now().After(r.Stop) },
	}
	switch {
	case e.Prefix != "/usr":
		s.inside = []string{e.Prefix, e.Root}
	case e.Root != "/usr": // below /usr is everything
		s.inside = []string{e.Root}
	}
	return s, start, nil
}

// walk finds the files of a scan.
func (v *Verdict) walk(s *scan, r Request, e *Environment) {
	dirs := e.Dirs
	w := newWalker(r.System, r.System.Running(), e.suffixes(), s.parallel, s.stop, s.most)
	if len(r.Paths) > 0 {
		dirs = nil
	}
	for _, name := range r.Paths {
		if isDir(r.System, name) {
			dirs = append(dirs, Dir{name, Given})
			continue
		}
		s.inside = append(s.inside, name)
		w.files = append(w.files, file{path: name, site: path.Dir(name), module: path.Base(name), tagged: true, source: Given})
	}
	for _, dir := range dirs {
		s.inside = append(s.inside, dir.Path)
	}
	w.walk(dirs)
	v.Notes = append(v.Notes, w.notes...)
	s.files, s.over, s.more, s.cut = w.files, w.over, w.more.Load(), w.cut.Load()
	s.dists = newDists(s.fs, w.dists, s.most)
}

// scan runs a scan that has its files. start is how the interpreter starts.
func (v *Verdict) scan(s *scan, start elfdeps.Result) {
	v.Incomplete = !s.run()
	passed := int(s.passed.Load())
	v.Files = len(s.files) - passed
	if !v.Incomplete && (passed+s.over > 0 || s.more) {
		v.Partial, v.Reason = true, tooMany(v.Files, passed+s.over, s.more)
	}
	for _, p := range start.Problems {
		if !p.Kind.Note() {
			f := s.finding(p, start.Root.Path, s.base)
			f.Severity = Required
			s.findings.add(f)
		}
	}
	if over := s.findings.over; over > 0 {
		v.Notes = append(v.Notes, fmt.Sprintf("%d further findings are not listed", over))
	}
	if over := int(s.refused.Load()) - s.most.findings; over > 0 {
		v.Notes = append(v.Notes, fmt.Sprintf("%d further files have the names of shared objects and are none", over))
	}
	v.Findings = append(v.Findings, s.findings.sorted()...)
	v.Needs = append(v.Needs, sortedKeys(s.needs)...)
	for _, f := range v.Findings {
		if f.Severity == Required && f.Kind == MissingSoname && f.Soname != "" {
			v.Missing = append(v.Missing, f.Soname)
		}
	}
	slices.Sort(v.Missing)
	v.Missing = slices.Compact(v.Missing)
}

// loaderSystem returns where the loader of a state looks. The error is a passing one.
func loaderSystem(r Request, env host.Env, e *Environment, state *nixld.State) (*elfdeps.System, error) {
	search := state.Search(r.System)
	s := &elfdeps.System{
		Loader:      state.Target.Path,
		Dir:         r.Dir,
		LibraryPath: search.Library,
		DefaultDirs: search.Default,
		Lib:         libToken(state.Target.Dir),
		Tunables:    env.Get("GLIBC_TUNABLES"),
		Preload: strings.FieldsFunc(env.Get("LD_PRELOAD"), func(c rune) bool {
			return c == ':' || c == ' '
		}),
	}
	if search.Cache != "" {
		data, err := readFile(r.System, search.Cache, elfdeps.MaxCache)
		if passing(err) {
			return nil, err
		}
		if err == nil {
			s.Cache, _ = elfdeps.ParseCache(data)
		}
	}
	switch e.Machine {
	case elfdeps.MachineX86_64:
		s.Platform = "x86_64"
		s.HWCaps = elfdeps.HWCaps()
		var major, minor int
		if n, _ := fmt.Sscanf(state.Target.Version, "%d.%d", &major, &minor); n == 2 {
			s.OldSubdirs = elfdeps.OldSubdirs(minor)
		}
	case elfdeps.MachineAArch64:
		s.Platform = "aarch64"
	}
	return s, nil
}

// libToken returns what $LIB stands for in a glibc whose libraries are in dir: its slibdir below
// the prefix, "lib" with Nix, "lib64" or "lib/x86_64-linux-gnu" elsewhere.
func libToken(dir string) string {
	if dir == "" {
		return ""
	}
	base := path.Base(dir)
	if strings.HasPrefix(base, "lib") {
		return base
	}
	return path.Base(path.Dir(dir)) + "/" + base
}
