package nixroot

import (
	"debug/elf"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Default returns what programs.nix-ld.libraries has by itself (nixpkgs
// nixos/modules/programs/nix-ld.nix).
func Default() []string {
	return []string{
		"zlib", "zstd", "stdenv.cc.cc", "curl", "openssl", "attr", "libssh", "bzip2",
		"libxml2", "acl", "libsodium", "util-linux", "xz", "systemd",
	}
}

// attributes are the library attributes by name: the name and the suffix of their store paths, and
// the Debian packages that stand for them. Any other Debian package is deb:PACKAGE.
var attributes = map[string]struct{ name, packages string }{
	"stdenv.cc.cc.lib": {"gcc@-lib", "libstdc++6 libgcc-s1 libgomp1 libatomic1 libquadmath0 libitm1"},
	"libgcc":           {"xgcc@-libgcc", "libgcc-s1"},
	"zlib":             {"zlib@", "zlib1g"},
	"zstd":             {"zstd@", "libzstd1"},
	"curl":             {"curl@", "libcurl4"},
	"openssl":          {"openssl@", "libssl3"},
	"attr":             {"attr@", "libattr1"},
	"libssh":           {"libssh@", "libssh-4"},
	"bzip2":            {"bzip2@", "libbz2-1.0"},
	"libxml2":          {"libxml2@", "libxml2"},
	"acl":              {"acl@", "libacl1"},
	"libsodium":        {"libsodium@", "libsodium23"},
	"util-linux":       {"util-linux@-lib", "libuuid1 libblkid1 libmount1 libsmartcols1 libfdisk1"},
	"xz":               {"xz@", "liblzma5"},
	"systemd":          {"systemd@", "libsystemd0 libudev1"},

	"libGL":            {"libglvnd@", "libgl1 libglx0 libglvnd0 libopengl0 libegl1 libgles2"},
	"glib":             {"glib@", "libglib2.0-0"},
	"libx11":           {"libx11@", "libx11-6 libx11-xcb1"},
	"libxext":          {"libxext@", "libxext6"},
	"libsm":            {"libsm@", "libsm6"},
	"libice":           {"libice@", "libice6"},
	"libxcb":           {"libxcb@", "libxcb1 libxcb-dri3-0 libxcb-glx0 libxcb-randr0 libxcb-render0 libxcb-shape0 libxcb-shm0 libxcb-sync1 libxcb-xfixes0 libxcb-xkb1"},
	"expat":            {"expat@", "libexpat1"},
	"file":             {"file@", "libmagic1"},
	"cairo":            {"cairo@", "libcairo2"},
	"fontconfig":       {"fontconfig@-lib", "libfontconfig1"},
	"freetype":         {"freetype@", "libfreetype6"},
	"libxcrypt-legacy": {"libxcrypt@", "libcrypt1"},

	"alsa-lib":      {"alsa-lib@", "libasound2"},
	"brotli":        {"brotli@-lib", "libbrotli1"},
	"dbus":          {"dbus@-lib", "libdbus-1-3"},
	"harfbuzz":      {"harfbuzz@", "libharfbuzz0b libharfbuzz-subset0"},
	"krb5":          {"krb5@-lib", "libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libcom-err2"},
	"libdrm":        {"libdrm@", "libdrm2"},
	"libgbm":        {"libgbm@", "libgbm1"},
	"libpulseaudio": {"libpulseaudio@", "libpulse0"},
	"libsndfile":    {"libsndfile@", "libsndfile1"},
	"libxcomposite": {"libxcomposite@", "libxcomposite1"},
	"libxdamage":    {"libxdamage@", "libxdamage1"},
	"libxfixes":     {"libxfixes@", "libxfixes3"},
	"libxkbcommon":  {"libxkbcommon@", "libxkbcommon0 libxkbcommon-x11-0"},
	"libxkbfile":    {"libxkbfile@", "libxkbfile1"},
	"libxrandr":     {"libxrandr@", "libxrandr2"},
	"libxtst":       {"libxtst@", "libxtst6"},
	"nspr":          {"nspr@", "libnspr4"},
	"nss":           {"nss@", "libnss3"},
	"pango":         {"pango@", "libpango-1.0-0 libpangoft2-1.0-0 libpangocairo-1.0-0"},
	"pcsclite":      {"pcsclite@-lib", "libpcsclite1"},
	"wayland":       {"wayland@", "libwayland-client0 libwayland-cursor0 libwayland-egl1 libwayland-server0"},
}

// canonical returns the name under which attributes has an attribute: lib.getLib makes
// stdenv.cc.cc its lib output, and the xorg set gave way to names of its own with 26.05.
func canonical(attribute string) string {
	switch attribute {
	case "stdenv.cc.cc":
		return "stdenv.cc.cc.lib"
	case "libglvnd":
		return "libGL"
	}
	if name, ok := strings.CutPrefix(attribute, "xorg."); ok {
		return strings.ToLower(name)
	}
	return attribute
}

// of returns the attribute that a Debian package belongs to.
func of(pkg string) string {
	pkg = strings.TrimSuffix(pkg, "t64")
	if pkg == "libgcc-s1" {
		return "libgcc"
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if slices.Contains(strings.Fields(attributes[name].packages), pkg) {
			return name
		}
	}
	return "deb:" + pkg
}

// library returns the store path of an attribute: its libraries below lib, with RUNPATHs that name
// the store paths of what they need, as Nix's linker wrapper leaves them.
func (s *store) library(attribute string) (string, error) {
	attribute = canonical(attribute)
	if name := s.made[attribute]; name != "" {
		return name, nil
	}
	var name string
	var err error
	switch attribute {
	case "glibc":
		name, err = s.glibc()
	case "old-gcc":
		name, err = s.oldGCC()
	default:
		name, err = s.debLibrary(attribute)
	}
	if err == nil {
		s.made[attribute] = name
	}
	return name, err
}

func (s *store) debLibrary(attribute string) (string, error) {
	spec, known := attributes[attribute]
	if pkg, ok := strings.CutPrefix(attribute, "deb:"); ok {
		spec.name, spec.packages = pkg+"@", pkg
	} else if !known {
		return "", fmt.Errorf("the kit has no attribute %q", attribute)
	}
	packages := strings.Fields(spec.packages)
	inputs, err := versions(packages...)
	if err != nil {
		return "", err
	}
	if attribute != "libgcc" { // which glibc itself refers to
		glibc, err := s.library("glibc")
		if err != nil {
			return "", err
		}
		inputs = append(inputs, glibc)
	}
	// the version is that of the first package; one that is not installed has none before the fetch
	upstream := regexp.MustCompile(`\d+(\.\d+)*`).FindString(strings.TrimPrefix(inputs[0], packages[0]+"="))
	if upstream != "" {
		upstream = "-" + upstream
	}
	return s.add(strings.Replace(spec.name, "@", upstream, 1), inputs, func(out, full string) ([]string, error) {
		lib := filepath.Join(out, "lib")
		if err := os.MkdirAll(lib, 0o755); err != nil {
			return nil, err
		}
		for _, pkg := range packages {
			d, err := debian(pkg)
			if err != nil {
				return nil, err
			}
			if err := copyLibraries(d, lib); err != nil {
				return nil, err
			}
		}
		if attribute == "libgcc" {
			return nil, nil
		}
		return s.runpaths(lib, full, packages)
	})
}

// versions returns the installed versions of packages, each as NAME=VERSION.
func versions(packages ...string) ([]string, error) {
	var out []string
	for _, pkg := range packages {
		_, here, _, err := find(pkg)
		if err != nil {
			return nil, err
		}
		version := here.version // empty where it is not installed
		if _, after, ok := strings.Cut(version, ":"); ok {
			version = after // without the epoch
		}
		out = append(out, pkg+"="+version)
	}
	return out, nil
}

// copyLibraries copies the libraries of a package, links as links.
func copyLibraries(d deb, lib string) error {
	for name, file := range d.files {
		if !strings.Contains(name, ".so") {
			continue
		}
		target := filepath.Join(lib, name)
		if _, err := os.Lstat(target); err == nil {
			continue
		}
		if text, err := os.Readlink(file); err == nil && filepath.Base(text) == text && d.files[text] != "" {
			if err := os.Symlink(text, target); err != nil {
				return err
			}
			continue
		}
		if !isELF(file) {
			continue // a linker script, a link to another package
		}
		if err := copyFile(file, target); err != nil {
			return err
		}
		if err := os.Chmod(target, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// runpaths gives each ELF file in dir, which is in the store path self, a RUNPATH of the store
// paths that provide what it needs; they are returned. The providers are looked for among packages
// and what these depend on.
func (s *store) runpaths(dir, self string, packages []string) (refs []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		file := filepath.Join(dir, entry.Name())
		if !entry.Type().IsRegular() || !isELF(file) {
			continue
		}
		found, err := s.providers(file, self, packages)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			continue
		}
		var paths []string
		for _, name := range found {
			paths = append(paths, "/nix/store/"+name+"/lib")
			if name != self {
				refs = append(refs, name)
			}
		}
		if _, err := run("patchelf", "--set-rpath", strings.Join(paths, ":"), file); err != nil {
			return nil, err
		}
	}
	return refs, nil
}

// providers returns the names of the store paths that have what an ELF file needs.
func (s *store) providers(file, self string, packages []string) ([]string, error) {
	names, err := needed(file)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, soname := range names {
		var path string
		if _, err := os.Stat(filepath.Join(filepath.Dir(file), soname)); err == nil {
			path = self
		} else {
			attribute, err := provider(soname, packages)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
			}
			if path, err = s.library(attribute); err != nil {
				return nil, err
			}
		}
		if !slices.Contains(out, path) {
			out = append(out, path)
		}
	}
	return out, nil
}

// provider returns the attribute that has soname, looking at the packages and, nearest first, at
// what they depend on.
func provider(soname string, packages []string) (string, error) {
	libc, err := debian("libc6")
	if err != nil {
		return "", err
	}
	if libc.files[soname] != "" {
		return "glibc", nil
	}
	seen := map[string]bool{}
	for queue := slices.Clone(packages); len(queue) > 0; queue = queue[1:] {
		pkg := queue[0]
		if seen[pkg] || pkg == "libc6" {
			continue
		}
		seen[pkg] = true
		d, err := debian(pkg)
		if err != nil {
			return "", err
		}
		if d.files[soname] != "" {
			return of(pkg), nil
		}
		for _, dep := range d.depends {
			if strings.HasPrefix(dep, "lib") || strings.HasPrefix(dep, "zlib") {
				queue = append(queue, dep)
			}
		}
	}
	return "", fmt.Errorf("no Debian package of %q has %s", packages, soname)
}

// needed returns the sonames that an ELF file needs.
func needed(file string) ([]string, error) {
	f, err := elf.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ImportedLibraries()
}

func isELF(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [4]byte
	n, _ := f.Read(magic[:])
	return string(magic[:n]) == elf.ELFMAG
}
