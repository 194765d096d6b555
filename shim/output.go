package shim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
	"uvshim/shim/redact"
	"uvshim/shim/say"
)

// An output is standard output, to which a command writes its result, and keeps the first error: half
// a result is none, whatever the command would say of it. Where it is a pipe that nobody reads any more,
// SIGPIPE ends the process without a word, as it ends other programs; whoever ignores that signal
// hears of the error.
type output struct {
	file *os.File
	err  error
	used bool // something was written
}

// Write writes b unless something before it could not be written.
func (o *output) Write(b []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	if o.used = true; host.WasClosed(int(o.file.Fd())) {
		o.err = unix.EBADF
		return 0, o.err
	}
	n, err := o.file.Write(b)
	o.err = err
	return n, err
}

func (o *output) print(text string) { _, _ = o.Write([]byte(text)) }

func (o *output) println(text string) { o.print(text + "\n") }

// printf prints with its values as they are: those from outside go through say.Word.
func (o *output) printf(format string, args ...any) { o.print(fmt.Sprintf(format, args...)) }

// table prints rows of cells below head, whose own are parted by tabs; no head if it is empty. Nothing
// in a cell leaves it.
func (o *output) table(head string, rows [][]string) {
	w := tabwriter.NewWriter(o, 0, 0, 2, ' ', 0)
	if head != "" {
		fmt.Fprintln(w, head)
	}
	for _, row := range rows {
		for i := range row {
			row[i] = cell(row[i])
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	w.Flush()
}

// cell returns text fit for a column.
func cell(text string) string {
	if text == "" {
		return "-"
	}
	return strings.ReplaceAll(say.Word(text), "\t", `\t`)
}

// json prints v. Passwords in its strings are hidden, and what could speak to a terminal is written
// as JSON's escapes.
func (o *output) json(v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		o.err = errors.Join(o.err, err)
		return
	}
	o.print(quiet(b.String()))
}

// quiet returns JSON with each of its strings as json has it.
func quiet(text string) string {
	var b strings.Builder
	for {
		begin := strings.IndexByte(text, '"')
		if begin < 0 {
			b.WriteString(text)
			return b.String()
		}
		end := begin + 1
		for end < len(text) && text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end+1, len(text))
		b.WriteString(text[:begin])
		b.WriteString(quietString(text[begin:end]))
		text = text[end:]
	}
}

func quietString(literal string) string {
	var value string
	if json.Unmarshal([]byte(literal), &value) != nil {
		return literal
	}
	if shown := redact.Text(value); shown != value {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(shown)
		literal = strings.TrimSuffix(b.String(), "\n")
	}
	if !strings.ContainsFunc(literal, say.Special) {
		return literal
	}
	var b strings.Builder
	for _, r := range literal {
		if say.Special(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// end returns the exit code of a command that printed its result: code, or that of a failure, which it
// tells, where the result could not be written.
func (p *program) end(code int) int {
	if p.out.err == nil {
		return code
	}
	err := p.out.err
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	p.say.Error("cannot write to standard output: %v", err)
	return exitFailed
}
