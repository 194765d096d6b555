package version

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"uvshim/testscripts/parts"
)

// A realUV is a real uv with directories of its own, no configuration and no network.
type realUV struct {
	path, dir string
}

// findUV returns the real uv.
func findUV(t *testing.T) realUV {
	t.Helper()
	if runtime.GOOS != "linux" || uvArch() == "" {
		parts.Missing(t, errors.New("the fake interpreters are for Linux on x86_64 and aarch64"))
	}
	path, err := filepath.Abs(parts.UV(t))
	if err != nil {
		t.Fatal(err)
	}
	u := realUV{path, t.TempDir()}
	for _, name := range []string{"home", "cache", "config", "data", "state", "etc", "python", "path", "work"} {
		if err := os.Mkdir(filepath.Join(u.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if out := u.run(t, "work", "--version"); out.code != 0 {
		t.Fatalf("%s --version: %s", path, out.stderr)
	}
	return u
}

func uvArch() string {
	return map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
}

type output struct {
	stdout, stderr string
	code           int
}

// run starts uv in a directory of u's.
func (u realUV) run(t *testing.T, dir string, args ...string) output {
	t.Helper()
	cmd := exec.Command(u.path, args...)
	cmd.Dir = filepath.Join(u.dir, dir)
	at := func(name, dir string) string { return name + "=" + filepath.Join(u.dir, dir) }
	cmd.Env = []string{
		at("HOME", "home"), at("XDG_CONFIG_HOME", "config"), at("XDG_CONFIG_DIRS", "etc"),
		at("XDG_DATA_HOME", "data"), at("XDG_STATE_HOME", "state"), at("XDG_CACHE_HOME", "cache"),
		at("UV_CACHE_DIR", "cache"), at("UV_PYTHON_INSTALL_DIR", "python"),
		at("PATH", "path"), at("UV_PYTHON_SEARCH_PATH", "path"),
		"UV_OFFLINE=1", "UV_PYTHON_DOWNLOADS=never", "UV_LIBC=gnu", "NO_COLOR=1", "RUST_MIN_STACK=8388608",
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("starting uv: %v", err)
	}
	return output{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// find returns the install directory of the interpreter that uv finds, or "" and what it says.
func (u realUV) find(t *testing.T, dir string, request ...string) (name, said string) {
	t.Helper()
	out := u.run(t, dir, append([]string{"python", "find", "--"}, request...)...)
	if out.code != 0 {
		return "", strings.TrimSpace(out.stderr)
	}
	path, ok := strings.CutPrefix(strings.TrimSpace(out.stdout), filepath.Join(u.dir, "python")+"/")
	if !ok {
		t.Fatalf("uv python find %q answers with %q", request, out.stdout)
	}
	name, _, _ = strings.Cut(path, "/")
	return name, strings.TrimSpace(out.stderr)
}

// install makes an install directory that holds a fake interpreter: a shell script that answers
// uv's question with what i is, and needs no program but the shell.
func (u realUV) install(t *testing.T, i Interpreter) {
	t.Helper()
	dir := filepath.Join(u.dir, "python", i.Key())
	u.script(t, filepath.Join(dir, "bin", i.Executable()), i)
}

func (u realUV) script(t *testing.T, path string, i Interpreter) {
	t.Helper()
	i.Version.Parts = 3 // no Python says less of itself
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	minor := fmt.Sprintf("%d.%d", i.Version.Major, i.Version.Minor)
	platform := `"os":{"name":"manylinux","major":2,"minor":35},"arch":"` + uvArch() + `"`
	const scheme = `"data":"","include":"include","platlib":"lib","purelib":"lib","scripts":"bin"`
	answer := `{"result":"success",` + platform + `,"platform":{` + platform + `},` +
		`"cpu_info":{"unavailable":"fake"},"manylinux_compatible":true,"standalone":true,` +
		fmt.Sprintf(`"gil_disabled":%t,"debug_enabled":%t,`, i.freethreaded(), i.debug()) +
		`"pointer_size":"64","markers":{"implementation_name":"` + i.Impl + `",` +
		`"implementation_version":"` + i.Version.String() + `","os_name":"posix",` +
		`"platform_machine":"` + uvArch() + `","platform_python_implementation":"` + i.Impl + `",` +
		`"platform_release":"6","platform_system":"Linux","platform_version":"1",` +
		`"python_full_version":"` + i.Version.String() + `","python_version":"` + minor + `",` +
		`"sys_platform":"linux"},"sys_base_exec_prefix":"@home","sys_base_prefix":"@home",` +
		`"sys_prefix":"@home","sys_base_executable":"@self","sys_executable":"@self",` +
		`"sys_path":[],"site_packages":["@home/lib"],"stdlib":"@home/lib","extension_suffixes":[".so"],` +
		`"scheme":{` + scheme + `},"virtualenv":{` + scheme + `}}`
	answer = strings.NewReplacer("@home", `'"$home"'`, "@self", `'"$0"'`).Replace(answer)
	text := "#!/bin/sh\nhome=${0%/bin/*}\nprintf '%s\\n' '" + answer + "'\n"
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// fake returns a CPython or PyPy for this machine: "3.14.1+debug", "pypy-3.11.13".
func fake(t *testing.T, text string) Interpreter {
	t.Helper()
	if !strings.Contains(text, "-") {
		text = "cpython-" + text
	}
	i, err := ParseKey(text + "-linux-" + uvArch() + "-gnu")
	if err != nil {
		t.Fatal(err)
	}
	return i
}
