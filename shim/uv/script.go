package uv

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"uvshim/shim/decode"
	"uvshim/shim/host"
	"uvshim/shim/remember"
)

// A Script is what a Python file says of itself (PEP 723).
type Script struct {
	Metadata bool   // there is a block "# /// script"
	Requires string // its requires-python, "" if not said
	Settings bool   // it has settings for uv that say where environments are, or of which Python
}

// maxScript bounds the scripts that are read for their metadata, in bytes.
const maxScript = 4 << 20

// ReadScript reads the inline metadata of the file at path as uv does (uv-scripts, ScriptTag::parse).
// A block that uv would refuse is an error.
func ReadScript(facts remember.Store, path string) (Script, error) {
	data, err := facts.File("pep723", path, parseScript)
	if err != nil || len(data) == 0 {
		return Script{}, err
	}
	return Script{Metadata: true, Requires: string(data[1:]), Settings: data[0] == 's'}, nil
}

// parseScript returns nothing for a file without metadata, and else "m", or "s" where it has
// settings, and its requires-python.
func parseScript(path string) ([]byte, error) {
	data, err := host.ReadFile(path, maxScript)
	if err != nil {
		return nil, err
	}
	const opening = "# /// script"
	at := bytes.Index(data, []byte(opening))
	if at < 0 || at > 0 && data[at-1] != '\n' && data[at-1] != '\r' {
		return nil, nil
	}
	if !utf8.Valid(data) {
		return nil, errors.New("it is not UTF-8")
	}
	block, closed, first := []byte{}, -1, true
	for line := range strings.Lines(string(data[at:])) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if first {
			if line != opening {
				return nil, nil
			}
			first = false
			continue
		}
		text, ok := strings.CutPrefix(line, "#")
		if !ok || text != "" && text[0] != ' ' {
			break
		}
		if line == "# ///" {
			closed = len(block)
		}
		block = append(append(block, strings.TrimPrefix(text, " ")...), '\n')
	}
	if closed < 0 {
		return nil, errors.New("its metadata has no end")
	}
	var doc struct {
		RequiresPython string `toml:"requires-python"`
		Tool           struct {
			UV map[string]any
		}
	}
	block = block[:closed]
	if err := decode.TOML(block, &doc); err != nil {
		return nil, err
	}
	for _, key := range [...]string{"cache-dir", "no-cache", "python-preference"} {
		if _, ok := doc.Tool.UV[key]; ok {
			return []byte("s" + doc.RequiresPython), nil
		}
	}
	return []byte("m" + doc.RequiresPython), nil
}
