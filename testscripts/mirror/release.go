package mirror

import (
	"fmt"
	"regexp"
	"strconv"
)

// A release is one Python of a mirror.
type release struct {
	name                string // "cpython" or "pypy"
	major, middle, last int    // 3.14.1
	pre                 string // "a1"
	variant             string // "freethreaded"
}

func parseRelease(text string) (release, error) {
	form := regexp.MustCompile(`^(?:(cpython|pypy)-)?(\d+)\.(\d+)\.(\d+)((?:a|b|rc)\d+)?(?:\+(freethreaded))?$`)
	m := form.FindStringSubmatch(text)
	if m == nil {
		return release{}, fmt.Errorf("bad Python version %q: want one like 3.14.1, 3.15.0a1, 3.14.1+freethreaded or pypy-3.11.13", text)
	}
	r := release{name: m[1], pre: m[5], variant: m[6]}
	if r.name == "" {
		r.name = "cpython"
	}
	for i, part := range []*int{&r.major, &r.middle, &r.last} {
		n, err := strconv.Atoi(m[2+i])
		if err != nil {
			return release{}, fmt.Errorf("bad Python version %q: %w", text, err)
		}
		*part = n
	}
	return r, nil
}

// String is what parseRelease reads.
func (r release) String() string {
	out := r.name + "-" + r.number()
	if r.variant != "" {
		out += "+" + r.variant
	}
	return out
}

func (r release) minor() string  { return fmt.Sprintf("%d.%d", r.major, r.middle) }
func (r release) number() string { return fmt.Sprintf("%d.%d.%d%s", r.major, r.middle, r.last, r.pre) }

// exe is the name of the executable, lib that of the directory of the standard library.
func (r release) exe() string {
	if r.name == "pypy" {
		return "pypy" + r.minor()
	}
	return r.lib()
}

func (r release) lib() string {
	switch {
	case r.name == "pypy":
		return "pypy" + r.minor()
	case r.variant == "freethreaded":
		return "python" + r.minor() + "t"
	}
	return "python" + r.minor()
}
