package host

import (
	"slices"
	"strings"
)

// Env is a process environment, NAME=value entries in the order the kernel gave them. Entries
// that are not of that form, and bytes that are not UTF-8, are kept as they are.
type Env []string

// Lookup returns the value of the variable name, as getenv(3) finds it: the first entry wins.
func (e Env) Lookup(name string) (string, bool) {
	for _, entry := range e {
		if len(entry) > len(name) && entry[len(name)] == '=' && entry[:len(name)] == name {
			return entry[len(name)+1:], true
		}
	}
	return "", false
}

// Get is Lookup for callers to whom unset and empty are the same.
func (e Env) Get(name string) string {
	value, _ := e.Lookup(name)
	return value
}

// With returns a copy of e in which name has value and stands once, at its old place if it had
// one.
func (e Env) With(name, value string) Env {
	out := make(Env, 0, len(e)+1)
	set := false
	for _, entry := range e {
		if strings.HasPrefix(entry, name+"=") {
			if set {
				continue
			}
			entry, set = name+"="+value, true
		}
		out = append(out, entry)
	}
	if !set {
		out = append(out, name+"="+value)
	}
	return out
}

// Without returns a copy of e that lacks name.
func (e Env) Without(name string) Env {
	return slices.DeleteFunc(slices.Clone(e), func(entry string) bool {
		return strings.HasPrefix(entry, name+"=")
	})
}
