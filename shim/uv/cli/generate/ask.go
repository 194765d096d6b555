package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// A uv is the real program, asked for what it tells of itself.
type uv string

// ask runs uv with args and returns both outputs in one. uv refusing the arguments is an answer,
// and no error. It sees no environment: help prints the values of the variables that it names, and
// a variable may change what is parsed.
func (u uv) ask(args ...string) (out string, refused bool, err error) {
	cmd := exec.Command(string(u), args...)
	cmd.Env = []string{"HOME=/nonexistent", "NO_COLOR=1"}
	cmd.Dir = "/"
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 2 {
		return string(text), true, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("uv %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(text))
	}
	return string(text), false, nil
}

// version returns the version's number.
func (u uv) version() (string, error) {
	out, _, err := u.ask("--version")
	if err != nil {
		return "", err
	}
	words := strings.Fields(out)
	if len(words) < 2 || words[0] != "uv" {
		return "", fmt.Errorf("not a uv: --version says %q", out)
	}
	return words[1], nil
}

// help returns the help of a command: the short one, for in the long one uv moves the variable of
// an option to the wrong one where a letter begins the next.
func (u uv) help(path string) (string, error) {
	out, refused, err := u.ask(append(strings.Fields(path), "--help")...)
	if err == nil && refused {
		err = fmt.Errorf("no help on %q: %s", path, out)
	}
	return out, err
}
