package sync

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"uvshim/policy"
	"uvshim/shim/host"
	"uvshim/shim/lock"
	"uvshim/shim/say"
)

// A Runner carries plans out.
type Runner struct {
	Place
	Program  string   // the real uv
	Env      host.Env // for it
	Store    lock.Store
	Say      say.Speaker
	Out      io.Writer // what changed
	Terminal bool      // standard error is one, and uv shows its progress there

	Where func(Step) string // ends the message of an install that failed; nil: nothing

	Changed bool           // something that uv has installed is another than before
	Told    syscall.Signal // ended a call of uv, and is to end us; 0 for none

	failed    int
	recorded  lock.Lock
	unreached []string // what was not upgraded for want of a network
}

// phases are the kinds that are planned and done together. Between two phases the machine is looked
// at again: what can be linked, moved or removed depends on what was installed.
var phases = [...][]Kind{
	{InstallPython, RestorePython, UpgradePython},
	{LinkDefault, SetPin, RemovePin},
	{InstallTool, RestoreTool, UpgradeTool},
	{MoveTool},
	{RemoveTool, RemovePython},
}

// Run makes the machine match the wish, goes on where a step fails, records what was done, and
// reports whether all went well. Nothing is removed after a failure: what is there may then be all
// there is.
func (r *Runner) Run(w Wish) bool {
	r.recorded = r.read()
	before := Read(w, r.Place, r.recorded)
	now := before
	for i, kinds := range phases {
		plan := Make(w, now)
		last := i == len(phases)-1
		steps := slices.DeleteFunc(plan.Steps, func(s Step) bool { return !slices.Contains(kinds, s.Kind) })
		if last && len(steps) > 0 && !r.mayRemove(w, now) {
			break
		}
		r.do(steps, now)
		if r.Told != 0 {
			return false
		}
		now = Read(w, r.Place, r.recorded)
	}
	r.notes(w, now)
	r.tell(before, now)
	r.record(w, now)
	if r.failed > 0 && r.Told == 0 {
		text := "all other steps were taken"
		if w.Policy.Python.Prune || w.Policy.Tool.Prune {
			text += ", but nothing is removed after a failure"
		}
		r.Say.Hint("%s; shim sync --check shows what is left", text)
	}
	return r.failed == 0
}

// mayRemove reports whether all that is declared is there, so that something else can go.
func (r *Runner) mayRemove(w Wish, now Machine) bool {
	if r.failed > 0 {
		return false
	}
	w.Upgrade = false
	missing := slices.ContainsFunc(Make(w, now).Steps, func(s Step) bool { return s.Kind < RemoveTool && s.Kind != LinkDefault })
	if missing {
		r.Say.Hint("nothing is removed before all that is declared is there")
	}
	return !missing
}

// notes says what is left alone, and what is not there though uv said that it is.
func (r *Runner) notes(w Wish, now Machine) {
	plan := Make(w, now)
	for _, note := range plan.Notes {
		r.Say.Hint("%s", note)
	}
	if len(r.unreached) > 0 {
		r.Say.Hint("not upgraded, as there is no network: %s", strings.Join(r.unreached, ", "))
	}
	if r.failed > 0 {
		return
	}
	for _, s := range plan.Steps {
		switch s.Kind {
		case InstallPython, RestorePython, InstallTool, RestoreTool:
			r.fail("uv reports success, and yet there is left to do: %s", s)
		}
	}
}

func (r *Runner) fail(format string, args ...any) {
	r.failed++
	if r.Told == 0 { // nobody is to be told why what was interrupted is not done
		r.Say.Error(format, args...)
	}
}

func (r *Runner) do(steps []Step, now Machine) {
	var pythons, tools []string // to upgrade
	for _, s := range steps {
		if r.Told != 0 {
			return
		}
		switch s.Kind {
		case InstallPython:
			args := []string{"python", "install"}
			if s.Default {
				args = append(args, "--default")
			}
			r.step(s, append(r.reinstall(args, s), s.Subject)...)
		case LinkDefault:
			r.step(s, "python", "install", "--default", s.Subject)
		case UpgradePython:
			pythons = append(pythons, s.Subject)
		case RestorePython:
			r.restorePython(s)
		case SetPin:
			if r.answerTo(s.Subject) == nil {
				continue // uv would take no other, and install no tool
			}
			if err := setPin(r.Place, now.Pin, s.Subject); err != nil {
				r.fail("%s: %v", s, err)
			}
		case RemovePin:
			if err := removePin(now.Pin); err != nil {
				r.fail("%s: %v", s, err)
			}
		case InstallTool:
			r.installTool(s)
		case RestoreTool:
			r.restoreTool(s)
		case UpgradeTool:
			tools = append(tools, s.Subject)
		case MoveTool:
			r.upgradeAll("tool", []string{s.Subject}, "tool", "upgrade", "--python", s.To)
		case RemoveTool:
			r.step(s, "tool", "uninstall", s.Subject)
		case RemovePython:
			for _, path := range s.Breaks {
				r.Say.Warning("%s runs on %s, which is removed now\n  fix        %s", say.Quote(path), s.Subject, say.Word(r.Remake(path)))
			}
			for _, path := range s.Pins {
				r.Say.Warning("%s asks for %s, which is removed now", say.Quote(path), s.Subject)
			}
			if r.step(s, "python", "uninstall", s.Subject) && s.Spare() != "" {
				r.Say.Hint("to have it again, and kept: %s && shim sync", s.Spare())
			}
		}
	}
	r.upgradeAll("python", pythons, "python", "install", "--upgrade")
	r.upgradeAll("tool", tools, "tool", "upgrade")
}

func (r *Runner) reinstall(args []string, s Step) []string {
	if s.Repair {
		args = append(args, "--reinstall")
	}
	return args
}

// step has uv do one thing, and says what failed.
func (r *Runner) step(s Step, args ...string) bool {
	if err := r.run(call{args: args}); err != nil {
		where := ""
		if r.Where != nil && (s.Kind == InstallPython || s.Kind == InstallTool) {
			where = r.Where(s)
		}
		r.fail("%s: uv %s: %v%s", s, strings.Join(args[:2], " "), err, where)
		return false
	}
	return true
}

// installTool installs a declared package, and remembers which tool it is, where uv's receipt does not
// show it.
func (r *Runner) installTool(s Step) {
	before := Machine{Tools: r.UV.Tools()}
	if !r.step(s, append(r.repaired(s), s.Subject)...) {
		return
	}
	for _, t := range r.UV.Tools() {
		old, there := before.named(t.Name)
		if there && old.Request == t.Request || Same(s.Subject, t.Request, r.workDir()) {
			continue
		}
		if name, ok := policy.Name(s.Subject); ok && name != t.Name {
			continue // somebody else installs too
		}
		// a cache that cannot be written costs the next sync another look by uv
		_ = r.Facts.Save(knownKey(s.Subject), []byte(knownAs(t)))
	}
}

// repaired makes room for a tool that is broken, or was when a call of uv was killed, and returns how it
// is installed. Links that lead into uv's directory of tools and to nothing are what uv has left, and
// would keep it from installing the tool.
func (r *Runner) repaired(s Step) []string {
	args := []string{"tool", "install"}
	if s.Repair {
		name := s.Tool.Name
		if t := r.toolNow(name); t.Request != "" && t.Home != "" && t.Version != "" {
			if _, err := os.Stat(t.Exe()); err == nil {
				return append(args, "--reinstall") // only a program of its is gone
			}
		}
		if err := r.quietly(nil, "tool", "uninstall", name); err != nil {
			r.Say.Warning("the broken tool %s cannot be removed: %v", name, err)
		}
	}
	links, _ := os.ReadDir(r.UV.ToolBin)
	for _, e := range links {
		path := filepath.Join(r.UV.ToolBin, e.Name())
		target, err := os.Readlink(path)
		if err != nil || !strings.HasPrefix(target, r.UV.Tool+"/") {
			continue
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			_ = os.Remove(path) // where that fails, uv says so
		}
	}
	return args
}
