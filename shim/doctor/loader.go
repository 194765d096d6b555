package doctor

import (
	"strings"

	"uvshim/shim/elfdeps"
	"uvshim/shim/nixld"
)

const enable = "programs.nix-ld.enable = true;"

// loader looks at what foreign programs of this machine's kind are started with.
func loader(m *Machine) []Finding {
	interp, _ := nixld.NativeInterp()
	if interp == "" {
		return skip("for this kind of machine it is not known where the loader is")
	}
	s := m.state()
	evidence := []string{interp}
	if s.Loader.Real != "" && s.Loader.Real != interp {
		evidence[0] += " -> " + s.Loader.Real
	}
	switch s.Verdict {
	case nixld.OK:
		message := "nix-ld"
		if s.Loader.Version != "" {
			message += " " + s.Loader.Version
		}
		if s.Loader.Major == 1 {
			return one(Info, nixos(enable, "# and a nixpkgs with nix-ld 2: 24.11 or newer"), evidence,
				"%s, which knows no defaults: services without NIX_LD cannot start foreign programs", message)
		}
		return ok("%s, and behind it glibc %s", message, s.Target.Version)
	case nixld.Native:
		if s.Loader.Kind == nixld.Musl {
			return ok("musl's own; nix-ld does not apply here")
		}
		version := s.Loader.Version
		if version == "" {
			version = s.Target.Version // where only libc.so.6 tells it
		}
		if version == "" {
			return ok("glibc's own; nix-ld does not apply here")
		}
		return ok("glibc %s's own; nix-ld does not apply here", version)
	case nixld.NothingBehind, nixld.Broken:
		evidence = append(evidence, s.Settings.Loader.Name+"="+strings.TrimSuffix(s.Settings.Loader.Value, "\n"))
		fix := nixos(enable)
		if !s.Settings.Loader.Default && m.Kind == Running {
			fix = "unset " + s.Settings.Loader.Name
		}
		return one(Error, fix, evidence, "nix-ld cannot start anything: %s", s.Reason)
	case nixld.NoLoader, nixld.StubLoader:
		if m.release().NixOS || m.Kind == Generation {
			return one(Error, nixos(enable), evidence, "no foreign program can start: %s", s.Reason)
		}
		return one(Error, "# install glibc's loader, or on Alpine use uv's musl builds", evidence, "no foreign program can start: %s", s.Reason)
	}
	return one(Warning, "ls -lL "+interp, evidence, "what starts foreign programs is not clear: %s", s.Reason)
}

// nixLDValues holds what nix-ld is told against its defaults: where a variable stands in place of the
// system's list of libraries, what is listed seems not to help.
func nixLDValues(m *Machine) []Finding {
	s := m.state()
	if s.Loader.Kind != nixld.NixLD {
		return skip("there is no nix-ld here")
	}
	var found []Finding
	library := s.Settings.Library
	evidence := []string{library.Name + "=" + library.Value}
	dirs := elfdeps.SplitPath(library.Value)
	whole := false
	for _, dir := range dirs {
		whole = whole || dir == nixld.DefaultLibraryPath
	}
	fix := "unset " + library.Name
	if m.Kind != Running {
		fix = nixos("# take " + library.Name + " out of environment.variables and environment.sessionVariables")
	}
	switch {
	case library.Default || whole:
	case library.Value == "":
		found = one(Warning, fix, evidence, "%s is set and empty: nix-ld finds no libraries at all", library.Name)
	default:
		found = one(Warning, fix, evidence, "%s stands in place of the system's list of libraries", library.Name)
	}
	if gone := s.Settings.Gone(m.System); len(gone) > 0 {
		if library.Default {
			fix = nixos(enable)
		}
		found = append(found, one(Warning, fix, gone, "nix-ld looks for libraries in %s not there", many(gone, "directory that is", "directories that are"))...)
	}
	if found != nil {
		return found
	}
	return ok("nix-ld takes libraries from %s", library.Value)
}
