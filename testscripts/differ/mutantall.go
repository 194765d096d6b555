package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// To build a package anew for each mutant takes a hundred times as long as its quick tests do. So
// there is one program with all of them: beside each statement stand its changed copies, and a file
// beside the program tells which one is meant.

// selected is the source that a package gets in addition. A file and no variable: tests start
// their own program with environments that they make.
const selected = `package %s

import "os"
import "strconv"

var mutant_ = func() int {
	self, _ := os.Executable()
	data, _ := os.ReadFile(self + ".mutant")
	n, _ := strconv.Atoi(string(data))
	return n
}()
`

// combined returns the source of a file with all of its mutants, by their numbers, and where in it
// each one's copy stands.
func combined(source []byte, list map[int]mutation) ([]byte, map[int]span) {
	type edge struct {
		at     int // in source
		opens  bool
		number int
	}
	var edges []edge
	for i, m := range list {
		edges = append(edges, edge{m.within.start, true, i}, edge{m.within.end, false, i})
	}
	// what encloses opens first and closes last
	slices.SortFunc(edges, func(a, b edge) int {
		x, y := list[a.number].within, list[b.number].within
		switch {
		case a.at != b.at:
			return a.at - b.at
		case a.opens != b.opens && b.opens:
			return -1
		case a.opens != b.opens:
			return 1
		case a.opens:
			return cmp.Or(y.end-x.end, a.number-b.number)
		}
		return cmp.Or(y.start-x.start, b.number-a.number)
	})
	// with line breaks, since the compiler tells no column above 255
	var out bytes.Buffer
	copies, from := map[int]span{}, 0
	for _, e := range edges {
		out.Write(source[from:e.at])
		from = e.at
		if !e.opens {
			out.WriteString("\n}")
			continue
		}
		m := list[e.number]
		fmt.Fprintf(&out, "if mutant_ == %d {\n", e.number)
		start := out.Len()
		out.Write(source[m.within.start:m.start])
		out.WriteString(m.text)
		out.Write(source[m.end:m.within.end])
		copies[e.number] = span{start, out.Len()}
		out.WriteString("\n} else {\n")
	}
	out.Write(source[from:])
	return out.Bytes(), copies
}

// combine writes the files of a package with the mutants that go into one program, and returns what
// replaces what. It leaves out, and returns, those that the compiler refuses.
func (b *bench) combine(pkg string, list []mutation) (overlay map[string]string, refused map[int]bool, err error) {
	refused = map[int]bool{}
	dir := filepath.Join(b.module, pkg)
	for range 10 {
		files := map[string]map[int]mutation{}
		for i, m := range list {
			if m.within == (span{}) || refused[i] {
				continue
			}
			if files[m.file] == nil {
				files[m.file] = map[int]mutation{}
			}
			files[m.file][i+1] = m // 0 is none
		}
		overlay = map[string]string{filepath.Join(dir, "mutant_.go"): filepath.Join(b.dir, "mutant_.go")}
		copies := map[string]map[int]span{}
		var name string
		for file, some := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				return nil, nil, err
			}
			text, spans := combined(source, some)
			overlay[file] = filepath.Join(b.dir, filepath.Base(file))
			copies[filepath.Base(file)] = spans
			if err := os.WriteFile(overlay[file], text, 0o644); err != nil {
				return nil, nil, err
			}
			name = packageOf(source)
		}
		if err := os.WriteFile(filepath.Join(b.dir, "mutant_.go"), fmt.Appendf(nil, selected, name), 0o644); err != nil {
			return nil, nil, err
		}
		out, err := b.build(pkg, overlay)
		if err != nil || out == nil {
			return overlay, refused, err
		}
		before := len(refused)
		for _, m := range regexp.MustCompile(`(?m)([^/\s:]+\.go):(\d+):(\d+): `).FindAllSubmatch(out, -1) {
			file := string(m[1])
			data, err := os.ReadFile(filepath.Join(b.dir, file))
			if err != nil {
				continue
			}
			if i := at(copies[file], offset(data, m[2], m[3])); i > 0 {
				refused[i-1] = true
			}
		}
		if len(refused) == before {
			return nil, nil, fmt.Errorf("building all mutants of %s:\n%s", pkg, told(out))
		}
	}
	return nil, nil, fmt.Errorf("building all mutants of %s: the compiler refuses ever more", pkg)
}

func packageOf(source []byte) string {
	for line := range strings.Lines(string(source)) {
		if name, ok := strings.CutPrefix(line, "package "); ok {
			return strings.Fields(name)[0]
		}
	}
	return ""
}

// offset returns where a line and column are in a file.
func offset(data, line, column []byte) int {
	n, _ := strconv.Atoi(string(line))
	at, _ := strconv.Atoi(string(column))
	for i := range data {
		if n == 1 {
			return i + at - 1
		}
		if data[i] == '\n' {
			n--
		}
	}
	return -1
}

// at returns the number of the mutant whose copy is at an offset, 0 if there is none.
func at(copies map[int]span, offset int) int {
	found := 0
	for i, s := range copies {
		if s.holds(offset, offset) && (found == 0 || copies[found].holds(s.start, s.end)) {
			found = i
		}
	}
	return found
}
