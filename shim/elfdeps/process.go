package elfdeps

import (
	"slices"
	"strings"
)

// How tells by what an object was found.
type How int

const (
	ByProgram     How = iota // it is the program
	ByPath                   // by a name with a slash in it
	ByRPath                  // DT_RPATH of Via
	ByLibraryPath            // LD_LIBRARY_PATH
	ByRunPath                // DT_RUNPATH of Via
	ByCache                  // ld.so.cache
	ByDefault                // a default directory
	ByKernel                 // the kernel brought it: the loader and the vDSO
)

func (h How) String() string {
	return [...]string{"program", "path", "rpath", "library path", "runpath", "cache", "default", "kernel"}[h]
}

// An Object is a file loaded into a process.
type Object struct {
	Name  string // as it was asked for
	Path  string // as the loader opened it: links not followed, "..", if there is one, in place
	Facts *Facts
	By    *Object // whose need had it loaded; nil for the program and what dlopen was called for
	How   How
	Via   *Object // whose DT_RPATH or DT_RUNPATH

	loader  *Object // whose DT_RPATH its dependencies inherit
	id      fileID
	origin  string
	rpath   []string
	runpath []string
}

// Chain returns the objects from the program, or what was opened, down to o.
func (o *Object) Chain() []*Object {
	var chain []*Object
	for ; o != nil; o = o.By {
		chain = append(chain, o)
	}
	slices.Reverse(chain)
	return chain
}

// A Process is a program with what the loader has loaded into it. The zero Process is none: see
// Start.
type Process struct {
	sys    *System
	search *searcher
	parent *Process // what it was cloned from
	main   *Object
	state
}

// state is what a process has beyond its parent.
type state struct {
	objects   []*Object // in the loader's order
	order     []*Object // the whole list, the parent's with it, once a filter has moved an object in it
	names     map[string]name
	shared    []sharedName
	ids       map[fileID]*Object
	filters   bool      // one of the objects names a filter
	opened    []*Object // by dlopen itself
	execStack bool
	glibc     int
}

// A name is one by which an object is known. What is asked for by DT_NEEDED is looked up among all
// of them, but the file of a needed version only among those that were asked for.
type name struct {
	object *Object
	asked  bool
}

// A sharedName is a name that another object had before. The loader takes the first on its list,
// which is that other one unless a filter has moved them.
type sharedName struct {
	text string
	name
}

// A Result is what a start or open has loaded, in the loader's order, and what stood against it.
type Result struct {
	Root     *Object // the program, or what was opened; nil if that failed
	Objects  []*Object
	Problems []Problem
}

// OK reports whether the loader would have done it, and with the right libc.so.6. The loader stops
// at the first problem that is not a note, whereas a Result goes on, and lists all of them.
func (r Result) OK() bool {
	return !slices.ContainsFunc(r.Problems, func(p Problem) bool { return !p.Kind.Note() })
}

// Clone returns a process of its own that has loaded what p has. It costs next to nothing. p must
// not change while the clone is in use; clones of one process may be used at the same time.
func (p *Process) Clone() *Process {
	return &Process{
		sys: p.sys, search: p.search, parent: p, main: p.main,
		state: state{execStack: p.execStack, glibc: p.glibc, filters: p.filters},
	}
}

// Program returns the program's object.
func (p *Process) Program() *Object { return p.main }

// Find returns the object that is known by the name: a soname, or what it was asked for as.
func (p *Process) Find(soname string) *Object { return p.find(soname, false) }

// find returns the first object on the list that is known by the name, or nil. With asked set only
// names that were asked for count.
func (p *Process) find(text string, asked bool) *Object {
	var first *Object
	if n, ok := p.name(text); ok && (n.asked || !asked) {
		first = n.object
		if p.moved() == nil {
			return first
		}
	}
	for q := p; q != nil; q = q.parent {
		for _, n := range q.shared {
			if n.text == text && (n.asked || !asked) && (first == nil || p.before(n.object, first)) {
				first = n.object
			}
		}
	}
	return first
}

// name returns what had the name first.
func (p *Process) name(text string) (name, bool) {
	for ; p != nil; p = p.parent {
		if n, ok := p.names[text]; ok {
			return n, true
		}
	}
	return name{}, false
}

// moved returns the list, if a filter has moved an object in it.
func (p *Process) moved() []*Object {
	for ; p != nil; p = p.parent {
		if p.order != nil {
			return p.order // what is loaded later is in it
		}
	}
	return nil
}

// list returns all objects of the process, in the loader's order.
func (p *Process) list() []*Object {
	if list := p.moved(); list != nil {
		return list
	}
	if p.parent == nil {
		return p.objects
	}
	return slices.Concat(p.parent.list(), p.objects)
}

// before reports whether a is before b on the list.
func (p *Process) before(a, b *Object) bool {
	list := p.list()
	return slices.Index(list, a) < slices.Index(list, b)
}

// move puts o right before the object next on the list, wherever it was.
func (p *Process) move(o, next *Object) {
	list := slices.DeleteFunc(slices.Clone(p.list()), func(other *Object) bool { return other == o })
	p.order = slices.Insert(list, slices.Index(list, next), o)
	p.sort()
}

// sort brings the objects of p itself into the order of the whole list.
func (p *Process) sort() {
	own := make(map[*Object]bool, len(p.objects))
	for _, o := range p.objects {
		own[o] = true
	}
	p.objects = slices.DeleteFunc(slices.Clone(p.order), func(o *Object) bool { return !own[o] })
}

func (p *Process) findID(id fileID) *Object {
	for ; p != nil; p = p.parent {
		if o := p.ids[id]; o != nil {
			return o
		}
	}
	return nil
}

// know adds a name of o.
func (p *Process) know(text string, o *Object, asked bool) {
	n, ok := p.name(text)
	switch {
	case ok && n.object != o:
		if again := (sharedName{text, name{o, asked}}); !slices.Contains(p.shared, again) {
			p.shared = append(p.shared, again)
		}
		return
	case ok && (n.asked || !asked):
		return
	}
	if p.names == nil {
		p.names = map[string]name{}
	}
	p.names[text] = name{o, asked}
}

// add puts a newly loaded object on the list.
func (p *Process) add(o *Object) {
	p.objects = append(p.objects, o)
	if list := p.moved(); list != nil {
		p.order = append(slices.Clip(list), o)
	}
	p.filters = p.filters || len(o.Facts.Filters) > 0
	if o.id != (fileID{}) {
		if p.ids == nil {
			p.ids = map[fileID]*Object{}
		}
		p.ids[o.id] = o
	}
	if o.Name != "" {
		p.know(o.Name, o, true)
		p.know(o.Path, o, true)
	}
	if o.Facts.Soname != "" {
		p.know(o.Facts.Soname, o, false)
	}
	if p.sys.Glibc == 0 && (o.Facts.Soname == "libc.so.6" || o.How == ByKernel) {
		p.glibc = max(p.glibc, GlibcMinor(o.Facts))
	}
}

// keep takes over what the clone c has loaded.
func (p *Process) keep(c *Process) {
	if len(p.objects) == 0 && len(p.names) == 0 && len(p.shared) == 0 && len(p.opened) == 0 {
		p.state = c.state
		return
	}
	p.objects = append(p.objects, c.objects...)
	if c.order != nil {
		p.order = c.order
		p.sort()
	}
	p.shared = append(p.shared, c.shared...)
	for text, n := range c.names {
		if p.names == nil {
			p.names = map[string]name{}
		}
		p.names[text] = n
	}
	for id, o := range c.ids {
		if p.ids == nil {
			p.ids = map[fileID]*Object{}
		}
		p.ids[id] = o
	}
	p.opened = append(p.opened, c.opened...)
	p.filters, p.execStack, p.glibc = c.filters, c.execStack, c.glibc
}

// newObject makes the object of a file opened by path, for which loader asked. As in
// elf/dl-object.c its origin is the directory of the path as opened; a link at the path is not
// followed.
func (p *Process) newObject(text, path string, f *file, loader *Object) *Object {
	o := &Object{Name: text, Path: p.sys.absolute(path), Facts: f.facts, By: loader, loader: loader, id: f.id}
	o.origin = dirname(o.Path)
	p.paths(o)
	return o
}

func (p *Process) paths(o *Object) {
	if o.Facts.RPath != "" {
		o.rpath = p.sys.split(strings.Split(o.Facts.RPath, ":"), o.origin)
	}
	if o.Facts.RunPath != "" {
		o.runpath = p.sys.split(strings.Split(o.Facts.RunPath, ":"), o.origin)
	}
}

func dirname(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "/"
}

// GlibcMinor returns the minor version of glibc that a libc.so.6 or loader defines, 36 for
// GLIBC_2.36, or 0 for other files.
func GlibcMinor(f *Facts) int {
	minor := 0
	for _, def := range f.Defs {
		text, ok := strings.CutPrefix(def, "GLIBC_2.")
		if !ok || len(text) > 3 {
			continue
		}
		n := 0
		for _, c := range []byte(text) {
			if c < '0' || c > '9' {
				n = 0
				break
			}
			n = n*10 + int(c-'0')
		}
		minor = max(minor, n)
	}
	return minor
}

// wasOpened reports whether o is the program or was opened by dlopen itself, and not only as a
// dependency: opened again, nothing is done.
func (p *Process) wasOpened(o *Object) bool {
	if o == p.main {
		return true
	}
	for ; p != nil; p = p.parent {
		if slices.Contains(p.opened, o) {
			return true
		}
	}
	return false
}
