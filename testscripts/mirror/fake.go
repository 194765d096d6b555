package mirror

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"uvshim/testscripts/parts"
)

// FakePython returns a /bin/sh script that passes for the Python of that version ("3.14.1",
// "3.15.0a1", "3.13.8+freethreaded", "pypy-3.11.13"): it answers uv's probe and -V, and otherwise
// says that it is a fake, under which path it was started, its prefix and its arguments, and exits
// with FAKE_EXIT or 0. It needs nothing on PATH.
func FakePython(version string) (string, error) {
	r, err := parseRelease(version)
	if err != nil {
		return "", err
	}
	name, platform := "cpython", "CPython"
	if r.name == "pypy" {
		name, platform = "pypy", "PyPy"
	}
	return strings.NewReplacer(
		"@EXE@", r.exe(), "@LIB@", r.lib(), "@FULL@", r.number(), "@MINOR@", r.minor(),
		"@NAME@", name, "@PLATFORM@", platform, "@MACHINE@", parts.Machine(),
		"@FREE@", fmt.Sprint(r.variant == "freethreaded"),
	).Replace(script), nil
}

// The prefix is found as CPython finds it: by a pyvenv.cfg one above the executable, else by the
// standard library beside it, else by following the link. The top-level fields of the answer are
// those that uv 0.13 reads.
const script = `#!/bin/sh
# a fake Python @FULL@ for tests
case $0 in */*) exe=$0 ;; *) exe=$(command -v "$0") ;; esac
case $exe in /*) ;; *) exe=$PWD/$exe ;; esac
bin=${exe%/*}
base=$exe
prefix=${bin%/*}
if [ -f "$prefix/pyvenv.cfg" ]; then
	while read -r key equals value; do
		if [ "$key" = home ]; then base=$value/@EXE@; fi
	done <"$prefix/pyvenv.cfg"
elif [ ! -d "$prefix/lib/@LIB@" ] && [ -L "$exe" ]; then
	base=$(PATH=$PATH:/usr/bin:/bin:/run/current-system/sw/bin readlink -f "$exe")
	prefix=${base%/*/*}
fi
home=${base%/*/*}
case "$*" in
*get_interpreter_info*)
	echo '{"result": "success", "os": {"name": "manylinux", "major": 2, "minor": 35}, "arch": "@MACHINE@",
"cpu_info": {"unavailable": "fake"}, "manylinux_compatible": true, "standalone": true,
"gil_disabled": @FREE@, "debug_enabled": false, "pointer_size": "64",
"markers": {"implementation_name": "@NAME@", "implementation_version": "@FULL@", "os_name": "posix",
  "platform_machine": "@MACHINE@", "platform_python_implementation": "@PLATFORM@", "platform_release": "6",
  "platform_system": "Linux", "platform_version": "#1", "python_full_version": "@FULL@",
  "python_version": "@MINOR@", "sys_platform": "linux"},'
	site=lib/@LIB@/site-packages
	echo "\"sys_base_exec_prefix\": \"$home\", \"sys_base_prefix\": \"$home\", \"sys_prefix\": \"$prefix\",
\"sys_base_executable\": \"$base\", \"sys_executable\": \"$exe\", \"sys_path\": [\"$home/lib/@LIB@\"],
\"site_packages\": [\"$prefix/$site\"], \"stdlib\": \"$home/lib/@LIB@\", \"extension_suffixes\": [\".so\"],
\"scheme\": {\"data\": \"$prefix\", \"include\": \"$prefix/include\", \"platlib\": \"$prefix/$site\",
  \"purelib\": \"$prefix/$site\", \"scripts\": \"$prefix/bin\"},
\"virtualenv\": {\"data\": \"\", \"include\": \"include\", \"platlib\": \"$site\", \"purelib\": \"$site\", \"scripts\": \"bin\"}}"
	;;
-V | --version) echo "Python @FULL@" ;;
*) echo "fake python @FULL@ exe=$exe prefix=$prefix args=$*" ;;
esac
exit "${FAKE_EXIT:-0}"
`

// layFake puts the smallest tree that uv installs below dir: the executable and its usual names,
// the landmark by which uv finds a standard library, and the settings that uv patches, which it
// knows by their comment.
func layFake(dir string, r release) error {
	text, err := FakePython(r.String())
	if err != nil {
		return err
	}
	lib := filepath.Join(dir, "lib", r.lib())
	if err := os.MkdirAll(filepath.Join(lib, "site-packages"), 0o755); err != nil {
		return err
	}
	settings := "# system configuration generated and used by the sysconfig module\nbuild_time_vars = {}\n"
	for path, file := range map[string]string{"os.py": "", "_sysconfigdata_fake.py": settings} {
		if err := os.WriteFile(filepath.Join(lib, path), []byte(file), 0o644); err != nil {
			return err
		}
	}
	bin := filepath.Join(dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(bin, r.exe()), []byte(text), 0o755); err != nil {
		return err
	}
	return link(bin, r)
}

// link gives the executable its unversioned names.
func link(bin string, r release) error {
	names := []string{"python", "python3"}
	if r.name == "pypy" {
		names = append(names, "python"+r.minor(), "pypy", "pypy3")
	}
	for _, name := range names {
		if err := os.Symlink(r.exe(), filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	return nil
}
