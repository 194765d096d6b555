package policy

import (
	"fmt"

	"uvshim/policy/version"
)

// checkRequest takes what can be declared: no paths and no names of programs, which mean something
// else on each machine and cannot be installed.
func checkRequest(text string) error {
	r, err := version.Parse(text)
	if err != nil {
		return err
	}
	switch r.Kind() {
	case version.KindDirectory, version.KindFile:
		return fmt.Errorf("%s is a path, want a request such as 3.14", quote(text))
	case version.KindName:
		return fmt.Errorf("%s is no request, want one such as 3.14", quote(text))
	}
	return nil
}

// implementationOf returns the implementation that a checked request asks for: CPython where it
// leaves that open.
func implementationOf(text string) string {
	if r, err := version.Parse(text); err == nil && r.Implementation() != "" {
		return r.Implementation()
	}
	return "cpython"
}
