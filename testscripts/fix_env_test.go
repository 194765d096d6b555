package testscripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"uvshim/testscripts/nixroot"
	"uvshim/testscripts/parts"
)

// What shim env prints means the same to the shells themselves, whatever is in it.
func TestEnvShells(t *testing.T) {
	const data = rootHome + `/a b'c"d\e`
	root := nixroot.New(t, nixroot.Options{NoUV: true, NoPython: true})
	program, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	root.WriteFile(rootHome+"/.local/bin/shim", string(program), 0o755)
	lib := data + "/shim/libraries/zlib/result/lib"
	root.WriteFile(lib+"/libz.so.1", "", 0o755)
	root.WriteFile(data+"/shim/libraries/list", "shim libraries 1\nzlib\t"+lib+"\t2026-11-22\t\n", 0o600)
	for _, row := range []struct{ name, value string }{
		{"plain", "/plain/lib"},
		{"space", "/with space/lib"},
		{"quotes", `/it's/"quoted"/lib`},
		{"expansions", "/$HOME/${HOME}/$(id)/`id`/%h/~/*/!x/#y"},
		{"backslashes", `/a\b\\c\$HOME\`},
		{"newline", "/two\nlines\t/tab"},
		{"unicode", "/ü/文"},
	} {
		root := with(root.For(t), "XDG_DATA_HOME="+data, "NIX_LD_LIBRARY_PATH="+row.value)
		want := row.value + ":" + lib
		for _, shell := range []string{"bash", "zsh", "fish", "sh"} {
			if row.name == "newline" && shell == "sh" {
				continue // what bash and zsh have as $'\x0a' other shells cannot be told in one line
			}
			t.Run(row.name+"_"+shell, func(t *testing.T) {
				program := parts.Tool(t, shell)
				asked := shell
				if shell == "sh" {
					asked = "bash"
				}
				text := root.For(t).Must("shim", "env", asked)
				script := `eval "$1"; printenv NIX_LD_LIBRARY_PATH`
				args := []string{"-c", script, "sh", text}
				if shell == "fish" {
					args = []string{"--no-config", "-c", `eval $argv[1]; printenv NIX_LD_LIBRARY_PATH`, "--", text}
				}
				cmd := exec.Command(program, args...)
				cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LANG=C.UTF-8"}
				out, err := cmd.Output()
				if err != nil || string(out) != want+"\n" {
					t.Errorf("%s\ngives %q, %v\nwant %q", text, out, err, want+"\n")
				}
			})
		}
		t.Run(row.name+"_systemd", func(t *testing.T) { systemdReads(t, root.For(t).Must("shim", "env", "systemd"), want) })
	}
}

// systemdReads has systemd read the text as a file of environment.d.
func systemdReads(t *testing.T, text, want string) {
	t.Helper()
	const generator = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator"
	if _, err := os.Stat(generator); err != nil {
		parts.Missing(t, err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "environment.d", "60-shim.conf")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(generator)
	cmd.Env = []string{"XDG_CONFIG_HOME=" + dir, "HOME=" + dir}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	// it prints NAME="VALUE", with escapes
	_, value, _ := strings.Cut(string(out), "NIX_LD_LIBRARY_PATH=\"")
	value, _, _ = strings.Cut(value, "\"\n")
	value = strings.NewReplacer(`\\`, `\`, `\$`, "$", "\\`", "`", `\"`, `"`, `\n`, "\n", `\t`, "\t").Replace(value)
	if value != want {
		t.Errorf("%s\nis read as %q, want %q", text, value, want)
	}
}

// use shim, in a .envrc: the variable, the files to watch, and what the check says of an environment
// that is not covered.
func TestEnvDirenv(t *testing.T) {
	root, _ := probeRoot(t, nixroot.Options{}, "libz.so.1")
	text := root.Must("shim", "env", "direnv")
	root.WriteFile(rootHome+"/shim.sh", text, 0o644)
	envrc := []string{"bash", "-euo", "pipefail", "-c", `watch_file() { printf 'watch %s\n' "$@"; }; . ~/shim.sh; use_shim; printenv NIX_LD_LIBRARY_PATH`}
	watched := "watch " + rootLibraries + "/list\nwatch pyproject.toml\nwatch uv.lock\nwatch .python-version\nwatch .venv/pyvenv.cfg\n"
	got := root.Run(envrc...)
	if got.Code != 0 || got.Stdout != watched+systemLibs+"\n" || !strings.Contains(got.Stderr, "needs libz.so.1, which nix-ld does not provide") {
		t.Errorf("%+v", got)
	}
	root.Must("mkdir", "-p", rootLibraries+"/zlib/result")
	root.Must("cp", "-r", rootHome+"/built", rootLibraries+"/zlib/result/lib")
	lib := rootLibraries + "/zlib/result/lib"
	root.WriteFile(rootLibraries+"/list", "shim libraries 1\nzlib\t"+lib+"\t2026-11-22\t\n", 0o600)
	same(t, root.Run(envrc...), nixroot.Result{Stdout: watched + systemLibs + ":" + lib + "\n"})
	if shellcheck := parts.Tool(t, "shellcheck"); shellcheck != "" {
		cmd := exec.Command(shellcheck, "--shell=bash", "-")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("shellcheck: %v\n%s", err, out)
		}
	}
}
