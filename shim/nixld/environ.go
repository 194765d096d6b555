package nixld

import (
	"strings"

	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
)

// What nix-ld 2.x uses where the environment says nothing. Compiled in (src/main.rs).
const (
	DefaultLoader      = "/run/current-system/sw/share/nix-ld/lib/ld.so"
	DefaultLibraryPath = "/run/current-system/sw/share/nix-ld/lib"
)

// A Setting is a value and the variable that it is from.
type Setting struct {
	Value   string
	Name    string // the variable that decided, or that would have to be set to change the value
	Default bool   // Value is nix-ld's own: Name is unset, or empty where that counts as unset
}

// Settings are what the loader at PT_INTERP takes from an environment.
type Settings struct {
	Loader  Setting // the real loader, NIX_LD; empty where nix-ld 1.x got none
	Library Setting // NIX_LD_LIBRARY_PATH
	User    string  // LD_LIBRARY_PATH as the caller has it
	Path    string  // LD_LIBRARY_PATH as the real loader gets it: the user's, then nix-ld's
}

// Environment returns what the loader l makes of env. Only a nix-ld looks at NIX_LD*:
//
//   - the variable with the system in its name beats the plain one, even when it is empty;
//   - an empty NIX_LD counts as unset, an empty NIX_LD_LIBRARY_PATH as an empty path;
//   - 1.x has the system's name with a dash (x86_64-linux), and no defaults.
func Environment(env host.Env, l Loader) Settings {
	if l.Kind != NixLD {
		user := env.Get("LD_LIBRARY_PATH")
		return Settings{User: user, Path: user}
	}
	system := systemName(l.Machine, l.Major)
	loader := Setting{Value: DefaultLoader, Name: "NIX_LD", Default: true}
	library := Setting{Value: DefaultLibraryPath, Name: "NIX_LD_LIBRARY_PATH", Default: true}
	if l.Major == 1 {
		loader.Value, library.Value = "", ""
	}
	user, userSet := "", false
	for _, entry := range env {
		name, value, ok := strings.Cut(entry, "=")
		if !ok && l.Major != 1 {
			break // 2.x reads no further than an entry that is none
		}
		switch name {
		case "NIX_LD_" + system:
			loader = Setting{Value: value, Name: name}
		case "NIX_LD":
			if loader.Default {
				loader = Setting{Value: value, Name: name}
			}
		case "NIX_LD_LIBRARY_PATH_" + system:
			library = Setting{Value: value, Name: name}
		case "NIX_LD_LIBRARY_PATH":
			if library.Default {
				library = Setting{Value: value, Name: name}
			}
		case "LD_LIBRARY_PATH":
			user, userSet = value, true
		}
	}
	if loader.Value == "" && l.Major != 1 {
		loader.Value, loader.Default = DefaultLoader, true
	}
	s := Settings{Loader: loader, Library: library, User: user, Path: library.Value}
	if userSet {
		separator := ":"
		if user == "" || strings.HasSuffix(user, ":") && l.Major != 1 {
			separator = ""
		}
		s.Path = user + separator + library.Value
	}
	if l.Major == 1 && library.Default {
		s.Path = user
	}
	return s
}

// systemName returns the system's part of nix-ld's variable names, or a word that no variable has
// for a machine that it is not built for.
func systemName(machine uint16, major int) string {
	dash := "_"
	if major == 1 {
		dash = "-"
	}
	return archName(machine) + dash + "linux"
}

func archName(machine uint16) string {
	switch machine {
	case elfdeps.Machine386:
		return "i686"
	case elfdeps.MachineX86_64:
		return "x86_64"
	case elfdeps.MachineAArch64:
		return "aarch64"
	case elfdeps.MachineRISCV:
		return "riscv64"
	}
	return "other"
}

// Extend returns the variable, and the value for it, with which one process and its children also
// find the libraries in dirs: the effective value, nix-ld's default included, and then dirs, in
// the variable that decides. Setting another would drop what there is, and LD_LIBRARY_PATH would
// reach the programs that Nix built.
func (s Settings) Extend(dirs []string) (name, value string) {
	added := strings.Join(dirs, ":")
	switch {
	case s.Library.Name == "":
		name, value = "LD_LIBRARY_PATH", s.User // no nix-ld in between
	default:
		name, value = s.Library.Name, s.Library.Value
	}
	switch {
	case added == "":
		return name, value
	case value == "":
		return name, added
	}
	return name, value + ":" + added
}
