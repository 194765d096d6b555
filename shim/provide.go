package shim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"uvshim/policy"
	"uvshim/shim/elfdeps"
	"uvshim/shim/fix"
	"uvshim/shim/host"
	"uvshim/shim/launch"
	"uvshim/shim/nixld"
	"uvshim/shim/nixld/attribute"
	"uvshim/shim/preflight"
	"uvshim/shim/provided"
	"uvshim/shim/say"
)

// provide returns env with what shim fix has provided. Where it has not, that costs one file that is
// not there.
func (p *program) provide(env host.Env) host.Env {
	list, err := provided.Load(p.host, p.dirs.Data)
	if err != nil {
		p.warnOnce("", "%v%s", err, p.readAgain(err))
	}
	if len(list) == 0 {
		return env
	}
	extended := list.Extend(env, p.loader())
	if p.call.Debug {
		for _, line := range launch.Diff(env, extended) {
			p.say.Debug("shim fix has provided: env %s", say.Word(line))
		}
	}
	return extended
}

// readAgain returns the line of a message that tells how the list that was not read for err can be
// read again; empty where nothing that is known would help, as for a broken disk.
func (p *program) readAgain(err error) string {
	file := p.word(provided.File(p.dirs.Data))
	switch {
	case errors.Is(err, provided.ErrDamaged), errors.Is(err, host.ErrTooLarge):
		return "\n  fix        shim fix --undo && shim fix"
	case errors.Is(err, fs.ErrPermission):
		return "\n  fix        chmod u+rX " + p.word(provided.Dir(p.dirs.Data)) + " && chmod u+r " + file
	case errors.Is(err, host.ErrIrregular), errors.Is(err, unix.ELOOP):
		return "\n  fix        rm -r " + file + " && shim fix"
	}
	return ""
}

// fromFix returns which of the provided attributes bring sonames that the system's library path does
// not have.
func (p *program) fromFix(sonames []string) []string {
	list, _ := provided.Load(p.host, p.dirs.Data)
	if len(list) == 0 {
		return nil
	}
	loader := p.loader()
	system := elfdeps.SplitPath(nixld.Environment(list.Without(p.host.Env, loader), loader).Library.Value)
	has := func(dir, soname string) bool {
		_, err := os.Stat(filepath.Join(dir, soname))
		return err == nil
	}
	var out []string
	for _, soname := range sonames {
		if attribute.Of(soname, "").Kind == attribute.Libgcc || slices.ContainsFunc(system, func(dir string) bool { return has(dir, soname) }) {
			continue
		}
		if i := slices.IndexFunc(list, func(x provided.Library) bool { return has(x.Dir, soname) }); i >= 0 && !slices.Contains(out, list[i].Attribute) {
			out = append(out, list[i].Attribute)
		}
	}
	return out
}

// loader returns the loader of foreign programs, as far as nix-ld is concerned.
func (p *program) loader() nixld.Loader {
	interp, machine := nixld.NativeInterp()
	kind, err := p.facts.File("loader", interp, func(interp string) ([]byte, error) {
		l := nixld.Inspect(nixld.Running(), interp, machine)
		return fmt.Appendf(nil, "%s\n%d", l.Kind, l.Major), nil
	})
	if err != nil {
		return nixld.Loader{}
	}
	l := nixld.Loader{Path: interp, Machine: machine, Major: 2}
	name, major, _ := strings.Cut(string(kind), "\n")
	if l.Kind = nixld.Kind(name); major == "1" {
		l.Major = 1
	}
	return l
}

// wording is what a message about v depends on.
func (p *program) wording(v *preflight.Verdict, declared policy.Policy) preflight.Wording {
	w := preflight.Wording{Dir: p.host.Dir, Home: p.dirs.Home, Libraries: declared.NixLD.Libraries}
	if fix.Helps(v) {
		w.Now = "shim fix"
	}
	// a path that has the system's list in it does not stand in its place
	if _, value, _ := strings.Cut(v.Override, "="); slices.Contains(elfdeps.SplitPath(value), nixld.DefaultLibraryPath) {
		v.Override = ""
	}
	return w
}

// The Pythons that shim fix was said to help, one on each line, the newest last. An environment of
// uvx's is known from nowhere else.
const (
	fixableKey = "fixable"
	maxFixable = 32
)

// fixable keeps the Python of a verdict that is said to be cured by shim fix.
func (p *program) fixable(v *preflight.Verdict) {
	if !fix.Helps(v) {
		return
	}
	known := p.saidFixable()
	if slices.Contains(known, v.Python) || strings.Contains(v.Python, "\n") {
		return
	}
	known = append(known, v.Python)
	known = known[max(0, len(known)-maxFixable):]
	// of two at once one may be lost, and is said again
	_ = p.facts.Save(fixableKey, []byte(strings.Join(known, "\n")))
}

func (p *program) saidFixable() []string {
	text, ok := p.facts.Load(fixableKey)
	if !ok || len(text) == 0 {
		return nil
	}
	return strings.Split(string(text), "\n")
}
