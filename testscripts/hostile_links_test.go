package testscripts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A trap is what is planted under a name that a program writes, and the file of the user's that it
// is to hit.
type trap struct {
	kind, path, victim string
	before             os.FileInfo // of the victim; nil where there is none
}

const diary = "dear diary\n"

// kinds are what another can plant in a directory that he can write, or a project bring with it.
var kinds = []string{"link", "dangling", "hard", "fifo", "directory"}

// plant lays a trap in the place of what may be there.
func (h *home) plant(kind, path string) trap {
	h.Helper()
	victims := filepath.Join(h.Work, "victims")
	entries, _ := os.ReadDir(victims)
	t := trap{kind: kind, path: path, victim: filepath.Join(victims, fmt.Sprint(len(entries)))}
	h.write(t.victim, diary, 0o600)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.Fatal(err)
	}
	err := os.RemoveAll(path)
	switch {
	case err != nil:
	case kind == "link":
		err = os.Symlink(t.victim, path)
	case kind == "dangling":
		err = os.Symlink(t.victim+"-none", path)
	case kind == "hard":
		err = os.Link(t.victim, path)
	case kind == "fifo":
		err = syscall.Mkfifo(path, 0o600)
	case kind == "directory":
		err = os.MkdirAll(filepath.Join(path, "full"), 0o700)
	}
	if err == nil {
		t.before, err = os.Lstat(t.victim)
	}
	if err != nil {
		h.Fatal(err)
	}
	return t
}

// sprung tells what became of the victim, "" for nothing.
func (t trap) sprung() string {
	info, err := os.Lstat(t.victim)
	if err != nil {
		return err.Error()
	}
	text, _ := os.ReadFile(t.victim)
	_, none := os.Lstat(t.victim + "-none")
	switch {
	case string(text) != diary:
		return fmt.Sprintf("the victim says %q", text)
	case !os.SameFile(info, t.before) || info.Mode() != t.before.Mode():
		return "the victim is another file, or of another mode: " + info.Mode().String()
	case none == nil:
		return "made where the link leads to"
	}
	return ""
}

// limited runs a program and fails the test where it hangs.
func (h *home) limited(argv ...string) result {
	h.Helper()
	r := h.Run(append([]string{"timeout", "100"}, argv...)...)
	if r.Code == 124 {
		h.Errorf("%q hangs\n%s", argv, r.Stderr)
	}
	return r
}

// check fails the test where a victim was hit.
func (h *home) check(after string, traps ...trap) {
	h.Helper()
	for _, t := range traps {
		if what := t.sprung(); what != "" {
			h.Errorf("%s, a %s planted at %s: %s", after, t.kind, t.path, what)
		}
	}
}

// What shim writes does not go through what was planted in its place, or where it is written first.
func TestPlanted(t *testing.T) {
	const data, state, cache = ".local/share/shim/", ".local/state/shim/", ".cache/shim/"
	for _, tt := range []struct {
		commands string // with commas between them
		places   []string
	}{
		{"link", []string{data + "bin/shim", data + "bin/python3", data + "bin/.shim-dir", data + "bin/.new-python3", data + "bin/.new-123", data + "env.sh", data + "env.fish"}},
		{"fix,fix --undo", []string{data + "libraries", data + "libraries/list", data + "libraries/.lock"}},
		{"declare tool ruff,declare --remove tool ruff,init", []string{".config/shim/.shim-tmp-1"}},
		{"link,history,sync", []string{state + "shim.lock.lock", state + ".shim.lock.tmp", state + "pending", state + "pending/.tmp-1", state + "pending/01JD8K6C7R00000000000000ZZ.toml"}},
		{"doctor", []string{cache + "probe", cache + "probe/planted", cache + "claim/planted"}},
	} {
		for _, place := range tt.places {
			for _, kind := range kinds {
				t.Run(kind+"_"+strings.ReplaceAll(place, "/", "_"), func(t *testing.T) {
					t.Parallel()
					h := newHome(t)
					// not where the shims are, in whose place something may be planted
					shim := filepath.Join(h.Work, "bin", "shim")
					if err := os.Symlink(binary, shim); err != nil {
						t.Fatal(err)
					}
					planted := h.plant(kind, filepath.Join(h.Home, place))
					for command := range strings.SplitSeq(tt.commands, ",") {
						r := h.limited(append([]string{shim}, strings.Fields(command)...)...)
						if r.Code > 2 || r.Code != 0 && r.Stdout+r.Stderr == "" {
							t.Errorf("shim %s: status %d\n%s", command, r.Code, r.Stderr)
						}
						h.check("shim "+command, planted)
						t.Logf("shim %s: %d %s%s", command, r.Code, r.Stdout, r.Stderr)
					}
				})
			}
		}
	}
}

// Nor does what shim sync writes; and where uv's global pin is none of ours, it stays what it is.
func TestPlantedSync(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h := newSyncHome(t)
			h.policy("[python]\nversions = [\"3.14\"]\ndefault = \"3.14\"\n")
			var traps []trap
			for _, place := range []string{".local/state/shim/pin", ".local/state/shim/sync.lock", ".config/uv/.python-version", ".config/uv/.shim-tmp-1", ".local/state/shim/.shim-tmp-1"} {
				traps = append(traps, h.plant(kind, filepath.Join(h.Home, place)))
			}
			for _, args := range [][]string{{"shim", "sync"}, {"shim", "sync"}, {"python", "-c", "0"}} {
				r := h.limited(args...)
				h.check(strings.Join(args, " "), traps...)
				t.Logf("%q: %d %s%s", args, r.Code, r.Stdout, r.Stderr)
			}
			pin := traps[2]
			if kind != "dangling" {
				if err := os.RemoveAll(pin.path); err != nil {
					t.Fatal(err)
				}
			}
			// the pin is written, which is written down before
			os.Remove(pin.path)
			r := h.limited("shim", "sync")
			h.check("shim sync", traps...)
			if text, _ := os.ReadFile(pin.path); (r.Code == 0) != (string(text) == "3.14\n") {
				t.Errorf("status %d, and the pin is %q\n%s", r.Code, text, r.Stderr)
			}
			t.Logf("at last: %d %s%s", r.Code, r.Stdout, r.Stderr)
		})
	}
}

// Nor does what install.sh writes, and it takes nothing else away.
func TestInstall_planted(t *testing.T) {
	const data = ".local/share/shim/"
	for _, places := range [][]string{
		{data + "installed"},
		{".local/bin/shim"},
		{".local/share/man/man1/shim.1", ".local/share/bash-completion/completions/shim", ".bashrc", ".profile",
			".profile.shim-1", ".local/bin/shim.shim-1", data + "installed.shim-1", ".local/share/man/man1/shim.1.shim-1", data + "env.sh"},
	} {
		for _, kind := range kinds {
			t.Run(kind+"_"+filepath.Base(places[0]), func(t *testing.T) {
				t.Parallel()
				h := newInstall(t)
				var traps []trap
				for _, place := range places {
					traps = append(traps, h.plant(kind, filepath.Join(h.Home, place)))
				}
				for _, args := range [][]string{nil, nil, {"--uninstall"}} {
					r := h.limited(append([]string{"sh"}, h.installArgs(args...)...)...)
					for _, trap := range traps {
						// a start file behind a link is in a repository of dotfiles, and gets its lines there
						name := filepath.Base(trap.path)
						if (kind == "link" || kind == "dangling") && (name == ".bashrc" || name == ".profile") {
							continue
						}
						h.check(fmt.Sprintf("install.sh %q", args), trap)
					}
					t.Logf("install.sh %q: %d\n%s%s", args, r.Code, r.Stdout, r.Stderr)
				}
			})
		}
	}
}
