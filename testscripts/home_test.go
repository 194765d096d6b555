package testscripts

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"uvshim/shim/host"
	"uvshim/testscripts/mirror"
	"uvshim/testscripts/parts"
)

// A home is a machine of one's own for one script or test.
type home struct {
	testing.TB
	Work    string   // below it lies everything
	Home    string   // HOME
	ShimDir string   // the shims
	Env     host.Env // of what Run starts; of a script, only at its start
}

// tools are the programs on PATH without asking. Some may be missing on a machine.
var tools = []string{
	"sh", "env", "cat", "ls", "mkdir", "rmdir", "ln", "rm", "chmod", "cp", "mv", "touch", "stat", "readlink", "realpath",
	"basename", "dirname", "grep", "sed", "head", "tail", "sort", "uniq", "wc", "tr", "cut", "seq", "xargs", "find", "tee",
	"printf", "echo", "test", "true", "false", "id", "date", "sleep", "kill", "timeout", "nohup", "setsid", "mkfifo", "uname",
}

// lay makes the directories and the shims of h, which has Work and an environment with WORK and
// TMPDIR, and completes the environment.
func (h *home) lay() error {
	h.Home = filepath.Join(h.Work, "home")
	h.ShimDir = filepath.Join(h.Home, ".local", "share", "shim", "bin")
	for _, dir := range []string{h.Home, h.ShimDir, h.toolsDir(), filepath.Join(h.Work, "bin")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := h.shims("shim", "python", "python3", "uv", "uvx", "pip", "pip3"); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(h.ShimDir, ".shim-dir"), nil, 0o644); err != nil {
		return err
	}
	for _, name := range tools {
		if path, err := exec.LookPath(name); err == nil {
			if err := h.tool(name, path); err != nil {
				return err
			}
		}
	}
	// uv's own list of downloads is not to be had offline: without a mirror there are none
	none := filepath.Join(h.Work, ".kit", "no-downloads.json")
	if err := os.WriteFile(none, []byte("{}"), 0o644); err != nil {
		return err
	}
	path := h.ShimDir + ":" + filepath.Join(h.Work, "bin") + ":" + h.toolsDir()
	for _, v := range [][2]string{
		{"HOME", h.Home}, {"PATH", path}, {"LANG", "C.UTF-8"},
		{"SHIM", filepath.Join(h.ShimDir, "shim")}, {"SHIMDIR", h.ShimDir},
		{"UV_OFFLINE", "1"}, {"UV_CACHE_DIR", filepath.Join(h.Work, ".kit", "uv-cache")},
		{"UV_PYTHON_DOWNLOADS_JSON_URL", none},
	} {
		h.Env = h.Env.With(v[0], v[1])
	}
	return nil
}

func (h *home) toolsDir() string { return filepath.Join(h.Work, ".kit", "tools") }

// tool puts the program at path on PATH as name.
func (h *home) tool(name, path string) error {
	err := os.Symlink(path, filepath.Join(h.toolsDir(), name))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// shims puts the program under test into the shim directory under the names: hard links, or
// copies where the temporary directory spans file systems.
func (h *home) shims(names ...string) error {
	for _, name := range names {
		path := filepath.Join(h.ShimDir, name)
		err := os.Link(binary, path)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			data, err := os.ReadFile(binary)
			if err != nil {
				return err
			}
			if err := os.WriteFile(path, data, 0o755); err != nil {
				return err
			}
		}
	}
	return nil
}

// vars are variables that a part sets for the calls after it.
type vars map[string]string

// uv puts the real uv and uvx on PATH.
func (h *home) uv() vars {
	h.Helper()
	uv := parts.UV(h)
	uvx := filepath.Join(filepath.Dir(uv), "uvx")
	for _, path := range []string{uv, uvx} {
		if err := h.tool(filepath.Base(path), path); err != nil {
			h.Fatal(err)
		}
	}
	return vars{"REALUV": uv, "REALUVX": uvx}
}

// python names a real CPython of the machine.
func (h *home) python() vars {
	h.Helper()
	p := parts.Pythons(h)[0]
	return vars{"REALPY": p.Exe, "REALPY_MINOR": p.Minor, "REALPY_VERSION": p.Version}
}

// mirror makes "fake" or "real" Pythons what uv can install, and puts uv on PATH.
func (h *home) mirror(kind string) vars {
	h.Helper()
	var m mirror.Mirror
	switch kind {
	case "fake":
		m = mirror.Fake(h)
	case "real":
		m = mirror.Real(h)
	default:
		h.Fatalf("bad mirror %q: want fake or real", kind)
	}
	out := h.uv()
	out["MIRROR"], out["MIRROR_OLD"], out["MIRROR_REBUILT"] = m.All, m.Old, m.Rebuilt
	out["UV_PYTHON_DOWNLOADS_JSON_URL"] = m.All
	for i, minor := range m.Minors[:min(2, len(m.Minors))] {
		number := []string{"", "2"}[i]
		out["MINOR"+number], out["OLD"+number], out["NEW"+number] = minor.Name, minor.Old, minor.New
	}
	return out
}

// network lets the calls reach PyPI as this process does.
func (h *home) network() vars {
	h.Helper()
	parts.Network(h)
	out := vars{"UV_OFFLINE": "0"}
	for _, name := range []string{
		"SSL_CERT_FILE", "SSL_CERT_DIR", "UV_DEFAULT_INDEX", "UV_INDEX_URL",
		"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
	} {
		if value := os.Getenv(name); value != "" {
			out[name] = value
		}
	}
	return out
}

// managedShims gives each interpreter below dir, uv's directory of Pythons, its shim.
func (h *home) managedShims(dir string) error {
	found, err := filepath.Glob(filepath.Join(dir, "*", "bin", "*"))
	if err != nil {
		return err
	}
	versioned := regexp.MustCompile(`^(python|pypy)3\.\d+t?$`)
	for _, path := range found {
		if name := filepath.Base(path); versioned.MatchString(name) {
			if err := h.shims(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// Set sets variables for what Run starts afterwards.
func (h *home) Set(v vars) {
	for name, value := range v {
		h.Env = h.Env.With(name, value)
	}
}

// Install has the real uv install the requests from the mirror that Set made known.
func (h *home) Install(requests ...string) {
	h.Helper()
	uv := h.Env.Get("REALUV")
	r := h.Run(append([]string{uv, "python", "install"}, requests...)...)
	dir := h.Run(uv, "python", "dir")
	if r.Code != 0 || dir.Code != 0 {
		h.Fatalf("uv python install %q: exit %d\n%s%s", requests, r.Code, r.Stderr, dir.Stderr)
	}
	if err := h.managedShims(firstLine(dir.Stdout)); err != nil {
		h.Fatal(err)
	}
}

// A result is what a program left behind. Code is the exit status, or 128 and the signal.
type result struct {
	Stdout, Stderr string
	Code           int
}

// Command returns the call of a program, found on the home's own PATH, in Work.
func (h *home) Command(argv ...string) *exec.Cmd {
	h.Helper()
	path, err := h.find(argv[0])
	if err != nil {
		h.Fatal(err)
	}
	return &exec.Cmd{Path: path, Args: argv, Env: h.Env, Dir: h.Work}
}

// Run runs a program to its end, whichever that is.
func (h *home) Run(argv ...string) result {
	h.Helper()
	cmd := h.Command(argv...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	code, err := status(cmd.Run())
	if err != nil {
		h.Fatalf("%q: %v", argv, err)
	}
	return result{stdout.String(), stderr.String(), code}
}

// find looks a program up as a shell does.
func (h *home) find(name string) (string, error) {
	if filepath.Base(name) != name {
		return name, nil
	}
	for _, dir := range filepath.SplitList(h.Env.Get("PATH")) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not on the PATH of the test", name)
}
