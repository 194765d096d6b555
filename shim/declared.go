package shim

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"uvshim/policy"
	"uvshim/shim/host"
	"uvshim/shim/remember"
	"uvshim/shim/say"
)

// systemPolicy holds the defaults of all users of a machine.
const systemPolicy = "/etc/shim/policy.toml"

// policyFiles returns the policy files that count, the lowest layer first; they need not exist.
func policyFiles(h host.Host, dirs host.Dirs) []string {
	if file := h.Env.Get("SHIM_POLICY"); file != "" {
		if !filepath.IsAbs(file) && h.Dir != "" {
			file = filepath.Join(h.Dir, file)
		}
		return []string{file}
	}
	files := []string{systemPolicy}
	if dirs.Config != "" {
		files = append(files, filepath.Join(dirs.Config, "shim", "policy.toml"))
	}
	return files
}

func policyIdentity(files []string) string {
	var b strings.Builder
	for _, file := range files {
		b.WriteString(file + " " + string(host.Identify(file)) + "\n")
	}
	return b.String()
}

// loadPolicy returns the policy that counts for h. While the files stay as they are, it is read in
// its remembered form; that form is also the last good policy, which stands in, beside the error,
// for one that cannot be used now.
func loadPolicy(h host.Host, dirs host.Dirs, facts remember.Store) (policy.Policy, error) {
	files := policyFiles(h, dirs)
	if len(files) > 1 && !slices.ContainsFunc(files, func(f string) bool { return host.Identify(f) != host.Missing }) {
		return policy.Default(), nil // nothing is declared, which needs no remembering
	}
	identity := policyIdentity(files)
	key := "policy\n" + strings.Join(files, "\n")
	remembered, _ := facts.Load(key)
	last, good := parseRemembered(remembered)
	if good && bytes.HasPrefix(remembered, []byte(identity+"\n")) {
		return last, nil
	}
	loaded, err := readPolicy(files)
	if err == nil {
		if policyIdentity(files) == identity && rested(files) {
			_ = facts.Save(key, append([]byte(identity+"\n"), loaded.Compact()...))
		}
		return loaded.Policy, nil
	}
	if good {
		return last, fmt.Errorf("%w; the last good policy counts until it is mended", err)
	}
	return policy.Default(), fmt.Errorf("%w; no policy counts until it is mended", err)
}

// badPolicy tells every mistake in a policy that a command cannot go on without.
func (p *program) badPolicy(err error) int {
	var problems policy.Problems
	if !errors.As(err, &problems) {
		p.say.Error("%v", err)
		return exitUsage
	}
	for _, problem := range problems {
		p.say.Error("%v", problem)
	}
	return exitUsage
}

// says tells whether a policy file has a key, or it is the default that counts.
func (p *program) says(key string) string {
	loaded, err := readPolicy(policyFiles(p.host, p.dirs))
	if file, _ := loaded.Source(key); err != nil || file != "" { // of a broken one the last good counts
		return "the policy says"
	}
	return "is the default"
}

// parseRemembered reads what loadPolicy saved: the identity, an empty line, the compact policy.
func parseRemembered(data []byte) (policy.Policy, bool) {
	_, compact, ok := bytes.Cut(data, []byte("\n\n"))
	if !ok {
		return policy.Policy{}, false
	}
	p, err := policy.ParseCompact(compact)
	return p, err == nil
}

func rested(files []string) bool {
	for _, file := range files {
		if id := host.Identify(file); id != host.Missing && !id.Rested(remember.Settle) {
			return false
		}
	}
	return true
}

// readPolicy reads and joins the files that exist.
func readPolicy(files []string) (policy.Loaded, error) {
	var layers []policy.File
	for _, file := range files {
		data, err := host.ReadFile(file, policy.MaxSize)
		asked := len(files) == 1 // by SHIM_POLICY
		if errors.Is(err, fs.ErrNotExist) && !asked || errors.Is(err, fs.ErrPermission) && file == systemPolicy {
			continue
		}
		if err != nil {
			return policy.Loaded{}, fmt.Errorf("policy %s cannot be read: %w", say.Quote(file), unwrapPath(err))
		}
		layers = append(layers, policy.File{Path: file, Data: data})
	}
	return policy.Load(layers...)
}

// unwrapPath returns the cause of an error that names a path which the message names already.
func unwrapPath(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
