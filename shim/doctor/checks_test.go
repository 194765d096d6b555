package doctor

import (
	"strings"
	"testing"
)

// A row is one machine and all that a check says of it. "..." in want stands for any text on a line.
type row struct {
	name string
	make func(w *world)
	want string
}

func table(t *testing.T, id string, rows []row) {
	t.Helper()
	t.Parallel() // some wait for programs that do not answer
	for _, row := range rows {
		t.Run(id+"_"+row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			row.make(w)
			results := w.ask(id)
			if got := w.show(results); !like(got, row.want) {
				t.Errorf("got\n%swant\n%s", got, row.want)
			}
			for _, r := range results {
				if grave := r.Level == Warning || r.Level == Error; grave && r.Fix == "" {
					t.Errorf("no fix: %s", r.Message)
				}
			}
		})
	}
}

// like compares texts line by line; a line may have "..." for any text in it.
func like(got, want string) bool {
	a, b := strings.Split(got, "\n"), strings.Split(strings.TrimLeft(want, "\n"), "\n")
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		begin, end, free := strings.Cut(b[i], "...")
		if a[i] != b[i] && !(free && len(a[i]) >= len(begin)+len(end) && strings.HasPrefix(a[i], begin) && strings.HasSuffix(a[i], end)) {
			return false
		}
	}
	return true
}

const shimDir = "home/.local/share/shim/bin"

func TestShims(t *testing.T) {
	table(t, "shims", []row{
		{"there", func(w *world) { w.managed("cpython-3.14.1-linux-x86_64-gnu"); w.shims() },
			"ok: all are in ~/.local/share/shim/bin and up to date\n"},
		{"none", func(w *world) {}, `
error: there are no shims
  ~/.local/share/shim/bin
  > shim link
`},
		{"no_home", func(w *world) { w.env = w.env.With("HOME", "relative") }, `
error: no place for the shims: HOME is not set
  > export HOME=/home/…   # the directory of this user
`},
		{"new_minor", func(w *world) { w.shims(); w.managed("cpython-3.14.1-linux-x86_64-gnu") }, `
error: 1 shim is missing
  ~/.local/share/shim/bin/python3.14
  > shim link
`},
		{"stale", func(w *world) { w.shims(); w.file("program", "#!/bin/sh\n# newer\n") }, `
warning: the shims are of another version than this command
  ~/.local/share/shim/bin/shim
  W/program
  > shim link
`},
		{"same_content", func(w *world) {
			w.shims()
			w.file("program2", "#!/bin/sh\n# shim\n")
			w.edit = append(w.edit, func(m *Machine) { m.Self = w.at("program2") })
		}, "ok: all are in ~/.local/share/shim/bin and up to date\n"},
		{"one_other", func(w *world) {
			w.shims()
			w.remove(shimDir + "/uv")
			w.file(shimDir+"/uv", "#!/bin/sh\n# another\n")
		}, `
warning: 1 shim is not this program
  ~/.local/share/shim/bin/uv
  > shim link
`},
		{"left_over", func(w *world) { w.shims(); w.file(shimDir+"/python3.9", "#!/bin/sh\n") }, `
info: 1 shim is of a Python that is not installed
  ~/.local/share/shim/bin/python3.9
  > shim link
`},
		{"no_mark", func(w *world) { w.shims(); w.remove(shimDir + "/.shim-dir") }, `
error: the mark of the shim directory is missing: a shim would take the others for real programs
  ~/.local/share/shim/bin/.shim-dir
  > shim link
`},
		{"no_program", func(w *world) { w.shims(); w.remove(shimDir + "/shim") }, `
error: the program that the shims are is missing
  ~/.local/share/shim/bin/shim
  > shim link
`},
	})
}

func TestPath(t *testing.T) {
	table(t, "path", []row{
		{"first", func(w *world) { w.shims(); w.file("bin/python", "#!/bin/sh\n") },
			"ok: the shims stand first on PATH of this shell\n"},
		{"absent", func(w *world) { w.shims(); w.set("PATH", "W/bin") }, `
error: ~/.local/share/shim/bin is not on PATH of this shell
  PATH=W/bin
  > . ~/.local/share/shim/env.sh   # fish: source env.fish
`},
		{"behind", func(w *world) {
			w.shims()
			w.file("bin/python", "#!/bin/sh\n")
			w.file("bin/uv", "not a program")
			w.set("PATH", "W/bin:W/"+shimDir)
		}, `
warning: in this shell other programs stand before the shims
  W/bin/python
  > . ~/.local/share/shim/env.sh   # fish: source env.fish
`},
		{"harmless_before", func(w *world) { w.shims(); w.file("bin/ls", "#!/bin/sh\n"); w.set("PATH", "W/bin:W/"+shimDir) },
			"ok: the shims stand first on PATH of this shell\n"},
		{"activated", func(w *world) {
			w.shims()
			w.file("venv/bin/python", "#!/bin/sh\n")
			w.set("VIRTUAL_ENV", "W/venv")
			w.set("PATH", "W/venv/bin:W/"+shimDir)
		}, "ok: the shims stand on PATH, behind what is activated in this shell\n"},
		{"other_environment", func(w *world) {
			w.shims()
			w.file("venv/bin/python", "#!/bin/sh\n")
			w.set("VIRTUAL_ENV", "W/other")
			w.set("PATH", "W/venv/bin:W/"+shimDir)
		}, `
warning: in this shell other programs stand before the shims
  W/venv/bin/python
  > . ~/.local/share/shim/env.sh   # fish: source env.fish
`},
	})
}

func TestLoginPath(t *testing.T) {
	// a shell that answers as one that is started for a login would
	shell := func(text string) func(w *world) {
		return func(w *world) { w.shims(); w.file("bin/python", "#!/bin/sh\n"); w.file("bin/sh", "#!/bin/sh\n"+text) }
	}
	const run = "eval \"$2\"\n"
	table(t, "login-path", []row{
		{"first", shell("[ \"$1\" = -lc ] || exit 1\necho noise; PATH=W/" + shimDir + ":W/bin\n" + run + "echo more\n"),
			"ok: the shims stand first on PATH of a login sh\n"},
		{"absent", shell("PATH=W/bin\n" + run), `
error: ~/.local/share/shim/bin is not on PATH of a login sh
  PATH=W/bin
  > echo '. "$HOME/.local/share/shim/env.sh"' >> ~/.profile
`},
		{"behind", shell("PATH=W/bin:W/" + shimDir + "\n" + run), `
warning: in a login sh other programs stand before the shims
  W/bin/python
  > echo '. "$HOME/.local/share/shim/env.sh"' >> ~/.profile
`},
		{"nothing_of_this_shell", func(w *world) {
			shell("PATH=${VIRTUAL_ENV:+W/bin:}W/" + shimDir + ":$__NIXOS_SET_ENVIRONMENT_DONE\n" + run)(w)
			w.set("VIRTUAL_ENV", "/venv")
			w.set("__NIXOS_SET_ENVIRONMENT_DONE", "1")
		}, "ok: the shims stand first on PATH of a login sh\n"},
		{"of_this_user", shell("PATH=$HOME/.local/share/shim/bin\n" + run), "ok: the shims stand first on PATH of a login sh\n"},
		{"no_answer", shell("exit 3\n"), `
warning: a login shell was asked for its PATH: exit status 3
  SHELL=W/bin/sh
  > W/bin/sh -lc true   # see what it waits for
`},
		{"no_sense", shell("echo hello\n"), `
warning: a login shell was asked for its PATH: its answer makes no sense
  SHELL=W/bin/sh
  > W/bin/sh -lc true   # see what it waits for
`},
		{"hangs", shell("kill -STOP $$\n"), `
warning: a login shell was asked for its PATH: no answer within 2s
  SHELL=W/bin/sh
  > W/bin/sh -lc true   # see what it waits for
`},
		{"leaves_something_running", shell("sleep 1000 &\nPATH=W/" + shimDir + "\n" + run),
			"ok: the shims stand first on PATH of a login sh\n"},
		{"unknown_shell", func(w *world) { w.set("SHELL", "/bin/nu") }, "skipped: how to ask /bin/nu is not known\n"},
		{"no_shell", func(w *world) { w.set("SHELL", "") }, "skipped: SHELL is not set\n"},
		{"missing_shell", func(w *world) { w.set("SHELL", "W/none/zsh") }, "skipped: there is no shell W/none/zsh\n"},
	})
}

func TestPathWritable(t *testing.T) {
	table(t, "path-writable", []row{
		{"nobody", func(w *world) { w.shims(); w.mode("open", 0o777); w.set("PATH", "W/"+shimDir+":W/open") },
			"ok: nobody else can put programs before the shims\n"},
		{"before", func(w *world) { w.shims(); w.mode("open", 0o777); w.set("PATH", "W/open:W/"+shimDir) }, `
error: everybody can put programs into 1 directory that a python is looked for in
  W/open
  > chmod o-w W/open
`},
		{"sticky_and_shims", func(w *world) {
			w.shims()
			w.mode("open it", 0o777)
			w.mode(shimDir, 0o777)
			w.set("PATH", "W/open it:W/"+shimDir)
		}, `
error: everybody can put programs into 2 directories that a python is looked for in
  W/open it
  ~/.local/share/shim/bin
  > chmod o-w 'W/open it' ~/.local/share/shim/bin
`},
		{"shims_not_on_path", func(w *world) { w.shims(); w.mode(shimDir, 0o777); w.set("PATH", "W/bin") }, `
error: everybody can put programs into 1 directory that a python is looked for in
  ~/.local/share/shim/bin
  > chmod o-w ~/.local/share/shim/bin
`},
	})
}

func TestOtherShims(t *testing.T) {
	table(t, "other-shims", []row{
		{"behind", func(w *world) {
			w.shims()
			w.file(".pyenv/shims/python", "#!/bin/sh\n")
			w.set("PATH", "W/"+shimDir+":W/.pyenv/shims")
		}, "ok: no other version manager answers before the shims\n"},
		{"before", func(w *world) {
			w.shims()
			w.file(".pyenv/shims/python", "#!/bin/sh\n")
			w.file("x/mise/shims/python3", "#!/bin/sh\n")
			w.file(".asdf/shims/node", "#!/bin/sh\n")
			w.set("PATH", "W/.pyenv/shims:W/x/mise/shims:W/.asdf/shims:W/"+shimDir)
		}, `
warning: before the shims stands mise, then pyenv
  W/.pyenv/shims/python
  W/x/mise/shims/python3
  > in your shell's start file:
  >   # take out the line of mise and of pyenv, or put it before that of shim
`},
	})
}

func TestSwitches(t *testing.T) {
	table(t, "switches", []row{
		{"none", func(w *world) { w.set("SHIM_DISABLE", "0"); w.set("SHIM_DEBUG", "") },
			"ok: no variable changes what the shims do\n"},
		{"disabled", func(w *world) { w.set("SHIM_DISABLE", "1") }, `
warning: the shims are switched off in this shell
  SHIM_DISABLE=1
  > unset SHIM_DISABLE
`},
		{"others", func(w *world) { w.set("SHIM_POLICY", "/p"); w.set("SHIM_LOCK", "/l"); w.set("SHIM_DEBUG", "1") }, `
info: another policy counts in this shell
  SHIM_POLICY=/p
  > unset SHIM_POLICY
info: another lock is written in this shell
  SHIM_LOCK=/l
  > unset SHIM_LOCK
info: the shims tell their trail in this shell
  SHIM_DEBUG=1
  > unset SHIM_DEBUG
`},
	})
}

func TestPolicy(t *testing.T) {
	table(t, "policy", []row{
		{"none", func(w *world) {}, "ok: nothing is declared: there is no policy.toml\n"},
		{"layers", func(w *world) { w.file("root/etc/shim/policy.toml", ""); w.policy("[python]\nversions = [\"3.14\"]\n") },
			"ok: valid: W/root/etc/shim/policy.toml, then ~/.config/shim/policy.toml\n"},
		{"all_mistakes", func(w *world) {
			w.file("root/etc/shim/policy.toml", "[uv]\nsupervise = 1\n")
			w.policy("[python]\nversion = [\"3.14\"]\nprune = \"yes\"\n")
		}, `
error: the policy has 3 mistakes, and until that is mended the last good one counts, or none
  W/root/etc/shim/policy.toml:2:13: uv.supervise: ...
  ~/.config/shim/policy.toml:2:1: python.version: ...
  ~/.config/shim/policy.toml:3:9: python.prune: ...
  > ${EDITOR:-vi} W/root/etc/shim/policy.toml
`},
		{"directory", func(w *world) { w.mode("home/.config/shim/policy.toml", 0o755) }, `
error: the policy has 1 mistake, and until that is mended the last good one counts, or none
  ~/.config/shim/policy.toml: not a regular file
  > ${EDITOR:-vi} ~/.config/shim/policy.toml
`},
	})
}
