package sync

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"uvshim/shim/host"
)

// HomeManager is what the active generation of Home Manager has programs.uv install, read from its
// activation script: the module leaves no other mark (home-manager, modules/programs/uv.nix).
type HomeManager struct {
	File        string // the activation script; "" where there is no Home Manager
	Err         error  // there is a generation, and what it manages cannot be read
	Versions    []string
	Default     []string
	PrunePython bool
	Packages    []string
	PruneTool   bool
}

// Pythons reports whether Home Manager manages uv's Pythons, and Tools the tools.
func (h HomeManager) Pythons() bool { return len(h.Versions) > 0 || h.PrunePython }

// Tools reports whether Home Manager manages uv's tools.
func (h HomeManager) Tools() bool { return len(h.Packages) > 0 || h.PruneTool }

const maxActivation = 4 << 20 // bytes

// FindHomeManager returns what the active generation manages, of the user whose directories base has. A
// link to a generation that was collected as garbage is one that cannot be read.
func FindHomeManager(base host.Dirs) HomeManager {
	if base.State == "" {
		return HomeManager{}
	}
	var unread HomeManager
	for _, dir := range [...]string{"home-manager/gcroots/current-home", "nix/profiles/home-manager"} {
		dir = filepath.Join(base.State, dir)
		file := filepath.Join(dir, "activate")
		text, err := host.ReadFile(file, maxActivation)
		if err == nil {
			h := parseActivation(string(text))
			h.File = file
			return h
		}
		if _, none := os.Lstat(dir); !errors.Is(none, fs.ErrNotExist) && unread.Err == nil {
			unread = HomeManager{File: file, Err: err}
		}
	}
	return unread
}

// parseActivation reads the calls of uv in an activation script. The requests are words of the
// shell there, literal ones; what has a variable in it is none of the user's.
func parseActivation(text string) HomeManager {
	var h HomeManager
	add := func(list *[]string, words []string) {
		for _, word := range words {
			if !strings.HasPrefix(word, "-") && !strings.ContainsAny(word, "$`") && word != "" && !slices.Contains(*list, word) {
				*list = append(*list, word)
			}
		}
	}
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "uv") {
			continue
		}
		words := shellWords(line)
		at := callOfUV(words)
		if at < 0 || at+2 >= len(words) {
			continue
		}
		args := words[at+3:]
		switch words[at+1] + " " + words[at+2] {
		case "python install":
			add(&h.Versions, args)
			if slices.Contains(args, "--default") {
				add(&h.Default, args)
			}
		case "python uninstall":
			h.PrunePython = true
		case "tool install":
			add(&h.Packages, args)
		case "tool uninstall":
			h.PruneTool = true
		}
	}
	return h
}

// shellWords splits a line of a shell script into words, up to the end of the first command that
// calls something. Quotes are taken off; a variable that stands unquoted, or in double quotes, stays
// as its text, "$".
func shellWords(line string) []string {
	var words []string
	var word strings.Builder
	begun := false
	end := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\'':
			begun = true
			n := strings.IndexByte(line[i+1:], '\'')
			if n < 0 {
				return words // a request has no end of line in it
			}
			// what is quoted is literal: a $ in it is none of the shell's
			word.WriteString(line[i+1 : i+1+n])
			i += n + 1
		case c == '"':
			begun = true
		case c == '\\':
			if i++; i < len(line) && line[i] != '\n' {
				begun = true
				word.WriteByte(line[i])
			}
		case c == ' ' || c == '\t' || c == '\n':
			end()
		case c == '#' && !begun:
			end()
			return words
		case c == ';' || c == '|' || c == '&' || c == '(' || c == ')' || c == '<' || c == '>':
			end()
			if callOfUV(words) >= 0 {
				return words
			}
			words = nil
		default:
			begun = true
			word.WriteByte(c)
		}
	}
	end()
	return words
}

// callOfUV returns where in a command uv is called, -1 if another program is. Before it there may be
// words of the shell's syntax, Home Manager's own run, with its options, and variables.
func callOfUV(words []string) int {
	before := []string{"run", "if", "then", "else", "do", "!", "{"}
	for i, word := range words {
		switch {
		case word == "uv" || strings.HasSuffix(word, "/bin/uv"):
			return i
		case !slices.Contains(before, word) && !strings.HasPrefix(word, "$") && !strings.HasPrefix(word, "-") && !strings.Contains(word, "="):
			return -1
		}
	}
	return -1
}
