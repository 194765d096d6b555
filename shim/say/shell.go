package say

import "strings"

// ShellWord returns text as one word of a command line, in quotes only where a shell needs them.
func ShellWord(text string) string {
	if text != "" && !strings.ContainsAny(text, " \t\n<>=!~*'\"$&;|()[]{}?#\\`") {
		return text
	}
	return ShellQuote(text)
}

// ShellQuote puts text into single quotes, as sh and its kin have them.
func ShellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
