package preflight

import "strings"

// Identity returns what a verdict hangs on as one text, the same as long as the same verdict would
// be come to: a warning about it is worth printing once for each.
func (v *Verdict) Identity() string {
	var b strings.Builder
	for _, w := range v.watched {
		was := w.was
		if w.how == watchNames {
			// a directory's times change with the first import, by __pycache__; its names do not
			_, was, _ = strings.Cut(was, " ")
		}
		b.WriteString(w.path + " " + was + "\n")
	}
	return b.String()
}
