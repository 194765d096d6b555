package preflight

import (
	"uvshim/shim/host"
	"uvshim/shim/nixld"
)

// Native returns the verdict on the loader that a Python of uv's making would have on this machine,
// before there is one.
func Native(sys *nixld.System, env host.Env) Verdict {
	v := Verdict{Outcome: OK, Python: "a Python that uv installs"}
	release, _ := nixld.ReadRelease(sys)
	v.NixOS, v.Release = release.NixOS, release.Nixpkgs()
	interp, machine := nixld.NativeInterp()
	state := nixld.Examine(sys, env, interp, machine)
	v.nixLD(&state)
	v.loader(&state)
	return v
}
