package lock

import (
	"strings"
	"unicode/utf8"
)

const hexDigits = "0123456789ABCDEF"

// EncodeBytes returns text as it stands in the lock and in JSON: bytes that are not UTF-8 as %XX,
// and % as %25. Everything else, control characters included, is left to TOML's or JSON's escapes.
func EncodeBytes(text string) string {
	if utf8.ValidString(text) && !strings.Contains(text, "%") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == '%' || r == utf8.RuneError && size == 1 {
			b.WriteByte('%')
			b.WriteByte(hexDigits[text[i]>>4])
			b.WriteByte(hexDigits[text[i]&15])
		} else {
			b.WriteString(text[i : i+size])
		}
		i += size
	}
	return b.String()
}

// DecodeBytes is the reverse of EncodeBytes. A % that two hexadecimal digits do not follow, as
// somebody may have typed it, stands for itself.
func DecodeBytes(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			high, low := unhex(text[i+1]), unhex(text[i+2])
			if high >= 0 && low >= 0 {
				b = append(b, byte(high<<4|low))
				i += 2
				continue
			}
		}
		b = append(b, text[i])
	}
	return string(b)
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}
