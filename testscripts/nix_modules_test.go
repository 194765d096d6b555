package testscripts

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"uvshim/testscripts/parts"
)

// moduleText evaluates policy/nix's module for "home" or "nixos", with the shim at program and the
// data directory $HOME/data of h, on the stand-ins for nixpkgs, and returns the texts that the
// expressions, which see it as config, are.
func moduleText(t *testing.T, h *home, kind, program string, expressions ...string) []string {
	t.Helper()
	nix := parts.Tool(t, "nix-instantiate")
	here, err := filepath.Abs(filepath.Join("..", "policy", "nix"))
	if err != nil {
		t.Fatal(err)
	}
	module := `{ programs.shim = {
		enable = true;
		settings.python.versions = [ "3.14" ];
		package = { type = "derivation"; outPath = ` + strconv.Quote(program) + `; meta.mainProgram = "shim"; };
	}; }`
	if kind == "home" {
		module += ` { xdg.dataHome = ` + strconv.Quote(filepath.Join(h.Home, "data")) + `; }`
	}
	text := `let
		here = ` + strconv.Quote(here) + `;
		lib = import (here + "/testdata/nixpkgs/lib.nix");
		pkgs = import (here + "/testdata/nixpkgs/pkgs.nix") { inherit lib; system = "x86_64-linux"; };
		config = lib.evalModules {
			args = { inherit pkgs; };
			modules = [ (import (here + "/testdata/nixpkgs/` + kind + `.nix") { inherit lib; }) (here + "/` + kind + `-module.nix") ` + module + ` ];
		};
	in [ (` + strings.Join(expressions, ") (") + `) ]`
	cmd := exec.Command(nix, "--eval", "--strict", "--json", "-E", text)
	cmd.Env = h.Env.With("NIX_REMOTE", "dummy://")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	if err := json.Unmarshal(out, &texts); err != nil {
		t.Fatal(err)
	}
	return texts
}

// layPackage makes dir/bin/shim, a shell script or, where that is "", the program under test.
func layPackage(t *testing.T, dir, script string) string {
	t.Helper()
	data := []byte(script)
	if script == "" {
		var err error
		if data, err = os.ReadFile(binary); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin", "shim"), data, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Home Manager runs activation scripts under these options, and gives them run, which only tells in
// a dry run.
const homeManager = `set -eu -o pipefail
run() { if [[ -v DRY_RUN ]]; then echo "$@"; else "$@"; fi; }
`

func TestNixHomeModule_activation(t *testing.T) {
	h := newHome(t)
	bash := parts.Tool(t, "bash")
	data := filepath.Join(h.Home, "data")
	activate := func(program string, env ...string) result {
		t.Helper()
		script := moduleText(t, h, "home", program, "config.home.activation.shim.data")[0]
		return h.Run(append(append([]string{"env", "-u", "USER", "PATH=" + h.toolsDir()}, env...), bash, "-c", homeManager+script+"echo later")...)
	}
	real := layPackage(t, filepath.Join(h.Work, "real"), "")
	dry := activate(real, "DRY_RUN=1")
	if _, err := os.Stat(data); err == nil || dry.Code != 0 || !strings.HasPrefix(dry.Stdout, real+"/bin/shim link\n"+real+"/bin/shim sync\n") {
		t.Errorf("a dry run: %+v", dry)
	}
	if got := activate(real); got.Code != 0 || !strings.HasSuffix(got.Stdout, "later\n") {
		t.Errorf("%+v", got)
	}
	if target, err := os.Readlink(filepath.Join(data, "shim", "bin", "python")); err == nil {
		t.Errorf("the shim is a link to %s, which may be collected", target)
	}
	if _, err := os.Stat(filepath.Join(data, "shim", "bin", "python")); err != nil {
		t.Error(err)
	}
	failing := layPackage(t, filepath.Join(h.Work, "failing"), "#!/bin/sh\necho \"asked to $1 in $XDG_CONFIG_HOME\"\nexit 7\n")
	got := activate(failing)
	if got.Code != 0 || !strings.HasSuffix(got.Stdout, "later\n") || !strings.Contains(got.Stdout, "asked to sync in /home/u/.config\n") ||
		got.Stderr != "shim link failed; the activation goes on\nshim sync failed; the activation goes on\nshim link failed; the activation goes on\n" {
		t.Errorf("with a shim that fails: %+v", got)
	}
}

func TestNixOSModule_activation(t *testing.T) {
	h := newHome(t)
	bash := parts.Tool(t, "bash")
	fake := layPackage(t, filepath.Join(h.Work, "fake"), "#!/bin/sh\necho \"$1\"\n[ \"$1\" = link ]\n")
	script := moduleText(t, h, "nixos", fake, "config.system.userActivationScripts.shim")[0]
	want := map[bool]string{true: "link\nsync\nlater\n", false: "later\n"}[os.Getuid() >= 1000]
	if got := h.Run(bash, "-c", script+"\necho later"); got.Code != 0 || got.Stdout != want {
		t.Errorf("as user %d: %+v", os.Getuid(), got)
	}
	// UID is bash's own and cannot be set
	as := strings.ReplaceAll(script, "$UID", "1000")
	if got := h.Run(bash, "-c", as+"\necho later"); got.Code != 0 || got.Stdout != "link\nsync\nlater\n" || got.Stderr != "shim sync failed; the activation goes on\n" {
		t.Errorf("as a normal user: %+v", got)
	}
}

// The real shells put the shims before ~/.local/bin, which set-environment has put first, and behind
// what is activated.
func TestNixOSModule_shells(t *testing.T) {
	h := newHome(t)
	texts := moduleText(t, h, "nixos", h.Work, "config.programs.bash.shellInit", "config.programs.bash.interactiveShellInit",
		"config.programs.zsh.shellInit", "config.programs.zsh.interactiveShellInit",
		"config.programs.fish.shellInit", "config.programs.fish.interactiveShellInit")
	local := filepath.Join(h.Home, ".local", "bin")
	rest := "/run/wrappers/bin:" + h.toolsDir()
	venv := filepath.Join(h.Work, "venv")
	for i, name := range []string{"bash", "zsh", "fish"} {
		shell := parts.Tool(t, name)
		options, show := []string{"--norc", "--noprofile"}, `echo "$PATH ${shim_data-}"`
		switch name {
		case "zsh":
			options = []string{"-f"}
		case "fish":
			options, show = []string{"--no-config"}, `echo (string join : $PATH) $shim_data`
		}
		// twice, as in an interactive shell, and after what stands for set-environment
		text := texts[2*i] + "\n" + texts[2*i+1]
		text = strings.Replace(text, ". set-environment", "", 1)
		if name == "fish" {
			text = "begin\n" + text + "end\n" // as config.fish has it in a block
		}
		run := func(path string, env ...string) string {
			t.Helper()
			argv := append([]string{"env", "-u", "XDG_DATA_HOME", "PATH=" + path}, env...)
			got := h.Run(append(append(append(argv, shell), options...), "-c", text+show)...)
			if got.Code != 0 || got.Stderr != "" {
				t.Errorf("%s: %+v", name, got)
			}
			return strings.TrimSpace(got.Stdout)
		}
		usual := local + ":" + rest
		// a user who has no shims
		if got := run(usual, "HOME="+h.Work); got != usual {
			t.Errorf("%s without shims: PATH is %s", name, got)
		}
		for _, data := range []string{filepath.Join(h.Home, ".local", "share"), filepath.Join(h.Work, "xdg")} {
			if got := h.Run("env", "XDG_DATA_HOME="+data, "shim", "link"); got.Code != 0 {
				t.Fatalf("%+v", got)
			}
			shims := filepath.Join(data, "shim", "bin")
			var env []string
			put := shims
			if strings.HasPrefix(data, h.Work+"/xdg") {
				put += ":" + filepath.Join(h.Work, "bin") // uv's directory is then beside that, and on PATH nowhere
				env = []string{"XDG_DATA_HOME=" + data + "/"}
			}
			if got := run(usual, env...); got != put+":"+usual {
				t.Errorf("%s: PATH is %s", name, got)
			}
			active := venv + "/bin:" + usual
			if got := run(active, append(env, "VIRTUAL_ENV="+venv)...); got != venv+"/bin:"+put+":"+usual {
				t.Errorf("%s in an environment: PATH is %s", name, got)
			}
		}
		if os.Getuid() == 0 {
			// root with another's HOME does not run what that one wrote
			data := filepath.Join(h.Home, ".local", "share", "shim")
			for _, file := range []string{"env.sh", "env.fish"} {
				if err := os.Chown(filepath.Join(data, file), 12345, -1); err != nil {
					t.Fatal(err)
				}
			}
			if got := run(usual); got != usual {
				t.Errorf("%s took another user's file: PATH is %s", name, got)
			}
			for _, file := range []string{"env.sh", "env.fish"} {
				if err := os.Chown(filepath.Join(data, file), 0, -1); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
