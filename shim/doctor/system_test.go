package doctor

import (
	"testing"

	"uvshim/shim/nixld"
)

func TestLoader(t *testing.T) {
	nixLD := nixld.Loader{Kind: nixld.NixLD, Major: 2, Version: "2.0.6", Real: "/nix/store/x-nix-ld-2.0.6/libexec/nix-ld"}
	set := nixld.Settings{Loader: nixld.Setting{Value: "/nix/store/gone/ld.so\n", Name: "NIX_LD"}}
	native, _ := nixld.NativeInterp()
	table(t, "loader", []row{
		{"nix_ld", func(w *world) { w.nixLD() }, "ok: nix-ld 2.0.6, and behind it glibc 2.42\n"},
		{"nix_ld_1", func(w *world) {
			w.state(nixld.State{Verdict: nixld.OK, Loader: nixld.Loader{Kind: nixld.NixLD, Major: 1, Version: "1.2.3", Real: "/r"}})
		}, `
info: nix-ld 1.2.3, which knows no defaults: services without NIX_LD cannot start foreign programs
  ` + native + ` -> /r
  > in configuration.nix, then nixos-rebuild switch:
  >   programs.nix-ld.enable = true;
  >   # and a nixpkgs with nix-ld 2: 24.11 or newer
`},
		{"glibc", func(w *world) {
			w.state(nixld.State{Verdict: nixld.Native, Loader: nixld.Loader{Kind: nixld.Glibc, Version: "2.36"}})
		}, "ok: glibc 2.36's own; nix-ld does not apply here\n"},
		{"glibc_behind_tells", func(w *world) {
			w.state(nixld.State{Verdict: nixld.Native, Loader: nixld.Loader{Kind: nixld.Glibc}, Target: nixld.Target{Version: "2.36"}})
		}, "ok: glibc 2.36's own; nix-ld does not apply here\n"},
		{"glibc_of_no_version", func(w *world) {
			w.state(nixld.State{Verdict: nixld.Native, Loader: nixld.Loader{Kind: nixld.Glibc}})
		}, "ok: glibc's own; nix-ld does not apply here\n"},
		{"musl", func(w *world) {
			w.state(nixld.State{Verdict: nixld.Native, Loader: nixld.Loader{Kind: nixld.Musl}})
		}, "ok: musl's own; nix-ld does not apply here\n"},
		{"none_nixos", func(w *world) { w.nixos() }, `
error: no foreign program can start: there is no ` + native + `
  ` + native + `
  > in configuration.nix, then nixos-rebuild switch:
  >   programs.nix-ld.enable = true;
`},
		{"none_elsewhere", func(w *world) {}, `
error: no foreign program can start: there is no ` + native + `
  ` + native + `
  > # install glibc's loader, or on Alpine use uv's musl builds
`},
		{"nothing_behind", func(w *world) {
			w.state(nixld.State{Verdict: nixld.NothingBehind, Loader: nixLD, Settings: set, Reason: "NIX_LD is not there"})
		}, `
error: nix-ld cannot start anything: NIX_LD is not there
  ` + native + ` -> /nix/store/x-nix-ld-2.0.6/libexec/nix-ld
  NIX_LD=/nix/store/gone/ld.so
  > unset NIX_LD
`},
		{"nothing_behind_by_default", func(w *world) {
			s := set
			s.Loader.Default = true
			w.state(nixld.State{Verdict: nixld.NothingBehind, Loader: nixLD, Settings: s, Reason: "its default is not there"})
		}, `
error: nix-ld cannot start anything: its default is not there
  ` + native + ` -> /nix/store/x-nix-ld-2.0.6/libexec/nix-ld
  NIX_LD=/nix/store/gone/ld.so
  > in configuration.nix, then nixos-rebuild switch:
  >   programs.nix-ld.enable = true;
`},
		{"unknown", func(w *world) { w.state(nixld.State{Verdict: nixld.Unclear, Reason: "not an ELF file"}) }, `
warning: what starts foreign programs is not clear: not an ELF file
  ` + native + `
  > ls -lL ` + native + `
`},
	})
}

const list = nixld.DefaultLibraryPath

func TestNixLDValues(t *testing.T) {
	with := func(env ...string) func(w *world) {
		return func(w *world) {
			w.mode("root/run/current-system/sw/share/nix-ld/lib", 0o755)
			w.mode("root/mine", 0o755)
			w.nixLD(env...)
		}
	}
	table(t, "nix-ld-values", []row{
		{"no_nix_ld", func(w *world) {}, "skipped: there is no nix-ld here\n"},
		{"default", with(), "ok: nix-ld takes libraries from " + list + "\n"},
		{"set_to_default", with("NIX_LD_LIBRARY_PATH=" + list), "ok: nix-ld takes libraries from " + list + "\n"},
		{"extended", with("NIX_LD_LIBRARY_PATH=" + list + ":/mine"), "ok: nix-ld takes libraries from " + list + ":/mine\n"},
		{"replaced", with("NIX_LD_LIBRARY_PATH_x86_64_linux=/mine"), `
warning: NIX_LD_LIBRARY_PATH_x86_64_linux stands in place of the system's list of libraries
  NIX_LD_LIBRARY_PATH_x86_64_linux=/mine
  > unset NIX_LD_LIBRARY_PATH_x86_64_linux
`},
		{"empty", with("NIX_LD_LIBRARY_PATH="), `
warning: NIX_LD_LIBRARY_PATH is set and empty: nix-ld finds no libraries at all
  NIX_LD_LIBRARY_PATH=
  > unset NIX_LD_LIBRARY_PATH
`},
		{"gone", with("NIX_LD_LIBRARY_PATH=" + list + ":/collected"), `
warning: nix-ld looks for libraries in 1 directory that is not there
  /collected
  > unset NIX_LD_LIBRARY_PATH
`},
		{"default_gone", func(w *world) { w.nixLD() }, `
warning: nix-ld looks for libraries in 1 directory that is not there
  ` + list + `
  > in configuration.nix, then nixos-rebuild switch:
  >   programs.nix-ld.enable = true;
`},
		{"next_generation", func(w *world) { w.kind = Generation; with("NIX_LD_LIBRARY_PATH=/mine")(w) }, `
warning: NIX_LD_LIBRARY_PATH stands in place of the system's list of libraries
  NIX_LD_LIBRARY_PATH=/mine
  > in configuration.nix, then nixos-rebuild switch:
  >   # take NIX_LD_LIBRARY_PATH out of environment.variables and environment.sessionVariables
`},
	})
}

func TestServices(t *testing.T) {
	systemctl := func(w *world, env string) {
		w.file("bin/systemctl", "#!/bin/sh\n[ \"$*\" = '--user show-environment' ] && printf '"+env+"'\n")
		w.set("XDG_RUNTIME_DIR", "W/run")
	}
	table(t, "services", []row{
		{"nothing_told", func(w *world) { w.nixLD() }, "skipped: nothing tells what services are started with\n"},
		{"same", func(w *world) {
			w.shims()
			w.nixLD()
			systemctl(w, "PATH=W/"+shimDir+`\nNIX_LD_LIBRARY_PATH=`+list+`\n`)
			w.file("root/etc/pam/environment", "NIX_LD_LIBRARY_PATH   DEFAULT=\""+list+"\"\n")
		}, "ok: services and graphical sessions find the same libraries as this shell\n"},
		{"manager_has_others", func(w *world) {
			w.nixLD()
			systemctl(w, `NIX_LD_LIBRARY_PATH=/old\n`)
		}, `
warning: services find other libraries than this shell
  systemctl --user show-environment: NIX_LD_LIBRARY_PATH=/old
  this shell: NIX_LD_LIBRARY_PATH=` + list + `
  > systemctl --user unset-environment NIX_LD_LIBRARY_PATH
`},
		{"manager_has_the_default", func(w *world) {
			w.nixLD("NIX_LD_LIBRARY_PATH=/mine")
			w.file("home/.config/environment.d/1.conf", "NIX_LD="+nixld.DefaultLoader+"\n")
			systemctl(w, `LANG=C\n`)
		}, `
warning: services find other libraries than this shell
  systemctl --user show-environment: NIX_LD_LIBRARY_PATH=` + list + `
  this shell: NIX_LD_LIBRARY_PATH=/mine
  > unset NIX_LD_LIBRARY_PATH
`},
		{"shell_has_more", func(w *world) {
			w.nixLD("NIX_LD_LIBRARY_PATH=" + list + ":/mine")
			systemctl(w, `LANG=C\n`)
		}, `
warning: services find other libraries than this shell
  systemctl --user show-environment: NIX_LD_LIBRARY_PATH=` + list + `
  this shell: NIX_LD_LIBRARY_PATH=` + list + `:/mine
  > systemctl --user import-environment NIX_LD_LIBRARY_PATH
`},
		{"files_have_others", func(w *world) {
			w.nixLD()
			w.file("home/.config/environment.d/10.conf", "# mine\nNIX_LD_LIBRARY_PATH=\"${HOME}/lib\"\n")
			w.file("root/etc/pam/environment", "NIX_LD  DEFAULT=\"@{HOME}/ld.so\"\n")
		}, `
warning: services find other libraries than this shell
  ~/.config/environment.d/10.conf: NIX_LD_LIBRARY_PATH=~/lib
  this shell: NIX_LD_LIBRARY_PATH=` + list + `
  /etc/pam/environment: NIX_LD=~/ld.so
  this shell: NIX_LD=` + nixld.DefaultLoader + `
  > sed -i '/^NIX_LD_LIBRARY_PATH=/d' ~/.config/environment.d/10.conf
  > in configuration.nix, then nixos-rebuild switch:
  >   # take NIX_LD out of environment.sessionVariables (/etc/pam/environment)
`},
		{"in_a_nix_shell", func(w *world) {
			w.nixLD("NIX_LD_LIBRARY_PATH=/shell")
			w.set("IN_NIX_SHELL", "impure")
			w.file("root/etc/pam/environment", "NIX_LD_LIBRARY_PATH DEFAULT=\""+list+"\"\n")
		}, "ok: services and graphical sessions find the same libraries as this shell\n"},
		{"no_nix_ld", func(w *world) { w.file("home/.config/environment.d/10.conf", "NIX_LD_LIBRARY_PATH=/old\n") },
			"ok: services have no part in this: there is no nix-ld here\n"},
		{"files_of_the_system", func(w *world) {
			w.nixLD()
			w.file("root/etc/environment.d/a.conf", "NIX_LD=/old\n")
			w.file("root/etc/environment.d/a.off", "NIX_LD=/off\n")
		}, `
warning: services find other libraries than this shell
  /etc/environment.d/a.conf: NIX_LD=/old
  this shell: NIX_LD=` + nixld.DefaultLoader + `
  > in configuration.nix, then nixos-rebuild switch:
  >   # take NIX_LD out of environment.sessionVariables (/etc/environment.d/a.conf)
`},
		{"without_shims", func(w *world) { w.shims(); systemctl(w, `PATH=/usr/bin\n`) }, `
info: services of this user do not have ~/.local/share/shim/bin on PATH: a python there is uv's own, or none
  systemctl --user show-environment: PATH=/usr/bin
`},
		{"manager_hangs", func(w *world) {
			w.file("bin/systemctl", "#!/bin/sh\nkill -STOP $$\n")
			w.set("XDG_RUNTIME_DIR", "/run")
		}, "skipped: nothing tells what services are started with\n"},
	})
}

func TestLocalBin(t *testing.T) {
	const fix = `
warning: tools that uv installs are not found by a shell: environment.localBinInPath is not set
  /etc/set-environment: no line puts ~/.local/bin on PATH
  > in configuration.nix, then nixos-rebuild switch:
  >   environment.localBinInPath = true;
`
	table(t, "local-bin", []row{
		{"nixos_set", func(w *world) {
			w.nixos()
			w.file("root/etc/set-environment", "export A=1\nexport PATH=\"$HOME/.local/bin:$PATH\"\n")
		}, "ok: environment.localBinInPath is set (/etc/set-environment:2)\n"},
		{"nixos_not_set", func(w *world) { w.nixos(); w.file("root/etc/set-environment", "export A=$HOME/.local/bin\n") }, fix},
		{"nixos_by_other_means", func(w *world) { w.nixos(); w.set("PATH", "W/home/.local/bin") }, `
info: ~/.local/bin is on PATH of shells, by their start files, and not of services and sessions that read none
  /etc/set-environment: no line puts ~/.local/bin on PATH
  > in configuration.nix, then nixos-rebuild switch:
  >   environment.localBinInPath = true;
`},
		{"nixos_root", func(w *world) { w.nixos(); w.kind = Root; w.set("PATH", "W/home/.local/bin") }, fix},
		{"elsewhere_on_path", func(w *world) { w.set("PATH", "W/home/.local/bin") }, "ok: ~/.local/bin is on PATH\n"},
		{"elsewhere_in_a_login", func(w *world) {
			w.file("bin/sh", "#!/bin/sh\nPATH=W/home/.local/bin\neval \"$2\"\n")
		}, "ok: ~/.local/bin is on PATH\n"},
		{"elsewhere_not", func(w *world) { w.set("PATH", "/usr/bin") }, `
warning: ~/.local/bin is not on PATH: tools that uv installs are not found
  PATH=/usr/bin
  > uv tool update-shell
`},
		{"elsewhere_not_installed_by_script", func(w *world) { w.set("PATH", "/usr/bin"); w.installer("src") }, `
warning: ~/.local/bin is not on PATH: tools that uv installs are not found
  PATH=/usr/bin
  > sh W/src/install.sh --keep   # then start a new shell
`},
		{"elsewhere_root", func(w *world) { w.kind = Root }, "skipped: this is not a NixOS, and what its users have on PATH is not known\n"},
	})
}

func TestNixPython(t *testing.T) {
	const hash = "0123456789abcdfghijklmnpqrsvwxyz"
	store := func(w *world, name string) string {
		w.file("root/nix/store/"+hash+"-"+name+"/bin/python3.13", elf("/x"))
		return "/nix/store/" + hash + "-" + name + "/bin/python3.13"
	}
	table(t, "nix-python", []row{
		{"none", func(w *world) { w.file("root/run/current-system/sw/bin/pythonic", "#!/bin/sh\n") },
			"ok: Nix has put no Python into the system, the home or a profile\n"},
		{"system", func(w *world) {
			target := store(w, "python3-3.13.8")
			w.link("root/run/current-system/sw/bin/python3.13", target)
			w.link("root/run/current-system/sw/bin/python3", "python3.13")
		}, `
warning: a Python is in environment.systemPackages: it is a development package, and uv is to bring it
  /run/current-system/sw/bin/python3 -> /nix/store/` + hash + `-python3-3.13.8/bin/python3.13
  /run/current-system/sw/bin/python3.13 -> /nix/store/` + hash + `-python3-3.13.8/bin/python3.13
  > in configuration.nix, then nixos-rebuild switch:
  >   # take python3 out of environment.systemPackages; if it is not there, out of the module that brings it
`},
		{"with_packages", func(w *world) {
			w.link("root/run/current-system/sw/bin/python3", store(w, "python3-3.13.8-env"))
		}, `
warning: a Python with packages (withPackages) is in environment.systemPackages: nothing can be installed into it, and uv is to bring Python
  /run/current-system/sw/bin/python3 -> /nix/store/` + hash + `-python3-3.13.8-env/bin/python3.13
  > in configuration.nix, then nixos-rebuild switch:
  >   # take python3 out of environment.systemPackages; if it is not there, out of the module that brings it
`},
		{"home_packages", func(w *world) {
			w.link("root/etc/profiles/per-user/me/bin/python3", store(w, "python3-3.13.8"))
			w.file("home/.local/state/home-manager/gcroots/current-home/home-path/bin/python3", "")
		}, `
warning: a Python is in home.packages: it is a development package, and uv is to bring it
  /etc/profiles/per-user/me/bin/python3 -> /nix/store/` + hash + `-python3-3.13.8/bin/python3.13
  > in home.nix, then home-manager switch:
  >   # take python3 out of home.packages
`},
		{"user_packages", func(w *world) { w.link("root/etc/profiles/per-user/me/bin/python3", store(w, "python3-3.13.8")) }, `
warning: a Python is in users.users.NAME.packages: it is a development package, and uv is to bring it
  /etc/profiles/per-user/me/bin/python3 -> /nix/store/` + hash + `-python3-3.13.8/bin/python3.13
  > in configuration.nix, then nixos-rebuild switch:
  >   # take python3 out of users.users.NAME.packages; if it is not there, out of the module that brings it
`},
		{"profiles", func(w *world) {
			w.file("home/.nix-profile/manifest.nix", "")
			w.file("home/.nix-profile/bin/python3", "#!/bin/sh\n")
			w.file("home/.local/state/nix/profile/bin/python3", "#!/bin/sh\n")
		}, `
warning: a Python is in nix-env: it is a development package, and uv is to bring it
  ~/.nix-profile/bin/python3 -> ~/.nix-profile/bin/python3
  > nix-env --uninstall '.*python3.*'
warning: a Python is in nix profile: it is a development package, and uv is to bring it
  ~/.local/state/nix/profile/bin/python3 -> ~/.local/state/nix/profile/bin/python3
  > nix profile remove python3
`},
		{"root_profile", func(w *world) { w.file("root/nix/var/nix/profiles/default/bin/python3", "#!/bin/sh\n") }, `
warning: a Python is in root's nix profile: it is a development package, and uv is to bring it
  /nix/var/nix/profiles/default/bin/python3 -> /nix/var/nix/profiles/default/bin/python3
  > sudo nix-env --uninstall '.*python3.*'   # or sudo nix profile remove
`},
		{"home_of_another_root", func(w *world) { w.kind = Root; w.file("home/.nix-profile/bin/python3", "#!/bin/sh\n") },
			"ok: Nix has put no Python into the system, the home or a profile\n"},
	})
}

func TestLibraryPath(t *testing.T) {
	program := func(w *world) {
		w.file("root/nix/store/00000000000000000000000000000000-git-2.51/bin/git", elf("/x", "libc.so.6", "libz.so.1"))
		w.link("root/run/current-system/sw/bin/git", "/nix/store/00000000000000000000000000000000-git-2.51/bin/git")
		w.file("root/run/current-system/sw/bin/foreign", elf("/x", "libz.so.1"))
	}
	table(t, "ld-library-path", []row{
		{"not_set", program, "ok: LD_LIBRARY_PATH is not set\n"},
		{"harmless", func(w *world) { program(w); w.file("root/lib/libother.so", ""); w.set("LD_LIBRARY_PATH", "/lib") }, `
info: LD_LIBRARY_PATH is set: every program looks there first
  LD_LIBRARY_PATH=/lib
`},
		{"endangers", func(w *world) { program(w); w.file("root/lib/libz.so.1", ""); w.set("LD_LIBRARY_PATH", "/none:/lib") }, `
warning: LD_LIBRARY_PATH gives 1 program of Nix libraries that Nix did not build it with
  LD_LIBRARY_PATH=/none:/lib
  git would load /lib/libz.so.1
  > unset LD_LIBRARY_PATH   # NIX_LD_LIBRARY_PATH reaches foreign programs only
`},
	})
}

func TestPythonPath(t *testing.T) {
	table(t, "pythonpath", []row{
		{"not_set", func(w *world) {}, "ok: PYTHONPATH is not set\n"},
		{"own", func(w *world) { w.set("PYTHONPATH", "W/lib") }, `
info: PYTHONPATH is set: every Python imports from there first
  PYTHONPATH=W/lib
`},
		{"store", func(w *world) {
			w.set("PYTHONPATH", "W/lib:/nix/store/x-python3.13-requests/lib/python3.13/site-packages")
		}, `
warning: PYTHONPATH has 1 directory in the store: they are for one Python, and every Python imports from them
  /nix/store/x-python3.13-requests/lib/python3.13/site-packages
  > unset PYTHONPATH
`},
	})
}

func TestNixShell(t *testing.T) {
	const path = "/nix/store/x-zlib/lib"
	table(t, "nix-shell", []row{
		{"none", func(w *world) { w.nixLD() }, "ok: no variable says what uv and nix-ld take\n"},
		{"left_behind", func(w *world) {
			w.nixLD("NIX_LD_LIBRARY_PATH=" + path)
			w.set("NIX_LD_LIBRARY_PATH", path)
			w.set("UV_PYTHON", "/nix/store/x-python3/bin/python3")
		}, `
warning: this is no Nix shell, and yet it has variables of one
  UV_PYTHON=/nix/store/x-python3/bin/python3
  NIX_LD_LIBRARY_PATH=` + path + `
  > unset UV_PYTHON NIX_LD_LIBRARY_PATH
`},
		{"in_one", func(w *world) { w.nixLD(); w.set("NIX_LD_LIBRARY_PATH", path); w.set("IN_NIX_SHELL", "pure") }, `
info: this is a Nix shell, which says what uv and nix-ld take
  NIX_LD_LIBRARY_PATH=` + path + `
`},
		{"uv_python", func(w *world) { w.set("UV_PYTHON", "3.12") }, `
info: UV_PYTHON is stronger than every pin, and uv pip installs into what it names
  UV_PYTHON=3.12
  > unset UV_PYTHON
`},
		{"default_values", func(w *world) { w.nixLD(); w.set("NIX_LD_LIBRARY_PATH", list) }, "ok: no variable says what uv and nix-ld take\n"},
	})
}
