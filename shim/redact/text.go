package redact

import "strings"

// Text returns a message, of whatever words, with the passwords and tokens in it replaced by ***. It
// hides less than Args and Value, which take any word of a command line for a secret's name: what
// stands in a URL before the @, words that have the form of a known token, and what is given to a
// variable or an option whose name hardly ever means anything else.
func Text(text string) string {
	if !strings.ContainsAny(text, "@=-_") {
		return text
	}
	var b strings.Builder
	option := false // the word before is one whose value is a secret
	for rest := text; rest != ""; {
		space := len(rest) - len(strings.TrimLeft(rest, spaces))
		b.WriteString(rest[:space])
		rest = rest[space:]
		end := strings.IndexAny(rest, spaces)
		if end < 0 {
			end = len(rest)
		}
		word := rest[:end]
		rest = rest[end:]
		if option && word != "" && !strings.HasPrefix(word, "-") {
			b.WriteString(mask)
			option = false
			continue
		}
		option = isOption(word)
		shown, hidden := urls(word)
		if hidden == allWords { // a password with spaces, which ends at the @
			line, _, _ := strings.Cut(rest, "\n")
			if at := strings.IndexByte(line, '@'); at >= 0 {
				rest = rest[at:]
			}
		}
		b.WriteString(shapes(given(shown)))
	}
	return b.String()
}

// isOption reports whether the next word is the secret that an option is given.
func isOption(word string) bool {
	word = strings.TrimLeft(word, quotes)
	return strings.HasPrefix(word, "--") && !strings.ContainsAny(word, "=.,;:") && strong(word)
}

// given hides what stands in word behind NAME= or --name=.
func given(word string) string {
	name, value, ok := strings.Cut(word, "=")
	if !ok || strings.HasPrefix(value, "=") || strings.Trim(value, quotes+".…:;") == "" || !strong(nameBefore(name)) {
		return word
	}
	// what closes a quotation around the whole stays
	kept := strings.TrimRight(value, quotes+":;")
	return name + "=" + mask + value[len(kept):]
}
