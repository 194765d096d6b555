package say

import "strings"

// Tilde returns a path with the home directory as ~, as messages show it. home is "" where none is
// known.
func Tilde(path, home string) string {
	rest, ok := strings.CutPrefix(path, home)
	if ok && home != "" && home != "/" && (rest == "" || rest[0] == '/') {
		return "~" + rest
	}
	return path
}

// Tildes returns text with the home directory as ~ wherever a path in it begins so. A path in single
// quotes becomes ~/'…': inside them ~ is a letter to a shell.
func Tildes(text, home string) string {
	if home == "" || home == "/" {
		return text
	}
	var b strings.Builder
	for {
		i := strings.Index(text, home)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		before, after := text[:i], text[i+len(home):]
		// a name that only begins like it is another directory's
		begins := before == "" || strings.IndexByte("=:;,\"' \n(>", before[len(before)-1]) >= 0
		ends := after == "" || strings.IndexByte("/:;,\"' \n)", after[0]) >= 0
		unquoted, quoted := strings.CutSuffix(before, "'")
		switch {
		case !begins || !ends, strings.HasSuffix(before, "$'"): // inside $'…' a tilde is a letter, and outside it the $ is
			b.WriteString(before + home)
		case quoted && after != "" && after[0] == '\'':
			b.WriteString(unquoted + "~")
			after = after[1:]
		case quoted && after != "" && after[0] == '/':
			b.WriteString(unquoted + "~/'")
			after = after[1:]
		default:
			b.WriteString(before + "~")
		}
		text = after
	}
}
