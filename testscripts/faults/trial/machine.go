// Package trial injects faults and load into a machine on which shim is at work, and counts what does
// not hold then. The tests run a few trials of each row, the program faults as many as it is told.
package trial

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"uvshim/shim/host"
)

// A Machine is a home directory with shims, two managed Pythons, a uv and a policy. The Pythons are
// copies of this machine's sh, an ELF file with a loader and a libc of its own to look at: `python
// -c "exit 7"` means to both the same. The uv is a script that succeeds.
type Machine struct {
	Dir, Home, Shims string
	Env              host.Env
	Limit            time.Duration // bounds any call: what takes longer hangs, however slow the machine
	projects         int
}

// The Pythons of a machine.
var versions = []string{"3.13.8", "3.12.11"}

func keyOf(version string) string {
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	return "cpython-" + version + "-linux-" + arch + "-gnu"
}

func minorOf(version string) string { return version[:strings.LastIndexByte(version, '.')] }

const policyText = `# what is declared
[python]
versions = ["3.13", "3.12"]
default = ["3.13"]
`

const uvText = `#!/bin/sh
if [ "$1" = --version ]; then echo "uv 0.13.9"; fi
exit 0
`

// New makes a machine in dir, which must not exist, with the shim that the file program is.
func New(dir, program string) (*Machine, error) {
	m := &Machine{Dir: dir, Home: filepath.Join(dir, "home"), Limit: time.Minute}
	m.Shims = filepath.Join(m.Home, ".local/share/shim/bin")
	m.Env = host.Env{
		"HOME=" + m.Home,
		"PATH=" + m.Shims + ":" + filepath.Join(dir, "bin") + ":/usr/bin:/bin:/run/current-system/sw/bin",
		"LANG=C.UTF-8",
		"SHIM_POLICY=" + m.policy(),
		"TMPDIR=" + filepath.Join(dir, "tmp"),
	}
	sh, err := exec.LookPath("sh")
	if err == nil {
		sh, err = filepath.EvalSymlinks(sh)
	}
	if err != nil {
		return nil, err
	}
	elf, err := os.ReadFile(sh)
	if err != nil {
		return nil, err
	}
	for _, d := range []string{"home/.cache", "home/.local/state", "home/src", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	for _, version := range versions {
		patch := filepath.Join(m.pythons(), keyOf(version))
		minor := minorOf(version)
		err := errors.Join(
			put(filepath.Join(patch, "bin/python"+minor), string(elf), 0o755),
			put(filepath.Join(patch, "lib/python"+minor+"/os.py"), "", 0o644),
			put(filepath.Join(patch, "lib/python"+minor+"/lib-dynload/_x.so"), string(elf), 0o755),
			os.Symlink(keyOf(version), filepath.Join(m.pythons(), keyOf(minor))),
		)
		if err != nil {
			return nil, err
		}
	}
	err = errors.Join(
		put(filepath.Join(dir, "bin/uv"), uvText, 0o755),
		put(m.policy(), policyText, 0o644),
	)
	if err != nil {
		return nil, err
	}
	if r := m.Run(program, "link"); r.Code != 0 {
		return nil, fmt.Errorf("shim link: %s", r)
	}
	time.Sleep(60 * time.Millisecond) // what changed a moment ago is not remembered
	return m, nil
}

func (m *Machine) pythons() string { return filepath.Join(m.Home, ".local/share/uv/python") }
func (m *Machine) policy() string  { return filepath.Join(m.Home, ".config/shim/policy.toml") }
func (m *Machine) state() string   { return filepath.Join(m.Home, ".local/state/shim") }
func (m *Machine) cache() string   { return filepath.Join(m.Home, ".cache/shim") }
func (m *Machine) lock() string    { return filepath.Join(m.state(), "shim.lock") }
func (m *Machine) pending() string { return filepath.Join(m.state(), "pending") }

// put writes a file, whose directory need not exist.
func put(path, text string, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), mode)
}

// project makes a project that no call has been in yet, pinned to 3.13.
func (m *Machine) project() string {
	m.projects++
	dir := filepath.Join(m.Home, "src", fmt.Sprintf("p%05d", m.projects))
	if err := put(filepath.Join(dir, ".python-version"), "3.13\n", 0o644); err != nil {
		panic(err)
	}
	return dir
}

// environment gives a project an environment with a module in it.
func (m *Machine) environment(project string) error {
	minor := minorOf(versions[0])
	venv := filepath.Join(project, ".venv")
	bin := filepath.Join(m.pythons(), keyOf(minor), "bin")
	elf, err := os.ReadFile(filepath.Join(bin, "python"+minor))
	if err != nil {
		return err
	}
	site := filepath.Join(venv, "lib/python"+minor+"/site-packages")
	err = errors.Join(
		put(filepath.Join(venv, "pyvenv.cfg"), "home = "+bin+"\nimplementation = CPython\nversion_info = "+versions[0]+"\n", 0o644),
		put(filepath.Join(site, "demo/_demo.so"), string(elf), 0o755),
		put(filepath.Join(site, "demo-1.0.dist-info/RECORD"), "demo/_demo.so,,\n", 0o644),
		put(filepath.Join(site, "demo-1.0.dist-info/METADATA"), "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n", 0o644),
		os.MkdirAll(filepath.Join(venv, "bin"), 0o755),
	)
	if err != nil {
		return err
	}
	return os.Symlink(filepath.Join(bin, "python"+minor), filepath.Join(venv, "bin/python"))
}

// forget makes the machine cold: nothing is remembered of any file, and no warning was given yet.
func (m *Machine) forget() { os.RemoveAll(m.cache()) }

// A Result is what a call left behind. Code is the exit status, or 128 and the signal.
type Result struct {
	Stdout, Stderr string
	Code           int
	Hung           bool
	Peak           int64 // memory in KiB, but not less than that of the caller
	Pages          int64 // of memory that were asked for
}

func (r Result) String() string {
	return fmt.Sprintf("exit %d, hung %v, %q, %q", r.Code, r.Hung, r.Stdout, r.Stderr)
}

// Run runs a program in the home directory.
func (m *Machine) Run(argv ...string) Result { return m.RunIn(m.Home, argv...) }

// RunIn runs a program, found on the machine's PATH, in dir. One that hangs is killed.
func (m *Machine) RunIn(dir string, argv ...string) Result {
	ctx, cancel := context.WithTimeout(context.Background(), m.Limit)
	defer cancel()
	cmd := m.command(ctx, dir, argv...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	r := Result{Stdout: out.String(), Stderr: said.String(), Hung: ctx.Err() != nil}
	if cmd.ProcessState == nil {
		r.Code, r.Stderr = -1, r.Stderr+fmt.Sprint(err)
		return r
	}
	ws := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if r.Code = ws.ExitStatus(); ws.Signaled() {
		r.Code = 128 + int(ws.Signal())
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	r.Peak, r.Pages = usage.Maxrss, usage.Minflt
	// The kernel counts from the peak of the process that forked. What is not above that says nothing.
	var own syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &own) == nil && r.Peak <= own.Maxrss {
		r.Peak = 0
	}
	return r
}

// command returns a call in a process group of its own, which ends with ctx.
func (m *Machine) command(ctx context.Context, dir string, argv ...string) *exec.Cmd {
	path := argv[0]
	if filepath.Base(path) == path {
		for _, d := range filepath.SplitList(m.Env.Get("PATH")) {
			if info, err := os.Stat(filepath.Join(d, path)); err == nil && info.Mode().IsRegular() {
				path = filepath.Join(d, path)
				break
			}
		}
	}
	cmd := exec.CommandContext(ctx, path, argv[1:]...)
	cmd.Args[0], cmd.Env, cmd.Dir = argv[0], m.Env, dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	return cmd
}

// recorded returns the directories that the lock tells of, after a fold.
func (m *Machine) recorded() (map[string]bool, error) {
	r := m.Run("shim", "history", "--json")
	if r.Code != 0 {
		return nil, fmt.Errorf("shim history: %s", r)
	}
	var h struct{ Project, Change []map[string]any }
	if err := json.Unmarshal([]byte(r.Stdout), &h); err != nil {
		return nil, err
	}
	dirs := map[string]bool{}
	for _, p := range h.Project {
		dirs[fmt.Sprint(p["path"])] = true
	}
	for _, c := range h.Change {
		dirs["change "+fmt.Sprint(c["directory"])] = true
	}
	return dirs, nil
}

// temporary reports whether a file's name is that of one in the making.
func temporary(name string) bool {
	return strings.HasPrefix(name, ".tmp-") || strings.HasPrefix(name, ".shim-tmp-") || strings.HasPrefix(name, ".new-") || strings.HasSuffix(name, ".tmp")
}

// temporaries returns the files in the making that lie about.
func (m *Machine) temporaries() []string {
	var found []string
	filepath.WalkDir(m.Home, func(path string, d fs.DirEntry, err error) error {
		if err == nil && temporary(d.Name()) {
			found = append(found, path)
		}
		return nil
	})
	slices.Sort(found)
	return found
}

// age makes every temporary two hours older, as if the call that left it had been killed then. The
// age of one in pending/ is in its name.
func (m *Machine) age() {
	then := time.Now().Add(-2 * time.Hour)
	for _, path := range m.temporaries() {
		os.Chtimes(path, then, then)
		if filepath.Dir(path) == m.pending() && len(filepath.Base(path)) == len(".tmp-")+26 {
			base := filepath.Base(path)
			os.Rename(path, filepath.Join(m.pending(), ".tmp-01A"+base[len(".tmp-01A"):]))
		}
	}
}
