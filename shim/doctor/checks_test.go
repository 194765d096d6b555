package doctor

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
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
  > export HOME="$(getent passwd "$(id -u)" | cut -d: -f6)"
`},
		{"home_is_not_there", func(w *world) { w.env = w.env.With("HOME", w.at("none")) }, `
error: no place for the shims: the home directory is not there
  > export HOME="$(getent passwd "$(id -u)" | cut -d: -f6)"
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
  > . ~/.local/share/shim/env.sh   # for this shell; fish: source env.fish
`},
		{"behind", func(w *world) {
			w.shims()
			w.file("bin/python", "#!/bin/sh\n")
			w.file("bin/uv", "not a program")
			w.set("PATH", "W/bin:W/"+shimDir)
		}, `
warning: in this shell python is not the shim: another stands before it on PATH
  W/bin/python
  > . ~/.local/share/shim/env.sh   # for this shell; fish: source env.fish
`},
		{"every_shim", func(w *world) {
			w.managed("cpython-3.13.1-linux-x86_64-gnu")
			w.shims()
			w.file("a/python3.13", "#!/bin/sh\n")
			w.file("a/shim", "#!/bin/sh\n")
			w.file("b/python3.13", "#!/bin/sh\n")
			w.file("b/pip", "#!/bin/sh\n")
			w.set("PATH", "W/a:W/b:W/"+shimDir)
			w.installer("a src")
		}, `
warning: in this shell python3.13, pip are not the shims: others stand before them on PATH
  W/a/python3.13
  W/b/pip
  > sh 'W/a src/install.sh' --keep   # then start a new shell
`},
		{"absent_by_script", func(w *world) { w.shims(); w.installer("src"); w.set("PATH", "W/bin") }, `
error: ~/.local/share/shim/bin is not on PATH of this shell
  PATH=W/bin
  > sh W/src/install.sh --keep   # then start a new shell
`},
		{"script_is_gone", func(w *world) { w.shims(); w.installer("src"); w.remove("src/install.sh"); w.set("PATH", "W/bin") }, `
error: ~/.local/share/shim/bin is not on PATH of this shell
  PATH=W/bin
  > . ~/.local/share/shim/env.sh   # for this shell; fish: source env.fish
`},
		{"script_is_another", func(w *world) {
			w.shims()
			w.installer("src")
			w.file("src/install.sh", "#!/bin/sh\n")
			w.set("PATH", "W/bin")
		}, `
error: ~/.local/share/shim/bin is not on PATH of this shell
  PATH=W/bin
  > . ~/.local/share/shim/env.sh   # for this shell; fish: source env.fish
`},
		// these are one error, of the check shims
		{"no_shims", func(w *world) { w.set("PATH", "W/"+shimDir) }, "skipped: there are no shims\n"},
		{"no_mark", func(w *world) { w.shims(); w.remove(shimDir + "/.shim-dir") }, "ok: the shims stand first on PATH of this shell\n"},
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
warning: in this shell python is not the shim: another stands before it on PATH
  W/venv/bin/python
  > . ~/.local/share/shim/env.sh   # for this shell; fish: source env.fish
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
  > echo '[ ! -r "$HOME/.local/share/shim/env.sh" ] || . "$HOME/.local/share/shim/env.sh"' >> ~/.profile
`},
		{"behind", shell("PATH=W/bin:W/" + shimDir + "\n" + run), `
warning: in a login sh python is not the shim: another stands before it on PATH
  W/bin/python
  > echo '[ ! -r "$HOME/.local/share/shim/env.sh" ] || . "$HOME/.local/share/shim/env.sh"' >> ~/.profile
`},
		{"behind_by_script", func(w *world) {
			shell("PATH=W/bin:W/" + shimDir + "\n" + run)(w)
			w.file("bin/python3", "#!/bin/sh\n")
			w.installer("src")
		}, `
warning: in a login sh python, python3 are not the shims: others stand before them on PATH
  W/bin/python
  W/bin/python3
  > sh W/src/install.sh --keep
`},
		{"absent_from_the_store", func(w *world) {
			shell("PATH=W/bin\n" + run)(w)
			w.file("bin/profile", "")
			w.link("home/.profile", "/nix/store/00000000000000000000000000000000-hm/profile")
		}, `
error: ~/.local/share/shim/bin is not on PATH of a login sh
  PATH=W/bin
  > in home.nix, then home-manager switch:
  >   home.sessionPath = [ "$HOME/.local/share/shim/bin" ];
`},
		{"absent_fish", func(w *world) {
			w.shims()
			w.file("bin/fish", "#!/bin/sh\nPATH=W/bin\n"+run)
			w.set("SHELL", "W/bin/fish")
		}, `
error: ~/.local/share/shim/bin is not on PATH of a login fish
  PATH=W/bin
  > mkdir -p ~/.config/fish && echo 'test ! -r "$HOME/.local/share/shim/env.fish"; or source "$HOME/.local/share/shim/env.fish"' >> ~/.config/fish/config.fish
`},
		{"no_shims", func(w *world) {
			shell("PATH=W/" + shimDir + "\n" + run)(w)
			w.remove(shimDir)
		}, "skipped: there are no shims\n"},
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
  ~/.local/share/shim/bin
  W/open it
  > chmod o-w ~/.local/share/shim/bin 'W/open it'
`},
		{"shims_not_on_path", func(w *world) { w.shims(); w.mode(shimDir, 0o777); w.set("PATH", "W/bin") }, `
error: everybody can put programs into 1 directory that a python is looked for in
  ~/.local/share/shim/bin
  > chmod o-w ~/.local/share/shim/bin
`},
		{"above", func(w *world) {
			w.shims()
			w.mode("open/bin", 0o755)
			w.mode("open", 0o777)
			w.mode("sticky/bin", 0o755)
			w.mode("sticky", 0o777|os.ModeSticky)
			w.set("PATH", "W/open/bin:W/sticky/bin:W/"+shimDir)
		}, `
error: everybody can put programs into 1 directory that a python is looked for in
  W/open
  > chmod o-w W/open
`},
		{"several", func(w *world) {
			w.shims()
			for _, name := range []string{"d", "b", "c", "a"} {
				w.mode(name, 0o777)
			}
			w.set("PATH", "W/d:W/b:W/c:W/a:W/"+shimDir)
		}, `
error: everybody can put programs into 4 directories that a python is looked for in
  W/a
  W/b
  W/c
  W/d
  > chmod o-w W/a W/b W/c W/d
`},
		{"not_there", func(w *world) {
			w.shims()
			w.mode("open", 0o777)
			w.set("PATH", "W/open/none:W/"+shimDir)
		}, "ok: nobody else can put programs before the shims\n"},
		{"sticky_itself", func(w *world) {
			w.shims()
			w.mode("sticky", 0o777|os.ModeSticky)
			w.set("PATH", "W/sticky:W/"+shimDir)
		}, `
error: everybody can put programs into 1 directory that a python is looked for in
  W/sticky
  > chmod o-w W/sticky
`},
	})
}

func TestPathWritable_owners(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives directories away")
	}
	owned := func(name string, mode os.FileMode, uid, gid int) func(*world) {
		return func(w *world) {
			w.shims()
			w.mode(name, 0o755)
			if err := os.Chown(w.at(name), uid, gid); err != nil {
				w.Skip(err)
			}
			if err := os.Chmod(w.at(name), mode); err != nil {
				w.Fatal(err)
			}
			w.set("PATH", "W/"+name+":W/"+shimDir)
		}
	}
	with := func(make func(*world), files ...string) func(*world) {
		return func(w *world) {
			make(w)
			for i := 0; i < len(files); i += 2 {
				w.file("root/"+files[i], files[i+1])
			}
		}
	}
	table(t, "path-writable", []row{
		{"stranger", owned("tools", 0o755, 54321, 0), `
warning: another user can put programs into 1 directory that a python is looked for in
  W/tools: drwxr-xr-x, of user 54321 and group 0
  > in your shell's start file:
  >   # take it off PATH, or put it behind the shims
`},
		{"unknown_group", owned("tools", 0o775, 0, 54321), `
warning: a group can put programs into 1 directory that a python is looked for in
  W/tools: drwxrwxr-x, of user 0 and group 54321
  > chmod g-w W/tools   # with sudo where it is not yours
`},
		{"group_of_others", with(owned("tools", 0o775, 0, 54321), "etc/group", "staff:x:54321:me,you\n"), `
warning: a group can put programs into 1 directory that a python is looked for in
  W/tools: drwxrwxr-x, of user 0 and group 54321
  > chmod g-w W/tools   # with sudo where it is not yours
`},
		{"group_of_one", with(owned("tools", 0o775, 0, 54321), "etc/group", "staff:x:54321:me,root\n"),
			"ok: nobody else can put programs before the shims\n"},
		{"group_nobody", with(owned("tools", 0o775, 0, 54321), "etc/group", "staff:x:54321:\n"),
			"ok: nobody else can put programs before the shims\n"},
		{"primary_group_of_another", with(owned("tools", 0o775, 0, 54321), "etc/group", "staff:x:54321:\n", "etc/passwd", "you:x:54322:54321::/home/you:/bin/sh\n"), `
warning: a group can put programs into 1 directory that a python is looked for in
  W/tools: drwxrwxr-x, of user 0 and group 54321
  > chmod g-w W/tools   # with sudo where it is not yours
`},
		{"group_that_may_not", owned("tools", 0o755, 0, 54321), "ok: nobody else can put programs before the shims\n"},
		{"group_of_root", owned("tools", 0o775, 0, 0), "ok: nobody else can put programs before the shims\n"},
		{"group_of_root_alone", with(owned("tools", 0o775, 0, 54321), "etc/passwd", "root:x:0:54321::/root:/bin/sh\nyou:x:54322:54322::/home/you:/bin/sh\n", "etc/group", "staff:x:54321:\n"),
			"ok: nobody else can put programs before the shims\n"},
		{"group_beside_another", with(owned("tools", 0o775, 0, 54321), "etc/group", "damaged\nusers:x:54320:you\nstaff:x:54321:\n"),
			"ok: nobody else can put programs before the shims\n"},
		{"group_with_a_list", func(w *world) {
			owned("tools", 0o755, 0, 0)(w)
			w.list("tools", 54321)
		}, `
warning: a group can put programs into 1 directory that a python is looked for in
  W/tools: drwxrwxr-x, of user 0 and group 0
  > chmod g-w W/tools   # with sudo where it is not yours
`},
	})
}

// list gives a directory an access control list in which a user may write (acl(5), and posix_acl_xattr.h of
// Linux for its bytes: a version, then tag, rights and id of each entry).
func (w *world) list(name string, uid uint32) {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 2)
	for _, e := range []struct {
		tag, rights uint16
		id          uint32
	}{{0x01, 7, 1<<32 - 1}, {0x02, 7, uid}, {0x04, 5, 1<<32 - 1}, {0x10, 7, 1<<32 - 1}, {0x20, 5, 1<<32 - 1}} {
		b = le.AppendUint32(le.AppendUint16(le.AppendUint16(b, e.tag), e.rights), e.id)
	}
	if err := unix.Setxattr(w.at(name), "system.posix_acl_access", b, 0); err != nil {
		w.Skip("no access control lists here: ", err)
	}
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
