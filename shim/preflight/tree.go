package preflight

import (
	"errors"

	"uvshim/shim/elfdeps"
	"uvshim/shim/nixld"
)

// A Node is a line of the tree of who needs whom.
type Node struct {
	Name  string // as it was asked for; of a module its path
	Path  string // what the loader takes; empty if it finds nothing
	How   string // by what it was found, or what is wrong
	Depth int
}

// Tree returns, for each module that a Check of r would open, what the loader loads for it beside
// what the interpreter has loaded already, each below what asked for it first. The standard library
// is among them with r.All only.
func Tree(r Request) ([]Node, error) {
	env, err := r.System.Environ(r.Env)
	if err != nil {
		return nil, err
	}
	e, err := Find(r.System, env, r.Python)
	if err != nil {
		return nil, err
	}
	state := nixld.Examine(r.System, env, e.Interp, e.Machine)
	v := Verdict{Outcome: OK}
	if v.loader(&state); v.Outcome != OK {
		return nil, errors.New(v.Reason)
	}
	s, start, err := v.scanner(r, env, &e, &state, nil)
	if err != nil {
		return nil, err
	}
	nodes := branch(start, e.Python)
	for _, f := range s.files {
		if f.module == "" || !f.tagged || (f.optional || f.source == Stdlib) && !r.All {
			continue
		}
		nodes = append(nodes, branch(s.base.Clone().Open(f.path, nil), f.path)...)
	}
	return nodes, nil
}

// branch lays out one result as a tree, depth first.
func branch(result elfdeps.Result, path string) []Node {
	root := Node{Name: path, Path: path}
	for _, p := range result.Problems {
		if p.By == nil && !p.Kind.Note() {
			root.Path, root.How = "", p.String()
		}
	}
	below := map[*elfdeps.Object][]*elfdeps.Object{}
	for _, o := range result.Objects {
		if o.By != nil {
			below[o.By] = append(below[o.By], o)
		}
	}
	nodes := []Node{root}
	var add func(o *elfdeps.Object, depth int)
	add = func(o *elfdeps.Object, depth int) {
		for _, child := range below[o] {
			how := child.How.String()
			if child.Via != nil {
				how += " of " + child.Via.Path
			}
			nodes = append(nodes, Node{child.Name, child.Path, how, depth})
			add(child, depth+1)
		}
		for _, p := range result.Problems {
			if p.By == o && o != nil && !p.Kind.Note() {
				nodes = append(nodes, Node{Name: p.Name, Path: p.Path, How: p.String(), Depth: depth})
			}
		}
	}
	for _, o := range result.Objects {
		if o.By == nil {
			add(o, 1)
		}
	}
	return nodes
}
