package preflight

import (
	"strconv"
	"strings"

	"uvshim/shim/nixld/attribute"
)

// A remembered verdict is lines of text: a letter for what it is, and values with tabs between. In
// values "\", newline and tab are escaped. The last line is a full stop, so that half a file is
// none.

func encodeVerdict(v *Verdict, day string) []byte {
	var b strings.Builder
	escaper := strings.NewReplacer("\\", `\\`, "\n", `\n`, "\t", `\t`)
	line := func(letter string, values ...string) {
		b.WriteString(letter)
		for _, value := range values {
			b.WriteByte('\t')
			b.WriteString(escaper.Replace(value))
		}
		b.WriteByte('\n')
	}
	line("d", day)
	for _, w := range v.watched {
		line("w", string(w.how), w.path, w.was)
	}
	line("v", string(v.Outcome), strconv.FormatBool(v.Certain), v.Reason, v.Python, v.Environment, v.Version,
		strconv.FormatBool(v.Virtual), strconv.FormatBool(v.NixLD), strconv.FormatBool(v.NixOS), v.Release, v.Variable, strconv.Itoa(v.Files), v.Override, strconv.FormatBool(v.Partial))
	for _, f := range v.Findings {
		line("f", string(f.Kind), string(f.Severity), f.Soname, f.SymbolVersion, f.Attribute, string(f.AttributeKind),
			f.Note, f.Distribution, f.DistVersion, f.File, f.Module, f.Path, f.Detail)
	}
	for letter, list := range map[string][]string{"n": v.Needs, "m": v.Missing, "t": v.Notes, "g": v.Drivers} {
		if len(list) > 0 {
			line(letter, list...)
		}
	}
	b.WriteString(".\n")
	return []byte(b.String())
}

func unescape(value string) string {
	if !strings.Contains(value, `\`) {
		return value
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' || i+1 == len(value) {
			b.WriteByte(value[i])
			continue
		}
		i++
		switch value[i] {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		default:
			b.WriteByte(value[i])
		}
	}
	return b.String()
}

// decodeVerdict reads what encodeVerdict wrote; anything else is nothing.
func decodeVerdict(text string) (v Verdict, day string, ok bool) {
	text, whole := strings.CutSuffix(text, "\n.\n")
	if !whole {
		return Verdict{}, "", false
	}
	v.watched = make([]watch, 0, 16) // more than most have: each size that it grew through is a page touched
	var room [16]string
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		letter, tail, found := strings.Cut(line, "\t")
		values := room[:0]
		for found {
			var value string
			value, tail, found = strings.Cut(tail, "\t")
			values = append(values, unescape(value))
		}
		switch {
		case letter == "d" && len(values) == 1:
			day = values[0]
		case letter == "w" && len(values) == 3 && len(values[0]) == 1 && strings.Contains(watchKinds, values[0]):
			v.watched = append(v.watched, watch{values[0][0], values[1], values[2]})
		case letter == "v" && len(values) == 14:
			yes := func(i int) bool { return values[i] == "true" }
			v.Outcome, v.Certain, v.Reason, v.Python, v.Environment = Outcome(values[0]), yes(1), values[2], values[3], values[4]
			v.Version, v.Virtual, v.NixLD, v.NixOS, v.Release, v.Variable = values[5], yes(6), yes(7), yes(8), values[9], values[10]
			v.Files, _ = strconv.Atoi(values[11])
			v.Override, v.Partial = values[12], yes(13)
		case letter == "f" && len(values) == 13:
			v.Findings = append(v.Findings, Finding{Kind(values[0]), Severity(values[1]), values[2], values[3], values[4],
				attribute.Kind(values[5]), values[6], values[7], values[8], values[9], values[10], values[11], values[12]})
		case letter == "n":
			v.Needs = append(v.Needs, values...)
		case letter == "m":
			v.Missing = append(v.Missing, values...)
		case letter == "t":
			v.Notes = append(v.Notes, values...)
		case letter == "g":
			v.Drivers = append(v.Drivers, values...)
		default:
			return Verdict{}, "", false
		}
	}
	return v, day, v.Outcome != "" && len(v.watched) > 0
}
