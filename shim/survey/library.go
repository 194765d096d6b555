package survey

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
	"uvshim/shim/nixld"
	"uvshim/shim/nixld/attribute"
)

// Libraries are what nix-ld finds, by the attributes that have them.
type Libraries struct {
	Dirs   []string            // nix-ld's library path; none where there is no nix-ld
	Own    []string            // attributes of the list that programs.nix-ld has of its own
	Listed map[string][]string // the others, each with its sonames that were seen
}

// maxLibraries bounds how many names of a directory are looked at.
const maxLibraries = 20_000

// libraries reads the library path of nix-ld backwards: which attributes have what is there. In a Nix
// shell the path is the shell's, and that of the system counts.
func libraries(sys nixld.FS, env host.Env) Libraries {
	if env.Get("IN_NIX_SHELL") != "" || env.Get("DIRENV_DIR") != "" {
		env = slices.DeleteFunc(slices.Clone(env), func(entry string) bool { return strings.HasPrefix(entry, "NIX_LD_LIBRARY_PATH") })
	}
	interp, machine := nixld.NativeInterp()
	state := nixld.Examine(sys, env, interp, machine)
	if state.Loader.Kind != nixld.NixLD {
		return Libraries{}
	}
	release, _ := nixld.ReadRelease(sys) // unknown: the newest names of attributes
	l := Libraries{Dirs: elfdeps.SplitPath(state.Settings.Library.Value)}
	var names []string
	for _, dir := range l.Dirs {
		entries, _ := sys.ReadDir(dir)
		for _, e := range entries[:min(len(entries), maxLibraries)] {
			names = append(names, e.Name())
		}
	}
	l.Own, l.Listed = attributesOf(names, release.Nixpkgs())
	return l
}

// attributesOf returns which attributes have files of these names: those in nix-ld's own list, and
// the others with the names.
func attributesOf(names []string, release string) (own []string, listed map[string][]string) {
	slices.Sort(names)
	listed = map[string][]string{}
	for _, name := range slices.Compact(names) {
		a := attribute.Of(name, release)
		switch {
		case a.Attribute == "":
		case a.Kind == attribute.Default || a.Kind == attribute.Libgcc:
			own = append(own, a.Attribute)
		case name == "libquadmath.so.0": // gcc's own lib output has it too, and that is in nix-ld's list
		default:
			listed[a.Attribute] = append(listed[a.Attribute], name)
		}
	}
	// before 25.11 nix-ld's own libxml2 had the soname for which newer releases need another attribute
	for name, numbered := range map[string]string{"libxml2": "libxml2_13", "openssl": "openssl_1_1"} {
		if listed[numbered] != nil && !slices.Contains(own, name) {
			own = append(own, name)
			delete(listed, numbered)
		}
	}
	slices.Sort(own)
	return slices.Compact(own), listed
}

// libraries sets the attributes that nix-ld has been given, and those that shim fix has provided.
func (f Found) libraries(d *Draft) {
	l := f.Libraries
	for _, name := range slices.Sorted(maps.Keys(l.Listed)) {
		d.Libraries = append(d.Libraries, libraryLine(name, "nix-ld has "+some(l.Listed[name])))
	}
	for _, name := range f.Provided {
		if _, listed := l.Listed[name]; !listed && !slices.Contains(l.Own, name) {
			d.Libraries = append(d.Libraries, libraryLine(name, "provided by shim fix"))
		}
	}
	if len(l.Own) > 0 {
		d.Libraries = append(d.Libraries, Line{Why: "nix-ld's own list has, and need not be told: " + strings.Join(l.Own, " ")})
	}
}

func libraryLine(name, why string) Line {
	if err := valid("nix-ld", "libraries", name); err != nil {
		return Line{Why: fmt.Sprintf("%v (%s)", err, why)}
	}
	return Line{name, why}
}

// some joins names, and only counts those beyond the third.
func some(names []string) string {
	if more := len(names) - 3; more > 0 {
		names = append(slices.Clone(names[:3]), fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}
