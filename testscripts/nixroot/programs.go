package nixroot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"uvshim/testscripts/parts"
)

// program returns a store path with the programs of a Debian package, which have the store's
// loader and RUNPATHs. links are further names in its bin directory.
func (s *store) program(name, pkg string, links map[string]string) (string, error) {
	if made := s.made[name]; made != "" {
		return made, nil
	}
	inputs, err := versions(pkg)
	if err != nil {
		return "", err
	}
	glibc, err := s.library("glibc")
	if err != nil {
		return "", err
	}
	full, err := s.add(name, append(inputs, glibc, fmt.Sprint(links)), func(out, full string) ([]string, error) {
		d, err := debian(pkg)
		if err != nil {
			return nil, err
		}
		bin := filepath.Join(out, "bin")
		if err := os.MkdirAll(bin, 0o755); err != nil {
			return nil, err
		}
		refs := []string{glibc}
		for name, file := range d.files {
			target := filepath.Join(bin, name)
			if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() || !isELF(file) {
				continue // bash's scripts
			}
			found, err := s.adopt(file, target, glibc, []string{pkg})
			if err != nil {
				return nil, err
			}
			refs = append(refs, found...)
		}
		for name, target := range links {
			if err := os.Symlink(target, filepath.Join(bin, name)); err != nil {
				return nil, err
			}
		}
		return refs, nil
	})
	s.made[name] = full
	return full, err
}

// adopt copies a program and makes it one that Nix built: its loader and what it needs are in the
// store. packages are where to look for the latter.
func (s *store) adopt(from, to, glibc string, packages []string) (refs []string, err error) {
	if err := copyFile(from, to); err != nil {
		return nil, err
	}
	if err := os.Chmod(to, 0o755); err != nil {
		return nil, err
	}
	refs, err = s.providers(to, "", packages)
	if err != nil || len(refs) == 0 {
		return nil, err // static
	}
	var paths []string
	for _, name := range refs {
		paths = append(paths, "/nix/store/"+name+"/lib")
	}
	_, err = run("patchelf", "--set-interpreter", "/nix/store/"+glibc+"/lib/ld-linux-x86-64.so.2",
		"--set-rpath", strings.Join(paths, ":"), to)
	return refs, err
}

// busybox returns the store path of busybox, which is static: the tools that coreutils and bash
// do not have.
func (s *store) busybox() (string, error) {
	inputs, err := versions("busybox-static")
	if err != nil {
		return "", err
	}
	return s.add("busybox", inputs, func(out, _ string) ([]string, error) {
		d, err := debian("busybox-static")
		if err != nil {
			return nil, err
		}
		bin := filepath.Join(out, "bin")
		if err := os.MkdirAll(bin, 0o755); err != nil {
			return nil, err
		}
		if err := copyFile(d.files["busybox"], filepath.Join(bin, "busybox")); err != nil {
			return nil, lack(err)
		}
		names, err := run(filepath.Join(bin, "busybox"), "--list")
		if err != nil {
			return nil, err
		}
		for _, name := range strings.Fields(names) {
			if name == "busybox" || name == "sh" || name == "ash" {
				continue
			}
			if err := os.Symlink("busybox", filepath.Join(bin, name)); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
}

// uv returns the store path of the real uv, as from Nix.
func (s *store) uv() (string, error) {
	exe, err := parts.FetchUV()
	if err != nil {
		return "", lack(err)
	}
	info, err := os.Stat(exe)
	if err != nil {
		return "", lack(err)
	}
	version, err := run(exe, "--version")
	if err != nil {
		return "", lack(err)
	}
	field := strings.Fields(version)
	if len(field) < 2 {
		return "", fmt.Errorf("%s --version prints %q", exe, version)
	}
	glibc, err := s.library("glibc")
	if err != nil {
		return "", err
	}
	return s.add("uv-"+field[1], []string{fmt.Sprint(info.Size(), info.ModTime()), glibc}, func(out, _ string) ([]string, error) {
		bin := filepath.Join(out, "bin")
		if err := os.MkdirAll(bin, 0o755); err != nil {
			return nil, err
		}
		var refs []string
		for _, name := range []string{"uv", "uvx"} {
			found, err := s.adopt(filepath.Join(filepath.Dir(exe), name), filepath.Join(bin, name), glibc, []string{"libgcc-s1"})
			if err != nil {
				return nil, err
			}
			refs = append(refs, found...)
		}
		return refs, nil
	})
}
