package doctor

import "time"

// Checks returns all checks, in the order of what a call needs: the shims, what they run, its loader
// and libraries, then what is kept.
func Checks() []Check {
	return []Check{
		{ID: "shims", Title: "the shims", About: User, Look: shims},
		{ID: "path", Title: "PATH of this shell", About: Session, Look: shellPath},
		{ID: "login-path", Title: "PATH of a login shell", About: Session, Look: loginPath},
		{ID: "path-writable", Title: "who can write on PATH", About: Session, Look: pathWritable},
		{ID: "other-shims", Title: "shims of other version managers", About: Session, Look: otherShims},
		{ID: "switches", Title: "SHIM_ variables", About: Session, Look: switches},
		{ID: "policy", Title: "the policy", About: User, Look: policyValid},
		{ID: "uv", Title: "the real uv", About: User, Look: realUV},
		{ID: "interpreters", Title: "the interpreters", About: User, Look: interpreters},
		{ID: "default", Title: "the default Python", About: User, Look: defaultPython},
		{ID: "undeclared", Title: "what is installed and not declared", About: User, Look: undeclared},
		{ID: "home-manager", Title: "the policy beside Home Manager", About: User, Look: homeManager},
		{ID: "unused", Title: "what has long not been used", About: User, Look: unused},
		{ID: "tools", Title: "the tools", About: User, Look: tools},
		{ID: "bin-links", Title: "uv's links to interpreters and tools", About: User, Look: binLinks},
		{ID: "local-bin", Title: "uv's bin directory on PATH", About: System, Look: localBin},
		{ID: "nix-python", Title: "Pythons from Nix", About: System, Look: nixPython},
		{ID: "loader", Title: "the loader", About: System, Look: loader},
		{ID: "nix-ld-values", Title: "what nix-ld is told", About: System, Look: nixLDValues},
		{ID: "services", Title: "what services are told", About: Session, Look: services},
		{ID: "environments", Title: "the interpreters of recorded environments", About: User, Limit: scanning, Look: environments},
		{ID: "coverage", Title: "the libraries of recorded environments", About: User, Limit: scanning, Look: coverage},
		{ID: "next", Title: "what a next generation takes away", About: User, Limit: scanning, Look: next},
		{ID: "libraries", Title: "the list of libraries", About: User, Limit: scanning, Look: libraries},
		{ID: "fixed", Title: "what shim fix provides", About: User, Look: fixed},
		{ID: "ld-library-path", Title: "LD_LIBRARY_PATH", About: Session, Look: libraryPath},
		{ID: "pythonpath", Title: "PYTHONPATH", About: Session, Look: pythonPath},
		{ID: "nix-shell", Title: "what a Nix shell left behind", About: Session, Look: nixShell},
		{ID: "lock", Title: "the lock", About: User, Look: lockReadable},
		{ID: "changes", Title: "changes that failed", About: User, Look: changes},
		{ID: "interrupted", Title: "what was interrupted", About: User, Look: interrupted},
		{ID: "cache", Title: "what is remembered", About: User, Look: cache},
	}
}

// scanning is for the checks that look into environments. What is remembered of a hundred is read in
// a fraction of a second; a first look at large ones may wait for the disk.
const scanning = 3 * time.Minute
