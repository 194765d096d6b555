package sync

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"uvshim/shim/host"
)

const activation = `#!/nix/store/x-bash/bin/bash
_iNote "Activating %s" "linkGeneration"
# uv python install 2.7
_iNote "Activating %s" "uvPython"
uvKeep=$(for uvReq in 3.14 '>=3.12'; do
  /nix/store/x-uv-0.9/bin/uv python list "$uvReq" --managed-python --output-format json
done | /nix/store/x-jq/bin/jq -s 'map(.[0].key // empty)')
for uvKey in $uvHave; do run /nix/store/x-uv-0.9/bin/uv python uninstall $VERBOSE_ARG "$uvKey"
done
run /nix/store/x-uv-0.9/bin/uv python install $VERBOSE_ARG --default --upgrade 3.14
run /nix/store/x-uv-0.9/bin/uv python install $VERBOSE_ARG \
  --upgrade '>=3.12' pypy3.11
run /nix/store/x-uv-0.9/bin/uv python install $VERBOSE_ARG 3.13.1; true
_iNote "Activating %s" "uvTool"
run /nix/store/x-uv-0.9/bin/uv tool install $VERBOSE_ARG 'black==24.1.0'
run /nix/store/x-uv-0.9/bin/uv tool install $VERBOSE_ARG ruff && true
run /nix/store/x-uv-0.9/bin/uv tool upgrade $VERBOSE_ARG black ruff
echo "uv tool install nothing"
`

func TestFindHomeManager(t *testing.T) {
	state := t.TempDir()
	if h := FindHomeManager(host.Dirs{State: state}); h.File != "" || h.Pythons() || h.Tools() {
		t.Errorf("without Home Manager: %+v", h)
	}
	file := filepath.Join(state, "home-manager/gcroots/current-home/activate")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(text string) HomeManager {
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return FindHomeManager(host.Dirs{State: state})
	}
	h := write(activation)
	for _, c := range []struct {
		name      string
		got, want []string
	}{
		{"versions", h.Versions, []string{"3.14", ">=3.12", "pypy3.11", "3.13.1"}},
		{"default", h.Default, []string{"3.14"}},
		{"packages", h.Packages, []string{"black==24.1.0", "ruff"}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
	if h.File != file || !h.Pythons() || !h.Tools() || !h.PrunePython || h.PruneTool {
		t.Errorf("%+v", h)
	}
	if h := write("#!/bin/bash\n_iNote activating\nrun nix profile install uv\n"); h.File != file || h.Pythons() || h.Tools() {
		t.Errorf("without programs.uv: %+v", h)
	}
	for _, text := range []string{"uv", "uv python", "uv python install", "uv python install '", "uv python install 'a\n'", "uv tool install \\", "\x00'\"((uv"} {
		if h := write(text); len(h.Versions)+len(h.Packages) > 0 {
			t.Errorf("%q: %+v", text, h)
		}
	}
}

// A generation that is there and cannot be read is not taken for none.
func TestFindHomeManager_unreadable(t *testing.T) {
	state := t.TempDir()
	first, second := filepath.Join(state, "home-manager/gcroots/current-home"), filepath.Join(state, "nix/profiles/home-manager")
	for _, dir := range []string{filepath.Dir(first), second} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(state, "collected"), first); err != nil {
		t.Fatal(err)
	}
	h := FindHomeManager(host.Dirs{State: state})
	if h.File != filepath.Join(first, "activate") || h.Err == nil || h.Pythons() || h.Tools() {
		t.Errorf("%+v", h)
	}
	if err := os.WriteFile(filepath.Join(second, "activate"), []byte("uv python install 3.14\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if h := FindHomeManager(host.Dirs{State: state}); h.File != filepath.Join(second, "activate") || h.Err != nil || !h.Pythons() {
		t.Errorf("beside one that can be read: %+v", h)
	}
}
