package testscripts

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"uvshim/testscripts/parts"
)

// The order of PATH, asked of the real shells in a home that install.sh was run in: which python a
// shell finds, in each way in which a shell can start.

// etcs are the system-wide start files that a user's own come after.
var etcs = []struct {
	name  string
	files map[string]string
}{
	// Debian's sets a new PATH in each login shell of bash
	{"plain", map[string]string{
		"profile": "PATH=/usr/local/bin:/usr/bin:/bin\nexport PATH\n",
	}},
	// NixOS's set-environment, with environment.localBinInPath: its last line puts ~/.local/bin
	// first, and a variable keeps it to once a session
	{"nixos", map[string]string{
		"set-environment": `export __NIXOS_SET_ENVIRONMENT_DONE=1
export PATH="$HOME/.nix-profile/bin:/etc/profiles/per-user/$USER/bin:/nix/var/nix/profiles/default/bin:/run/current-system/sw/bin:/usr/bin:/bin"
export PATH="/run/wrappers/bin:$PATH"
export PATH="$HOME/.local/bin:$PATH"
`,
		"profile":     `if [ -z "$__NIXOS_SET_ENVIRONMENT_DONE" ]; then . /etc/set-environment; fi` + "\n",
		"bash.bashrc": `if [ -z "$__NIXOS_SET_ENVIRONMENT_DONE" ]; then . /etc/set-environment; fi` + "\n",
		"bashrc":      `if [ -z "$__NIXOS_SET_ENVIRONMENT_DONE" ]; then . /etc/set-environment; fi` + "\n",
		"zsh/zshenv":  `if [[ -z "$__NIXOS_SET_ENVIRONMENT_DONE" ]]; then . /etc/set-environment; fi` + "\n",
		"zshenv":      `if [[ -z "$__NIXOS_SET_ENVIRONMENT_DONE" ]]; then . /etc/set-environment; fi` + "\n",
		"fish/nixos-env-preinit.fish": `if test -z "$__NIXOS_SET_ENVIRONMENT_DONE"
    set -gx __NIXOS_SET_ENVIRONMENT_DONE 1
    set -gx PATH $HOME/.local/bin /run/wrappers/bin $HOME/.nix-profile/bin /run/current-system/sw/bin /usr/bin /bin
end
`,
	}},
}

// startFiles are what a user may have before shim comes.
var startFiles = []struct {
	name  string
	files map[string]string
}{
	{"none", nil},
	// Debian's /etc/skel, and what is like it for the others
	{"skel", map[string]string{
		".bashrc":                  "# ~/.bashrc\ncase $- in\n    *i*) ;;\n      *) return;;\nesac\nHISTSIZE=1000\n",
		".profile":                 "if [ -n \"$BASH_VERSION\" ]; then\n    if [ -f \"$HOME/.bashrc\" ]; then\n\t. \"$HOME/.bashrc\"\n    fi\nfi\nif [ -d \"$HOME/.local/bin\" ] ; then\n    PATH=\"$HOME/.local/bin:$PATH\"\nfi\n",
		".zshrc":                   "HISTSIZE=1000\n",
		".config/fish/config.fish": "if status is-interactive\n    set -g fish_greeting\nend\n",
	}},
	// each start file puts ~/.local/bin first, wherever that is done
	{"prepending", map[string]string{
		".bashrc":                  "export PATH=\"$HOME/.local/bin:$PATH\"\n[ -z \"$PS1\" ] && return\nexport PATH=\"$HOME/.local/bin:$PATH\"",
		".bash_profile":            ". ~/.bashrc\nexport PATH=\"$HOME/.local/bin:$PATH\"\n",
		".zshenv":                  "path=(~/.local/bin $path)\n",
		".zprofile":                "path=(~/.local/bin $path)\n",
		".zshrc":                   "typeset -U path\npath=(~/.local/bin $path)\n",
		".zlogin":                  "path=(~/.local/bin $path)\n",
		".config/fish/config.fish": "fish_add_path -g ~/.local/bin\nset -gx PATH ~/.local/bin $PATH\n",
	}},
	// only what a login shell reads does, and not the last of it
	{"login", map[string]string{
		".bash_login": "export PATH=\"$HOME/.local/bin:$PATH\"\n",
		".profile":    "exit 1\n",
		".zprofile":   "path=(~/.local/bin $path)\n",
	}},
	// what uv tool update-shell and a user's hand leave in fish: a universal variable
	{"universal", map[string]string{
		".config/fish/fish_variables": "# This file contains fish universal variable definitions.\n# VERSION: 3.0\nSETUVAR fish_user_paths:@HOME@/\\x2elocal/bin\n",
	}},
}

// activations are what a user may have activated in a shell: the variable, and a directory that
// goes to the front.
var activations = []struct{ name, variable, dir string }{
	{"venv", "VIRTUAL_ENV", "venv"},
	{"conda", "CONDA_PREFIX", "conda"},
	{"nix shell", "IN_NIX_SHELL", "nix"},
	{"direnv", "DIRENV_DIR", "direnv"},
}

// starts are the ways in which a shell starts.
var starts = []struct{ name, flags string }{
	{"login", "-lc"},
	{"interactive", "-ic"},
	{"login and interactive", "-lic"},
	{"ssh host command", "-c"},
}

func TestShellsNothingActivated(t *testing.T) {
	for _, files := range startFiles {
		for _, shell := range []string{"bash", "zsh", "fish"} {
			t.Run(files.name+"/"+shell, func(t *testing.T) {
				t.Parallel()
				m := newShells(t, shell, files.files)
				for _, etc := range etcs {
					for _, start := range starts {
						// The shell itself, and its children of every kind. A child that is not
						// interactive and no login shell has what it inherits.
						got := m.run(etc.name, start.flags, ask("-c", "-ic", "-lc", "-lic"))
						want := slices.Repeat([]string{"shim"}, 5)
						if !slices.Equal(got, want) {
							t.Errorf("%s, %s: python is %q, want %q", etc.name, start.name, got, want)
						}
					}
				}
			})
		}
	}
}

func TestShellsActivated(t *testing.T) {
	for _, files := range startFiles[:2] {
		for _, shell := range []string{"bash", "zsh", "fish"} {
			t.Run(files.name+"/"+shell, func(t *testing.T) {
				t.Parallel()
				m := newShells(t, shell, files.files)
				for _, etc := range etcs {
					for _, a := range activations {
						for _, start := range starts[1:3] {
							dir := filepath.Join(m.Work, a.dir)
							activate := fmt.Sprintf("export %s=%q PATH=%q:\"$PATH\"", a.variable, dir, dir+"/bin")
							if shell == "fish" {
								activate = fmt.Sprintf("set -gx %s %q\nset -gx PATH %q $PATH", a.variable, dir, dir+"/bin")
							}
							got := m.run(etc.name, start.flags, activate+"\n"+ask("-c", "-ic", "-lic"))
							want := slices.Repeat([]string{a.dir}, 4)
							switch {
							case shell != "bash":
							case files.name == "skel" && a.name == "direnv":
								// ~/.profile puts ~/.local/bin before it, with or without shim; direnv's
								// own hook mends that at the prompt
								want[3] = "uv"
							case files.name == "skel" || etc.name == "plain":
								// the same, or /etc/profile drops its directory: what is left of it
								// are the variables, and the shim goes by those
								want[3] = "shim"
							}
							if !slices.Equal(got, want) {
								t.Errorf("%s, %s, %s: python is %q, want %q", etc.name, a.name, start.name, got, want)
							}
						}
					}
				}
			})
		}
	}
}

// Where an activated environment lost its place on PATH, the shim that stands there runs its
// python all the same.
func TestShellsShimFollows(t *testing.T) {
	t.Parallel()
	m := newShells(t, "bash", startFiles[1].files)
	for _, a := range activations[:2] {
		dir := filepath.Join(m.Work, a.dir)
		m.write(filepath.Join(dir, "pyvenv.cfg"), "home = /nowhere\nversion = 3.13.1\n", 0o644)
		got := m.run("plain", "-lic", fmt.Sprintf("export %s=%q PATH=%q:\"$PATH\"\n", a.variable, dir, dir+"/bin")+`"$SHELL" -lic 'command -v python; python'`)
		if want := []string{"shim", a.dir}; !slices.Equal(got, want) {
			t.Errorf("%s: python is and runs %q, want %q", a.name, got, want)
		}
	}
}

// ask returns a script, the same for all shells, that asks for python here and in children started
// with each of the flags.
func ask(children ...string) string {
	const which = "command -v python"
	script := which
	for _, flags := range children {
		script += fmt.Sprintf("\n\"$SHELL\" %s '%s'", flags, which)
	}
	return script
}

// Without install.sh the same shells find uv's python: the tests above can fail.
func TestShellsWithoutShim(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish"} {
		m := newShells(t, shell, startFiles[2].files)
		if r := m.install("--uninstall"); r.Code != 0 {
			t.Fatalf("%+v", r)
		}
		if got := m.run("nixos", "-lic", ask()); !slices.Equal(got, []string{"uv"}) {
			t.Errorf("%s: python is %q, want uv's", shell, got)
		}
	}
}

// In a home without ~/.local/bin on PATH uv need not be asked to put it there. Where it has done so, after
// our lines, its python3.13 answers; doctor says so, and what it says mends every shell.
func TestShellsUpdateShell(t *testing.T) {
	const line = "export PATH=\"$HOME/.local/bin:$PATH\"\n"
	appends := map[string][]string{
		"bash": {".profile", ".bashrc"}, "zsh": {".zshenv"}, "fish": {".config/fish/config.fish"},
	}
	for shell, files := range appends {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			m := newShells(t, shell, map[string]string{".local/bin/python3.13": "#!/bin/sh\n"})
			m.write(m.Home+"/.local/share/uv/python/cpython-3.13.1-linux-x86_64-gnu/bin/python3.13", "#!/bin/sh\n", 0o755)
			for _, name := range []string{"python", "python3.13"} {
				if err := os.Chmod(m.Home+"/.local/bin/"+name, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if r := m.install("--keep"); r.Code != 0 { // for the new shim
				t.Fatalf("%+v", r)
			}
			first := `string join : $PATH[1..2]`
			if shell != "fish" {
				first = `echo "$PATH" | cut -d : -f 1,2`
			}
			for _, start := range starts {
				if got, want := m.start("plain", start.flags, first), m.ShimDir+":"+m.Home+"/.local/bin\n"; got != want {
					t.Errorf("%s: PATH begins with %q, want %q", start.name, got, want)
				}
			}

			for _, name := range files {
				path, text := filepath.Join(m.Home, name), ""
				if exists(path) {
					text = m.read(path)
				}
				if shell == "fish" {
					text += "fish_add_path -g --move ~/.local/bin\n"
				} else {
					text += line
				}
				m.write(path, text, 0o644)
			}
			// zsh reads our lines again after .zshenv, but for a shell that is neither kind
			flags, ids := "-lic", []string{"path", "login-path"}
			if shell == "zsh" {
				flags, ids = "-c", ids[:1]
			}
			if got := m.run("plain", flags, "command -v python3.13"); !slices.Equal(got, []string{"uv"}) {
				t.Fatalf("python3.13 is %q: there is nothing to mend", got)
			}
			doctor := func() doctorOutput {
				text := m.start("plain", flags, "shim doctor --json")
				code := 0
				if strings.Contains(text, `"level": "error"`) {
					code = 1
				}
				return doctorJSON(t, text, "", code)
			}
			out := doctor()
			for _, id := range ids {
				c := out.of(t, id, "warning")
				if !strings.Contains(c.Message, "python3.13") || !slices.Contains(c.Evidence, "~/.local/bin/python3.13") {
					t.Errorf("%s: %+v", id, c)
				}
				if r := m.Run("sh", "-c", c.Fix); r.Code != 0 || !strings.Contains(c.Fix, "install.sh") {
					t.Errorf("%q: %+v", c.Fix, r)
				}
			}
			for _, start := range starts {
				got := m.run("plain", start.flags, strings.ReplaceAll(ask("-c", "-ic", "-lc", "-lic"), "command -v python", "command -v python3.13"))
				if want := slices.Repeat([]string{"shim"}, 5); !slices.Equal(got, want) {
					t.Errorf("%s: python3.13 is %q, want %q", start.name, got, want)
				}
			}
			out = doctor()
			out.of(t, "path", "ok")
			out.of(t, "login-path", "ok")
		})
	}
}

// env.sh works under whatever options a shell has, and leaves nothing behind.
func TestEnvFiles(t *testing.T) {
	const (
		shim    = "H/.local/share/shim/bin"
		both    = shim + ":H/.local/bin"
		options = "set -eu; IFS=/;"
	)
	type test struct{ name, env, path, want string }
	tests := []test{
		{"front", "", "/v/bin:/usr/bin:/bin", both + ":/v/bin:/usr/bin:/bin"},
		{"front_already", "", shim + ":/usr/bin", both + ":/usr/bin"},
		{"front_moved", "", "H/.local/bin:" + shim + ":/usr/bin", shim + ":H/.local/bin:/usr/bin"},
		{"front_once", "", shim + ":/v:" + shim, both + ":/v"},
		{"front_empty_variable", "VIRTUAL_ENV=", "/usr/bin", both + ":/usr/bin"},
		{"venv_keeps_order", "VIRTUAL_ENV=/v", "/v/bin:" + shim + ":/usr/bin", "/v/bin:" + both + ":/usr/bin"},
		{"venv_once_no_profile", "VIRTUAL_ENV=/v", "/v/bin:" + shim + ":/opt:" + shim, "/v/bin:" + both + ":/opt"},
		{"venv_before_what_came_first", "VIRTUAL_ENV=/v", "H/.local/bin:/v/bin:" + shim + ":/usr/bin", shim + ":H/.local/bin:/v/bin:/usr/bin"},
		{"venv_none_of_a_profile", "VIRTUAL_ENV=/v", "/v/bin:/opt/bin:" + shim, "/v/bin:/opt/bin:" + both},
		{"direnv_keeps_order", "DIRENV_DIR=-/d", "H/.local/bin:/d/bin:" + shim + ":/usr/bin", "H/.local/bin:/d/bin:" + shim + ":/usr/bin"},
		{"direnv_layout_python", "DIRENV_DIR=-/d VIRTUAL_ENV=/v", "/usr/bin:" + shim, both + ":/usr/bin"},
		{"venv_once", "VIRTUAL_ENV=/v", "/v/bin:" + shim + ":/usr/bin:" + shim, "/v/bin:" + both + ":/usr/bin"},
		{"conda_before_profile", "CONDA_PREFIX=/c", "/c/bin:/usr/bin:/bin", "/c/bin:" + both + ":/usr/bin:/bin"},
		{"nix_before_profile", "IN_NIX_SHELL=pure", "/nix/store/p/bin:/usr/bin", "/nix/store/p/bin:" + both + ":/usr/bin"},
		{"direnv_before_profile", "DIRENV_DIR=-/d", "/d/bin:/usr/bin", "/d/bin:" + both + ":/usr/bin"},
		{"direnv_no_profile", "DIRENV_DIR=-/d", "/d/bin:/opt/bin", "/d/bin:/opt/bin:" + both},
		// uv's directory: where it is, it stays; if it is nowhere, it comes behind the shims
		{"local_stays", "", "/usr/bin:H/.local/bin", shim + ":/usr/bin:H/.local/bin"},
		{"local_with_slash", "", "/usr/bin:H/.local/bin/", shim + ":/usr/bin:H/.local/bin/"},
		{"local_of_a_longer_name", "", "H/.local/bin2:/usr/bin:x/H/.local/bin", both + ":H/.local/bin2:/usr/bin:x/H/.local/bin"},
		{"local_prepended_after_a_block", "", "H/.local/bin:" + both + ":/usr/bin", both + ":/usr/bin"},
		{"local_elsewhere_too", "", "H/.local/bin:/usr/bin:H/.local/bin", shim + ":H/.local/bin:/usr/bin:H/.local/bin"},
		{"local_of_tools", "UV_TOOL_BIN_DIR=/t/bin/ XDG_BIN_HOME=/b", "/usr/bin", shim + ":/t/bin:/usr/bin"},
		{"local_of_xdg_bin", "XDG_BIN_HOME=/b XDG_DATA_HOME=/x/share", "/usr/bin", shim + ":/b:/usr/bin"},
		{"local_beside_xdg_data", "XDG_DATA_HOME=/x/y/share/", "/usr/bin", shim + ":/x/y/bin:/usr/bin"},
		{"local_relative", "UV_TOOL_BIN_DIR=t XDG_BIN_HOME=b XDG_DATA_HOME=d", "/usr/bin", both + ":/usr/bin"},
		{"local_with_colon", "UV_TOOL_BIN_DIR=/t:/u", "/usr/bin", both + ":/usr/bin"},
		{"local_of_tools_is_a_profile", "VIRTUAL_ENV=/v UV_TOOL_BIN_DIR=/t", "/v/bin:/t:/usr/bin", "/v/bin:" + shim + ":/t:/usr/bin"},
	}
	for _, dir := range []string{
		"H/.local/bin", "H/bin", "H/.nix-profile/bin", "H/.local/state/nix/profile/bin", "/s/nix/profile/bin", "/nix/profile/bin",
		"/run/wrappers/bin", "/etc/profiles/per-user/u/bin", "/nix/var/nix/profiles/default/bin", "/run/current-system/sw/bin",
		"/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin", "/bin", "/sbin",
	} {
		put := both
		if dir == "H/.local/bin" {
			put = shim
		}
		tests = append(tests, test{"venv_before_" + dir, "VIRTUAL_ENV=/v XDG_STATE_HOME=/s", "/v/bin:" + dir, "/v/bin:" + put + ":" + dir})
	}
	type shell struct{ program, file, options, print, left string }
	shells := []shell{
		{"bash", "env.sh", options, `printf '%s\n' "$PATH"`, `compgen -v shim; compgen -A function; :`},
		{"zsh", "env.sh", options, `printf '%s\n' "$PATH"`, `print -l ${(Mk)parameters:#shim*} ${(k)functions}`},
		{"sh", "env.sh", options, `printf '%s\n' "$PATH"`, `set | sed -n 's/^shim/&/p'`},
		{"fish", "env.fish", "", `string join : $PATH`, `set --names | string match 'shim*'; functions --all | string match '*shim*'; true`},
	}
	for _, sh := range shells {
		t.Run(sh.program, func(t *testing.T) {
			program := parts.Tool(t, sh.program)
			sed := filepath.Dir(parts.Tool(t, "sed"))
			home := filepath.Join(t.TempDir(), "a home $x")
			data := filepath.Join(home, ".local", "share", "shim")
			if err := os.MkdirAll(data, 0o755); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join("..", "shim", "link", sh.file))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(data, sh.file), text, 0o644); err != nil {
				t.Fatal(err)
			}
			for _, test := range tests {
				expand := strings.NewReplacer("H/", home+"/")
				// twice: the second time must change nothing
				source := `shim_data="$HOME/.local/share/shim"; . "$shim_data/` + sh.file + `"; `
				script := sh.options + "PATH=$TRY; " + source + source + sh.print + "; set +e; PATH=" + sed + "; " + sh.left
				if sh.program == "fish" {
					script = strings.NewReplacer("set +e; ", "", "PATH=$TRY", "set PATH (string split : $TRY)", "PATH="+sed, "set PATH "+sed, `shim_data="$HOME/.local/share/shim"; . "$shim_data/`, `. "$HOME/.local/share/shim/`).Replace(script)
				}
				cmd := &exec.Cmd{Path: program, Args: []string{sh.program, "-c", script}, Dir: home}
				cmd.Env = append(strings.Fields(test.env), "HOME="+home, "TRY="+expand.Replace(test.path))
				out, err := cmd.CombinedOutput()
				if want := expand.Replace(test.want) + "\n"; err != nil || string(bytes.TrimRight(out, "\n"))+"\n" != want {
					t.Errorf("%s: %v\n got %q\nwant %q", test.name, err, out, want)
				}
			}
		})
	}
}

// shells is a home with a uv-made ~/.local/bin/python, where install.sh was run.
type shells struct {
	*home
	shell string // the path of the one that is tested
	etc   map[string]string
}

func newShells(t *testing.T, shell string, files map[string]string) shells {
	t.Helper()
	m := shells{newInstall(t).home, parts.Tool(t, shell), map[string]string{}}
	if r := m.Run(parts.Tool(t, "bwrap"), "--dev-bind", "/", "/", "true"); r.Code != 0 {
		parts.Missing(t, fmt.Errorf("bwrap cannot make a mount namespace: %s", r.Stderr))
	}
	if err := m.tool(shell, m.shell); err != nil {
		t.Fatal(err)
	}
	m.write(filepath.Join(m.Home, ".local", "bin", "python"), "#!/bin/sh\n", 0o755)
	for _, a := range activations {
		m.write(filepath.Join(m.Work, a.dir, "bin", "python"), "#!/bin/sh\necho \"$0\"\n", 0o755)
	}
	for name, text := range files {
		m.write(filepath.Join(m.Home, name), strings.ReplaceAll(text, "@HOME@", m.Home), 0o644)
	}
	if r := m.install(); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	for _, etc := range etcs {
		m.etc[etc.name] = m.layEtc(etc.name, etc.files)
	}
	return m
}

// layEtc makes a directory to be /etc, with what programs need to start.
func (m shells) layEtc(name string, files map[string]string) string {
	m.Helper()
	dir := filepath.Join(m.Work, "etc-"+name)
	for file, text := range files {
		m.write(filepath.Join(dir, file), text, 0o644)
	}
	for _, file := range []string{"passwd", "group", "nsswitch.conf", "ld.so.cache"} {
		if data, err := os.ReadFile(filepath.Join("/etc", file)); err == nil {
			m.write(filepath.Join(dir, file), string(data), 0o644)
		}
	}
	return dir
}

// run starts the shell with the flags and a script, and returns whose python each line of output
// is: of the shim, of uv, or of the directory.
func (m shells) run(etc, flags, script string) []string {
	m.Helper()
	var out []string
	for line := range strings.Lines(m.start(etc, flags, script)) {
		out = append(out, m.whose(strings.TrimSuffix(line, "\n")))
	}
	return out
}

// start starts the shell with the flags and a script, and returns what that printed.
func (m shells) start(etc, flags, script string) string {
	m.Helper()
	argv := []string{"bwrap", "--dev-bind", "/", "/", "--ro-bind", m.etc[etc], "/etc"}
	if filepath.Base(m.shell) == "fish" && etc == "nixos" {
		argv = append(argv, "--ro-bind", m.fishInit(), filepath.Join(m.fishData(), "config.fish"))
	}
	argv = append(argv, m.shell, flags, script)
	cmd := &exec.Cmd{Path: parts.Tool(m, "bwrap"), Args: argv, Dir: m.Work}
	cmd.Env = []string{"HOME=" + m.Home, "USER=u", "TERM=dumb", "SHELL=" + m.shell, "PATH=/usr/local/bin:/usr/bin:/bin"}
	if flags == "-c" {
		// what sshd starts is known by its input, a socket, and in some builds by SSH_CLIENT
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			m.Fatal(err)
		}
		stdin := os.NewFile(uintptr(pair[0]), "stdin")
		defer stdin.Close()
		unix.Close(pair[1])
		cmd.Stdin = stdin
		cmd.Env = append(cmd.Env, "SSH_CLIENT=192.0.2.1 50000 22")
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if _, err := status(cmd.Run()); err != nil {
		m.Fatalf("%q: %v", argv, err)
	}
	if stdout.Len() == 0 {
		m.Logf("%q printed nothing; standard error is %q", argv, stderr.String())
	}
	return stdout.String()
}

func (m shells) whose(python string) string {
	switch dir := filepath.Dir(python); dir {
	case m.ShimDir:
		return "shim"
	case filepath.Join(m.Home, ".local", "bin"):
		return "uv"
	default:
		return strings.TrimSuffix(strings.TrimPrefix(dir, m.Work+"/"), "/bin")
	}
}

// fishData returns the directory of fish's own start file.
func (m shells) fishData() string {
	m.Helper()
	r := m.Run(m.shell, "--no-config", "-c", "echo $__fish_data_dir")
	return firstLine(r.Stdout)
}

// fishInit returns fish's own start file as NixOS patches it: it begins with set-environment.
func (m shells) fishInit() string {
	m.Helper()
	path := filepath.Join(m.Work, "config.fish")
	if _, err := os.Stat(path); err != nil {
		text, err := os.ReadFile(filepath.Join(m.fishData(), "config.fish"))
		if err != nil {
			m.Fatal(err)
		}
		m.write(path, "source /etc/fish/nixos-env-preinit.fish\n"+string(text), 0o644)
	}
	return path
}
