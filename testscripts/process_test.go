package testscripts

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// What a Python is born with is the same behind the shim: prepare.py makes a state and turns into
// the Python, and probe.py tells what came of it. Both run in the same state directly and through
// the shim, and what they tell is compared.

//go:embed testdata/prepare.py
var preparePy string

//go:embed testdata/probe.py
var probePy string

// states are what a caller may hand on, as statements of prepare.py.
var states = map[string]string{
	"plain":           "",
	"closed_0":        "close(0)",
	"closed_1":        "close(1)",
	"closed_2":        "close(2)",
	"closed_01":       "close(0, 1)",
	"closed_02":       "close(0, 2)",
	"closed_12":       "close(1, 2)",
	"closed_012":      "close(0, 1, 2)",
	"null_0":          "close(0); os.open(os.devnull, os.O_RDONLY)",
	"descriptors":     "descriptors()",
	"limits":          "limits(64)",
	"limits_equal":    "limits(resource.getrlimit(resource.RLIMIT_NOFILE)[1])",
	"signals_ignored": "ignore(signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGTERM, signal.SIGCHLD, signal.SIGURG)",
	"signals_default": "default(signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT)",
	"signals_blocked": "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGUSR1, signal.SIGTERM, signal.SIGURG])",
	"signal_pending":  "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); os.kill(os.getpid(), signal.SIGUSR1)",
	"timer":           "signal.setitimer(signal.ITIMER_REAL, 3000)",
	"umask":           "os.umask(0o027)",
	"nice":            "os.nice(5)",
	"one_cpu":         "os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])",
	"death_signal":    "prctl(1, signal.SIGUSR2)",
	"directory":       `os.mkdir(b"d \xff"); os.chdir(b"d \xff")`,
	"directory_gone":  `os.mkdir("gone"); os.chdir("gone"); os.rmdir("../gone")`,
	"group":           "os.setpgid(0, 0)",
	"session":         "os.setsid()",
	"environment":     `env += [b"B=", b"\xff\xfe=\xfd", b"NEWLINE=a\nb", b"no equals sign", b"EQUALS=a=b", b"_=x", b"PWD=/nowhere"]`,
	"arguments":       `args += [b"", b"\xff\xfe", b"a\nb", b"--", b"-c", b"+3.12", "å".encode()]`,
	"arguments_many":  `args += [b"%d" % i for i in range(20000)]`,
	"argument_long":   `args += [b"x" * 100_000]`,
}

func TestProcessState(t *testing.T) {
	h := newHome(t)
	h.Set(h.mirror("real"))
	minor := h.Env.Get("MINOR")
	h.Install(minor)
	direct := h.minorLink(minor)
	python := filepath.Join(h.ShimDir, "python")
	for _, name := range slices.Sorted(maps.Keys(states)) {
		t.Run(name, func(t *testing.T) {
			h := h.in(t)
			want := h.probe(direct, direct, states[name], "")
			compare(t, h.probe(direct, python, states[name], ""), want)
		})
	}
	t.Run("terminal", func(t *testing.T) {
		h := h.in(t)
		for _, fds := range []string{"012", "2", "0"} {
			want := h.probe(direct, direct, "", fds)
			compare(t, h.probe(direct, python, "", fds), want)
			if tty, ok := want["terminal"].(map[string]any); !ok || tty["foreground"] != true {
				t.Fatalf("the test made no terminal: %v", want["terminal"])
			}
		}
	})
	// One found on PATH, where it may be another version manager's, gets the hop counter as well.
	t.Run("from_path", func(t *testing.T) {
		h := h.in(t)
		h.Set(vars{"UV_NO_MANAGED_PYTHON": "1"})
		system := filepath.Join(h.Work, "bin", "python"+minor)
		if err := os.Symlink(h.python()["REALPY"], system); err != nil {
			t.Fatal(err)
		}
		want := h.probe(direct, system, "", "")
		got := h.probe(direct, filepath.Join(h.ShimDir, "python"+minor), "", "")
		entries := got["environment"].([]any)
		last := len(entries) - 1
		if !strings.HasPrefix(fmt.Sprint(entries[last]), "SHIM_GUARD=") {
			t.Errorf("no hop counter: %q", entries)
		}
		got["environment"] = entries[:last]
		compare(t, got, want)
	})
}

// in is the same machine for a test below the one that made it.
func (h *home) in(t testing.TB) *home {
	return &home{TB: t, Work: h.Work, Home: h.Home, ShimDir: h.ShimDir, Env: h.Env}
}

// Python itself ignores SIGPIPE and SIGXFSZ, so what it got of these is told by a program that does not.
func TestSignalsOfShell(t *testing.T) {
	h := newHome(t)
	key := "cpython-3.12.1-linux-x86_64-gnu"
	exe := filepath.Join(h.Home, ".local", "share", "uv", "python", key, "bin", "python3.12")
	if err := os.MkdirAll(filepath.Dir(exe), 0o755); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\nexec grep 'Sig[^Q]' /proc/self/status >\"$3\"\n"
	for _, path := range []string{exe, filepath.Join(h.Work, "bin", "uv")} {
		if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	launcher := h.python()["REALPY"]
	for _, name := range []string{"plain", "signals_ignored", "signals_default", "signals_blocked"} {
		tell := func(program string) string {
			out := filepath.Join(h.Work, "signals")
			os.Remove(out)
			cmd := h.Command(launcher, "-I", "-c", preparePy, states[name], program, "x", "y", out)
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, text)
			}
			data, err := os.ReadFile(out)
			if err != nil || len(data) == 0 {
				t.Fatalf("%s: %q, %v", name, data, err)
			}
			return string(data)
		}
		want := tell(exe)
		for _, shim := range []string{"python", "uv"} {
			if got := tell(filepath.Join(h.ShimDir, shim)); got != want {
				t.Errorf("%s, %s:\n%swithout shim\n%s", name, shim, got, want)
			}
		}
	}
}

// minorLink returns the path of the managed CPython through uv's minor-version link.
func (h *home) minorLink(minor string) string {
	h.Helper()
	found, _ := filepath.Glob(filepath.Join(h.Home, ".local/share/uv/python/cpython-"+minor+"-linux-*-gnu/bin/python"+minor))
	if len(found) != 1 {
		h.Fatalf("uv has made no minor-version link for %s: %q", minor, found)
	}
	return found[0]
}

// probe has launcher make the state and turn into the program with the arguments of the probe, and
// returns what that told. With fds, those of its descriptors are a terminal.
func (h *home) probe(launcher, program, state, fds string) map[string]any {
	h.Helper()
	out, said, dir := filepath.Join(h.Work, "told"), filepath.Join(h.Work, "said"), filepath.Join(h.Work, "here")
	os.Remove(out)
	os.RemoveAll(dir)
	if err := os.Mkdir(dir, 0o755); err != nil {
		h.Fatal(err)
	}
	// files and not buffers, which would be pipes of another number each time
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		h.Fatal(err)
	}
	defer null.Close()
	log, err := os.Create(said)
	if err != nil {
		h.Fatal(err)
	}
	defer log.Close()
	cmd := h.Command(launcher, "-I", "-c", preparePy, state, program, "-c", probePy, out)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, null, null, log
	shown := ""
	if fds == "" {
		err = cmd.Run()
	} else {
		shown, err = onTerminal(cmd, fds, nil)
	}
	text, _ := os.ReadFile(said)
	if err != nil || len(text)+len(shown) > 0 {
		h.Errorf("%s: %v\n%s%s", program, err, text, shown)
	}
	data, err := os.ReadFile(out)
	var told map[string]any
	if err == nil {
		err = json.Unmarshal(data, &told)
	}
	if err != nil {
		h.Fatalf("%s told %q: %v", program, data, err)
	}
	// exec keeps the pid
	if pid := told["pid"]; pid != float64(cmd.Process.Pid) {
		h.Errorf("%s ran as process %v, not %d", program, pid, cmd.Process.Pid)
	}
	delete(told, "pid")
	return told
}

func compare(t *testing.T, got, want map[string]any) {
	t.Helper()
	if len(want) < 10 {
		t.Errorf("the probe told only %v", want)
	}
	for key := range want {
		if !reflect.DeepEqual(got[key], want[key]) {
			t.Errorf("%s is\n%.2000v\nand without shim\n%.2000v", key, got[key], want[key])
		}
	}
}
