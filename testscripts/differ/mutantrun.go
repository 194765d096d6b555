package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// memory is what a process of the tests may take: a changed loop may append for ever.
const memory = "--as=6442450944"

// run runs the tests that are built, in a sandbox that can write nothing but its temporary
// directories and sees no process but its own, since a changed program may remove or kill what it
// likes.
func (b *bench) run(pkg, program string, limit time.Duration, args ...string) ([]byte, outcome) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	box := []string{"--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
		"--ro-bind", filepath.Dir(b.module), filepath.Dir(b.module), "--unshare-pid", "--die-with-parent"}
	for _, dir := range writable() {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			box = append(box, "--bind", dir, dir)
		}
	}
	box = append(box, "--setenv", "TMPDIR", "/tmp", "--setenv", "GOTMPDIR", "/tmp", "--chdir", filepath.Join(b.module, pkg),
		"--", "prlimit", memory, program, "-test.failfast")
	cmd := exec.CommandContext(ctx, "bwrap", append(box, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return out, hangs
	case err != nil:
		return out, killed
	}
	return out, lives
}

// writable returns what the tests write beside their temporary directory: the build cache and the
// parts they have fetched.
func writable() []string {
	var list []string
	if out, err := exec.Command("go", "env", "GOCACHE").Output(); err == nil {
		list = append(list, strings.TrimSpace(string(out)))
	}
	if dir := os.Getenv("UVSHIM_TEST_CACHE"); dir != "" {
		return append(list, dir)
	}
	if dir, err := os.UserCacheDir(); err == nil {
		list = append(list, filepath.Join(dir, "uvshim-tests"))
	}
	return list
}

// seconds returns how long each test took, by what -test.v prints. The time of a test with
// parallel subtests is without theirs.
func seconds(out []byte) map[string]float64 {
	list := map[string]float64{}
	for _, m := range regexp.MustCompile(`(?m)^(?: {4})?--- PASS: ([^\s/]+)\S* \(([0-9.]+)s\)`).FindAllSubmatch(out, -1) {
		if s, err := strconv.ParseFloat(string(m[2]), 64); err == nil {
			list[string(m[1])] += s
		}
	}
	return list
}

// failed returns the name of the test that failed first, with its row.
func failed(out []byte) string {
	var name string
	for _, m := range regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`).FindAllSubmatch(out, -1) {
		if !strings.HasPrefix(string(m[1]), name) {
			break
		}
		name = string(m[1])
	}
	if name == "" {
		return "the whole"
	}
	return name
}

// copyModule copies a module's files, without what a version control system keeps.
func copyModule(from, to string) error {
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, path)
		switch {
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, info.Mode().Perm())
	})
}
