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

// state is what a process has beyond its parent. It knows of a name or file once: what the loader
// comes upon first in its list is what had the name first, as nothing is loaded for a name that is
// there already.
type state struct {
	objects   []*Object
	names     map[string]name
	ids       map[fileID]*Object
	execStack bool
	glibc     int
}

// A name is one by which an object is known. What is asked for by DT_NEEDED is looked up among all
// of them, but the file of a needed version only among those that were asked for.
type name struct {
	object *Object
	asked  bool
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
		state: state{execStack: p.execStack, glibc: p.glibc},
	}
}

// Program returns the program's object.
func (p *Process) Program() *Object { return p.main }

// Find returns the object that is known by the name: a soname, or what it was asked for as.
func (p *Process) Find(soname string) *Object {
	n, _ := p.find(soname)
	return n.object
}

func (p *Process) find(text string) (name, bool) {
	for ; p != nil; p = p.parent {
		if n, ok := p.names[text]; ok {
			return n, true
		}
	}
	return name{}, false
}

func (p *Process) findID(id fileID) *Object {
	for ; p != nil; p = p.parent {
		if o := p.ids[id]; o != nil {
			return o
		}
	}
	return nil
}

// know adds a name of o, unless it is another's.
func (p *Process) know(text string, o *Object, asked bool) {
	if n, ok := p.find(text); ok && (n.object != o || n.asked || !asked) {
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
	if len(p.objects) == 0 && len(p.names) == 0 {
		p.state = c.state
		return
	}
	p.objects = append(p.objects, c.objects...)
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
	p.execStack, p.glibc = c.execStack, c.glibc
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
