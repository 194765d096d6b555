package version

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxFile is how many bytes of a version file are read.
const MaxFile = 64 << 10

// A Line is one line of a version file that is neither blank nor a comment.
type Line struct {
	Number  int    // from 1
	Text    string // without the blanks around it
	Request Request
	Problem string // why the line is of no use; empty for a good one
	Skipped bool   // uv passes over the line, with a warning. A problem without it is an error to uv
}

// Lines reads a .python-version or .python-versions file as uv does (version_files.rs): each line is
// a request, blank lines and those that begin with "#" are nothing, and an executable's name is
// passed over with a warning. So are a version with a comment behind it, two on a line, or one
// behind a byte order mark: they read as names. A path is returned as such, for the caller to
// refuse; whether a name exists as a file, which uv would then take, cannot be known here.
//
// uv reads no file with bytes that are not UTF-8, whatever else is in it: then, and for one over
// MaxFile bytes, a single line with the problem is returned.
func Lines(data []byte) []Line {
	if len(data) > MaxFile {
		return []Line{{Number: 1, Problem: fmt.Sprintf("file is longer than %d bytes", MaxFile)}}
	}
	if !utf8.Valid(data) {
		return []Line{{Number: invalidLine(data), Problem: "file is not UTF-8"}}
	}
	var lines []Line
	n := 0
	for text := range strings.Lines(string(data)) {
		n++
		text = strings.TrimSpace(text)
		if text == "" || text[0] == '#' {
			continue
		}
		line := Line{Number: n, Text: text}
		r, err := Parse(text)
		line.Request = r
		switch {
		case err != nil:
			line.Problem = err.Error()
		case r.kind == KindName:
			line.Problem = "not a Python version request"
			line.Skipped = true
		}
		lines = append(lines, line)
	}
	return lines
}

// First returns the line that decides: the first that is not skipped.
func First(lines []Line) (Line, bool) {
	for _, line := range lines {
		if !line.Skipped {
			return line, true
		}
	}
	return Line{}, false
}

// invalidLine returns the number of the line of the first byte that is not UTF-8.
func invalidLine(data []byte) int {
	n := 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			n++
		}
		data = data[size:]
	}
	return n
}
