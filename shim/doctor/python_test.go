package doctor

import (
	"testing"

	"uvshim/shim/lock"
)

const (
	py312 = "cpython-3.12.11-linux-x86_64-gnu"
	py313 = "cpython-3.13.8-linux-x86_64-gnu"
	py314 = "cpython-3.14.1-linux-x86_64-gnu"
	uvDir = "home/.local/share/uv/"
)

// realUV is a program that says which uv it is.
func (w *world) uv(file, version string) {
	w.file(file, "#!/bin/sh\n[ \"$*\" = --version ] && echo 'uv "+version+" (x86_64-unknown-linux-gnu)'\n")
}

func TestUV(t *testing.T) {
	table(t, "uv", []row{
		{"new", func(w *world) { w.uv("bin/uv", "0.13.9") }, "ok: uv 0.13.9, from this system\n"},
		{"oldest", func(w *world) { w.uv("bin/uv", "0.11.8") }, "ok: uv 0.11.8, from this system\n"},
		{"none", func(w *world) {}, `
error: there is no uv on PATH besides the shim
  > # run shim's install.sh again, or install uv as its documentation says
`},
		{"none_nixos", func(w *world) { w.nixos() }, `
error: there is no uv on PATH besides the shim
  > in configuration.nix, then nixos-rebuild switch:
  >   environment.systemPackages = with pkgs; [ uv ];
`},
		{"old", func(w *world) { w.uv("home/.local/bin/uv", "0.9.30"); w.set("PATH", "W/home/.local/bin") }, `
warning: uv 0.9.30 is older than 0.11.8, which keeps uv from asking the shims which Python they are (UV_PYTHON_SEARCH_PATH)
  ~/.local/bin/uv is 0.9.30, from this user
  > uv self update
`},
		{"by_hand_nixos", func(w *world) { w.nixos(); w.uv("home/.local/bin/uv", "0.13.9"); w.set("PATH", "W/home/.local/bin") }, `
info: uv 0.13.9 is from this user; it belongs to environment.systemPackages, where it is declared
  ~/.local/bin/uv
  > in configuration.nix, then nixos-rebuild switch:
  >   environment.systemPackages = with pkgs; [ uv ];
`},
		{"home_packages", func(w *world) {
			w.nixos()
			w.uv("home/.nix-profile/bin/uv", "0.13.9")
			w.file("home/.local/state/home-manager/gcroots/current-home/home-path/bin/uv", "")
			w.set("PATH", "W/home/.nix-profile/bin")
		}, "ok: uv 0.13.9, from home.packages\n"},
		{"broken", func(w *world) { w.file("bin/uv", "#!/bin/sh\nexit 127\n") }, `
error: uv does not tell its version: exit status 127
  W/bin/uv
  > # run shim's install.sh again, or install uv as its documentation says
`},
		{"hangs", func(w *world) { w.file("bin/uv", "#!/bin/sh\nkill -STOP $$\n") }, `
error: uv does not tell its version: no answer within 2s
  W/bin/uv
  > # run shim's install.sh again, or install uv as its documentation says
`},
		{"another_program", func(w *world) { w.file("bin/uv", "#!/bin/sh\necho ultraviolet 7\n") }, `
error: uv does not tell its version: its answer makes no sense: ultraviolet 7
  W/bin/uv
  > # run shim's install.sh again, or install uv as its documentation says
`},
	})
}

func TestInterpreters(t *testing.T) {
	table(t, "interpreters", []row{
		{"none", func(w *world) {}, `
warning: uv has installed no Python
  ~/.local/share/uv/python
  > uv python install
`},
		{"as_declared", func(w *world) {
			w.managed(py314, py313)
			w.policy("[python]\nversions = [\"3.14\", \"3.13\"]\n")
		}, "ok: " + py314 + ", " + py313 + " installed and runnable\n"},
		{"declared_missing", func(w *world) {
			w.managed(py314)
			w.policy("[python]\nversions = [\"3.14\", \">=3.11,<3.13\"]\n")
		}, `
warning: Python >=3.11,<3.13 is declared and not installed
  ~/.config/shim/policy.toml:2: >=3.11,<3.13
  > uv python install '>=3.11,<3.13'
`},
		{"default_missing", func(w *world) {
			w.managed(py313)
			w.policy("[python]\nversions = [\"3.14\", \"3.13\"]\ndefault = \"3.14\"\n")
		}, `
error: Python 3.14 is declared and not installed
  ~/.config/shim/policy.toml:2: 3.14
  > uv python install 3.14
`},
		{"not_runnable", func(w *world) { w.managed(py314, py313); w.remove(uvDir + "python/" + py313 + "/bin") }, `
error: cpython-3.13.8-linux-x86_64-gnu is installed and cannot be run
  ~/.local/share/uv/python/cpython-3.13.8-linux-x86_64-gnu: bin/python3.13 is not there
  > uv python install --reinstall 3.13.8
`},
		{"musl_without_loader", func(w *world) {
			w.managed(py314)
			w.file(uvDir+"python/"+py314+"/bin/python3.14", elf("/lib/ld-musl-nowhere.so.1"))
		}, `
error: cpython-3.14.1-linux-x86_64-gnu cannot start: there is no /lib/ld-musl-nowhere.so.1
  ~/.local/share/uv/python/cpython-3.14.1-linux-x86_64-gnu/bin/python3.14 wants /lib/ld-musl-nowhere.so.1
  > uv python uninstall cpython-3.14.1-linux-x86_64-gnu
`},
	})
}

func TestDefault(t *testing.T) {
	declare := func(w *world) {
		w.managed(py314, py313)
		w.policy("[python]\nversions = [\"3.14\", \"3.13\"]\ndefault = \"3.13\"\n")
	}
	pin := func(text string) func(w *world) {
		return func(w *world) { declare(w); w.file("home/.config/uv/.python-version", text) }
	}
	table(t, "default", []row{
		{"no_policy", func(w *world) { w.policy("[python") }, "skipped: what is declared cannot be read\n"},
		{"nothing", func(w *world) {}, "ok: no default is declared\n"},
		{"newest", func(w *world) { w.managed(py314, py313) }, "ok: no default is declared: a bare python is the newest, " + py314 + "\n"},
		{"pin_alone", func(w *world) { w.file("home/.config/uv/.python-version", "3.12\n") }, "ok: uv's global pin, 3.12, is the default\n"},
		{"agree", pin("# mine\n3.13\n"), "ok: a bare python and uv by itself are 3.13\n"},
		{"agree_otherwise_spelled", pin("cpython@3.13\n"), "ok: a bare python and uv by itself are 3.13\n"},
		{"disagree", pin("# mine\n3.14\n"), `
warning: the default of the policy and uv's global pin are two Pythons: python and uv run disagree
  policy: python.default = 3.13
  ~/.config/uv/.python-version:2: 3.14
  > uv python pin --global 3.13
`},
		{"disagree_of_what_is_not_installed", func(w *world) {
			w.policy("[python]\ndefault = \"3.13\"\n")
			w.file("home/.config/uv/.python-version", "3.14\n")
		}, `
warning: the default of the policy and uv's global pin are two Pythons: python and uv run disagree
  policy: python.default = 3.13
  ~/.config/uv/.python-version:1: 3.14
  > uv python pin --global 3.13
`},
		{"disagree_by_what_is_installed", pin(">=3.12\n"), `
warning: the default of the policy and uv's global pin are two Pythons: python and uv run disagree
  policy: python.default = 3.13
  ~/.config/uv/.python-version:1: >=3.12
  > uv python pin --global 3.13
`},
		{"no_pin", declare, `
info: a bare python is the declared 3.13, and uv by itself takes its newest
  shim: cpython-3.13.8-linux-x86_64-gnu
  uv: cpython-3.14.1-linux-x86_64-gnu
  > uv python pin --global 3.13
`},
		{"pin_not_looked_at", func(w *world) { pin("3.14")(w); w.set("UV_NO_CONFIG", "1") }, `
info: a bare python is the declared 3.13, and uv by itself takes its newest
  shim: cpython-3.13.8-linux-x86_64-gnu
  uv: cpython-3.14.1-linux-x86_64-gnu
  > uv python pin --global 3.13
`},
	})
}

// tool makes a tool that uv installed; unless it is broken its interpreter is there.
func (w *world) tool(name string, broken bool) {
	dir := uvDir + "tools/" + name
	w.file(dir+"/uv-receipt.toml", "[tool]\nrequirements = [{ name = \""+name+"\", specifier = \">=1\" }]\nentrypoints = [{ name = \""+name+"\", install-path = \"W/home/.local/bin/"+name+"\" }]\n")
	w.file(dir+"/pyvenv.cfg", "home = /x\n")
	w.file(dir+"/lib/python3.14/site-packages/"+name+"-1.0.dist-info/METADATA", "")
	w.file("home/.local/bin/"+name, "#!/bin/sh\n")
	if !broken {
		w.file(dir+"/bin/python", "#!/bin/sh\n")
	}
}

func TestTools(t *testing.T) {
	table(t, "tools", []row{
		{"none", func(w *world) {}, "ok: none are installed and none declared\n"},
		{"as_declared", func(w *world) { w.tool("ruff", false); w.policy("[tool]\npackages = [\"Ruff>=0.14\"]\n") }, "ok: ruff installed and runnable\n"},
		{"declared_missing", func(w *world) {
			w.policy("[tool]\npackages = [\"ruff>=0.14\", \"mine @ git+https://user:hunter2@example.org/mine\"]\n")
		}, `
warning: ruff is declared and not installed
  ~/.config/shim/policy.toml:2: ruff>=0.14
  > uv tool install 'ruff>=0.14'
warning: mine is declared and not installed
  ~/.config/shim/policy.toml:2: mine @ git+https://***@example.org/mine
  > uv tool install 'mine @ git+https://***@example.org/mine'
`},
		{"broken", func(w *world) { w.tool("ruff", true) }, `
error: the tool ruff cannot be run
  ~/.local/share/uv/tools/ruff
  its Python is gone: ...
  > uv tool install --force 'ruff>=1'
`},
	})
}

func TestUndeclared(t *testing.T) {
	installed := func(w *world) { w.managed(py314, py313, py312); w.tool("ruff", false); w.tool("httpie", false) }
	table(t, "undeclared", []row{
		{"no_policy", func(w *world) { installed(w); w.policy("[python") }, "skipped: what is declared cannot be read\n"},
		{"nothing_listed", installed, "ok: the policy lists nothing, so nothing is undeclared\n"},
		{"all_listed", func(w *world) {
			installed(w)
			w.policy("[python]\nversions = [\">=3.12\"]\n[tool]\npackages = [\"ruff\", \"httpie\"]\n")
		}, "ok: all that is installed is declared\n"},
		{"some_not", func(w *world) {
			installed(w)
			w.policy("[python]\nversions = [\"3.14\"]\n[tool]\npackages = [\"ruff\"]\n")
		}, `
warning: 2 Pythons are installed and not declared in python.versions
  cpython-3.13.8-linux-x86_64-gnu
  cpython-3.12.11-linux-x86_64-gnu
  > shim declare python 3.13   # or uv python uninstall cpython-3.13.8-linux-x86_64-gnu
  > shim declare python 3.12   # or uv python uninstall cpython-3.12.11-linux-x86_64-gnu
warning: 1 tool is installed and not declared in tool.packages
  httpie
  > shim declare tool httpie   # or uv tool uninstall httpie
`},
		{"allowed", func(w *world) {
			w.managed(py314, py313)
			w.policy("[python]\nversions = [\"3.14\"]\nundeclared = \"allow\"\n")
		}, `
info: 1 Python is installed and not declared in python.versions
  cpython-3.13.8-linux-x86_64-gnu
  > shim declare python 3.13   # or uv python uninstall cpython-3.13.8-linux-x86_64-gnu
`},
	})
}

func TestUnused(t *testing.T) {
	used := func(day string) func(w *world) {
		return func(w *world) {
			w.managed(py314, py313)
			w.record(day, lock.Record{Python: []lock.Python{{Key: py313}, {Key: py312}}})
			w.record("2026-11-22", lock.Record{Python: []lock.Python{{Key: py314}}})
		}
	}
	table(t, "unused", []row{
		{"lately", used("2026-08-24"), "ok: no interpreter has gone without use for 90 days\n"},
		{"no_lock", func(w *world) { w.file(stateDir+"shim.lock", "no lock") }, "skipped: what is recorded cannot be read\n"},
		{"long_ago", used("2026-08-23"), `
info: 1 interpreter has not been used for 90 days
  cpython-3.13.8-linux-x86_64-gnu, last used on 2026-08-23
  > uv python uninstall cpython-3.13.8-linux-x86_64-gnu
`},
	})
}

func TestBinLinks(t *testing.T) {
	table(t, "bin-links", []row{
		{"in_order", func(w *world) {
			w.managed(py314)
			w.link("home/.local/bin/python3.14", "W/"+uvDir+"python/cpython-3.14-linux-x86_64-gnu/bin/python3.14")
			w.link("home/.local/bin/sh", "/bin/sh")
			w.file("home/.local/bin/shim", "#!/bin/sh\n")
		}, "ok: uv's links in ~/.local/bin are in order\n"},
		{"dangling", func(w *world) {
			w.link("home/.local/bin/python3.9", "W/"+uvDir+"python/gone/bin/python3.9")
			w.link("home/.local/bin/old tool", "../share/uv/tools/old/bin/tool")
		}, `
warning: 2 links of uv's lead to nothing
  ~/.local/bin/old tool -> ../share/uv/tools/old/bin/tool
  ~/.local/bin/python3.9 -> ~/.local/share/uv/python/gone/bin/python3.9
  > rm ~/'.local/bin/old tool' ~/.local/bin/python3.9
`},
		{"of_what_is_broken", func(w *world) {
			w.managed(py314)
			w.remove(uvDir + "python/" + py314 + "/bin/python3.14")
			w.link("home/.local/bin/python", "W/"+uvDir+"python/cpython-3.14-linux-x86_64-gnu/bin/python3.14")
			w.link("home/.local/bin/python3.14", "W/"+uvDir+"python/"+py314+"/bin/python3.14")
			w.file(uvDir+"tools/ruff/uv-receipt.toml", "")
			w.link("home/.local/bin/ruff", "../share/uv/tools/ruff/bin/ruff")
		}, "ok: uv's links in ~/.local/bin are in order\n"},
		{"patch", func(w *world) {
			w.managed(py314)
			w.link("home/.local/bin/python3.14", "W/"+uvDir+"python/"+py314+"/bin/python3.14")
		}, `
warning: 1 link of uv's points at one patch release, and stays there when uv upgrades the minor
  ~/.local/bin/python3.14 -> ~/.local/share/uv/python/cpython-3.14.1-linux-x86_64-gnu/bin/python3.14
  > ln -sfn ~/.local/share/uv/python/cpython-3.14-linux-x86_64-gnu/bin/python3.14 ~/.local/bin/python3.14
`},
		{"declared_patch", func(w *world) {
			w.managed(py314)
			w.policy("[python]\nversions = [\"3.14.1\"]\n")
			w.link("home/.local/bin/python3.14", "W/"+uvDir+"python/"+py314+"/bin/python3.14")
		}, "ok: uv's links in ~/.local/bin are in order\n"},
	})
}
