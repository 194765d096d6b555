package version

import (
	"fmt"
	"strconv"
	"strings"
)

// A form is the shape of a wanted version.
type form uint8

const (
	unsaid form = iota // uv's Default and Any, told apart by the request's kind
	exact
	ranged
)

// wanted is what a request says of version and variant: uv's VersionRequest.
type wanted struct {
	form                form
	parts               int // of an exact one: 1 to 3 of the following
	major, minor, patch int
	pre                 string
	preNum              uint64
	specs               []spec
	variant             variant
}

// parseWanted reads "3", "3.12", "312", "3.12.1", "3.15a1", ranges, and each with a variant behind
// its last digit: "3.14t", "3.14+freethreaded", ">=3.14t". It returns false for what is none; the
// error is only for too many specifiers.
func parseWanted(text string) (wanted, bool, error) {
	text, v := cutVariant(text)
	p, ok := parsePEP(text)
	if !ok {
		specs, err := parseSpecs(text)
		if err != nil || specs == nil {
			return wanted{}, false, err
		}
		// a single == is no range to uv; what variant it had is lost
		if len(specs) == 1 && specs[0].op == "==" && !specs[0].star {
			only := specs[0].v.String()
			rest, v := cutVariant(only)
			if p, ok := parsePEP(rest); ok {
				if w, ok := exactly(p, v); ok {
					return w, true, nil
				}
			}
		}
		return wanted{form: ranged, specs: specs, variant: v}, true, nil
	}
	w, ok := exactly(p, v)
	return w, ok, nil
}

// cutVariant takes the variant from behind the last digit. What is no variant stays, for the
// version's parser to refuse.
func cutVariant(text string) (string, variant) {
	end := strings.LastIndexAny(text, "0123456789") + 1
	if end == 0 {
		return text, plain
	}
	v, ok := parseVariant(strings.TrimPrefix(text[end:], "+"))
	if !ok {
		return text, plain
	}
	return text[:end], v
}

func exactly(p pep, v variant) (wanted, bool) {
	if p.post.set || p.dev.set || p.local != "" {
		return wanted{}, false
	}
	release := p.release
	if len(release) == 1 {
		release = untag(release[0])
	}
	if len(release) > 3 || len(release) == 1 && p.pre != "" {
		return wanted{}, false
	}
	w := wanted{form: exact, parts: len(release), pre: p.pre, preNum: p.preNum, variant: v}
	for i, n := range release {
		if n > maxPart {
			return wanted{}, false
		}
		*[]*int{&w.major, &w.minor, &w.patch}[i] = int(n)
	}
	if w.pre != "" && w.patch == 0 {
		w.parts = 2
	}
	return w, true
}

// untag reads a number as wheel tags have versions: 312 is 3.12.
func untag(n uint64) []uint64 {
	digits := strconv.FormatUint(n, 10)
	minor, err := strconv.ParseUint(digits[1:], 10, 32)
	if err != nil {
		return []uint64{n}
	}
	return []uint64{uint64(digits[0] - '0'), minor}
}

// supported is uv's check_supported.
func (w wanted) supported() error {
	if w.form != exact {
		return nil
	}
	if w.major < 3 || w.parts > 1 && w.major == 3 && w.minor < 6 {
		return fmt.Errorf("uv supports no Python before 3.6")
	}
	if w.variant.freethreaded() && w.parts > 1 && w.pre == "" && w.major == 3 && w.minor < 13 {
		return fmt.Errorf("no Python before 3.13 has a free-threaded build")
	}
	return nil
}

// prerelease reports whether a prerelease is named, or a development version in a range.
func (w wanted) prerelease() bool {
	for _, s := range w.specs {
		if s.v.prerelease() {
			return true
		}
	}
	return w.pre != ""
}
