// Package mirror makes directories from which uv installs Pythons without the network: archives,
// and the JSON list of them that UV_PYTHON_DOWNLOADS_JSON_URL names. A mirror has fake CPythons,
// shell scripts of any version, or real ones made from this machine's. Only tests import it.
//
// What uv asks of such a list and of an archive is read from uv 0.13 (crates/uv-python,
// downloads.rs and managed.rs) and tried with it.
package mirror

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"uvshim/testscripts/parts"
)

// A Mirror is the lists of downloads of one mirror.
type Mirror struct {
	All     string // the JSON file of all downloads
	Old     string // without the newest patch of a minor that has two: install from it, then upgrade
	Rebuilt string // as All, each a build of a later date: the same patch is upgraded too
	Minors  []Minor
}

// A Minor is a minor version of which a mirror has two patches.
type Minor struct {
	Name     string // "3.13"
	Old, New string // "3.13.0", "3.13.1"
}

// schema is part of the name in the cache: it grows with every change to what a mirror contains.
const schema = 2

// Fake returns the mirror of fake Pythons.
func Fake(t testing.TB) Mirror {
	t.Helper()
	pythons := []string{
		"3.12.11", "3.12.12", "3.13.7", "3.13.8", "3.13.8+freethreaded",
		"3.14.0", "3.14.1", "3.14.1+freethreaded", "3.15.0a1", "pypy-3.11.13",
	}
	dir, err := parts.Cached(name("fake", script, strings.Join(pythons, " ")), func(tmp, final string) error {
		var list downloads
		for _, python := range pythons {
			r, err := parseRelease(python)
			if err != nil {
				return err
			}
			tree := filepath.Join(tmp, "tree")
			if err := layFake(tree, r); err != nil {
				return err
			}
			if err := list.add(tree, tmp, final, r); err != nil {
				return err
			}
			if err := os.RemoveAll(tree); err != nil {
				return err
			}
		}
		return list.write(tmp)
	})
	if err != nil {
		t.Fatalf("making the mirror of fake Pythons: %v", err)
	}
	return open(t, dir)
}

// Real returns the mirror of real CPythons, those of this machine that can be moved, three minors
// at most. Where there is none the test ends as parts.Missing says.
//
// Both patches of a minor are the one that the machine has: only the text of the version is
// another, which -V and uv report; sys.version_info stays.
func Real(t testing.TB) Mirror {
	t.Helper()
	found := parts.Pythons(t)
	found = found[:min(3, len(found))]
	dir, err := parts.Cached(name("real", fmt.Sprint(found)), func(tmp, final string) error {
		fmt.Fprintf(os.Stderr, "tests: making a mirror of this machine's Pythons in %s\n", final)
		var list downloads
		for _, p := range found {
			if err := list.addReal(p, tmp, final); err != nil {
				fmt.Fprintf(os.Stderr, "tests: leaving out %s: %v\n", p.Exe, err)
			}
		}
		if len(list) == 0 {
			return fmt.Errorf("none of %d Pythons of this machine can be moved", len(found))
		}
		return list.write(tmp)
	})
	if err != nil {
		parts.Missing(t, fmt.Errorf("making the mirror of real Pythons: %w", err))
	}
	return open(t, dir)
}

// name makes a directory name that changes with what the mirror is made from.
func name(kind string, from ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(from, "\n")))
	return fmt.Sprintf("mirror-%d-%s-%x", schema, kind, sum[:6])
}

func open(t testing.TB, dir string) Mirror {
	t.Helper()
	m := Mirror{
		All:     filepath.Join(dir, "downloads.json"),
		Old:     filepath.Join(dir, "downloads-old.json"),
		Rebuilt: filepath.Join(dir, "downloads-rebuilt.json"),
	}
	data, err := os.ReadFile(m.All)
	if err != nil {
		t.Fatal(err)
	}
	var entries map[string]download
	if err := json.Unmarshal(data, &entries); err != nil {
		t.Fatal(err)
	}
	list := make(downloads, 0, len(entries))
	for _, d := range entries {
		list = append(list, d)
	}
	m.Minors = list.minors()
	return m
}

// A download is an entry of the list as uv reads it.
type download struct {
	Name       string  `json:"name"`
	Arch       arch    `json:"arch"`
	OS         string  `json:"os"`
	Libc       string  `json:"libc"`
	Major      int     `json:"major"`
	Minor      int     `json:"minor"`
	Patch      int     `json:"patch"`
	Prerelease string  `json:"prerelease"`
	URL        string  `json:"url"`
	SHA256     string  `json:"sha256"`
	Variant    *string `json:"variant"`
	Build      string  `json:"build"`
}

type arch struct {
	Family  string  `json:"family"`
	Variant *string `json:"variant"`
}

type downloads []download

// add packs tree into an archive of tmp, which will be final, and lists it.
func (l *downloads) add(tree, tmp, final string, r release) error {
	file := strings.ReplaceAll(r.String(), "+", "-") + ".tar.gz"
	sum, err := pack(tree, filepath.Join(tmp, file))
	if err != nil {
		return err
	}
	address := url.URL{Scheme: "file", Path: filepath.Join(final, file)}
	d := download{
		Name: r.name, Arch: arch{Family: parts.Machine()}, OS: "linux", Libc: "gnu",
		Major: r.major, Minor: r.middle, Patch: r.last, Prerelease: r.pre,
		URL: address.String(), SHA256: sum, Build: "20260101",
	}
	if r.variant != "" {
		d.Variant = &r.variant
	}
	*l = append(*l, d)
	return nil
}

// write writes the three lists. The keys of the object are labels only.
func (l downloads) write(dir string) error {
	all, old, rebuilt := map[string]download{}, map[string]download{}, map[string]download{}
	for i, d := range l {
		key := fmt.Sprintf("python-%d", i)
		all[key] = d
		if !slices.ContainsFunc(l, d.earlier) || slices.ContainsFunc(l, d.later) {
			old[key] = d
		}
		d.Build = "20260202"
		rebuilt[key] = d
	}
	for file, list := range map[string]map[string]download{
		"downloads.json": all, "downloads-old.json": old, "downloads-rebuilt.json": rebuilt,
	} {
		data, err := json.MarshalIndent(list, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, file), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// sibling reports whether other is a patch of the same minor as d.
func (d download) sibling(other download) bool {
	variant := func(d download) string {
		if d.Variant == nil {
			return ""
		}
		return *d.Variant
	}
	return d.Name == other.Name && d.Major == other.Major && d.Minor == other.Minor && variant(d) == variant(other)
}

func (d download) earlier(other download) bool { return d.sibling(other) && other.Patch < d.Patch }
func (d download) later(other download) bool   { return d.sibling(other) && other.Patch > d.Patch }

// minors returns the minors with two patches, newest first.
func (l downloads) minors() []Minor {
	l = slices.Clone(l)
	slices.SortFunc(l, func(a, b download) int { return b.Minor - a.Minor })
	var out []Minor
	for _, d := range l {
		for _, other := range l {
			if d.later(other) {
				minor := fmt.Sprintf("%d.%d", d.Major, d.Minor)
				out = append(out, Minor{minor, fmt.Sprintf("%s.%d", minor, d.Patch), fmt.Sprintf("%s.%d", minor, other.Patch)})
			}
		}
	}
	return out
}
