package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"uvshim/policy"
	"uvshim/shim/host"
)

// declared returns the policy, with all that is wrong with its files.
func (m *Machine) declared() loadedPolicy {
	return m.once.policy.get(func() loadedPolicy {
		var files []policy.File
		var problems []error
		for _, path := range m.Policy {
			data, err := host.ReadFile(path, policy.MaxSize)
			if errors.Is(err, fs.ErrNotExist) && len(m.Policy) > 1 {
				continue
			}
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", path, unwrapPath(err)))
				continue
			}
			files = append(files, policy.File{Path: path, Data: data})
		}
		loaded, err := policy.Load(files...)
		var all policy.Problems
		if errors.As(err, &all) {
			for _, problem := range all {
				problems = append(problems, problem)
			}
		}
		return loadedPolicy{loaded, problems}
	})
}

// noPolicy is why a check of what is declared is not made.
const noPolicy = "what is declared cannot be read"

// policyValid tells every mistake in the policy, and which files it is made of.
func policyValid(m *Machine) []Finding {
	p := m.declared()
	if len(p.problems) > 0 {
		var evidence []string
		for _, problem := range p.problems {
			evidence = append(evidence, problem.Error())
		}
		file, fix := firstFile(p.problems[0]), "${EDITOR:-vi}"
		if file != "" {
			fix += " " + m.word(file)
		}
		return one(Error, fix, evidence, "the policy has %s, and until that is mended the last good one counts, or none", many(p.problems, "mistake", "mistakes"))
	}
	if len(p.Files) == 0 {
		return ok("nothing is declared: there is no policy.toml")
	}
	var names []string
	for _, f := range p.Files {
		names = append(names, m.tilde(f.Path))
	}
	return ok("valid: %s", strings.Join(names, ", then "))
}

func firstFile(err error) string {
	var at *policy.Error
	if errors.As(err, &at) {
		return at.File
	}
	path, _, _ := strings.Cut(err.Error(), ": ")
	return path
}

// unwrapPath returns the cause of an error that names a path which the message names already.
func unwrapPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		return call.Err
	}
	return err
}
