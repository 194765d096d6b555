package testscripts

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"uvshim/testscripts/nixroot"
	"uvshim/testscripts/parts"
)

//go:embed testdata/doctor.schema.json
var doctorSchema []byte

// A doctorOutput is the JSON of shim doctor.
type doctorOutput struct {
	Attributes []string
	Checks     []doctorCheck
}

type doctorCheck struct {
	ID, Level, Message, Fix string
	Evidence                []string
}

// doctorJSON returns the JSON that a shim doctor printed, which is as its schema says, with the exit
// code that goes with it.
func doctorJSON(t *testing.T, stdout, stderr string, code int) doctorOutput {
	t.Helper()
	var document, schema any
	if err := json.Unmarshal(doctorSchema, &schema); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(stdout), &document); err != nil {
		t.Fatalf("exit %d: %v\n%s%s", code, err, stdout, stderr)
	}
	v := validator{root: schema.(map[string]any)}
	v.check("", document, v.root)
	for _, fault := range v.faults {
		t.Errorf("not as the schema says: %s\n%s", fault, stdout)
	}
	var out doctorOutput
	if err := json.Unmarshal([]byte(stdout), &out); err != nil {
		t.Fatal(err)
	}
	failed := slices.ContainsFunc(out.Checks, func(c doctorCheck) bool { return c.Level == "error" })
	if want := map[bool]int{true: 1}[failed]; code != want {
		t.Errorf("exit %d, want %d\n%s", code, want, stdout)
	}
	for _, c := range out.Checks {
		if grave := c.Level == "warning" || c.Level == "error"; grave && c.Fix == "" {
			t.Errorf("no fix: %+v", c)
		}
	}
	return out
}

// doctor runs shim doctor --json in a root.
func doctor(t *testing.T, root *nixroot.Root, args ...string) doctorOutput {
	t.Helper()
	got := root.Run(append([]string{"shim", "doctor", "--json"}, args...)...)
	return doctorJSON(t, got.Stdout, got.Stderr, got.Code)
}

// of returns what a check found, and fails the test unless it is one finding of that level.
func (out doctorOutput) of(t *testing.T, id, level string) doctorCheck {
	t.Helper()
	for _, c := range out.Checks {
		if c.ID == id && c.Level == level {
			return c
		}
	}
	t.Errorf("no %s of %s in %+v", level, id, out.Checks)
	return doctorCheck{}
}

// grave returns the checks that warn or fail, as "level id".
func (out doctorOutput) grave() []string {
	var found []string
	for _, c := range out.Checks {
		if c.Level == "warning" || c.Level == "error" {
			found = append(found, c.Level+" "+c.ID)
		}
	}
	return found
}

// loginShims has a login shell of the root find the shims, as install.sh does.
func loginShims(root *nixroot.Root) {
	root.WriteFile(rootHome+"/.profile", ". ~/.local/share/shim/env.sh\n", 0o644)
}

// From the first `uv add` to a generation that covers it, and one that would not any more.
func TestDoctorRoot(t *testing.T) {
	root := newRoot(t, nixroot.Options{}, parts.Wheels(t, parts.Pythons(t)[0].Minor, numpyWheel))
	loginShims(root)
	if out := doctor(t, root); len(out.grave()) > 0 {
		t.Errorf("a healthy machine: %+v", out.Checks)
	}
	work := demo(root, "demo")
	work.Must("uv", "run", "python", "-c", "0")
	without := work.Current()

	out := doctor(t, root)
	short := out.of(t, "coverage", "error")
	if got := out.grave(); !slices.Equal(got, []string{"error coverage"}) || !slices.Equal(out.Attributes, []string{"stdenv.cc.cc.lib"}) {
		t.Errorf("%q, %q", got, out.Attributes)
	}
	if !slices.Equal(short.Evidence, []string{"~/demo: numpy needs libstdc++.so.6 (stdenv.cc.cc.lib)"}) ||
		short.Fix != "in configuration.nix, then nixos-rebuild switch:\n  programs.nix-ld.libraries = with pkgs; [ stdenv.cc.cc.lib ];\nor now: shim fix" {
		t.Errorf("%+v", short)
	}
	table := root.Run("shim", "doctor")
	if again := root.Run("shim", "doctor"); again != table || table.Code != 1 || table.Stderr != "" {
		t.Errorf("two runs differ: %+v and %+v", table, again)
	}
	if want := "\n  programs.nix-ld.libraries = with pkgs; [ stdenv.cc.cc.lib ];\n\n"; !strings.Contains(table.Stdout, want) || !strings.HasSuffix(table.Stdout, ", 1 error\n") {
		t.Errorf("the table ends with\n%s", table.Stdout)
	}
	for _, line := range strings.Split(table.Stdout, "\n") {
		if !strings.HasPrefix(line, " ") && len(line) > 80 || strings.Contains(line, rootHome) {
			t.Errorf("not fit for a terminal, or to be posted: %s", line)
		}
	}

	// the next generation, before the switch and after
	next := root.Generation("stdenv.cc.cc.lib")
	out = doctor(t, root, "--system", next)
	if got := out.grave(); len(got) > 0 || !slices.Equal(out.Attributes, []string{"stdenv.cc.cc.lib"}) {
		t.Errorf("with the library: %q, %q", got, out.Attributes)
	}
	out.of(t, "path", "skipped")
	out.of(t, "next", "ok")
	root.Relib("stdenv.cc.cc.lib")
	for _, args := range [][]string{nil, {"--fresh"}} {
		if out := doctor(t, root, args...); len(out.grave()) > 0 {
			t.Errorf("%q after the switch: %q", args, out.grave())
		}
	}
	out = doctor(t, root, "--system", without)
	if lost := out.of(t, "next", "error"); !slices.Equal(lost.Evidence, []string{"~/demo would lose: numpy needs libstdc++.so.6 (stdenv.cc.cc.lib)"}) {
		t.Errorf("%+v", lost)
	}

	// the root as a whole, from this machine, whose user and session are none of its own
	h := newHome(t)
	shim := h.Env.Get("SHIM")
	got := h.Run(shim, "doctor", "--json", "--system", root.Dir)
	out = doctorJSON(t, got.Stdout, got.Stderr, got.Code)
	if len(out.grave()) > 0 || len(out.Attributes) > 0 {
		t.Errorf("the root: %+v", out)
	}
	out.of(t, "coverage", "skipped")
	if c := out.of(t, "loader", "ok"); !strings.HasPrefix(c.Message, "nix-ld 2.0.6, and behind it glibc ") {
		t.Errorf("%+v", c)
	}
	if got := h.Run(shim, "doctor", "--system", h.Work+"/none"); got.Code != 2 || got.Stdout != "" ||
		got.Stderr != "shim: error: --system \""+h.Work+"/none\": no such file or directory\n" {
		t.Errorf("no such root: %+v", got)
	}
	if got := h.Run(shim, "doctor", "all"); got.Code != 2 {
		t.Errorf("a word too many: %+v", got)
	}
}

// Everything broken at once that a user can break; then each fix pasted, one after the other, until
// nothing is an error.
func TestDoctorWorst(t *testing.T) {
	root := newRoot(t, nixroot.Options{Libraries: []string{"stdenv.cc.cc.lib"}}, parts.Wheels(t, parts.Pythons(t)[0].Minor, numpyWheel))
	demo(root, "demo").Must("uv", "run", "python", "-c", "0")
	minor, key := root.Python.Minor, strings.TrimPrefix(root.Python.Prefix, rootHome+"/.local/share/uv/python/")
	root.Must("sh", "-c", strings.NewReplacer("MINOR", minor, "KEY", key).Replace(`
		cd ~
		cp -r demo gone && (cd gone && python -c 0) && rm -r gone
		cp -r demo lost && (cd lost && python -c 0) && ln -sfn /nix/store/00000000000000000000000000000000-python3/bin/python3 lost/.venv/bin/python
		cp -r demo script && (cd script && python -c 0) && rm script/.venv/bin/python && printf '#!/bin/sh\n' >script/.venv/bin/python
		chmod 755 script/.venv/bin/python
		rm .local/share/shim/bin/python .local/share/shim/bin/.shim-dir
		chmod 777 .local/share/shim/bin
		mkdir -p open .pyenv/shims .config/shim .config/uv .config/environment.d
		chmod 777 open
		cp /run/current-system/sw/bin/true .pyenv/shims/python
		ln -s /nowhere .local/bin/dead
		ln -sfn ~/.local/share/uv/python/KEY/bin/pythonMINOR .local/bin/pythonMINOR
		echo 'NIX_LD_LIBRARY_PATH=/old' >.config/environment.d/1.conf
		printf '[python]\nversion = ["MINOR"]\ndefault = 3\n[preflight]\nloader = "loud"\n' >.config/shim/policy.toml
		mkdir -p .local/share/uv/python/.temp/x
		cp .local/state/shim/shim.lock good.lock
		printf 'no lock' >.local/state/shim/shim.lock
	`))
	broken := with(root, "LD_LIBRARY_PATH=/run/current-system/sw/share/nix-ld/lib", "PYTHONPATH=/nix/store/x/lib", "UV_PYTHON=/nix/store/x/bin/python3", "SHIM_DISABLE=1",
		"NIX_LD=/nix/store/gone/ld.so", "NIX_LD_LIBRARY_PATH=/nix/store/gone/lib", "PATH="+rootHome+"/open:"+rootHome+"/.pyenv/shims:"+rootHome+"/.local/bin:/run/current-system/sw/bin")
	out := doctor(t, broken)
	for _, want := range []string{
		"error shims", "error path", "error login-path", "error path-writable", "warning other-shims", "warning switches", "error policy", "warning bin-links",
		"error loader", "warning nix-ld-values", "warning services", "warning pythonpath", "warning nix-shell", "error lock",
	} {
		if !slices.Contains(out.grave(), want) {
			t.Errorf("no %s in %q", want, out.grave())
		}
	}
	table := broken.Run("shim", "doctor")
	if again := broken.Run("shim", "doctor"); again != table || table.Code != 1 || table.Stderr != "" || strings.Contains(table.Stdout, rootHome) {
		t.Errorf("%+v and %+v", table, again)
	}

	// with the lock mended by hand, so that there are environments to mend as well
	root.Must("mv", "good.lock", ".local/state/shim/shim.lock")
	out = doctor(t, broken)

	// one shell, into which everything is pasted; what is for a file is written there
	session := ""
	for turn := 0; len(errorsOf(out)) > 0; turn++ {
		if turn == 3 {
			t.Fatalf("still %+v", errorsOf(out))
		}
		var fixes []doctorCheck // as the table has them, errors last
		for _, c := range out.Checks {
			if c.Level == "warning" {
				fixes = append(fixes, c)
			}
		}
		for _, c := range append(fixes, errorsOf(out)...) {
			switch file, edit := strings.CutPrefix(c.Fix, "${EDITOR:-vi} "); {
			case edit:
				session += "printf '[python]\\nversions = [\"" + minor + "\"]\\ndefault = \"" + minor + "\"\\n' >" + file + "\n"
			case strings.HasPrefix(c.Fix, "in "):
				if c.Level == "error" {
					t.Errorf("a file of the system: %+v", c)
				}
			default:
				session += c.Fix + "\n"
			}
		}
		got := broken.Run("bash", "-c", "{\n"+session+"} >/dev/null\nexec shim doctor --json")
		out = doctorJSON(t, got.Stdout, got.Stderr, got.Code)
		session = keepVariables(session)
	}
	if c := out.of(t, "environments", "ok"); c.Message != "3 recorded, each with its interpreter" {
		t.Errorf("%+v", c)
	}
	out.of(t, "coverage", "info")
}

// keepVariables returns of a session what only that shell has: files stay changed by themselves.
func keepVariables(session string) string {
	var kept []string
	for line := range strings.Lines(session) {
		if strings.HasPrefix(line, "unset ") || strings.HasPrefix(line, "export ") || strings.HasPrefix(line, ". ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

func errorsOf(out doctorOutput) []doctorCheck {
	return slices.DeleteFunc(slices.Clone(out.Checks), func(c doctorCheck) bool { return c.Level != "error" })
}
