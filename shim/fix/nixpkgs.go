package fix

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"

	"uvshim/shim/host"
	"uvshim/shim/nixld"
)

// A Source is a nixpkgs to build from. It has to be the one that the running system was made with:
// libraries of a newer one may need a newer glibc than the loader's.
type Source struct {
	Path  string // a directory with a default.nix
	Flake string // a flake reference, where Path is empty
	From  string // where it was found, for messages
}

// String names the source.
func (s Source) String() string {
	if s.Path != "" {
		return s.Path
	}
	return s.Flake
}

// Where nix and NixOS say which nixpkgs the system has.
const (
	// pinned by nixpkgs.flake.setFlakeRegistry (nixos/modules/misc/nixpkgs-flake.nix)
	registry = "/etc/nix/registry.json"
	// what nixos-rebuild takes without flakes
	rootChannel = "/nix/var/nix/profiles/per-user/root/channels/nixos"
)

// maxText bounds what is read of a file, in bytes.
const maxText = 1 << 20

// Find returns the nixpkgs of the system: the one that the flake registry of the system pins, the
// one in NIX_PATH, or root's channel, whichever is the first of the system's release; and otherwise
// the release's branch, which has to be downloaded. Which were passed over, and why, is in skipped.
func Find(sys nixld.FS, env host.Env, release nixld.Release) (found Source, skipped []string) {
	for _, s := range candidates(sys, env) {
		version := versionOf(sys, s)
		if want := release.Nixpkgs(); version != "" && want != "" && version != want {
			skipped = append(skipped, s.String()+" of "+s.From+" is "+version+", and the system is "+want)
			continue
		}
		return s, skipped
	}
	if r := release.Nixpkgs(); r != "" {
		return Source{Flake: "github:NixOS/nixpkgs/nixos-" + r, From: "the system's release"}, skipped
	}
	return Source{Flake: "nixpkgs", From: "nix's flake registry"}, skipped
}

func candidates(sys nixld.FS, env host.Env) []Source {
	var out []Source
	if s, ok := pinned(sys); ok {
		s.From = registry
		out = append(out, s)
	}
	path := env.Get("NIX_PATH")
	if env.Get("IN_NIX_SHELL")+env.Get("DIRENV_DIR") != "" {
		path = "" // it may be the project's, and what is built is for all that the user runs
	}
	for entry := range strings.SplitSeq(path, ":") {
		// flake:nixpkgs and URLs are cut at their colons, and what is left of them is no path
		dir, named := strings.CutPrefix(entry, "nixpkgs=")
		if !filepath.IsAbs(dir) {
			continue
		}
		if !named {
			dir = filepath.Join(dir, "nixpkgs")
		}
		if s, ok := directory(sys, dir); ok {
			s.From = "NIX_PATH"
			out = append(out, s)
		}
	}
	if s, ok := directory(sys, rootChannel); ok {
		s.From = "root's channel"
		out = append(out, s)
	}
	return out
}

// pinned returns the nixpkgs of the system's flake registry. The user's own registry does not count:
// it need not be the system's.
func pinned(sys nixld.FS) (Source, bool) {
	text, err := readText(sys, registry)
	if err != nil {
		return Source{}, false
	}
	var r struct {
		Flakes []struct {
			From struct{ Type, ID string }
			To   struct{ Type, Path, Owner, Repo, Rev, Ref, Host, Dir string }
		}
	}
	if json.Unmarshal(text, &r) != nil {
		return Source{}, false
	}
	for _, f := range r.Flakes {
		if f.From.Type != "indirect" || f.From.ID != "nixpkgs" {
			continue
		}
		switch to := f.To; {
		case to.Type == "path" && filepath.IsAbs(to.Path):
			return directory(sys, to.Path)
		case to.Type == "github" && to.Host == "" && to.Dir == "" && to.Owner != "" && to.Repo != "":
			ref := "github:" + to.Owner + "/" + to.Repo
			if at := to.Rev + to.Ref; at != "" && (to.Rev == "" || to.Ref == "") {
				ref += "/" + at
			}
			return Source{Flake: ref}, true
		default:
			return Source{Flake: "nixpkgs"}, true
		}
	}
	return Source{}, false
}

// directory returns the nixpkgs in a directory. Its default.nix is imported where there is one: that
// needs no flakes, and does not copy it into the store as a path: reference does.
func directory(sys nixld.FS, dir string) (Source, bool) {
	if info, err := sys.Stat(filepath.Join(dir, "default.nix")); err == nil && info.Mode().IsRegular() {
		return Source{Path: dir}, true
	}
	if info, err := sys.Stat(filepath.Join(dir, "flake.nix")); err == nil && info.Mode().IsRegular() {
		return Source{Flake: "path:" + dir}, true
	}
	return Source{}, false
}

// versionOf returns the release that a nixpkgs says it is, such as "25.11", or "".
func versionOf(sys nixld.FS, s Source) string {
	dir := s.Path
	if dir == "" {
		dir, _ = strings.CutPrefix(s.Flake, "path:")
	}
	if !filepath.IsAbs(dir) {
		return ""
	}
	text, err := readText(sys, filepath.Join(dir, ".version"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func readText(sys nixld.FS, path string) ([]byte, error) {
	f, err := sys.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxText {
		return nil, errors.Join(err, errors.New("not a small regular file"))
	}
	text := make([]byte, info.Size())
	n, err := f.ReadAt(text, 0)
	if n < len(text) {
		return nil, err
	}
	return text, nil
}
