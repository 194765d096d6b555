package nixroot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A Loader is what stands at Interp in a root.
type Loader string

const (
	NixLD    Loader = "nix-ld"   // a stand-in for nix-ld 2.0.6: standin/nix-ld.c
	Stub     Loader = "stub"     // a stand-in for stub-ld: standin/stub-ld.c
	None     Loader = "none"     // nothing
	Dangling Loader = "dangling" // a link to a store path that is not there
)

// Interp is the path of the loader in foreign programs.
const Interp = "/lib64/ld-linux-x86-64.so.2"

// A system is what a NixOS configuration is built from.
type system struct {
	libraries []string
	loader    Loader
	release   string // "25.11"
	uv        bool
	python    string // store path of a Nix-built Python, or empty
	noLDSo    bool
}

// loaderTarget returns where the link at Interp leads, "" for none, and the store paths behind it.
func (s *store) loaderTarget(l Loader) (target string, names []string, err error) {
	switch l {
	case NixLD:
		name, err := s.nixLD()
		return "/nix/store/" + name + "/libexec/nix-ld", []string{name}, err
	case Stub:
		name, err := s.stub()
		return "/nix/store/" + name, []string{name}, err
	case Dangling:
		return "/nix/store/" + hash("collected") + "-nix-ld-2.0.4/libexec/nix-ld", nil, nil
	case None:
		return "", nil, nil
	}
	return "", nil, fmt.Errorf("unknown loader %q", l)
}

// build lays a system generation into the root's store and returns its path there.
func (r *Root) build(sys system) (string, error) {
	s := r.store
	var programs []string
	for _, program := range []func() (string, error){
		func() (string, error) { return s.program("coreutils", "coreutils", nil) },
		func() (string, error) { return s.program("bash-interactive", "bash", map[string]string{"sh": "bash"}) },
		s.busybox,
	} {
		name, err := program()
		if err != nil {
			return "", err
		}
		programs = append(programs, name)
	}
	if sys.uv {
		name, err := s.uv()
		if err != nil {
			return "", err
		}
		programs = append(programs, name)
	}
	if sys.python != "" {
		programs = append(programs, sys.python)
	}
	target, refs, err := s.loaderTarget(sys.loader)
	if err != nil {
		return "", err
	}
	glibc, err := s.library("glibc")
	if err != nil {
		return "", err
	}
	refs = append(append(refs, glibc), programs...)
	var libraries []string
	for _, attribute := range sys.libraries {
		name, err := s.library(attribute)
		if err != nil {
			return "", err
		}
		libraries = append(libraries, name)
	}
	if err := s.lay(r.Path("/nix/store"), append(refs, libraries...)...); err != nil {
		return "", err
	}
	share := ""
	if sys.loader == NixLD {
		if share, err = r.libraryPath(glibc, libraries, !sys.noLDSo); err != nil {
			return "", err
		}
	}
	sw, err := r.systemPath(programs, share)
	if err != nil {
		return "", err
	}
	etc, err := r.etc(sys, target)
	if err != nil {
		return "", err
	}
	path := "/nix/store/" + hash("system", sw, etc) + "-nixos-system-nixos-" + sys.release
	return path, r.once(path, func(dir string) error {
		if err := os.Symlink(sw, filepath.Join(dir, "sw")); err != nil {
			return err
		}
		if err := os.Symlink(etc+"/etc", filepath.Join(dir, "etc")); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "nixos-version"), []byte(sys.release+".kit"), 0o444)
	})
}

// once fills a directory of the root's store that is not there yet.
func (r *Root) once(path string, fill func(dir string) error) error {
	dir := r.Path(path)
	if _, err := os.Lstat(dir); err == nil {
		return nil
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return fill(dir)
}

// libraryPath lays nix-ld's library directory, a buildEnv with the children of each lib directory,
// of which the first of a name wins, and the real loader as ld.so (nixpkgs
// nixos/modules/programs/nix-ld.nix).
func (r *Root) libraryPath(glibc string, libraries []string, ldSo bool) (string, error) {
	path := "/nix/store/" + hash("ld-library-path", glibc, fmt.Sprint(libraries, ldSo)) + "-ld-library-path"
	return path, r.once(path, func(dir string) error {
		lib := filepath.Join(dir, "share/nix-ld/lib")
		if err := os.MkdirAll(lib, 0o755); err != nil {
			return err
		}
		for _, name := range libraries {
			if err := linkChildren(r, "/nix/store/"+name+"/lib", lib); err != nil {
				return err
			}
		}
		if !ldSo {
			return nil
		}
		return os.Symlink("/nix/store/"+glibc+"/lib/ld-linux-x86-64.so.2", filepath.Join(lib, "ld.so"))
	})
}

// systemPath lays environment.systemPackages, what /run/current-system/sw is.
func (r *Root) systemPath(programs []string, share string) (string, error) {
	path := "/nix/store/" + hash("system-path", fmt.Sprint(programs, share)) + "-system-path"
	return path, r.once(path, func(dir string) error {
		for _, below := range []string{"bin", "lib", "share"} {
			if err := os.Mkdir(filepath.Join(dir, below), 0o755); err != nil {
				return err
			}
		}
		for _, name := range programs {
			for _, below := range []string{"bin", "lib"} { // of environment.pathsToLink
				err := linkChildren(r, "/nix/store/"+name+"/"+below, filepath.Join(dir, below))
				if err != nil && !os.IsNotExist(err) {
					return err
				}
			}
		}
		if share == "" {
			return nil
		}
		return os.Symlink(share+"/share/nix-ld", filepath.Join(dir, "share/nix-ld"))
	})
}

// linkChildren links the children of from, a directory of the root, into the directory to.
func linkChildren(r *Root, from, to string) error {
	entries, err := os.ReadDir(r.Path(from))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		err := os.Symlink(from+"/"+entry.Name(), filepath.Join(to, entry.Name()))
		if err != nil && !os.IsExist(err) {
			return err
		}
	}
	return nil
}

// etc lays what /etc/static is. loader is the target of the link at Interp.
func (r *Root) etc(sys system, loader string) (string, error) {
	rule := "r " + Interp + " - - - - -\n" // nixpkgs nixos/modules/config/ldso.nix
	if loader != "" {
		rule = "L+ " + Interp + " - - - - " + loader + "\n"
	}
	files := map[string]string{
		"os-release": fmt.Sprintf("ANSI_COLOR=\"0;38;2;126;186;228\"\nID=nixos\nID_LIKE=\"\"\nNAME=NixOS\nPRETTY_NAME=\"NixOS %[1]s (kit)\"\n"+
			"VERSION=\"%[1]s (kit)\"\nVERSION_CODENAME=kit\nVERSION_ID=\"%[1]s\"\n", sys.release),
		"set-environment":          setEnvironment(sys.loader == NixLD),
		"profile":                  "if [ -z \"$__NIXOS_SET_ENVIRONMENT_DONE\" ]; then . /etc/set-environment; fi\n",
		"pam/environment":          pamEnvironment(sys.loader == NixLD),
		"tmpfiles.d/00-nixos.conf": "# the rules of the NixOS modules\nd /nix/var 0755 root root - -\n" + rule,
		"passwd": fmt.Sprintf("root:x:0:0:System administrator:/root:/run/current-system/sw/bin/bash\n"+
			"user:x:%d:%d::%s:/run/current-system/sw/bin/bash\nnobody:x:65534:65534::/var/empty:/run/current-system/sw/bin/nologin\n", userID, groupID, userHome),
		"group":         fmt.Sprintf("root:x:0:\nusers:x:%d:\nnogroup:x:65534:\n", groupID),
		"nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
		"hosts":         "127.0.0.1 localhost\n::1 localhost\n",
	}
	path := "/nix/store/" + hash("etc", fmt.Sprint(files)) + "-etc" // fmt sorts the keys of a map
	return path, r.once(path, func(dir string) error {
		for name, text := range files {
			file := filepath.Join(dir, "etc", name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(file, []byte(text), 0o444); err != nil {
				return err
			}
		}
		return nil
	})
}

// What nix-ld's module puts into the environment, and the PATH of a login with
// environment.localBinInPath (nixpkgs nixos/modules/config/shells-environment.nix).
const (
	nixLDDir  = "/run/current-system/sw/share/nix-ld/lib"
	loginPath = "/run/wrappers/bin:$HOME/.nix-profile/bin:/nix/profile/bin:$HOME/.local/state/nix/profile/bin:" +
		"/etc/profiles/per-user/$USER/bin:/nix/var/nix/profiles/default/bin:/run/current-system/sw/bin"
)

// setEnvironment returns /etc/set-environment.
func setEnvironment(nixLD bool) string {
	var b strings.Builder
	b.WriteString("# set by programs' logins, once a session\nexport __NIXOS_SET_ENVIRONMENT_DONE=1\n")
	if nixLD {
		b.WriteString("export NIX_LD=\"" + nixLDDir + "/ld.so\"\nexport NIX_LD_LIBRARY_PATH=\"" + nixLDDir + "\"\n")
	}
	b.WriteString("export PATH=\"" + loginPath + "\"\n\n# environment.localBinInPath\nexport PATH=\"$HOME/.local/bin:$PATH\"\n")
	return b.String()
}

// pamEnvironment returns /etc/pam/environment, which a login without a shell has.
func pamEnvironment(nixLD bool) string {
	text := "PATH DEFAULT=\"" + strings.NewReplacer("$HOME", "@{HOME}", "$USER", "@{PAM_USER}").Replace(loginPath) + "\"\n"
	if nixLD {
		text += "NIX_LD DEFAULT=\"" + nixLDDir + "/ld.so\"\nNIX_LD_LIBRARY_PATH DEFAULT=\"" + nixLDDir + "\"\n"
	}
	return text
}

// activate makes the generation at path the running one, each link in one step, as
// nixos-rebuild switch and systemd-tmpfiles do.
func (r *Root) activate(path, loader string) error {
	r.number++
	profile := fmt.Sprintf("/nix/var/nix/profiles/system-%d-link", r.number)
	for _, link := range [][2]string{
		{profile, path},
		{"/nix/var/nix/profiles/system", filepath.Base(profile)},
		{"/run/current-system", path},
		{"/etc/static", path + "/etc"},
		{Interp, loader},
	} {
		if err := replaceLink(r.Path(link[0]), link[1]); err != nil {
			return err
		}
	}
	return nil
}

// replaceLink makes the link at path lead to target, or takes it away where target is empty.
func replaceLink(path, target string) error {
	if target == "" {
		err := os.Remove(path)
		if os.IsNotExist(err) {
			return nil
		}
		return err
	}
	fresh := path + ".new"
	if err := os.Symlink(target, fresh); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}
