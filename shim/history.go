package shim

import (
	"errors"
	"flag"
	"os"
	"strconv"
	"strings"
	"time"

	"uvshim/shim/host"
	"uvshim/shim/lock"
	"uvshim/shim/say"
)

// foldWait bounds how long a command waits for another that is writing the lock.
const foldWait = 5 * time.Second

func historyCommand() command {
	return command{
		name:  "history",
		args:  "[--project [DIR] | --python KEY|REQUEST | --unused [DAYS] | --undeclared] [--all] [--json]",
		short: "what was used and run, when and where",
		long: `
Prints the lock with all that has been recorded up to now: the interpreters that were used, the
projects they were used in, the tools that were installed, and the commands that changed something.
Days and times are UTC, as in the lock.

  --project [DIR]  one project, that of DIR or of this directory: its interpreters, which libraries it
                   needs and lacks, the commands that changed something there
  --python WHICH   one interpreter, by key or path, or those that a request such as 3.12 stands for,
                   and the projects they were used in
  --unused [DAYS]  the Pythons that the policy declares, and those that were used without being
                   declared, of which no use is recorded in the last 90 DAYS
  --undeclared     what was used and installed and is not in the policy
  --all            all changes; a terminal is shown the newest 20
  --json           the same for programs

What does not pass through shim is not recorded: activated environments, IDEs, and any use of a tool,
so that of tools nobody knows which are unused.

example: shim history --unused 30
`,
		files: true,
		setup: func(p *program, flags *flag.FlagSet) func([]string) int {
			var o historyOptions
			flags.Var(&o.project, "project", "")
			flags.StringVar(&o.python, "python", "", "")
			flags.Var(&o.unused, "unused", "")
			flags.BoolVar(&o.undeclared, "undeclared", false, "")
			flags.BoolVar(&o.all, "all", false, "")
			flags.BoolVar(&o.asJSON, "json", false, "")
			return func(args []string) int {
				for _, option := range []*optional{&o.project, &o.unused} {
					if option.set && option.value == "" && len(args) > 0 {
						option.value, args = args[0], args[1:]
					}
				}
				if len(args) > 0 {
					return p.extra("history", args)
				}
				flags.Visit(func(f *flag.Flag) {
					if f.Name != "all" && f.Name != "json" {
						o.views = append(o.views, f.Name)
					}
				})
				return p.history(o)
			}
		},
	}
}

type historyOptions struct {
	project, unused         optional
	python                  string
	undeclared, all, asJSON bool
	views                   []string // which of the first four were given
}

// An optional is an option whose value may be left out, or follow as a word of its own.
type optional struct {
	set   bool
	value string
}

func (o *optional) String() string   { return o.value }
func (o *optional) IsBoolFlag() bool { return true }

// Set is called with "true" where no value is given.
func (o *optional) Set(value string) error {
	o.set = true
	if value != "true" {
		o.value = value
	}
	return nil
}

func (p *program) history(o historyOptions) int {
	if len(o.views) > 1 {
		return p.usage("--"+o.views[0]+" and --"+o.views[1]+" are two questions: ask one at a time", "shim history --help", "")
	}
	l, ok := p.readLock()
	code := exitOK
	switch {
	case o.project.set:
		p.historyOfProject(l, o)
	case len(o.views) > 0 && o.views[0] == "python":
		code = p.historyOfPython(l, o)
	case o.unused.set:
		code = p.unused(l, o)
	case o.undeclared:
		p.undeclaredUses(l, o)
	case o.asJSON:
		p.out.json(historyJSON(l))
	default:
		p.printHistory(l, ok, o.all)
	}
	if !ok {
		return exitUsage
	}
	return code
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
			p.say.Hint("shim doctor says what to do about it")
			continue
		}
		p.say.Warning("%s", say.Word(err.Error()))
	}
	return l, readable
}

func (p *program) printHistory(l lock.Lock, readable, all bool) {
	if len(l.Python)+len(l.Project)+len(l.Tool)+len(l.Change) == 0 {
		if readable {
			p.say.Hint("nothing is recorded yet: run a python through shim first")
		}
		return
	}
	t := tables{out: p.out}
	p.pythonTable(&t, l.Python)
	p.projectTable(&t, l.Project)
	p.toolTable(&t, l.Tool)
	p.changeTable(&t, l.Change, all)
}

// tables prints tables with an empty line between them.
type tables struct {
	out     *output
	printed bool
}

// print prints a table of cells that stand under their heads; none without rows.
func (t *tables) print(head string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	if t.printed {
		t.out.println("")
	}
	t.printed = true
	t.out.table(head, rows)
}

func (p *program) pythonTable(t *tables, pythons []lock.Python) {
	var rows [][]string
	for _, x := range pythons {
		rows = append(rows, []string{p.tilde(x.ID()), x.Request, yes(x.Declared), string(x.FirstUsed), string(x.LastUsed)})
	}
	t.print("PYTHON\tREQUEST\tDECLARED\tFIRST USED\tLAST USED", rows)
}

func (p *program) projectTable(t *tables, projects []lock.Project) {
	var rows [][]string
	for _, x := range projects {
		rows = append(rows, []string{p.tilde(x.Path), p.tilde(x.Python), string(x.LastUsed)})
	}
	t.print("PROJECT\tPYTHON\tLAST USED", rows)
}

func (p *program) toolTable(t *tables, tools []lock.Tool) {
	var rows [][]string
	for _, x := range tools {
		rows = append(rows, []string{x.Name, x.Version, x.Python, string(x.Recorded)})
	}
	t.print("TOOL\tVERSION\tPYTHON\tRECORDED", rows)
}

// fewChanges are as many as a terminal is shown, the newest.
const fewChanges = 20

func (p *program) changeTable(t *tables, changes []lock.Change, all bool) {
	older := 0
	if !all && host.Terminal(os.Stdout) {
		older = max(len(changes)-fewChanges, 0)
	}
	var rows [][]string
	for _, x := range changes[older:] {
		rows = append(rows, []string{x.Time.UTC().Format("2006-01-02 15:04"), strconv.Itoa(x.Exit), p.tilde(x.Directory), commandLine(x.Argv)})
	}
	t.print("TIME UTC\tEXIT\tDIRECTORY\tCOMMAND", rows)
	if older > 0 {
		p.say.Hint("%d older ones are left out; --all shows all changes", older)
	}
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

// commandLine returns a command as one types it.
func commandLine(argv []string) string {
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = say.ShellWord(word)
	}
	return strings.Join(words, " ")
}
