package pip

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"uvshim/shim/host"
)

// scanned is what requirements and constraints files say that concerns more than one requirement.
type scanned struct {
	options []given  // --index-url and its kin, in order
	words   []string // requirements; not constraints
	hashes  bool     // a requirement has a hash, or all must have
	unread  bool     // a file cannot be looked into: a pipe or a URL
	large   string   // a file that is too large to be looked into
}

// maxFiles bounds how many files name one another.
const maxFiles = 100

// scan looks into requirements and constraints files, and into those that they name. What cannot be
// read is left for uv to complain of; a pipe (-r <(…)) can be read only once.
func (j *job) scan(requirements, constraints []given) scanned {
	s := scanner{job: j, options: install(), seen: map[string]bool{}}
	for _, g := range requirements {
		s.file(g.value, j.Dir, true)
	}
	for _, g := range constraints {
		s.file(g.value, j.Dir, false)
	}
	return s.out
}

type scanner struct {
	job     *job
	options []option
	seen    map[string]bool
	out     scanned
}

func (s *scanner) file(name, dir string, requirements bool) {
	path := strings.TrimPrefix(name, "file://")
	if strings.Contains(path, "://") || len(s.seen) >= maxFiles {
		s.out.unread = true
		return
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if s.seen[path] {
		return
	}
	s.seen[path] = true
	data, err := host.ReadFile(path, maxFile)
	if err != nil {
		s.out.unread = true
		if errors.Is(err, host.ErrTooLarge) {
			s.out.large = path
		}
		return
	}
	switch filepath.Ext(path) {
	case ".toml", ".py", ".cfg":
		return // uv reads these in its own way, pip not at all
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	n := 0
	var joined strings.Builder
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		n++
		bare := strings.TrimSpace(line)
		if rest != "" && strings.HasSuffix(line, `\`) && !strings.HasPrefix(bare, "#") {
			joined.WriteString(" " + line[:len(line)-1])
			continue
		}
		joined.WriteString(" " + line)
		s.line(joined.String(), path, n, requirements)
		joined.Reset()
	}
}

func (s *scanner) line(line, path string, n int, requirements bool) {
	if i := comment(line); i >= 0 {
		line = line[:i]
	}
	words := shellSplit(s.expand(strings.TrimSpace(line)))
	if len(words) == 0 {
		return
	}
	if !strings.HasPrefix(words[0], "-") {
		for _, w := range words {
			if strings.HasPrefix(w, "--hash") {
				s.out.hashes = s.out.hashes || requirements
			}
		}
		if requirements {
			s.out.words = append(s.out.words, strings.TrimSpace(line))
		}
		return
	}
	all, _, _ := parse(s.options, words, true)
	for _, g := range all {
		g.from, g.file = path+":"+strconv.Itoa(n), path
		switch g.name() {
		case "requirement":
			s.file(g.value, filepath.Dir(path), requirements)
		case "constraint":
			s.file(g.value, filepath.Dir(path), false)
		case "require-hashes":
			s.out.hashes = true
		case "index-url", "extra-index-url", "find-links", "no-index":
			s.out.options = append(s.out.options, g)
		}
	}
}

// comment returns where a comment begins: a # at the beginning or behind white space.
func comment(line string) int {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return i
		}
	}
	return -1
}

// expand puts variables in, which are ${NAME} with capital letters, as pip and uv have it. One that
// is not set stays.
func (s *scanner) expand(line string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(line, "${")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, ok := strings.Cut(rest, "}")
		value := s.job.Env.Get(name)
		if !ok || value == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
			b.WriteString("${")
			line = rest
			continue
		}
		b.WriteString(value)
		line = after
	}
}

// shellSplit splits a line into words as a shell would, quotes and backslashes understood.
func shellSplit(line string) []string {
	var (
		words []string
		word  strings.Builder
		open  bool
		quote byte
	)
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case c == '\\' && quote != '\'' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
			open = true
		case quote == 0 && (c == ' ' || c == '\t'):
			if open {
				words = append(words, word.String())
				word.Reset()
				open = false
			}
		default:
			word.WriteByte(c)
			open = true
		}
	}
	if open {
		words = append(words, word.String())
	}
	return words
}
