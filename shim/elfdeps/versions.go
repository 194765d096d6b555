package elfdeps

import (
	"fmt"
	"slices"
	"strings"
)

// versions checks the versions that o needs against the objects known by the names of their files
// (_dl_check_map_versions of elf/dl-version.c).
func (l *loading) versions(o *Object) {
	relr := false
	for _, need := range o.Facts.Needs {
		provider := l.p.find(need.File, true)
		if provider == nil {
			if l.missed(need.File, o) {
				continue
			}
			l.problem(Problem{Kind: StrayVersions, Name: need.File, By: o,
				Detail: o.Path + ": versions of " + need.File + ", which nothing needs"})
			continue
		}
		for _, v := range need.Versions {
			relr = relr || v.Name == "GLIBC_ABI_DT_RELR"
			switch defs := provider.Facts.Defs; {
			case provider.How == ByKernel && len(defs) == 0:
				// a loader that could not be read: not known
			case len(defs) == 0:
				l.problem(Problem{Kind: NoVersions, Name: need.File, Version: v.Name, By: o, Provider: provider,
					Detail: fmt.Sprintf("%s: no version information available (required by %s)", provider.Path, o.Path)})
			case !v.Weak && !slices.Contains(defs, v.Name):
				l.problem(Problem{Kind: MissingVersion, Name: need.File, Version: v.Name, By: o, Provider: provider,
					Detail: fmt.Sprintf("%s: version `%s' not found (required by %s)", provider.Path, v.Name, o.Path)})
			}
		}
	}
	if len(o.Facts.Needs) > 0 && o.Facts.Has(HasRelr) && !relr && l.p.glibc >= 36 &&
		slices.ContainsFunc(o.Facts.Needed, func(n string) bool { return strings.HasPrefix(n, "libc.so.") }) {
		l.problem(Problem{Kind: BadFile, Name: o.Name, By: o.By, Path: o.Path,
			Detail: o.Path + ": DT_RELR without GLIBC_ABI_DT_RELR dependency"})
	}
}

// missed reports whether a problem with the file of that name is known already.
func (l *loading) missed(name string, o *Object) bool {
	return slices.ContainsFunc(l.problems, func(p Problem) bool {
		return p.Name == name && (p.Kind == MissingFile || p.Kind == BadFile || p.Kind == ExecStackRefused)
	})
}

// foreignLibc notes a libc.so.6 that a search path gave and that does not stand beside the loader:
// the two only work together.
func (l *loading) foreignLibc(o *Object) {
	if o.Facts.Soname != "libc.so.6" && o.Name != "libc.so.6" || o.How == ByCache || o.How == ByDefault {
		return
	}
	loader := l.p.sys.Loader
	if loader == "" {
		loader = l.p.main.Facts.Interp
	}
	mine, err := l.p.sys.Files.fs.Real(l.p.sys.absolute(loader))
	if err != nil {
		return
	}
	its, err := l.p.sys.Files.fs.Real(o.Path)
	if err != nil || dirname(its) == dirname(mine) {
		return
	}
	l.problem(Problem{Kind: ForeignLibc, Name: "libc.so.6", By: o.By, Provider: o, Path: o.Path,
		Detail: fmt.Sprintf("%s: does not belong to the loader %s", o.Path, mine)})
}
