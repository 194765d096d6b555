package shim

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"

	"uvshim/shim/elfdeps"
	"uvshim/shim/lock"
	"uvshim/shim/nixld"
)

// recordSystem puts the real uv, and the nix-ld where there is one, into the lock.
func (p *program) recordSystem() {
	var r lock.Record
	if r.UV, r.NixLD = p.system(); r.UV == nil && r.NixLD == nil {
		return
	}
	p.note(r)
}

// system returns the real uv, and the nix-ld where there is one, for the lock. It returns nothing in
// a shell with an environment of its own, in which another uv or another NIX_LD may stand before
// the user's.
func (p *program) system() (*lock.UV, *lock.NixLD) {
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX", "IN_NIX_SHELL", "DIRENV_DIR", "UV"} {
		if p.host.Env.Get(name) != "" {
			return nil, nil
		}
	}
	return p.usedUV(), p.usedNixLD()
}

func (p *program) usedUV() *lock.UV {
	path, ok := p.findUV("uv")
	if !ok {
		return nil
	}
	version, err := p.facts.File("uv-version", path, func(path string) ([]byte, error) {
		cmd := exec.Command(path, "--version")
		cmd.Env = p.host.Env
		out, err := cmd.Output()
		fields := strings.Fields(string(out)) // uv 0.13.9 (x86_64-unknown-linux-gnu)
		if err != nil || len(fields) < 2 || fields[0] != "uv" {
			return nil, errors.Join(err, errors.New("no version of uv"))
		}
		return []byte(fields[1]), nil
	})
	if err != nil {
		return nil
	}
	return &lock.UV{Path: path, Version: string(version)}
}

// usedNixLD returns the nix-ld that runs foreign programs of this machine's own kind.
func (p *program) usedNixLD() *lock.NixLD {
	interp, machine := nixld.NativeInterp()
	system := nixld.Running()
	state := nixld.Examine(system, p.host.Env, interp, machine)
	if state.Loader.Kind != nixld.NixLD {
		return nil
	}
	used := &lock.NixLD{Loader: state.Loader.Real, Glibc: state.Target.Version}
	for _, dir := range elfdeps.SplitPath(state.Settings.Library.Value) {
		if real, err := system.Real(dir); err == nil {
			dir = real
		}
		used.Libraries = append(used.Libraries, filepath.Clean(dir))
	}
	return used
}
