package cli

import (
	"iter"
	"strings"
)

// many is the number of words of a command that takes any.
const many = -1

// A form is how the words behind a command's name are meant.
type form uint8

const (
	leaf    form = iota // options and words in any order
	group               // the first word is a command
	last                // words stand behind "--" only
	program             // the first word is the program, and what follows is the program's
)

// A command is an entry of the table. The linker lays the table out: nothing is built at start.
type command struct {
	path    string // "pip install"; "" for uv itself
	aliases string // of its last word, with blanks between
	form    form
	words   int    // how many it takes, or many
	env     string // the variable that stands for them
	options string // those that not every command has, as spec says
}

// A spec is one option in the table: [SHORT,]NAME[,ALIAS…][=][@VARIABLE], where = says that it takes
// a value. An option of one letter is a short one without a long name.
type spec struct {
	names string // all of them, with commas between
	value bool
	env   string
}

func specOf(text string) (s spec) {
	s.names, s.env, _ = strings.Cut(text, "@")
	s.names, s.value = strings.CutSuffix(s.names, "=")
	return s
}

// name returns the option's own long name.
func (s spec) name() string {
	rest := s.names
	if len(rest) > 1 && rest[1] == ',' {
		rest = rest[2:]
	}
	name, _, _ := strings.Cut(rest, ",")
	return name
}

// known reports whether one of its names is the given one.
func (s spec) known(name string) bool { return listed(s.names, name, ',') }

// specs yields the options of a command, its own first.
func specs(table int) iter.Seq[spec] {
	return func(yield func(spec) bool) {
		for _, text := range [...]string{commands[table].options, global} {
			for text != "" {
				end := 0
				for end < len(text) && text[end] > ' ' { // a blank or the end of a line
					end++
				}
				if !yield(specOf(text[:end])) {
					return
				}
				text = text[min(end+1, len(text)):]
			}
		}
	}
}

// lookup returns the option of a command that is called name.
func lookup(table int, name string) (spec, bool) {
	for s := range specs(table) {
		if s.known(name) {
			return s, true
		}
	}
	return spec{}, false
}

// below returns the command that word names below another.
func below(table int, word string) (int, bool) {
	above := commands[table].path
	for i := range commands {
		path := commands[i].path
		name, ok := strings.CutPrefix(path, above)
		if above != "" && ok {
			name, ok = strings.CutPrefix(name, " ")
		}
		if !ok || name == "" || strings.IndexByte(name, ' ') >= 0 {
			continue
		}
		if name == word || word != "" && listed(commands[i].aliases, word, ' ') {
			return i, true
		}
	}
	return 0, false
}

// listed reports whether word is one of the list's, which have sep between them.
func listed(list, word string, sep byte) bool {
	for list != "" {
		end := strings.IndexByte(list, sep)
		if end < 0 {
			return list == word
		}
		if list[:end] == word {
			return true
		}
		list = list[end+1:]
	}
	return false
}
