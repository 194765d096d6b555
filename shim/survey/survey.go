// Package survey says which policy declares what a machine has: uv's Pythons and tools, its links and
// its global pin, what the active generation of Home Manager installs, and nix-ld's libraries. Read
// looks at the machine; Draft decides, and looks at nothing but what was found.
package survey

import (
	"os"
	"path/filepath"
	"slices"

	"uvshim/policy/version"
	"uvshim/shim/host"
	"uvshim/shim/lock"
	"uvshim/shim/nixld"
	"uvshim/shim/sync"
	"uvshim/shim/uv"
)

// Found is what a machine has.
type Found struct {
	sync.Machine
	Programs  []Program
	Libraries Libraries
	Provided  []string                 // the attributes of what shim fix has provided
	Short     func(path string) string // a path as comments show it
}

// A Program is one of uv's links to a managed interpreter, such as ~/.local/bin/python3.14.
type Program struct {
	Path  string
	Key   string // of the interpreter that it leads to
	Patch bool   // it leads past the minor-version link, as uv makes it for a request that names a patch
}

// Read looks at what is there. env is what foreign programs are started with, without what shim fix
// has added to it.
func Read(at sync.Place, sys nixld.FS, env host.Env) Found {
	return Found{
		Machine:   sync.Read(sync.Wish{}, at, lock.Lock{}),
		Programs:  programs(at.UV),
		Libraries: libraries(sys, env),
		Short:     func(path string) string { return path },
	}
}

// programs returns uv's links in its directory of programs.
func programs(d uv.Dirs) []Program {
	if d.Bin == "" {
		return nil
	}
	names := []string{"python", "python3", "pypy", "pypy3"}
	for _, m := range d.Managed() {
		names = append(names, m.Executable())
	}
	slices.Sort(names)
	var found []Program
	for _, name := range slices.Compact(names) {
		path := filepath.Join(d.Bin, name)
		target, err := os.Readlink(path)
		owner, ours := d.Owner(path)
		if err != nil || !ours {
			continue
		}
		// …/cpython-3.14-linux-x86_64-gnu/bin/python3.14 follows upgrades, …/cpython-3.14.1-… does not;
		// what is not CPython has no minor-version link (uv-python-commands, create_bin_links)
		through, err := version.ParseKey(filepath.Base(filepath.Dir(filepath.Dir(target))))
		found = append(found, Program{path, owner.Key, err == nil && through.Version.Parts == 3 && owner.MinorLink() != ""})
	}
	return found
}

// A Draft is a policy that is to be written, with what each line of it comes from.
type Draft struct {
	Versions, Default, Packages, Libraries []Line

	PrunePython, PruneTool bool   // Home Manager prunes
	NixLD                  bool   // the table has a place: there is a nix-ld
	Newest                 string // what stands for the newest Python, "" for none
}

// A Line is an element of a list and where it comes from. Without Text it is a comment.
type Line struct{ Text, Why string }

// Draft returns the policy that declares what was found. A sync of it has nothing to install, to repair
// but what is broken, or to remove.
func (f Found) Draft() Draft {
	d := Draft{PrunePython: f.Home.PrunePython, PruneTool: f.Home.PruneTool, NixLD: len(f.Libraries.Dirs)+len(f.Provided) > 0}
	f.pythons(&d)
	f.tools(&d)
	f.libraries(&d)
	return d
}

// Empty returns the draft as it was before there was a Python or a tool of uv's.
func (d Draft) Empty() Draft {
	d.Versions, d.Default, d.Packages, d.Newest = nil, nil, nil, ""
	return d
}

// Declared returns how many Pythons, tools and libraries the draft declares.
func (d Draft) Declared() (pythons, tools, libraries int) {
	return len(texts(d.Versions)), len(texts(d.Packages)), len(texts(d.Libraries))
}

// texts returns the elements of a list.
func texts(lines []Line) []string {
	var out []string
	for _, l := range lines {
		if l.Text != "" {
			out = append(out, l.Text)
		}
	}
	return out
}
