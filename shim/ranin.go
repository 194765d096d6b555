package shim

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"uvshim/shim/say"
)

// askTime bounds the question to uv after a failed run.
const askTime = 10 * time.Second

// A start keeps the first 256 KiB that are written to it.
type start []byte

func (s *start) Write(p []byte) (int, error) {
	const limit = 256 << 10
	*s = append(*s, p[:max(0, min(len(p), limit-len(*s)))]...)
	return len(p), nil
}

// ranIn returns the Pythons of the environments that the program of a failed `uv run` or uvx had
// its modules from. What lies in uv's cache only uv can tell: it is asked to run, with the same
// options and without the network, a Python that prints where its modules come from.
func (p *program) ranIn(c uvCall) []string {
	if c.place.Python != "" && !c.line.Has("with") && !c.line.Has("with-editable") && !c.line.Has("with-requirements") {
		return []string{c.place.Python}
	}
	args, ok := c.line.Instead("python", "-c", "import sys\nfor p in sys.path: print(p)")
	path, found := p.findUV("uv")
	if !ok || !found {
		return nil
	}
	p.debug("ask %s where the program ran", say.Quote(path))
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = c.plan.Env.With("UV_OFFLINE", "1")
	// what uv started outlives it, and may print without end
	var out start
	cmd.Stdout, cmd.WaitDelay = &out, time.Second
	if err := cmd.Run(); err != nil {
		p.debug("uv does not tell where the program ran: %v", err)
		return nil
	}
	var pythons []string
	for line := range strings.Lines(string(out)) {
		dir := strings.TrimSuffix(line, "\n")
		if !filepath.IsAbs(dir) || filepath.Base(dir) != "site-packages" {
			continue
		}
		python := filepath.Join(dir, "..", "..", "..", "bin", "python") // of lib/python3.14/site-packages
		if p.finder.Runnable(python) && !slices.Contains(pythons, python) {
			pythons = append(pythons, python)
		}
	}
	return pythons
}
