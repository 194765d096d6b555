package version

import (
	"cmp"
	"math"
	"strconv"
	"strings"
)

const (
	maxPart    = math.MaxUint8 // uv keeps major, minor and patch in a byte
	maxVersion = 1 << 10       // bytes of one version, or of a whole range
	maxSpecs   = 64            // specifiers in one range
)

// A pep is a version in full after PEP 440. It is what a range is written in; a Version is what an
// interpreter has.
type pep struct {
	epoch   uint64
	release []uint64 // never empty
	pre     string   // "a", "b", "rc"
	preNum  uint64
	post    number
	dev     number
	local   string
}

type number struct {
	set bool
	n   uint64
}

// parsePEP reads a version in any spelling that PEP 440 allows ("v3.13", "3.15-alpha.1").
func parsePEP(text string) (pep, bool) {
	p, star, ok := parsePattern(text)
	return p, ok && !star
}

// parsePattern is parsePEP that allows a trailing ".*" and tells of it.
func parsePattern(text string) (p pep, star, ok bool) {
	s := scanner{text}
	s.spaces()
	s.take("v")
	n, ok := s.number()
	if !ok {
		return p, false, false
	}
	if s.take("!") {
		p.epoch = n
		if n, ok = s.number(); !ok {
			return p, false, false
		}
	}
	p.release = append(p.release, n)
	for {
		at := s
		if !s.take(".") {
			break
		}
		if n, ok = s.number(); !ok {
			s = at
			break
		}
		p.release = append(p.release, n)
	}
	if s.take(".*") {
		return p, true, s.text == ""
	}
	ok = s.pre(&p) && s.post(&p) && s.dev(&p) && s.local(&p)
	s.spaces()
	return p, false, ok && s.text == ""
}

// A scanner eats a version from its front. Its methods after the release return false when a
// number does not fit, and are content when their part is not there.
type scanner struct{ text string }

func (s *scanner) spaces() { s.text = strings.TrimLeft(s.text, " \t\n\f\r") }

func (s *scanner) take(word string) bool {
	if len(s.text) < len(word) || !strings.EqualFold(s.text[:len(word)], word) {
		return false
	}
	s.text = s.text[len(word):]
	return true
}

func (s *scanner) takeAny(words ...string) (string, bool) {
	for _, word := range words {
		if s.take(word) {
			return word, true
		}
	}
	return "", false
}

func (s *scanner) separator() { s.takeAny(".", "_", "-") }

func (s *scanner) digits() string {
	end := 0
	for end < len(s.text) && s.text[end] >= '0' && s.text[end] <= '9' {
		end++
	}
	digits := s.text[:end]
	s.text = s.text[end:]
	return digits
}

// number eats a number under 2^64-1. Without one, or with a greater one, it returns false.
func (s *scanner) number() (uint64, bool) {
	n, err := strconv.ParseUint(s.digits(), 10, 64)
	return n, err == nil && n != math.MaxUint64
}

// numberOr0 is number where none counts as 0.
func (s *scanner) numberOr0() (uint64, bool) {
	if s.text == "" || s.text[0] < '0' || s.text[0] > '9' {
		return 0, true
	}
	return s.number()
}

func (s *scanner) pre(p *pep) bool {
	at := s.text
	s.separator()
	word, found := s.takeAny("alpha", "beta", "preview", "pre", "rc", "a", "b", "c")
	if !found {
		s.text = at
		return true
	}
	s.separator()
	switch word {
	case "alpha", "a":
		p.pre = "a"
	case "beta", "b":
		p.pre = "b"
	default:
		p.pre = "rc"
	}
	n, ok := s.numberOr0()
	p.preNum = n
	return ok
}

func (s *scanner) post(p *pep) bool {
	at := s.text
	if s.take("-") && s.text != "" && s.text[0] >= '0' && s.text[0] <= '9' {
		n, ok := s.number()
		p.post = number{true, n}
		return ok
	}
	s.text = at
	s.separator()
	if _, found := s.takeAny("post", "rev", "r"); !found {
		s.text = at
		return true
	}
	s.separator()
	n, ok := s.numberOr0()
	p.post = number{true, n}
	return ok
}

func (s *scanner) dev(p *pep) bool {
	at := s.text
	s.separator()
	if !s.take("dev") {
		s.text = at
		return true
	}
	s.separator()
	n, ok := s.numberOr0()
	p.dev = number{true, n}
	return ok
}

func (s *scanner) local(p *pep) bool {
	if !s.take("+") {
		return true
	}
	var parts []string
	for {
		end := 0
		for end < len(s.text) && alphanumeric(s.text[end]) {
			end++
		}
		if end == 0 {
			return false
		}
		parts = append(parts, strings.ToLower(s.text[:end]))
		s.text = s.text[end:]
		if _, more := s.takeAny(".", "_", "-"); !more {
			p.local = strings.Join(parts, ".")
			return true
		}
	}
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// compare is PEP 440's order; releases of unequal length are filled up with zeros.
func (p pep) compare(q pep) int {
	if c := cmp.Compare(p.epoch, q.epoch); c != 0 {
		return c
	}
	for i := range max(len(p.release), len(q.release)) {
		if c := cmp.Compare(p.part(i), q.part(i)); c != 0 {
			return c
		}
	}
	pk, pn := p.stage()
	qk, qn := q.stage()
	return cmp.Or(
		cmp.Compare(pk, qk), cmp.Compare(pn, qn),
		comparePost(p.post, q.post), compareDev(p, q),
		strings.Compare(p.local, q.local),
	)
}

func (p pep) part(i int) uint64 {
	if i < len(p.release) {
		return p.release[i]
	}
	return 0
}

// stage places the suffix: development, alpha, beta, candidate, final, post.
func (p pep) stage() (int, uint64) {
	switch {
	case p.pre == "a":
		return 2, p.preNum
	case p.pre == "b":
		return 3, p.preNum
	case p.pre == "rc":
		return 4, p.preNum
	case p.post.set:
		return 6, 0
	case p.dev.set:
		return 1, 0
	}
	return 5, 0
}

func comparePost(a, b number) int {
	if a.set != b.set {
		if b.set {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.n, b.n)
}

// compareDev: no development number comes after any.
func compareDev(p, q pep) int {
	if p.dev.set != q.dev.set {
		if p.dev.set {
			return -1
		}
		return 1
	}
	return cmp.Compare(p.dev.n, q.dev.n)
}

func (p pep) prerelease() bool { return p.pre != "" || p.dev.set }

// String is the normal form.
func (p pep) String() string {
	var b strings.Builder
	if p.epoch != 0 {
		b.WriteString(strconv.FormatUint(p.epoch, 10) + "!")
	}
	for i, n := range p.release {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.FormatUint(n, 10))
	}
	if p.pre != "" {
		b.WriteString(p.pre + strconv.FormatUint(p.preNum, 10))
	}
	if p.post.set {
		b.WriteString(".post" + strconv.FormatUint(p.post.n, 10))
	}
	if p.dev.set {
		b.WriteString(".dev" + strconv.FormatUint(p.dev.n, 10))
	}
	if p.local != "" {
		b.WriteString("+" + p.local)
	}
	return b.String()
}
