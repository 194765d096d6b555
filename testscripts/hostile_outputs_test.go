package testscripts

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// What a terminal would act on, or a reader take for a message of shim's: an escape, a bell, a
// C1 control, two that turn the order of letters around, a line's beginning, and a line.
const (
	speaking = "e\x1b[31m\a\u009b\u202e\u2066\rcr\nforged"
	onOne    = "e\x1b[31m\a\u009b\u202e\u2066\rcr" // where a line ends the value
	broken   = "e\xff\xc2"
)

// asTOML returns text as a basic string of TOML, all that is special escaped.
func asTOML(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < ' ' || r == '"' || r == '\\' || r > '~' {
			fmt.Fprintf(&b, `\u%04X`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return `"` + b.String() + `"`
}

// speaks returns what of an output a terminal would act on, "" for nothing.
func speaks(text string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "forged") {
			return "a line begins with what a value has"
		}
		for i, r := range strings.TrimSuffix(line, "\n") {
			switch {
			case r == utf8.RuneError && !strings.HasPrefix(line[i:], "\uFFFD"):
				return "not UTF-8: " + strconv.Quote(line)
			case r < ' ' && r != '\t', 0x7f <= r && r < 0xa0, 0x202a <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069, r == 0x200e, r == 0x200f:
				return strconv.Quote(line)
			}
		}
	}
	return ""
}

// Whatever a project, a package, a record, a program on PATH or a variable says, no command speaks to
// the terminal with it.
func TestHostileOutputs(t *testing.T) {
	h := newHome(t)
	value := asTOML(speaking)
	write := func(name, text string) {
		h.Helper()
		path := filepath.Join(h.Work, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(h.Work, name)); err != nil {
			t.Fatal(err)
		}
	}
	says := "#!/bin/sh\nprintf '" + strings.ReplaceAll(strings.ReplaceAll(speaking, "\\", "\\\\"), "%", "%%") + "\\n%s\\n' \"$*\"\nprintf 'error: " + speaking + "\\n" + broken + "\\n' >&2\nexit ${FAIL:-0}\n"
	for _, name := range []string{"python3.11", "nix", "nix-build", "nix-store", "nix-instantiate", "curl"} {
		write("bin/"+name, says)
	}
	state, data, config := "home/.local/state/", "home/.local/share/", "home/.config/"
	project := "p" + onOne + "\nforged" + broken
	write(project+"/pyproject.toml", "[project]\nname = "+value+"\nversion = "+value+"\nrequires-python = "+value+"\n[tool.uv]\npython-preference = "+value+"\n"+value+" = 1\n")
	write("pin/.python-version", onOne+"\n")
	write("asks/pyproject.toml", "[project]\nname = \"a\"\nversion = \"1\"\nrequires-python = "+value+"\n")
	write("damaged/pyproject.toml", "[project]\n"+onOne+"\n"+broken)
	write("damaged/uv.toml", value+" = "+value+"\n= "+onOne)
	write("script.py", "# /// script\n# requires-python = "+value+"\n# [tool.uv]\n# "+value+" = 2\n# ///\n")
	write("damaged.py", "# /// script\n# "+onOne+"\n# ///\n")

	// an environment with a package that cannot be loaded
	write(project+"/.venv/pyvenv.cfg", "home = "+onOne+"\nversion_info = "+onOne+"\nuv = "+onOne+"\n")
	site := project + "/.venv/lib/python3.11/site-packages/"
	write(site+"x"+onOne+".so", "\x7fELF\x02\x01\x01"+strings.Repeat("\x00", 200))
	write(site+"x-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: "+onOne+"\nVersion: "+onOne+broken+"\n")
	write(site+"x-1.dist-info/RECORD", "x"+onOne+".so,,\n")
	write(site+onOne+broken+".dist-info/METADATA", "Name: "+onOne+"\n")
	write(site+onOne+".pth", onOne+"\n/"+onOne+"\n")
	write(site+"a.whl", "PK"+onOne)
	if err := os.MkdirAll(filepath.Join(h.Work, project, ".venv/bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	link(filepath.Join(h.Work, "bin/python3.11"), project+"/.venv/bin/python")

	// uv's and ours
	tools := data + "uv/tools/"
	for _, name := range []string{"t" + onOne, "t" + speaking, "t" + broken, "plain"} {
		write(tools+name+"/uv-receipt.toml", "[tool]\nrequirements = [{ name = "+value+", specifier = "+value+" }]\npython = "+value+"\nentrypoints = [{ name = "+value+", install-path = "+value+" }]\n")
		write(tools+name+"/pyvenv.cfg", "home = "+onOne+"\n")
		write(tools+name+"/lib/python3.11/site-packages/"+"plain-1.dist-info/METADATA", "Name: plain\nVersion: "+onOne+"\n")
	}
	write(data+"uv/python/cpython-3.14."+onOne+"-linux-x86_64-gnu/bin/python3.14", says)
	write(data+"uv/python/cpython-3.13.1-linux-x86_64-gnu/bin/python3.13", says)
	write(data+"uv/python/cpython-3.13.1-linux-x86_64-gnu/BUILD", speaking)
	write(data+"shim/libraries/list", "shim libraries 1\n"+onOne+"\t/"+onOne+"\t"+onOne+"\t\nzlib\t/nix/store/"+onOne+"\t2026-11-22\t\n")
	record := func(kind string, keys ...string) string {
		var b strings.Builder
		b.WriteString("[[" + kind + "]]\n")
		for _, key := range keys {
			b.WriteString(key + "\n")
		}
		return b.String()
	}
	escaped := strings.NewReplacer("%", "%25").Replace
	lockText := "version = 1\n[uv]\npath = " + value + "\nversion = " + value + "\n[nix-ld]\nloader = " + value + "\nlibraries = [" + value + "]\nglibc = " + value + "\n" +
		record("python", "key = "+value, "version = "+value, "build = "+value, "request = "+value, "first-used = 2026-11-22", "last-used = 2026-11-22") +
		record("python", "path = "+asTOML("/"+escaped(speaking)+"%FF"), "version = "+value, "first-used = 2026-11-22", "last-used = 2026-11-22") +
		record("tool", "name = "+value, "request = "+value, "version = "+value, "python = "+value, "resolved = ["+value+"]", "recorded = 2026-11-22") +
		record("project", "path = "+asTOML(filepath.Join(h.Work, "p"+onOne+"\nforgede%FF%C2")), "python = "+value, "needs = ["+value+"]", "missing = ["+value+"]", "last-used = 2026-11-22") +
		record("change", "id = \"01JD8K6C7R00000000000000ZZ\"", "time = 2026-11-22T10:31:07.412Z", "directory = "+asTOML("/"+speaking), "argv = [\"uv\", "+value+"]", "exit = 1")
	write(state+"shim/shim.lock", lockText)
	write(state+"nix/profiles/home-manager/activate", "uv python install '"+onOne+"' \"3.12\"\nuv tool install '"+onOne+broken+"'\n")
	write("restore.toml", "version = 1\n"+record("python", "version = "+value, "build = "+value, "request = "+value)+record("tool", "name = "+value, "request = "+value, "version = "+value, "resolved = ["+value+"]"))
	write("damaged.toml", onOne)

	policies := map[string]string{
		"none":    "",
		"keys":    value + " = 1\n[" + value + "]\n[python]\n" + value + " = 1\nversions = [" + value + "]\ndefault = " + value + "\nenvironment = " + value + "\n",
		"values":  "[tool]\npackages = [" + value + "]\n[nix-ld]\nlibraries = [" + value + "]\n[preflight]\nignore = [" + value + "]\n",
		"broken":  "[python]\n" + onOne + "\n",
		"bytes":   "[python]\nversions = [\"" + broken + "\"]\n",
		"allowed": "[python]\nversions = [\"3.13\", \"3.14\"]\n[tool]\npackages = [\"ruff @ https://h/$(reboot)'`x`\"]\n[preflight]\nignore = [\"lib'${x}\\\"$(reboot).so\"]\n",
	}
	commands := [][]string{
		{"which", "--why"}, {"which", "python3.13", "--why"}, {"which", "+" + speaking}, {"which", "uv", "--why"}, {"which", "pip", "--json"}, {"which", "--json"},
		{"check"}, {"check", "--all", "--tree"}, {"check", "--json"}, {"check", "--all", "--json"}, {"check", site}, {"check", site + "a.whl"}, {"check", speaking}, {"check", broken},
		{"doctor"}, {"doctor", "--json"}, {"doctor", "--fresh"}, {"doctor", "--system", speaking},
		{"history"}, {"history", "--all"}, {"history", "--json"}, {"history", "--project"}, {"history", "--project", speaking}, {"history", "--python", speaking}, {"history", "--unused"}, {"history", "--unused", speaking}, {"history", "--undeclared"}, {"history", "--undeclared", "--json"}, {"history", speaking},
		{"sync", "--dry-run"}, {"sync", "--check"}, {"sync", "--dry-run", "--locked"}, {"sync", "--dry-run", "--locked", "restore.toml"}, {"sync", "--dry-run", "--locked", "damaged.toml"}, {"sync", "--locked", speaking},
		{"export", "nixos"}, {"export", "flake"}, {"export", "home-manager"}, {"export", "lock"}, {"export", speaking},
		{"init", "--print"}, {"env"}, {"env", "bash"}, {"env", "zsh"}, {"env", "fish"}, {"env", "systemd"}, {"env", "direnv"}, {"env", speaking},
		{"fix", "--list"}, {"fix", "--dry-run"}, {"fix", "--undo", speaking}, {"fix", speaking},
		{"declare", "python", speaking}, {"declare", "tool", speaking}, {"declare", "tool", broken}, {speaking}, {"--" + speaking}, {"help", speaking}, {"completions", speaking}, {"link", speaking},
	}
	h.Env = h.Env.With("SHELL", "/bin/"+onOne).With("USER", speaking)
	try := func(what, dir string, argv ...string) result {
		cmd := h.Command(argv...)
		var stdout, stderr strings.Builder
		cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Join(h.Work, dir), &stdout, &stderr
		code, err := status(cmd.Run())
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"stdout": stdout.String(), "stderr": stderr.String()} {
			if why := speaks(text); why != "" {
				t.Errorf("%s: %q in %q, %s: %s", what, argv, dir, name, why)
			}
		}
		return result{stdout.String(), stderr.String(), code}
	}
	for name, text := range policies {
		write(config+"shim/policy.toml", text)
		for _, args := range commands {
			if name != "none" && (args[0] == "check" || args[0] == "history" || args[0] == "help") {
				continue
			}
			write(state+"shim/shim.lock", lockText)
			try(name, project, append([]string{"shim"}, args...)...)
		}
	}
}
