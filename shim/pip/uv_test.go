package pip

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"uvshim/shim/host"
	"uvshim/testscripts/parts"
)

// wheel returns a wheel of nothing but metadata.
func wheel(t *testing.T, name, version string, needs ...string) []byte {
	t.Helper()
	info := name + "-" + version + ".dist-info/"
	meta := "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n"
	for _, n := range needs {
		meta += "Requires-Dist: " + n + "\n"
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range [][2]string{
		{name + ".py", "x = 1\n"},
		{info + "METADATA", meta},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{info + "RECORD", name + ".py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n"},
	} {
		w, err := z.Create(f[0])
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(f[1]))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A lab is an environment that the real uv works in, and wheels.
type lab struct {
	t      *testing.T
	uv     string
	dir    string
	python string // a real one
	env    host.Env
}

func newLab(t *testing.T) lab {
	t.Helper()
	l := lab{t: t, uv: parts.UV(t), dir: t.TempDir(), python: parts.Pythons(t)[0].Exe}
	l.env = host.Env{"PATH=/usr/bin:/bin", "HOME=" + l.dir + "/home", "UV_CACHE_DIR=" + l.dir + "/cache", "UV_PYTHON_DOWNLOADS=never", "UV_NO_PROGRESS=1"}
	for _, w := range [][]string{{"alpha", "1.0", "beta"}, {"alpha", "2.0", "beta"}, {"beta", "1.0"}, {"beta", "2.0"}, {"beta", "3.0a1"}} {
		write(t, filepath.Join(l.dir, "w", w[0]+"-"+w[1]+"-py3-none-any.whl"), string(wheel(t, w[0], w[1], w[2:]...)))
	}
	l.run(l.uv, l.env, "venv", "-q", "--python", l.python, l.dir+"/venv")
	return l
}

func (l lab) run(program string, env host.Env, args ...string) (string, error) {
	l.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = l.dir, env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// pip runs a call of pip by way of uv.
func (l lab) pip(env []string, args ...string) (string, error) {
	l.t.Helper()
	c := Call{Name: "pip", Args: args, Env: append(l.env, env...), Dir: l.dir, Etc: l.dir + "/etc", Environment: l.dir + "/venv"}
	c.Dirs = host.Host{Env: c.Env}.Dirs()
	a := Translate(c)
	if a.Kind != UV {
		return a.Text, fmt.Errorf("%s %q", a.Error, a.Hints)
	}
	return l.run(l.uv, a.Env, a.Args...)
}

// Each option that is passed on, uv takes.
func TestUV_options(t *testing.T) {
	l := newLab(t)
	write(t, l.dir+"/r.txt", "alpha\n")
	write(t, l.dir+"/c.txt", "beta<2\n")
	write(t, l.dir+"/pyproject.toml", "[project]\nname = 'x'\nversion = '1'\n[dependency-groups]\ndev = ['beta']\n")
	write(t, l.dir+"/home/ca.pem", "")
	if ca, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt"); err == nil {
		write(t, l.dir+"/home/ca.pem", string(ca))
	}
	values := map[string]string{
		"python": l.dir + "/venv", "keyring-provider": "disabled", "proxy": "http://127.0.0.1:9", "trusted-host": "h", "cert": l.dir + "/home/ca.pem",
		"client-cert": l.dir + "/home/no.pem", "cache-dir": l.dir + "/cache2", "index-url": "http://127.0.0.1:9/s", "extra-index-url": "http://127.0.0.1:9/s",
		"find-links": l.dir + "/w", "requirement": "r.txt", "constraint": "c.txt", "build-constraint": "c.txt", "editable": "./e", "group": "dev",
		"target": "t", "prefix": "p", "upgrade-strategy": "eager", "config-settings": "a=b", "no-binary": "zeta", "only-binary": ":all:",
		"format": "freeze", "exclude": "beta", "path": l.dir + "/venv",
	}
	write(t, l.dir+"/e/pyproject.toml", "[project]\nname = 'e'\nversion = '1'\n[build-system]\nrequires = []\nbuild-backend = 'b'\nbackend-path = ['.']\n")
	tried := 0
	for _, cmd := range commands() {
		if out, err := l.pip(nil, "install", "--no-index", "-f", l.dir+"/w", "alpha"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, o := range cmd.options() {
			if o.does != pass && o.does != own || o.name() == "uploaded-prior-to" {
				continue
			}
			args := []string{cmd.name, "--" + o.name()}
			if o.valued() {
				if values[o.name()] == "" {
					t.Errorf("no value to try --%s with", o.name())
				}
				args = append(args, values[o.name()])
			}
			switch cmd.name {
			case "install":
				args = append(args, "--no-index", "-f", l.dir+"/w", "alpha")
			case "uninstall", "show":
				args = append(args, "alpha")
			}
			if o.name() == "outdated" {
				args = append(args, "--no-index")
			}
			tried++
			out, err := l.pip(nil, args...)
			// what is there to be complained of is the value, not the option
			expected := map[string]string{"editable": "", "require-hashes": "--require-hashes", "client-cert": ""}
			if why, ok := expected[o.name()]; ok && err != nil && strings.Contains(out, why) && !strings.Contains(out, "unexpected argument") {
				continue
			}
			if err != nil {
				t.Errorf("%q: %v\n%s", args, err, out)
			}
			if strings.Contains(out, "warning") && !strings.Contains(out, "Skipping alpha") && !strings.Contains(out, "not found for") {
				t.Errorf("%q: %s", args, out)
			}
		}
	}
	if tried < 50 {
		t.Errorf("only %d options were tried", tried)
	}
}

// What uv then does is what pip would have done.
func TestUV_meaning(t *testing.T) {
	l := newLab(t)
	hash := fmt.Sprintf("%x", sha256.Sum256(wheel(t, "beta", "1.0")))
	write(t, l.dir+"/half.txt", "alpha==1.0\nbeta==1.0 --hash=sha256:"+hash+"\n")
	write(t, l.dir+"/c.txt", "beta<2\n")
	offline := []string{"--no-index", "-f", l.dir + "/w"}
	for _, step := range []struct {
		name string
		args string
		want string // of pip freeze behind it; with ! in front it fails
	}{
		{"install_constraint", "install alpha==1.0 -c c.txt", "alpha==1.0 beta==1.0"},
		{"install_again", "install alpha", "alpha==1.0 beta==1.0"},
		{"upgrade_only_if_needed", "install -U alpha", "alpha==2.0 beta==1.0"},
		{"upgrade_eager", "install -U --upgrade-strategy eager alpha", "alpha==2.0 beta==2.0"},
		{"pre", "install -U --pre beta", "alpha==2.0 beta==3.0a1"},
		{"uninstall", "uninstall beta", "alpha==2.0"},
		{"dry_run", "install --dry-run beta", "alpha==2.0"},
		{"no_deps", "install --no-deps --force-reinstall alpha==1.0", "alpha==1.0"},
		{"some_hashes_ask_for_all", "install -r half.txt", "!alpha==1.0"},
		{"target", "install -t there beta", "alpha==1.0"},
	} {
		args := strings.Fields(step.args)
		if args[0] == "install" {
			args = append(args, offline...)
		}
		out, err := l.pip(nil, args...)
		frozen, ferr := l.pip(nil, "freeze")
		var lines []string
		for line := range strings.Lines(frozen) {
			if strings.Contains(line, "==") {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
		want, fails := strings.CutPrefix(step.want, "!")
		if got := strings.Join(lines, " "); got != want || (err != nil) != fails || ferr != nil {
			t.Fatalf("%s: %v, then %s, want %s\n%s", step.name, err, got, step.want, out)
		}
	}
	// what pip prints in its own words
	if out, err := l.pip(nil, "list", "--format=freeze"); err != nil || !strings.Contains(out, "alpha==1.0") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := l.pip(nil, "show", "alpha"); err != nil || !strings.Contains(out, "Name: alpha\nVersion: 1.0\n") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := l.pip(nil, "check"); err == nil || !strings.Contains(out, "beta") {
		t.Errorf("alpha lacks beta: %v\n%s", err, out)
	}
	// another interpreter or environment that uv's own variables name is not worked in
	for _, env := range []string{"UV_SYSTEM_PYTHON=1", "UV_PYTHON=" + l.python, "VIRTUAL_ENV=/none", "CONDA_PREFIX=/none"} {
		if out, err := l.pip([]string{env}, "freeze"); err != nil || !strings.Contains(out, "alpha==1.0") {
			t.Errorf("%s: %v\n%s", env, err, out)
		}
	}
}

// Where a call is not refused, uv takes a package from the index that a real pip takes it from.
func TestUV_indexes(t *testing.T) {
	l := newLab(t)
	// an index of its own below each first part of the path: its gamma has a version of its own
	versions := map[string]string{"low": "1.0", "mid": "2.0", "high": "3.0"}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		index, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		file := "gamma-" + versions[index] + "-py3-none-any.whl"
		switch {
		case versions[index] == "":
			http.NotFound(w, r)
		case strings.HasPrefix(rest, "simple/gamma"):
			fmt.Fprintf(w, "<a href=\"/%s/%s\">%s</a>", index, file, file)
		case rest == file:
			w.Write(wheel(t, "gamma", versions[index]))
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	at := func(text string) string { return strings.ReplaceAll(text, "@", server.URL+"/") }

	var real *exec.Cmd
	for _, cmd := range pips(t) {
		if cmd.Path == l.python {
			real = cmd
		}
	}
	if real == nil {
		parts.Missing(t, fmt.Errorf("%s has no pip", l.python))
	}
	var envs []string
	for _, pip := range []string{"", "PIP_INDEX_URL=@low/simple", "PIP_INDEX_URL=@high/simple"} {
		for _, extra := range []string{"", " PIP_EXTRA_INDEX_URL=@mid/simple"} {
			for _, uv := range []string{"", " UV_INDEX_URL=@low/simple", " UV_DEFAULT_INDEX=@high/simple", " UV_INDEX_URL=@low/simple UV_EXTRA_INDEX_URL=@mid/simple", " UV_DEFAULT_INDEX=@high/simple UV_INDEX=m=@mid/simple"} {
				envs = append(envs, pip+extra+uv)
			}
		}
	}
	type input struct {
		Env  []string `json:"env"`
		Args []string `json:"args"`
		took string   // what uv installed, and what it said
	}
	var inputs []input
	refused := 0
	write(t, l.dir+"/i.txt", at("-i @mid/simple\n"))
	for _, env := range envs {
		for _, line := range []string{"", "-i @mid/simple", "-i @low/simple --extra-index-url @high/simple", "--extra-index-url @mid/simple", "-r i.txt"} {
			if !strings.Contains(env, "PIP_INDEX_URL") && !strings.HasPrefix(line, "-i") && line != "-r i.txt" {
				continue // pip would go to PyPI
			}
			vars := strings.Fields(at(env))
			args := append([]string{"install", "gamma"}, strings.Fields(at(line))...)
			l.run(l.uv, l.env, "pip", "uninstall", "-q", "--python", l.dir+"/venv", "gamma")
			out, err := l.pip(vars, args...)
			if err != nil && out == "" {
				refused++
				continue
			}
			got, _ := l.pip(nil, "freeze")
			inputs = append(inputs, input{vars, args, got + out})
		}
	}
	data, err := json.Marshal(inputs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(real.Path, "-c", choose)
	cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stderr = append(real.Env, "PIP_DISABLE_PIP_VERSION_CHECK=1"), l.dir, bytes.NewReader(data), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	wants := strings.Fields(string(out))
	for i, c := range inputs {
		if i >= len(wants) || !strings.Contains(c.took, "gamma=="+wants[i]+"\n") {
			t.Errorf("%q %q: pip takes another of %q\n%s", c.Env, c.Args, wants, c.took)
		}
	}
	if len(inputs) < 30 || refused < 30 {
		t.Errorf("%d calls compared, %d refused", len(inputs), refused)
	}
}

// choose prints the version of gamma that pip itself would install in each case.
const choose = `
import json, os, sys
from pip._internal.cli.main import main
start = dict(os.environ)
for c in json.load(sys.stdin):
    os.environ.clear()
    os.environ.update(start)
    os.environ.update(e.split("=", 1) for e in c["env"])
    if main(c["args"] + ["-qqq", "--dry-run", "--no-deps", "--ignore-installed", "--no-cache-dir", "--report", "report.json"]) != 0:
        sys.exit("pip fails")
    with open("report.json") as f:
        print(json.load(f)["install"][0]["metadata"]["version"])
`
