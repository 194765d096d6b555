package lock

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// timeForm is how a moment is written: to the millisecond, in UTC.
const timeForm = "2006-01-02T15:04:05.000Z"

// Encode returns l as TOML, always the same text for the same contents.
func Encode(l Lock) []byte {
	l.Python, l.Tool = slices.Clone(l.Python), slices.Clone(l.Tool)
	l.Project, l.Change = slices.Clone(l.Project), slices.Clone(l.Change)
	l.normal()
	var w writer
	w.int("version", version)
	w.extra(l.extra)
	w.tables(l)
	return w.b
}

// A writer builds TOML text. Empty strings, days and nil lists are left out.
type writer struct{ b []byte }

func (w *writer) tables(l Lock) {
	if u := l.UV; u != nil {
		w.head("[uv]")
		w.str("path", u.Path)
		w.str("version", u.Version)
		w.extra(u.extra)
	}
	if n := l.NixLD; n != nil {
		w.head("[nix-ld]")
		w.str("loader", n.Loader)
		w.list("libraries", n.Libraries)
		w.str("glibc", n.Glibc)
		w.extra(n.extra)
	}
	for _, p := range l.Python {
		w.head("[[python]]")
		w.str("key", p.Key)
		w.str("path", p.Path)
		w.str("version", p.Version)
		w.str("build", p.Build)
		w.str("request", p.Request)
		if p.Declared {
			w.line("declared", "true")
		}
		w.day("first-used", p.FirstUsed)
		w.day("last-used", p.LastUsed)
		w.extra(p.extra)
	}
	for _, t := range l.Tool {
		w.head("[[tool]]")
		w.str("name", t.Name)
		w.str("request", t.Request)
		w.str("version", t.Version)
		w.str("python", t.Python)
		w.list("resolved", t.Resolved)
		w.day("recorded", t.Recorded)
		w.extra(t.extra)
	}
	for _, p := range l.Project {
		w.head("[[project]]")
		w.str("path", p.Path)
		w.str("python", p.Python)
		w.list("needs", p.Needs)
		w.list("missing", p.Missing)
		w.day("last-used", p.LastUsed)
		w.extra(p.extra)
	}
	for _, c := range l.Change {
		w.head("[[change]]")
		w.str("id", c.ID)
		w.line("time", c.Time.UTC().Format(timeForm))
		w.str("directory", c.Directory)
		w.list("argv", c.Argv)
		w.int("exit", c.Exit)
		w.extra(c.extra)
	}
}

func (w *writer) head(text string) { w.b = append(w.b, "\n"+text+"\n"...) }

func (w *writer) line(key, value string) { w.b = append(w.b, key+" = "+value+"\n"...) }

func (w *writer) int(key string, n int) { w.line(key, strconv.Itoa(n)) }

func (w *writer) str(key, text string) {
	if text != "" {
		w.line(key, quote(EncodeBytes(text)))
	}
}

func (w *writer) day(key string, d Day) {
	if d != "" {
		w.line(key, string(d))
	}
}

func (w *writer) list(key string, list []string) {
	if list == nil {
		return
	}
	words := make([]string, len(list))
	for i, text := range list {
		words[i] = quote(EncodeBytes(text))
	}
	w.line(key, "["+strings.Join(words, ", ")+"]")
}

// extra writes keys that another version of shim put there, tables among them in one line.
func (w *writer) extra(t table) {
	for _, key := range slices.Sorted(maps.Keys(t)) {
		w.line(bare(key), value(t[key]))
	}
}

// value returns v, as the decoder gives values, as TOML on one line.
func value(v any) string {
	switch v := v.(type) {
	case string:
		return quote(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		return strconv.FormatBool(v)
	case float64:
		switch {
		case math.IsNaN(v):
			return "nan"
		case math.IsInf(v, 0):
			return strings.ToLower(strconv.FormatFloat(v, 'g', -1, 64))
		}
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return text
	case time.Time:
		switch v.Location().String() {
		case localDate:
			return v.Format(time.DateOnly)
		case localTime:
			return v.Format("15:04:05.999999999")
		case localDatetime:
			return v.Format("2006-01-02T15:04:05.999999999")
		}
		return v.Format(time.RFC3339Nano)
	case []any:
		words := make([]string, len(v))
		for i := range v {
			words[i] = value(v[i])
		}
		return "[" + strings.Join(words, ", ") + "]"
	case []map[string]any:
		words := make([]string, len(v))
		for i := range v {
			words[i] = value(v[i])
		}
		return "[" + strings.Join(words, ", ") + "]"
	case map[string]any:
		words := make([]string, 0, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			words = append(words, bare(key)+" = "+value(v[key]))
		}
		return "{" + strings.Join(words, ", ") + "}"
	}
	return quote(fmt.Sprint(v)) // the decoder makes no other types
}

func bare(key string) string {
	plain := key != "" && !strings.ContainsFunc(key, func(r rune) bool {
		return r != '-' && r != '_' && (r > 'z' || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	})
	if plain {
		return key
	}
	return quote(key)
}

// quote returns text, which is UTF-8, as a basic string of TOML. What could speak to a terminal that
// shows the file is escaped, also where TOML does not ask for it.
func quote(text string) string {
	var b strings.Builder
	b.Grow(len(text) + 2)
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r >= ' ' && r < 0x7f:
			b.WriteByte(byte(r))
		case unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
