package shim

import (
	"flag"

	"uvshim/shim/lock"
	"uvshim/shim/say"
)

func exportCommand() command {
	return command{
		name:  "export",
		args:  "home-manager|nixos|flake|lock",
		short: "the policy and the needed libraries as Nix, the lock for another machine",
		long: `
Prints, ready to paste or to commit:

  home-manager  the policy as programs.uv, and as programs.shim what that has no option for
  nixos         for configuration.nix: uv, and nix-ld with the libraries that the policy names and
                the recorded projects need, each with the project and the reason; projects that are
                gone are left out
  flake         a flake.nix for the project here: a development shell with uv, and with the libraries
                that the project needs; git add it, for in a repository Nix sees only what git knows
  lock          requests, versions and builds of the managed Pythons that were used, and the tools
                with their resolved sets, as TOML; days and paths are this machine's and left out

What a project needs is known once a python or uv run went through shim there.

example: shim export nixos > uv.nix      then in configuration.nix: imports = [ ./uv.nix ];
         shim export lock > shim-restore.toml
`,
		words: []string{"home-manager", "nixos", "flake", "lock"},
		setup: func(p *program, _ *flag.FlagSet) func([]string) int {
			return func(args []string) int {
				if len(args) == 0 {
					return p.usage("export needs to be told what: "+either(exportCommand().words), "shim export --help", "")
				}
				if len(args) > 1 {
					return p.extra("export "+args[0], args[1:])
				}
				switch args[0] {
				case "home-manager":
					return p.exportHomeManager()
				case "nixos":
					return p.exportNixOS()
				case "flake":
					return p.exportFlake()
				case "lock":
					return p.exportLock()
				}
				return p.usage("unknown export "+say.Quote(args[0])+", want "+either(exportCommand().words), "shim export --help", nearest(args[0], exportCommand().words))
			}
		},
	}
}

func (p *program) exportLock() int {
	l, ok := p.readLock()
	if !ok {
		return exitUsage // rather than an empty file to restore nothing from
	}
	if len(l.Python)+len(l.Tool) == 0 {
		p.say.Hint("the lock names no Python and no tool: there is nothing to restore")
	}
	p.out.print(string(lock.Export(l)))
	return exitOK
}
