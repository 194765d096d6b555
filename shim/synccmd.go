package shim

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"uvshim/policy"
	"uvshim/shim/host"
	"uvshim/shim/launch"
	"uvshim/shim/lock"
	"uvshim/shim/say"
	"uvshim/shim/sync"
)

func syncCommand() command {
	return command{
		name:  "sync",
		args:  "[--dry-run] [--check] [--locked [FILE]] [--no-upgrade]",
		short: "make the machine match the policy",
		long: `
Has uv install the Pythons and tools that the policy declares and upgrade those that are there,
makes uv's links and its global pin follow the default, brings the shims up to date, and, where the
policy says prune, removes what is not declared, last of all and only if all before went well. What
was done goes into the lock. Without a network all that is there already stays, and is enough.

  --dry-run        print what would be done, and which environments a removal would break
  --check          print what is not as declared and exit with 1; change nothing
  --locked [FILE]  install the very versions, builds and tools of this machine's lock, or of FILE,
                   made by shim export lock; remove nothing
  --no-upgrade     install what is missing, and no newer versions of what is there

example: shim sync --dry-run
`,
		files: true,
		setup: func(p *program, flags *flag.FlagSet) func([]string) int {
			var o syncOptions
			flags.BoolVar(&o.dryRun, "dry-run", false, "")
			flags.BoolVar(&o.check, "check", false, "")
			flags.BoolVar(&o.locked, "locked", false, "")
			flags.BoolVar(&o.noUpgrade, "no-upgrade", false, "")
			return func(args []string) int {
				switch {
				case len(args) > 0 && !o.locked, len(args) > 1:
					return p.extra("sync", args[len(args)-1:])
				case len(args) == 1:
					o.file = args[0]
				}
				return p.sync(o)
			}
		},
	}
}

type syncOptions struct {
	dryRun, check, locked, noUpgrade bool
	file                             string
}

// syncWait bounds the wait for another sync of the same user, which may be downloading.
const syncWait = 5 * time.Minute

func (p *program) sync(o syncOptions) int {
	if p.dirs.Home == "" || p.uv.Python == "" {
		p.say.Error("no place for Pythons and tools: HOME is not set")
		return exitUsage
	}
	loaded, err := readPolicy(policyFiles(p.host, p.dirs))
	if err != nil {
		return p.badPolicy(err)
	}
	wish := sync.Wish{Policy: loaded.Policy, Upgrade: !o.noUpgrade && !o.locked}
	if o.locked {
		exact, code := p.exactly(o.file)
		if code != exitOK {
			return code
		}
		wish.Exactly = &exact
	}
	at := sync.Place{Host: p.host, Base: p.dirs, UV: p.uv, Facts: p.facts}
	if o.dryRun || o.check {
		return p.planned(wish, at, o)
	}
	if len(loaded.Files) == 0 && !o.locked {
		p.say.Hint("no policy declares anything; shim init writes one from what this machine has")
	}
	for _, dir := range []string{p.uv.Python, p.uv.Tool} {
		if !p.host.Owns(dir) {
			p.say.Error("%s belongs to another user", say.Quote(dir))
			return exitFailed
		}
	}
	return p.synced(wish, at, loaded)
}

// exactly reads the lock that is to be restored.
func (p *program) exactly(file string) (sync.Exact, int) {
	var l lock.Lock
	if file == "" {
		var ok bool
		if l, ok = p.readLock(); !ok {
			return sync.Exact{}, exitUsage
		}
	} else {
		data, err := host.ReadFile(file, maxRestore)
		if err == nil {
			l, err = lock.Decode(data)
		}
		if err != nil {
			p.say.Error("the lock %s cannot be read: %v", say.Quote(file), unwrapPath(err))
			return sync.Exact{}, exitUsage
		}
	}
	exact, err := sync.ExactOf(l)
	if err != nil {
		p.say.Error("the lock cannot be restored: %v", err)
		return exact, exitUsage
	}
	if len(exact.Pythons)+len(exact.Tools) == 0 {
		p.say.Hint("the lock names no Python and no tool")
	}
	return exact, exitOK
}

// maxRestore bounds a lock that is read for a restore, in bytes.
const maxRestore = 16 << 20

// planned prints what a sync would do, for --dry-run and --check.
func (p *program) planned(wish sync.Wish, at sync.Place, o syncOptions) int {
	l, _ := p.readLock()
	plan := sync.Make(wish, sync.Read(wish, at, l))
	steps := plan.Steps
	if o.check {
		steps = plan.Needed()
	}
	for _, s := range steps {
		p.out.println(say.Word(say.Tildes(s.String(), p.dirs.Home)))
		for _, path := range s.Breaks {
			p.out.printf("        breaks %s\n        mend   %s\n", say.Word(p.tilde(path)), say.Word(at.Remake(path)))
		}
		for _, path := range s.Pins {
			p.out.printf("        wanted by %s\n", say.Word(p.tilde(path)))
		}
		if keep := s.Spare(); keep != "" {
			p.out.printf("        keep   %s\n", say.Word(keep))
		}
	}
	for _, note := range plan.Notes {
		p.say.Hint("%s", note)
	}
	if o.check && len(steps) > 0 {
		return exitFailed
	}
	if len(steps) == 0 && !o.check {
		p.out.println("nothing to do")
	}
	return exitOK
}

// synced makes the machine match, shims included.
func (p *program) synced(wish sync.Wish, at sync.Place, loaded policy.Loaded) int {
	guard, err := sync.Guard(at, syncWait, func() { p.say.Hint("another shim sync is at work; waiting for it to end") })
	if err != nil {
		p.say.Error("%v", err)
		return exitFailed
	}
	if guard != nil {
		defer guard.Close()
	}
	program, ok := p.findUV("uv")
	if !ok && len(sync.Make(wish, sync.Read(wish, at, lock.Lock{})).Steps) > 0 {
		p.call.Name = "uv"
		return p.noUV()
	}
	r := &sync.Runner{
		Place:    at,
		Program:  program,
		Env:      launch.ForUV(p.host.Env, p.finder.Dirs()),
		Store:    lock.Open(p.host),
		Say:      p.say,
		Out:      p.out,
		Terminal: host.Terminal(os.Stderr),
		Where:    func(s sync.Step) string { return declaredAt(loaded, s) },
	}
	code := exitOK
	if !r.Run(wish) {
		code = exitFailed
	}
	if r.Told != 0 {
		return launch.Outcome{Signal: r.Told}.Repeat()
	}
	shims, err := p.makeLinks()
	if err != nil {
		p.say.Error("cannot make the shims: %v", err)
		return exitFailed
	}
	for _, change := range []struct {
		did   string
		names []string
	}{{"made", shims.Made}, {"removed", shims.Removed}} {
		if len(change.names) > 0 {
			p.out.printf("%s %s in %s\n", change.did, strings.Join(change.names, ", "), say.Word(p.tilde(shims.Dir)))
		}
	}
	if len(shims.Made)+len(shims.Removed) > 0 || r.Changed {
		p.recordSystem()
	}
	// an activation script, or cron, is to be told of changes only
	if code == exitOK && !p.out.used && len(loaded.Files) > 0 && host.Terminal(os.Stdout) {
		says := "the policy"
		if wish.Exactly != nil {
			says = "the lock"
		}
		p.out.println("nothing to do: this machine is as " + says + " says")
	}
	return code
}

// declaredAt returns the line of a message that tells where what a step installs is declared.
func declaredAt(loaded policy.Loaded, s sync.Step) string {
	keys := []string{"python.versions", "python.default"}
	if s.Kind == sync.InstallTool {
		keys = []string{"tool.packages"}
	}
	for _, key := range keys {
		if file, line := loaded.Line(key, s.Subject); file != "" {
			return fmt.Sprintf("\n  declared   %s:%d", say.Word(file), line)
		}
	}
	return ""
}
