package elfdeps

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Start returns the process of the program at path, as the kernel and the loader start it, before
// its first instruction. Problems are in the Result. The error is for a program that cannot be read
// as ELF. A program without PT_INTERP is alone in its process.
func Start(sys *System, path string) (*Process, Result, error) {
	// /proc/self/exe, from which $ORIGIN comes, has no links
	real, err := sys.Files.fs.Real(sys.absolute(path))
	if err != nil {
		return nil, Result{}, fmt.Errorf("finding the program: %w", err)
	}
	f := sys.Files.open(real)
	if f.errno != nil {
		return nil, Result{}, fmt.Errorf("opening the program: %w", f.errno)
	}
	if f.err != nil {
		return nil, Result{}, fmt.Errorf("reading the program: %w", f.err)
	}
	p := &Process{sys: sys, search: newSearcher(sys, f.facts.Class, f.facts.Machine)}
	p.main = &Object{Path: real, Facts: f.facts, origin: dirname(real)}
	p.paths(p.main)
	p.search.library = sys.split(sys.LibraryPath, p.main.origin)
	p.glibc = sys.Glibc
	// without a name and file id: dlopen of the program's own file is not recognised as such
	p.add(p.main)
	p.execStack = p.main.Facts.ExecStack() || sys.tunable("glibc.rtld.execstack") == "2"
	if p.main.Facts.Interp == "" {
		return p, Result{Root: p.main, Objects: p.objects}, nil
	}
	p.kernelObjects()

	l := newLoading(p, true)
	roots := []*Object{p.main}
	for _, name := range sys.Preload {
		// one that cannot be loaded is ignored with a message
		quiet := newLoading(p, true)
		if o := quiet.object(p.main, name); o != nil && !slices.Contains(roots, o) {
			roots = append(roots, o)
		}
	}
	l.dependencies(roots)
	for _, o := range p.objects {
		l.versions(o)
	}
	for _, o := range p.objects {
		l.foreignLibc(o)
	}
	return p, Result{Root: p.main, Objects: p.objects, Problems: l.problems}, nil
}

// kernelObjects adds what is in every process. The loader is known by the program's PT_INTERP and
// by its own soname (elf/rtld.c), so that no second one is ever loaded.
func (p *Process) kernelObjects() {
	interp := p.main.Facts.Interp
	path := p.sys.Loader
	if path == "" {
		path = interp
	}
	loader := &Object{Name: interp, Path: path, How: ByKernel}
	loader.origin = dirname(path)
	if f := p.sys.Files.open(p.sys.absolute(path)); f.errno == nil && f.err == nil {
		loader.Facts = f.facts
	} else {
		loader.Facts = &Facts{Soname: filepath.Base(interp)}
	}
	p.add(loader)
	vdso := &Facts{Soname: "linux-vdso.so.1", Defs: []string{"linux-vdso.so.1", "LINUX_2.6", "LINUX_2.6.39", "LINUX_4.15"}}
	if p.search.class == Class32 && p.search.machine == Machine386 {
		vdso.Soname = "linux-gate.so.1"
	}
	p.add(&Object{Name: vdso.Soname, Path: vdso.Soname, Facts: vdso, How: ByKernel})
}

// Open loads name into p as dlopen called in caller does (nil: in the program), which for a name
// with a slash makes no difference. If it fails, p stays as it was, as the loader takes back what
// it had loaded. (It does not take back the names by which what was there before has been asked for,
// nor where filters have moved it. That shows only where a later file needs such a name and would
// have found another file by it, needs versions of a file that it does not need, or has filters.) Objects of the
// result are the new ones: none if it was there already.
func (p *Process) Open(name string, caller *Object) Result {
	c := p.Clone()
	l := newLoading(c, false)
	if caller == nil {
		caller = p.main
	}
	root := l.opened(caller, name)
	if root != nil && !c.wasOpened(root) {
		c.opened = append(c.opened, root)
		l.dependencies([]*Object{root})
		for _, o := range l.list {
			if o.here(c) {
				l.versions(o)
			}
		}
		for _, o := range c.objects {
			l.foreignLibc(o)
		}
	}
	r := Result{Root: root, Objects: c.objects, Problems: l.problems}
	if r.OK() {
		p.keep(c)
	}
	return r
}

// here reports whether o was loaded into c itself.
func (o *Object) here(c *Process) bool { return slices.Contains(c.objects, o) }

// A loading is one start or open under way.
type loading struct {
	p        *Process
	start    bool
	quest    quest
	problems []Problem
	list     []*Object // the search list: breadth first, filters before those that name them
}

// maxTries is how many files one start or open may try to open. The largest environments need some
// thousands; what is made to need millions is given up.
const maxTries = 1 << 18

func newLoading(p *Process, start bool) *loading {
	return &loading{p: p, start: start, quest: quest{left: maxTries}}
}

func (l *loading) problem(p Problem) { l.problems = append(l.problems, p) }

// dependencies loads what the objects need, breadth first (_dl_map_object_deps of elf/dl-deps.c).
func (l *loading) dependencies(roots []*Object) {
	l.list = slices.Clone(roots)
	done := make(map[*Object]bool)
	listed := make(map[*Object]bool)
	for _, o := range roots {
		listed[o] = true
	}
	for i := 0; i < len(l.list); i++ {
		o := l.list[i]
		if done[o] {
			continue
		}
		done[o] = true
		// what was loaded before has had its dependencies loaded with it; but its filters move again
		if !l.start && !l.p.filters && !o.here(l.p) {
			continue
		}
		at, filters := i, o.Facts.Filters
		for k := 0; ; k++ {
			for len(filters) > 0 && filters[0].Index <= k {
				at = l.filter(o, filters[0], at, listed)
				filters = filters[1:]
			}
			if k == len(o.Facts.Needed) {
				break
			}
			dep := l.needed(o, o.Facts.Needed[k])
			if dep != nil && !listed[dep] {
				listed[dep] = true
				l.list = append(l.list, dep)
			}
		}
		if at > i {
			i-- // what was put in before o is next
		}
	}
}

// filter loads a DT_FILTER or DT_AUXILIARY of o, which stands at the index at of the list, and
// returns where o stands then.
func (l *loading) filter(o *Object, f Filter, at int, listed map[*Object]bool) int {
	before := len(l.problems)
	dep := l.needed(o, f.Name)
	if f.Optional {
		l.problems = l.problems[:before]
	}
	if dep == nil {
		return at
	}
	if listed[dep] {
		late := slices.Index(l.list, dep)
		if late <= at {
			return at
		}
		l.list = slices.Delete(l.list, late, late+1)
	}
	listed[dep] = true
	l.list = slices.Insert(l.list, at, dep)
	l.p.move(dep, o) // in the loader's list as well, where it looks for names
	return at + 1
}

// needed loads a DT_NEEDED entry of o.
func (l *loading) needed(o *Object, text string) *Object {
	name := l.p.sys.expand(text, o.origin)
	if name == "" && text != "" {
		l.problem(Problem{Kind: BadFile, Name: text, By: o, Detail: text + ": empty dynamic string token substitution"})
		return nil
	}
	return l.object(o, name)
}

// object returns the object known by name, or loads it for loader (_dl_map_object of
// elf/dl-load.c).
func (l *loading) object(loader *Object, name string) *Object {
	if o := l.known(name); o != nil {
		return o
	}
	return l.load(loader, name, loader)
}

// opened is object for dlopen: the caller only lends its search path.
func (l *loading) opened(caller *Object, name string) *Object {
	if o := l.known(name); o != nil {
		return o
	}
	return l.load(caller, name, nil)
}

func (l *loading) known(name string) *Object {
	o := l.p.find(name, false)
	if o != nil {
		l.p.know(name, o, true)
	}
	return o
}

func (l *loading) load(searchFor *Object, name string, loader *Object) *Object {
	l.quest.other = false
	h, how, via := l.p.locate(searchFor, name, &l.quest)
	if l.quest.left <= 0 {
		if l.quest.left == 0 {
			l.problem(Problem{Kind: BadFile, Name: name, By: loader, Detail: name + ": search given up after too many places"})
		}
		l.quest.left = -1
		return nil
	}
	if h.file == nil {
		other := l.quest.other
		detail := "cannot open shared object file: No such file or directory"
		if other {
			detail = "wrong ELF class: ELFCLASS32"
			if l.p.search.class == Class32 {
				detail = "wrong ELF class: ELFCLASS64"
			}
		}
		l.problem(Problem{Kind: MissingFile, Name: name, By: loader, OtherClass: other, Detail: name + ": " + detail})
		return nil
	}
	if h.file.err != nil {
		l.problem(Problem{Kind: BadFile, Name: name, By: loader, Path: h.path, Detail: h.path + ": " + h.file.err.Error()})
		return nil
	}
	if o := l.p.findID(h.file.id); o != nil {
		l.p.know(name, o, true)
		return o
	}
	o := l.p.newObject(name, h.path, h.file, loader)
	o.How, o.Via = how, via
	if kind, why := l.refused(o); why != "" {
		l.problem(Problem{Kind: kind, Name: name, By: loader, Path: h.path, Detail: name + ": " + why})
		return nil
	}
	l.p.add(o)
	return o
}

// refused tells why a file that was found cannot be mapped (_dl_map_object_from_fd).
func (l *loading) refused(o *Object) (Kind, string) {
	f := o.Facts
	switch {
	case f.Has(Unaligned):
		return BadFile, "ELF load command address/offset not page-aligned"
	case !f.Has(Loadable):
		return BadFile, "object file has no loadable segments"
	case f.Type != TypeDyn:
		return BadFile, "cannot dynamically load executable"
	case !f.Has(Dynamic):
		return BadFile, "object file has no dynamic section"
	case f.Has(NoOpen) && !l.start:
		return BadFile, "shared object cannot be dlopen()ed"
	case f.Has(PIE):
		return BadFile, "cannot dynamically load position-independent executable"
	}
	if !f.ExecStack() || l.p.execStack {
		return 0, ""
	}
	// Since 2.41 only a start makes the stack executable, and only if the tunable is not 0
	if l.p.glibc >= 41 && (!l.start || l.p.sys.tunable("glibc.rtld.execstack") == "0") {
		return ExecStackRefused, "cannot enable executable stack as shared object requires"
	}
	l.p.execStack = true
	return 0, ""
}

// locate searches for name on behalf of o, in the order of _dl_map_object.
func (p *Process) locate(o *Object, name string, q *quest) (h hit, how How, via *Object) {
	if strings.Contains(name, "/") {
		path := p.sys.expand(name, o.origin)
		f, _ := p.search.try(path, q)
		return hit{path, f}, ByPath, nil
	}
	var ok bool
	if !o.Facts.Has(HasRunPath) {
		sawMain := false
		for via := o; via != nil; via = via.loader {
			if h, ok = p.search.in(via.rpath, name, q); ok {
				return h, ByRPath, via
			}
			sawMain = sawMain || via == p.main
		}
		if !sawMain {
			if h, ok = p.search.in(p.main.rpath, name, q); ok {
				return h, ByRPath, p.main
			}
		}
	}
	if h, ok = p.search.in(p.search.library, name, q); ok {
		return h, ByLibraryPath, nil
	}
	if h, ok = p.search.in(o.runpath, name, q); ok {
		return h, ByRunPath, o
	}
	noDefault := o.Facts.Has(NoDefLib)
	path, ok := p.sys.Cache.Lookup(name, p.search.class, p.search.machine, p.sys.HWCaps)
	if ok && !(noDefault && p.isDefault(path)) {
		if f, _ := p.search.try(path, q); f != nil {
			return hit{path, f}, ByCache, nil
		}
	}
	if !noDefault {
		if h, ok = p.search.in(p.search.defaults, name, q); ok {
			return h, ByDefault, nil
		}
	}
	return hit{}, 0, nil
}

func (p *Process) isDefault(path string) bool {
	return slices.ContainsFunc(p.search.defaults, func(dir string) bool { return strings.HasPrefix(path, dir) })
}

// Shadowed returns the path of the file that the DT_RUNPATH of the object asking for o leads to,
// where o was found by the library path, which comes first; or "".
func (p *Process) Shadowed(o *Object) string {
	if o.How != ByLibraryPath || o.By == nil {
		return ""
	}
	h, ok := p.search.in(o.By.runpath, o.Name, &quest{left: maxTries})
	if !ok || h.file.err != nil || h.file.id == o.id {
		return ""
	}
	return p.sys.absolute(h.path)
}
