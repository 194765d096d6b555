package shim

import (
	"os/exec"
	"path/filepath"
	"strings"

	"uvshim/shim/elfdeps"
	"uvshim/shim/lock"
	"uvshim/shim/nixld"
)

// recordSystem puts the real uv, and the nix-ld where there is one, into the lock. Not from a shell
// with an environment of its own, in which another uv or another NIX_LD may stand before the
// user's.
func (p *program) recordSystem() {
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX", "IN_NIX_SHELL", "DIRENV_DIR", "UV"} {
		if p.host.Env.Get(name) != "" {
			return
		}
	}
	r := lock.Record{UV: p.usedUV(), NixLD: p.usedNixLD()}
	if r.UV == nil && r.NixLD == nil {
		return
	}
	store := lock.Open(p.host)
	if _, err := store.Note(r); err != nil {
		p.debug("the system is not recorded: %v", err)
		return
	}
	for _, err := range store.Fold(foldWait) {
		p.say.Warning("%v", err)
	}
}

func (p *program) usedUV() *lock.UV {
	path, ok := p.findUV("uv")
	if !ok {
		return nil
	}
	out, err := exec.Command(path, "--version").Output()
	fields := strings.Fields(string(out)) // uv 0.13.9 (x86_64-unknown-linux-gnu)
	if err != nil || len(fields) < 2 || fields[0] != "uv" {
		return nil
	}
	return &lock.UV{Path: path, Version: fields[1]}
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
