package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A bench is a copy of the module in which one package is changed and tested.
type bench struct {
	dir  string // the copy
	pkg  string // "./shim/lock"
	tmp  string // the tests' temporary directory
	time time.Duration
	slow []string // its tests that take long, which run when the others noticed nothing
}

// mutants changes the package one place at a time and runs its tests on each change. Where one
// survives, a test is missing, or the change makes no difference. The tests run in
// a sandbox that can write nothing but its temporary directories and see no process but their own,
// since a changed program may remove or kill what it likes.
func mutants(o options) error {
	base, err := os.MkdirTemp("", "shim-mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(base)
	b := &bench{dir: filepath.Join(base, "module"), tmp: filepath.Join(base, "tmp"), pkg: o.pkg, time: o.time}
	if err := os.Mkdir(b.tmp, 0o777); err != nil {
		return err
	}
	if err := copyModule(".", b.dir); err != nil {
		return err
	}
	if err := b.unchanged(); err != nil {
		return err
	}
	list, err := mutations(filepath.Join(b.dir, o.pkg))
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(o.seed, 1))
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	tried, late, alive := 0, 0, 0
	for _, m := range list {
		if tried == o.n {
			break
		}
		outcome, err := b.try(m)
		if err != nil {
			return err
		}
		if outcome == refused {
			continue
		}
		tried++
		fmt.Fprintf(o.out, "%s: %s/%s\n", outcome, o.pkg, m)
		switch outcome {
		case survived:
			alive++
		case timeout:
			late++
		}
	}
	fmt.Fprintf(o.out, "| mutants of %s | %d, of which %d run out of time | %d survive | `go run ./testscripts/differ mutants -pkg %s -n %d -seed %d` |\n",
		o.pkg, tried, late, alive, o.pkg, o.n, o.seed)
	return nil
}

type outcome int

const (
	noticed outcome = iota // a test fails
	survived
	refused // it does not build
	timeout // a test hangs, which is noticed as well
)

func (o outcome) String() string {
	return [...]string{"noticed", "survives", "does not build", "out of time"}[o]
}

// unchanged runs the tests as they are, and learns which of them are slow.
func (b *bench) unchanged() error {
	if ok, err := b.build(); err != nil || !ok {
		return fmt.Errorf("building the tests of %s unchanged: %w", b.pkg, err)
	}
	out, got := b.run(10*time.Minute, "-test.v")
	if got != survived {
		return fmt.Errorf("the tests of %s fail in the sandbox as they are:\n%s", b.pkg, told(out))
	}
	for _, m := range regexp.MustCompile(`(?m)^--- PASS: (\S+) \(([0-9.]+)s\)`).FindAllSubmatch(out, -1) {
		if seconds, err := strconv.ParseFloat(string(m[2]), 64); err == nil && seconds > 1 {
			b.slow = append(b.slow, string(m[1]))
		}
	}
	return nil
}

// try changes one place, tests, and changes it back.
func (b *bench) try(m mutation) (outcome, error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile(m.file, m.apply(source), 0o644); err != nil {
		return 0, err
	}
	defer os.WriteFile(m.file, source, 0o644)
	if ok, err := b.build(); err != nil || !ok {
		return refused, err
	}
	if len(b.slow) == 0 {
		_, got := b.run(b.time)
		return got, nil
	}
	slow := "^(" + strings.Join(b.slow, "|") + ")$"
	_, got := b.run(b.time, "-test.skip="+slow)
	if got == survived {
		_, got = b.run(b.time, "-test.run="+slow)
	}
	return got, nil
}

func (b *bench) binary() string { return filepath.Join(b.dir, "changed.test") }

// build makes the package's test binary. It is false if the compiler refuses.
func (b *bench) build() (bool, error) {
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-o", b.binary(), b.pkg)
	cmd.Dir = b.dir
	var exit *exec.ExitError
	out, err := cmd.CombinedOutput()
	if errors.As(err, &exit) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%w: %s", err, out)
	}
	return true, nil
}

// run runs the tests that are built in the sandbox.
func (b *bench) run(limit time.Duration, args ...string) ([]byte, outcome) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	box := []string{"--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--unshare-pid", "--die-with-parent"}
	for _, dir := range append(writable(), b.dir, b.tmp) {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			box = append(box, "--bind", dir, dir)
		}
	}
	dir := filepath.Join(b.dir, b.pkg)
	box = append(box, "--setenv", "TMPDIR", b.tmp, "--setenv", "GOTMPDIR", b.tmp, "--chdir", dir, "--", b.binary(), "-test.failfast")
	cmd := exec.CommandContext(ctx, "bwrap", append(box, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return out, timeout
	case err != nil:
		return out, noticed
	}
	return out, survived
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
