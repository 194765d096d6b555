package attribute

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
)

// locateTime is what nix-locate is given. A full database takes about 3 s (nix-index-database#130).
const locateTime = 10 * time.Second

// ErrNoLocate says that there is no nix-locate on PATH.
var ErrNoLocate = errors.New("no nix-locate on PATH")

// Locate asks nix-locate, of nix-index, which attributes have lib/soname. The answer is Located,
// with the shortest of them and the others in its note, or Unknown. It runs a program and takes
// seconds: for management commands, after Of had no answer.
func Locate(ctx context.Context, env host.Env, soname string) (Answer, error) {
	found, err := candidates(ctx, env, soname)
	switch {
	case err != nil:
		return Answer{Kind: Unknown}, err
	case len(found) == 0:
		return Answer{Kind: Unknown, Note: "nix-locate knows of no package with lib/" + soname}, nil
	}
	const most = 5
	a := Answer{Kind: Located, Attribute: found[0], Note: "found by nix-locate"}
	if others := found[1:]; len(others) > most {
		a.Note += fmt.Sprintf("; also in %s and %d more", strings.Join(others[:most], ", "), len(others)-most)
	} else if len(others) > 0 {
		a.Note += "; also in " + strings.Join(others, ", ")
	}
	return a, nil
}

// candidates runs nix-locate and returns the attributes, the shortest first.
func candidates(ctx context.Context, env host.Env, soname string) ([]string, error) {
	if soname == "" || strings.ContainsAny(soname, "/\x00\n") {
		return nil, fmt.Errorf("asking nix-locate: %q is no soname", soname)
	}
	program := locator(env.Get("PATH"))
	if program == "" {
		return nil, ErrNoLocate
	}
	ctx, cancel := context.WithTimeout(ctx, locateTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--minimal", "--at-root", "--whole-name", "/lib/"+soname)
	cmd.Env = env
	cmd.WaitDelay = time.Second // a grandchild may keep the pipe open
	var out, errs head
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		if text := bytes.TrimSpace(errs.text); len(text) > 0 {
			err = fmt.Errorf("%w: %s", err, text)
		}
		return nil, fmt.Errorf("asking nix-locate: %w", err)
	}
	return located(string(out.text)), nil
}

// located reads the output of nix-locate --minimal: an attribute with its output per line. nix-ld
// takes the output lib, else out (lib.getLib), so that what is in another is no answer, and nor is
// "(zlib.out)", which some package uses but nobody can name.
func located(text string) []string {
	var found []string
	for line := range strings.Lines(text) {
		name := strings.TrimSpace(line)
		if name == "" || strings.ContainsAny(name, " \t") {
			continue
		}
		dot := strings.LastIndexByte(name, '.')
		if dot < 0 {
			continue
		}
		if output := name[dot+1:]; output == "out" || output == "lib" {
			found = append(found, name[:dot])
		}
	}
	slices.SortFunc(found, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(found)
}

// locator returns the nix-locate on a search path, or "".
func locator(search string) string {
	for _, dir := range filepath.SplitList(search) {
		if !filepath.IsAbs(dir) {
			continue
		}
		program := filepath.Join(dir, "nix-locate")
		if info, err := os.Stat(program); err == nil && info.Mode().IsRegular() && unix.Access(program, unix.X_OK) == nil {
			return program
		}
	}
	return ""
}

// A head keeps the first 64 KiB that are written to it.
type head struct{ text []byte }

func (h *head) Write(p []byte) (int, error) {
	const limit = 64 << 10
	h.text = append(h.text, p[:min(len(p), limit-len(h.text))]...)
	return len(p), nil
}
