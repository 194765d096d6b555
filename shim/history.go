package shim

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"uvshim/policy"
	"uvshim/shim/lock"
	"uvshim/shim/say"
)

// foldWait bounds how long a command waits for another that is writing the lock.
const foldWait = 5 * time.Second

func historyCommand() command {
	return command{
		name:  "history",
		args:  "[--json]",
		short: "what was used and run, when and where",
		long: `
Prints the lock with all that has been recorded up to now: the interpreters that were used, and the
projects they were used in.

  --json   the same for programs

example: shim history
`,
		setup: func(p *program, flags *flag.FlagSet) func([]string) int {
			asJSON := flags.Bool("json", false, "")
			return func(args []string) int {
				if len(args) > 0 {
					return p.extra("history", args)
				}
				l, ok := p.readLock()
				if *asJSON {
					printJSON(historyJSON(l))
				} else {
					p.printHistory(l, ok)
				}
				if !ok {
					return exitUsage
				}
				return exitOK
			}
		},
	}
}

func exportCommand() command {
	return command{
		name:  "export",
		args:  "lock",
		short: "the part of the lock that another machine can restore",
		long: `
Prints the requests, versions and builds of the managed Pythons that were used, and the tools with
their resolved sets, as TOML. Days and paths are this machine's own and left out.

example: shim export lock > shim-restore.toml
`,
		words: []string{"lock"},
		setup: func(p *program, _ *flag.FlagSet) func([]string) int {
			return func(args []string) int {
				switch {
				case len(args) == 0:
					return p.usage("export needs to be told what", "shim export --help", "shim export lock")
				case args[0] != "lock":
					return p.usage("unknown export "+say.Quote(args[0]), "shim export --help", policy.Nearest(args[0], exportCommand().words))
				case len(args) > 1:
					return p.extra("export", args[1:])
				}
				l, ok := p.readLock()
				if !ok {
					return exitUsage // rather than an empty file to restore nothing from
				}
				os.Stdout.Write(lock.Export(l))
				return exitOK
			}
		},
	}
}

// readLock returns the lock with all that is recorded, and says what was wrong with it. It is false
// if the lock itself cannot be understood.
func (p *program) readLock() (lock.Lock, bool) {
	store := lock.Open(p.host)
	l, errs := store.Read(foldWait)
	readable := true
	for _, err := range errs {
		var corrupt *lock.CorruptError
		var newer *lock.NewerError
		if errors.As(err, &corrupt) && corrupt.Aside == "" && !strings.HasPrefix(corrupt.Path, store.Pending+"/") || errors.As(err, &newer) {
			readable = false
			p.say.Error("%v", err)
			continue
		}
		p.say.Warning("%v", err)
	}
	return l, readable
}

func (p *program) printHistory(l lock.Lock, readable bool) {
	if len(l.Python)+len(l.Project)+len(l.Tool)+len(l.Change) == 0 {
		if readable {
			p.say.Hint("nothing is recorded yet: run a python through shim first")
		}
		return
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	section := func(n int, title string) {
		if n > 0 {
			fmt.Fprintln(w, title)
		}
	}
	section(len(l.Python), "PYTHON\tREQUEST\tDECLARED\tFIRST USED\tLAST USED")
	for _, x := range l.Python {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", cell(p.tilde(x.ID())), cell(x.Request), yes(x.Declared), cell(string(x.FirstUsed)), cell(string(x.LastUsed)))
	}
	w.Flush()
	section(len(l.Project), "\nPROJECT\tPYTHON\tLAST USED")
	for _, x := range l.Project {
		fmt.Fprintf(w, "%s\t%s\t%s\n", cell(p.tilde(x.Path)), cell(p.tilde(x.Python)), cell(string(x.LastUsed)))
	}
	w.Flush()
	section(len(l.Tool), "\nTOOL\tVERSION\tPYTHON\tRECORDED")
	for _, x := range l.Tool {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", cell(x.Name), cell(x.Version), cell(x.Python), cell(string(x.Recorded)))
	}
	w.Flush()
	section(len(l.Change), "\nTIME\tEXIT\tDIRECTORY\tCOMMAND")
	for _, x := range l.Change {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", x.Time.UTC().Format("2006-01-02 15:04"), x.Exit, cell(p.tilde(x.Directory)), cell(strings.Join(x.Argv, " ")))
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

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// historyJSON returns the lock in JSON's terms: the keys of shim.lock, every list there even if
// empty.
func historyJSON(l lock.Lock) map[string]any {
	pythons, projects, tools, changes := []any{}, []any{}, []any{}, []any{}
	for _, x := range l.Python {
		pythons = append(pythons, map[string]any{
			"key": x.Key, "path": text(x.Path), "version": x.Version, "build": x.Build, "request": text(x.Request),
			"declared": x.Declared, "first-used": x.FirstUsed, "last-used": x.LastUsed})
	}
	for _, x := range l.Project {
		projects = append(projects, map[string]any{
			"path": text(x.Path), "python": text(x.Python), "needs": list(x.Needs), "missing": list(x.Missing), "last-used": x.LastUsed})
	}
	for _, x := range l.Tool {
		tools = append(tools, map[string]any{
			"name": text(x.Name), "request": text(x.Request), "version": x.Version, "python": x.Python, "recorded": x.Recorded})
	}
	for _, x := range l.Change {
		changes = append(changes, map[string]any{
			"id": x.ID, "time": x.Time.UTC().Format(time.RFC3339Nano), "directory": text(x.Directory), "argv": list(x.Argv), "exit": x.Exit})
	}
	return map[string]any{"version": 1, "python": pythons, "project": projects, "tool": tools, "change": changes}
}

// text returns s as JSON has it: bytes that are not UTF-8 as %XX.
func text(s string) string { return lock.EncodeBytes(s) }

func list(texts []string) []string {
	out := []string{}
	for _, t := range texts {
		out = append(out, text(t))
	}
	return out
}
