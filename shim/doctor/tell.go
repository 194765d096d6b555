package doctor

import (
	"fmt"
	"io"
	"strings"

	"uvshim/shim/lock"
	"uvshim/shim/say"
)

const (
	width    = 80 // of the table. What is to be pasted, and what was seen, is not wrapped
	maxLines = 12 // of evidence, and of a fix; JSON has all
)

// Print writes the report for people: a line for each check, the gravest findings last, below each
// what was seen and what mends it; then the one list of libraries, and the sum.
func (r Report) Print(w io.Writer, color bool) {
	column := 0
	for _, result := range r.Results {
		column = max(column, len(result.ID))
	}
	shown := r.folded()
	for _, level := range levels {
		for _, result := range shown {
			if result.Level == level {
				result.print(w, column, color)
			}
		}
	}
	if len(r.Attributes) > 0 {
		fmt.Fprintf(w, "\nthe libraries that cover all recorded environments, for configuration.nix:\n  %s\n", say.Word(libraryLine(r.Attributes)))
	}
	fmt.Fprintf(w, "\n%s\n", r.sum())
}

// folded returns the results with those as one that are skipped for the same reason.
func (r Report) folded() []Result {
	names := map[string][]string{}
	for _, result := range r.Results {
		if result.Level == Skipped {
			names[result.Message] = append(names[result.Message], result.ID)
		}
	}
	var out []Result
	for _, result := range r.Results {
		same := names[result.Message]
		switch {
		case result.Level != Skipped || len(same) == 1:
		case result.ID != same[0]:
			continue
		default:
			result.ID = count(len(same), "check", "checks")
			result.Message += ": " + strings.Join(same, ", ")
		}
		out = append(out, result)
	}
	return out
}

func (r Result) print(w io.Writer, column int, color bool) {
	head := fmt.Sprintf("%-7s  %-*s  ", r.Level, column, r.ID)
	text := wrap(say.Word(r.Message), width-len(head), strings.Repeat(" ", len(head)))
	if color {
		head = paint(r.Level) + head[:len(r.Level)] + "\x1b[0m" + head[len(r.Level):]
	}
	fmt.Fprintf(w, "%s%s\n", head, text)
	below(w, "seen", "and %d more", r.Evidence)
	fix, now, _ := strings.Cut(r.Fix, "\n"+orNow)
	below(w, "fix", "# and %d more: shim doctor --json", lines(fix))
	below(w, "or now", "", lines(now))
}

// below prints lines under a label, as far as a person reads them.
func below(w io.Writer, label, more string, texts []string) {
	for i, text := range texts {
		if text == "" {
			continue
		}
		if i == maxLines {
			fmt.Fprintf(w, "  %-10s "+more+"\n", label, len(texts)-i)
			break
		}
		fmt.Fprintf(w, "  %-10s %s\n", label, say.Word(text))
		label = ""
	}
}

// orNow begins the line of a fix that helps at once and for this user.
const orNow = "or now: "

func paint(level Level) string {
	switch level {
	case OK:
		return "\x1b[32m"
	case Info:
		return "\x1b[36m"
	case Warning:
		return "\x1b[1;33m"
	case Error:
		return "\x1b[1;31m"
	}
	return "\x1b[2m"
}

// wrap breaks text at blanks into lines of at most n letters, where words let it; the lines after
// the first begin with indent.
func wrap(text string, n int, indent string) string {
	var b strings.Builder
	at := 0
	for i, word := range strings.Fields(text) {
		size := len([]rune(word))
		switch {
		case i == 0:
		case at+1+size > n:
			b.WriteString("\n" + indent)
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += size
	}
	return b.String()
}

func libraryLine(attributes []string) string {
	return "programs.nix-ld.libraries = with pkgs; [ " + strings.Join(attributes, " ") + " ];"
}

// sum returns the last line.
func (r Report) sum() string {
	count := map[Level]int{}
	for _, result := range r.Results {
		count[result.Level]++
	}
	var parts []string
	for _, level := range levels {
		n, name := count[level], string(level)
		if n > 1 && (level == Warning || level == Error) {
			name += "s"
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
	}
	return strings.Join(parts, ", ")
}

// An answer is one result in JSON.
type answer struct {
	ID       string   `json:"id"`
	Level    Level    `json:"level"`
	Message  string   `json:"message"`
	Evidence []string `json:"evidence"`
	Fix      string   `json:"fix"`
}

// JSON returns the report in JSON's terms: version, checks in the order of the checks, attributes.
// A check with several findings stands there once for each.
func (r Report) JSON() map[string]any {
	checks := []answer{}
	for _, result := range r.Results {
		checks = append(checks, answer{result.ID, result.Level, lock.EncodeBytes(result.Message), encoded(result.Evidence), lock.EncodeBytes(result.Fix)})
	}
	return map[string]any{"version": 1, "checks": checks, "attributes": encoded(r.Attributes)}
}

func encoded(texts []string) []string {
	out := []string{}
	for _, text := range texts {
		out = append(out, lock.EncodeBytes(text))
	}
	return out
}

// many is "1 shim is" or "2 shims are".
func many[T any](list []T, one, more string) string { return count(len(list), one, more) }

func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
