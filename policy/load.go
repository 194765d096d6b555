package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// MaxSize is how many bytes a policy file may have. Callers read no more than that.
const MaxSize = 1 << 20

// A File is a policy file as read by the caller.
type File struct {
	Path string // as messages are to name it
	Data []byte
}

// Loaded is a policy with the files that it was made of.
type Loaded struct {
	Policy
	Files []File
}

// Load makes a policy of its layers, the lowest first: /etc/shim/policy.toml, then the user's. A
// key of a later file wins over the same key of an earlier one, a list replaces the whole list, and
// a key that no file has is as in Default.
//
// A non-nil error is of type Problems. Loaded then holds the Default policy. The rules that join
// several keys are held against the merged policy, and only if each file by itself is right.
func Load(files ...File) (Loaded, error) {
	var problems Problems
	merged := Default()
	for _, f := range files {
		if len(f.Data) > MaxSize {
			problems = append(problems, problem(f, 0, "", fmt.Errorf("the file has more than %d bytes", MaxSize)))
			continue
		}
		found := check(f)
		if found == nil {
			// not before: the decoder takes keys in the wrong case, and its time and memory grow
			// with the square of a dotted key, its stack with the depth of a list
			found = decode(f, &merged)
		}
		problems = append(problems, found...)
	}
	loaded := Loaded{Policy: merged, Files: files}
	if problems == nil {
		problems = loaded.rules()
	}
	if problems != nil {
		return Loaded{Policy: Default(), Files: files}, problems
	}
	return loaded, nil
}

// decode sets in p what f has. The file is one that check found nothing in, so an error here is a
// difference between the two TOML libraries: what either refuses is broken.
func decode(f File, p *Policy) Problems {
	err := toml.Unmarshal(f.Data, p)
	if err == nil {
		for _, field := range p.fields() {
			if field.list != nil && len(*field.list) == 0 {
				*field.list = nil
			}
		}
		return nil
	}
	offset, text := 0, err.Error()
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		offset = min(max(syntax.Position.Start, 0), len(f.Data))
		text = strings.TrimSuffix(syntax.Message, ".")
	}
	return Problems{problem(f, offset, "", errors.New(clip(text)))}
}

// Source returns the file that set key ("python.default") and the line of its value. It is "" and
// 0 for a key that no file has. The files are parsed at each call: this is for trails and reports.
func (l Loaded) Source(key string) (path string, line int) {
	f, p, ok := l.source(key)
	if !ok {
		return "", 0
	}
	line, _ = position(f.Data, p.value)
	return f.Path, line
}

// Line returns the file that has text in the list of key that counts, and its line there; "" and 0
// where none has.
func (l Loaded) Line(key, text string) (path string, line int) {
	p := l.Policy
	for _, f := range p.fields() {
		if f.key == key && f.list != nil {
			if i := slices.Index(*f.list, text); i >= 0 {
				return l.line(key, i)
			}
		}
	}
	return "", 0
}

// source returns the file that set key, and its place there.
func (l Loaded) source(key string) (File, place, bool) {
	for i := len(l.Files) - 1; i >= 0; i-- {
		if p, ok := find(l.Files[i].Data, key); ok {
			return l.Files[i], p, true
		}
	}
	return File{}, place{}, false
}
