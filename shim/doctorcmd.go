package shim

import (
	"flag"
	"os"
	"time"

	"uvshim/shim/doctor"
	"uvshim/shim/host"
	"uvshim/shim/lock"
	"uvshim/shim/nixld"
	"uvshim/shim/say"
)

func doctorCommand() command {
	return command{
		name:  "doctor",
		args:  "[--json] [--fresh] [--system DIR]",
		short: "look at everything, and say what mends it",
		long: `
Looks at the shims, PATH, uv and its Pythons, the policy, the loader and nix-ld, the libraries of
all recorded environments, the environment of this shell and of services, and what shim keeps. Each
check says what it saw; a warning or an error also what to paste. What it prints can be posted: the
home directory is ~, and passwords are hidden.

  ok       as it should be
  skipped  does not apply here
  info     worth knowing; nothing has to be mended
  warning  works now and here, and will not always
  error    something that was asked for does not work, or is not safe

  --json        for programs
  --fresh       look into every environment again, not at what is remembered
  --system DIR  of another system than the running one: a NixOS generation that is not active, such
                as ./result, which also tells what recorded projects would lose with it; or a root,
                a whole file system such as /mnt

Exit codes: 0 no error, 1 an error, 2 DIR cannot be looked at.

example: shim doctor
         shim doctor --system ./result
`,
		setup: func(p *program, flags *flag.FlagSet) func([]string) int {
			asJSON := flags.Bool("json", false, "")
			fresh := flags.Bool("fresh", false, "")
			system := flags.String("system", "", "")
			return func(args []string) int {
				if len(args) > 0 {
					return p.extra("doctor", args)
				}
				return p.doctor(*system, *fresh, *asJSON)
			}
		},
	}
}

func (p *program) doctor(dir string, fresh, asJSON bool) int {
	m := &doctor.Machine{
		Host: p.host, Dirs: p.dirs, UV: p.uv, System: nixld.Running(), Finder: p.finder, Facts: p.facts,
		Policy: policyFiles(p.host, p.dirs), Self: "/proc/self/exe", Today: lock.DayOf(time.Now()), Fresh: fresh, Now: "shim fix", Ran: p.provide(p.host.Env),
	}
	if path, ok := p.findUV("uv"); ok {
		m.RealUV = path
	}
	if dir != "" {
		world, err := nixld.At((&check{program: p}).absolute(dir))
		if err != nil {
			p.say.Error("--system %s: %v", say.Quote(dir), unwrapPath(err))
			return exitUsage
		}
		defer world.Close()
		m.System, m.Kind = world, doctor.Root
		if world.Generation() {
			m.Kind = doctor.Generation
		}
	}
	done := (&check{program: p, json: asJSON}).progress()
	report := doctor.Run(m, doctor.Checks())
	done()
	if asJSON {
		p.out.json(report.JSON())
	} else {
		report.Print(p.out, p.host.Env.Get("NO_COLOR") == "" && host.Terminal(os.Stdout))
	}
	if report.Failed() {
		return exitFailed
	}
	return exitOK
}
