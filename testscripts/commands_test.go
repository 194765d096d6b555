package testscripts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"uvshim/testscripts/mirror"
	"uvshim/testscripts/parts"
)

// commands are what scripts can say beyond testscript's own commands.
func commands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"need":       cmdNeed,
		"mirror":     cmdMirror,
		"managed":    cmdManaged,
		"shims":      cmdShims,
		"fakepython": cmdFakePython,
		"elfpython":  cmdELFPython,
		"wheels":     cmdWheels,
		"status":     cmdStatus,
		"pty":        cmdPty,
	}
}

func homeOf(ts *testscript.TestScript) *home { return ts.Value(homeKey{}).(*home) }

func setenv(ts *testscript.TestScript, v vars) {
	for name, value := range v {
		ts.Setenv(name, value)
	}
}

// usage ends a script whose line is not of the form.
func usage(ts *testscript.TestScript, neg bool, ok bool, form string) {
	name, _, _ := strings.Cut(form, " ")
	if neg {
		ts.Fatalf("unsupported: ! %s", name)
	}
	if !ok {
		ts.Fatalf("usage: %s", form)
	}
}

// cmdNeed skips the script if a part is missing, or fails it where CI is set; else the part is at
// hand: uv (on PATH), python (a real one, as $REALPY), minors (a real mirror would have two),
// network, or any program of the machine, which it puts on PATH.
func cmdNeed(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) > 0, "need PART...")
	h := homeOf(ts)
	for _, part := range args {
		switch part {
		case "uv":
			setenv(ts, h.uv())
		case "python":
			setenv(ts, h.python())
		case "minors":
			if len(parts.Pythons(h)) < 2 {
				parts.Missing(h, errors.New("this machine has CPythons of one minor only"))
			}
		case "network":
			setenv(ts, h.network())
		default:
			ts.Check(h.tool(part, parts.Tool(h, part)))
		}
	}
}

// cmdMirror makes fake or real CPythons what uv can install, and puts uv on PATH.
func cmdMirror(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "mirror fake|real")
	setenv(ts, homeOf(ts).mirror(args[0]))
}

// cmdManaged has the real uv install Pythons from the mirror, the fake one if none was named, and
// gives them their shims.
func cmdManaged(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) > 0, "managed [OPTION...] REQUEST...")
	h := homeOf(ts)
	if ts.Getenv("MIRROR") == "" {
		setenv(ts, h.mirror("fake"))
	}
	uv := ts.Getenv("REALUV")
	ts.Check(ts.Exec(uv, append([]string{"python", "install"}, args...)...))
	ts.Check(ts.Exec(uv, "python", "dir"))
	ts.Check(h.managedShims(firstLine(ts.ReadFile("stdout"))))
}

// cmdShims adds shims of those names to $SHIMDIR.
func cmdShims(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) > 0, "shims NAME...")
	ts.Check(homeOf(ts).shims(args...))
}

// cmdFakePython writes a fake Python of the version, a shell script, to a file.
func cmdFakePython(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "fakepython FILE VERSION")
	text, err := mirror.FakePython(args[1])
	ts.Check(err)
	path := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
	ts.Check(os.WriteFile(path, []byte(text), 0o755))
}

// cmdELFPython puts a real CPython of the machine, the ELF file itself, into a directory as
// python3.N, with python3 and python as links to it. It finds its library where it was built for.
func cmdELFPython(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1 || len(args) == 2, "elfpython DIR [MINOR]")
	h := homeOf(ts)
	found := parts.Pythons(h)
	p := found[0]
	if len(args) == 2 {
		for _, p = range found {
			if p.Minor == args[1] {
				break
			}
		}
		if p.Minor != args[1] {
			parts.Missing(h, fmt.Errorf("this machine has no CPython %s", args[1]))
		}
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	data, err := os.ReadFile(p.Exe)
	ts.Check(err)
	name := "python" + p.Minor
	ts.Check(os.WriteFile(filepath.Join(dir, name), data, 0o755))
	ts.Check(os.Symlink(name, filepath.Join(dir, "python3")))
	ts.Check(os.Symlink(name, filepath.Join(dir, "python")))
}

// cmdWheels fetches pinned wheels and what they need for CPython MINOR, and names the directory
// that holds them $WHEELS.
func cmdWheels(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) > 1, "wheels MINOR NAME==VERSION...")
	ts.Setenv("WHEELS", parts.Wheels(homeOf(ts), args[0], args[1:]...))
}

// cmdStatus runs a program as exec does, and fails unless it ends with that exit status; death by
// signal N is 128+N.
func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) > 1, "status CODE PROGRAM [ARG...]")
	got, err := status(ts.Exec(args[1], args[2:]...))
	ts.Check(err)
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

// cmdPty runs a program on a pseudo-terminal. With -fds only those descriptors are the terminal,
// as in "-fds 2"; with -in the file is typed. What the terminal showed is the standard output
// afterwards, or the standard error where descriptor 1 is not the terminal.
func cmdPty(ts *testscript.TestScript, neg bool, args []string) {
	fds, input := "012", []byte(nil)
	for len(args) > 1 && (args[0] == "-fds" || args[0] == "-in") {
		if args[0] == "-fds" {
			fds = args[1]
		} else {
			input = []byte(ts.ReadFile(args[1]))
		}
		args = args[2:]
	}
	usage(ts, false, len(args) > 0 && fds != "", "pty [-fds 012] [-in FILE] PROGRAM [ARG...]")
	h := &home{TB: homeOf(ts), Env: environ(ts)}
	path, err := h.find(args[0])
	ts.Check(err)
	var stdout, stderr bytes.Buffer
	cmd := &exec.Cmd{Path: path, Args: args, Env: h.Env, Dir: ts.MkAbs("."), Stdout: &stdout, Stderr: &stderr}
	shown, err := onTerminal(cmd, fds, input)
	if strings.Contains(fds, "1") {
		stdout.WriteString(shown)
	} else {
		stderr.WriteString(shown)
	}
	io.WriteString(ts.Stdout(), stdout.String())
	io.WriteString(ts.Stderr(), stderr.String())
	code, err := status(err)
	ts.Check(err)
	if (code != 0) != neg {
		ts.Fatalf("exit status %d\n%s%s", code, &stdout, &stderr)
	}
}

// environ returns the script's environment, which testscript gives only to programs.
func environ(ts *testscript.TestScript) []string {
	h := homeOf(ts)
	file, tool := filepath.Join(h.Work, ".kit", "environ"), filepath.Join(h.toolsDir(), "env")
	ts.Check(ts.Exec("/bin/sh", "-c", `"$0" -0 >"$1"`, tool, file))
	return strings.Split(strings.TrimSuffix(ts.ReadFile(file), "\x00"), "\x00")
}
