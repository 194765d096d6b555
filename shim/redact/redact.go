// Package redact hides passwords and tokens in what is kept, printed or passed on: in command lines,
// in the values of variables and files, and in whole messages that repeat them.
package redact

import (
	"slices"
	"strings"
)

const mask = "***"

// Args returns argv with passwords and tokens replaced by ***: what stands before the @ of a URL,
// values whose option, variable, header or query key has a name such as token or password, and
// words that have the form of a known token. It would rather hide too much than too little, but a
// requirement such as keyring==25.1 stays.
func Args(argv []string) []string {
	out := slices.Clone(argv)
	r := redactor{
		// `uv publish` and `uv auth` have -p and -t for --password and --token; elsewhere in uv they
		// are --python and --target
		short: slices.Contains(argv, "publish") || slices.Contains(argv, "auth"),
	}
	next := false
	for i, arg := range out {
		if next && !strings.HasPrefix(arg, "--") {
			out[i], next = mask, false
			continue
		}
		out[i], next = r.arg(arg)
	}
	return out
}

// Value is Args for one value: a request, a line of a file, a variable with its NAME=.
func Value(text string) string {
	text, _ = redactor{}.arg(text)
	return text
}

type redactor struct{ short bool }

// A hide tells what follows a word that is a secret too. Other values are a quote: all up to it.
type hide byte

const (
	nothing  hide = 0
	oneWord  hide = 1
	allWords hide = 2 // to the end of the argument
)

// after returns what to hide behind secret, a word of which the value is hidden: the rest of the
// string that it begins.
func after(secret string) hide {
	if secret != "" && (secret[0] == '"' || secret[0] == '\'') && strings.IndexByte(secret[1:], secret[0]) < 0 {
		return hide(secret[0])
	}
	return nothing
}

// arg redacts one argument, which may be a whole command line or program (sh -c, python -c). The
// second value tells whether the next argument is a secret.
func (r redactor) arg(arg string) (string, bool) {
	var b strings.Builder
	hidden := nothing
	named := false // the word before is a secret's name, and = may follow
	for rest := arg; rest != ""; {
		space := len(rest) - len(strings.TrimLeft(rest, spaces))
		b.WriteString(rest[:space])
		rest = rest[space:]
		end := strings.IndexAny(rest, spaces)
		if end < 0 {
			end = len(rest)
		}
		word := rest[:end]
		rest = rest[end:]
		switch {
		case word == "":
		case hidden == nothing, hidden == oneWord && strings.HasPrefix(word, "--"):
			if named && (word == "=" || word == ":" || word == ":=") {
				hidden = oneWord
			} else {
				word, hidden = r.word(word)
			}
			b.WriteString(word)
		default:
			b.WriteString(mask)
			if hidden == oneWord {
				hidden = after(word)
			} else if hidden != allWords && strings.IndexByte(word, byte(hidden)) >= 0 {
				hidden = nothing
			}
		}
		named = secret(strings.Trim(word, quotes))
	}
	return b.String(), hidden != nothing
}

const spaces = " \t\n\r"

const quotes = `"'[](){},`

func (r redactor) word(word string) (string, hide) {
	if r.short && (strings.HasPrefix(word, "-p") || strings.HasPrefix(word, "-t")) {
		if len(word) == 2 {
			return word, oneWord
		}
		return word[:2] + mask, after(word[2:])
	}
	if strings.HasPrefix(word, "-") && !strings.Contains(word, "=") && secret(word) {
		return word, oneWord
	}
	word, hidden := urls(word)
	if hidden != nothing {
		return word, hidden
	}
	for i := 0; i < len(word); i++ {
		c := word[i]
		if c != '=' && c != ':' {
			continue
		}
		name := nameBefore(word[:i])
		value := word[i+1:]
		if strings.HasPrefix(value, "=") { // a version
			for i+1 < len(word) && word[i+1] == '=' {
				i++
			}
			continue
		}
		if !secret(name) {
			continue
		}
		bare := strings.Trim(value, quotes)
		if bare == "" && value != "" { // the secret begins there, or is nothing but quotes
			word = word[:i+1] + mask
		}
		switch {
		case c == ':' && bare != "" && bare == value && !strong(name): // app.auth:router
		case bare == "" && c == ':': // Authorization: Bearer …
			return word, allWords
		case bare == "":
			return word, oneWord
		default:
			return word[:i+1] + mask, after(value)
		}
	}
	return shapes(word), nothing
}

// nameBefore returns the name at the end of text, quotes and brackets behind it left out.
func nameBefore(text string) string {
	text = strings.TrimRight(text, quotes)
	i := len(text)
	for i > 0 && (isAlnum(text[i-1]) || strings.IndexByte("_.-", text[i-1]) >= 0) {
		i--
	}
	return text[i:]
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// secret reports whether name is that of a secret: UV_INDEX_X_PASSWORD, --api-key, accessToken.
func secret(name string) bool {
	if strong(name) {
		return true
	}
	for _, part := range parts(name) {
		switch part {
		case "key", "keys", "pass", "pwd", "pat", "auth", "authorization", "sig", "signature", "bearer", "cookie":
			return true
		}
	}
	return false
}

// strong is secret for the names that hardly ever mean anything else.
func strong(name string) bool {
	for _, part := range parts(name) {
		for _, end := range []string{"token", "tokens", "password", "passwd", "passphrase", "secret", "secrets", "credential", "credentials", "apikey", "accesskey", "secretkey"} {
			if strings.HasSuffix(part, end) {
				return true
			}
		}
	}
	return false
}

func parts(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(c rune) bool { return c == '-' || c == '_' || c == '.' })
}

// urls hides what stands between :// and @ in the URLs of word. For ssh a user without a password is
// no secret. A path that was made of a URL has one slash there.
func urls(word string) (string, hide) {
	var b strings.Builder
	for {
		scheme, slashes, rest, ok := cutURL(word)
		if !ok {
			b.WriteString(word)
			return b.String(), nothing
		}
		b.WriteString(scheme + slashes)
		end := strings.IndexAny(rest, `/\?#`)
		if end < 0 {
			end = len(rest)
		}
		at := strings.LastIndexByte(rest[:end], '@')
		if at < 0 && badPort(rest[:end]) {
			// no host and port, so a password with a / or a space in it
			if at = strings.LastIndexByte(rest, '@'); at < 0 {
				b.WriteString(mask)
				return b.String(), allWords
			}
		}
		if at >= 0 && (!strings.HasSuffix(strings.ToLower(scheme), "ssh") || strings.Contains(rest[:at], ":")) {
			b.WriteString(mask)
			rest = rest[at:]
		}
		word = rest
	}
}

// cutURL splits text at the first URL's :// or, behind a scheme that a network has, :/.
func cutURL(text string) (scheme, slashes, rest string, ok bool) {
	for from := 0; ; {
		i := strings.Index(text[from:], ":/")
		if i < 0 {
			return "", "", "", false
		}
		from += i
		scheme, rest = text[:from], text[from+2:]
		if strings.HasPrefix(rest, "/") {
			return scheme, "://", rest[1:], true
		}
		for _, known := range [...]string{"http", "https", "ssh", "ftp", "git"} {
			if strings.HasSuffix(strings.ToLower(scheme), known) && !isAlnum(last(scheme[:len(scheme)-len(known)])) {
				return scheme, ":/", rest, true
			}
		}
		from += 2
	}
}

// last returns the last byte of text, a space for none.
func last(text string) byte {
	if text == "" {
		return ' '
	}
	return text[len(text)-1]
}

func badPort(authority string) bool {
	if i := strings.LastIndexByte(authority, ']'); i >= 0 { // IPv6
		authority = authority[i:]
	}
	_, port, found := strings.Cut(authority, ":")
	return found && strings.Trim(strings.TrimRight(port, quotes), "0123456789") != ""
}

// shapes hides tokens that can be told by their beginning: PyPI's, GitHub's, GitLab's.
func shapes(word string) string {
	for _, begin := range []string{"pypi-AgE", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"} {
		if i := strings.Index(word, begin); i >= 0 && len(word)-i-len(begin) >= 16 {
			return word[:i] + mask
		}
	}
	return word
}
