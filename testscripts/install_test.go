package testscripts

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"uvshim/testscripts/parts"
)

// installing is a machine on which install.sh can run: what it asks of a system, and a uv and a
// python3 that only say who they are.
type installing struct{ *home }

func newInstall(t testing.TB) installing {
	t.Helper()
	h := newHome(t)
	// install.sh is to make all of this itself
	if err := os.RemoveAll(h.Home); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(h.Home, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"awk", "cmp", "mktemp", "sha256sum"} {
		path, err := filepath.EvalSymlinks(parts.Tool(t, name)) // /etc/alternatives may be hidden
		if err != nil {
			t.Fatal(err)
		}
		if err := h.tool(name, path); err != nil {
			t.Fatal(err)
		}
	}
	// -I -S -c is how shim asks a Python on PATH that is a script who it is
	h.write(filepath.Join(h.Work, "bin", "python3"), `#!/bin/sh
case "$*" in
"-I -S -c "*) echo "shim cpython 3.13.1 -" ;;
*) printf 'Python 3.13.1\n%s\n' "$0" ;;
esac
`, 0o755)
	h.write(filepath.Join(h.Work, "bin", "uv"), `#!/bin/sh
case "$*" in
--version) echo "uv 0.13.9 (fake)" ;;
"python dir") echo "$HOME/.local/share/uv/python" ;;
"python dir --bin") echo "$HOME/.local/bin" ;;
*) exit 2 ;;
esac
`, 0o755)
	return installing{h}
}

// install runs install.sh with the program under test.
func (h *home) install(args ...string) result {
	h.Helper()
	return h.Run(append([]string{"sh"}, h.installArgs(args...)...)...)
}

func (h *home) installArgs(args ...string) []string {
	h.Helper()
	script, err := filepath.Abs(filepath.Join("..", "install.sh"))
	if err != nil {
		h.Fatal(err)
	}
	if !slices.Contains(args, "--uninstall") && !slices.Contains(args, "--keep") {
		args = append([]string{"--from", binary, "--sha256", digest(h, binary)}, args...)
	}
	return append([]string{script}, args...)
}

func digest(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// write makes a file and the directories above it.
func (h *home) write(path, text string, mode os.FileMode) {
	h.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		h.Fatal(err)
	}
}

// tree returns what lies below dir: path, type and mode, and contents or the end of the link. Of
// shim's cache, which holds inode numbers, only that it is there.
func tree(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, "/.cache/shim") {
			fmt.Fprintln(&b, strings.TrimPrefix(path, dir))
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %s", strings.TrimPrefix(path, dir), info.Mode())
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if len(data) > 4096 {
				data = []byte(digest(t, path))
			}
			fmt.Fprintf(&b, " %q", data)
		case info.Mode()&fs.ModeSymlink != 0:
			end, err := os.Readlink(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " -> %s", end)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func (h *home) read(path string) string {
	h.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		h.Fatal(err)
	}
	return string(data)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestInstallFresh(t *testing.T) {
	t.Parallel()
	h := newInstall(t)
	r := h.install()
	if r.Code != 0 || r.Stderr != "" || !strings.Contains(r.Stdout, "\nA bare python is now Python 3.13.1:\n") || !strings.Contains(r.Stdout, "exec \"$SHELL\" -l") {
		t.Fatalf("%+v", r)
	}
	for _, path := range []string{h.ShimDir + "/python", h.Home + "/.local/bin/shim", h.Home + "/.local/share/shim/env.fish", h.Home + "/.config/shim/policy.toml", h.Home + "/.profile"} {
		if !exists(path) {
			t.Errorf("no %s", path)
		}
	}
	if got, _ := filepath.Glob(h.Home + "/.local/bin/*"); len(got) != 1 {
		t.Errorf("~/.local/bin holds %q: only the command is to be there", got)
	}
	before := tree(t, h.Home)
	again := h.install()
	if again.Code != 0 || !strings.Contains(again.Stdout, "already set in ") || strings.Contains(again.Stdout, " set in ~/.profile\n  ") {
		t.Errorf("%+v", again)
	}
	if after := tree(t, h.Home); after != before {
		t.Errorf("the second run changed something:\n%s\nbefore:\n%s", after, before)
	}
}

// awkward are start files in which lines are easily lost or added.
var awkward = map[string]string{
	".bashrc":                  "case $- in\n    *i*) ;;\n      *) return;;\nesac\nexport A=1", // no newline at the end
	".bash_profile":            "\n\n. ~/.bashrc\r\n\n\n",
	".profile":                 "",
	".zshenv":                  "export \xff\xfe=1 # \\n %s $HOME\n",
	".zshrc":                   "\n",
	".zlogin":                  "x",
	".config/fish/config.fish": "set -g a b\\\nc",
}

func TestInstallUninstall(t *testing.T) {
	t.Parallel()
	h := newInstall(t)
	for _, name := range []string{"zsh", "fish", "bash"} {
		h.write(filepath.Join(h.Work, "bin", name), "#!/bin/sh\n", 0o755)
	}
	for name, text := range awkward {
		h.write(filepath.Join(h.Home, name), text, 0o600)
	}
	// a file in a repository of dotfiles, and a link to one that is not there yet
	h.write(filepath.Join(h.Work, "dotfiles", "zprofile"), "export B=2", 0o640)
	for link, end := range map[string]string{".zprofile": h.Work + "/dotfiles/zprofile", ".config/fish/conf.d": h.Work + "/dotfiles"} {
		if err := os.Symlink(end, filepath.Join(h.Home, link)); err != nil {
			t.Fatal(err)
		}
	}
	before := tree(t, h.Work)
	if r := h.install(); r.Code != 0 || strings.Contains(r.Stdout, "cannot be written") {
		t.Fatalf("%+v", r)
	}
	for name := range awkward {
		if !strings.Contains(h.read(filepath.Join(h.Home, name)), "# >>> shim >>>") {
			t.Errorf("no block in %s", name)
		}
	}
	if !exists(h.Work + "/dotfiles/shim.fish") {
		t.Error("no block for fish")
	}
	during := tree(t, h.Home)
	dry := h.install("--uninstall", "--dry-run")
	if dry.Code != 0 || tree(t, h.Home) != during {
		t.Errorf("a dry run changed something: %+v", dry)
	}
	for _, line := range []string{"to remove ~/.local/bin/shim\n", "to edit   ~/.bashrc\n"} {
		if strings.Count(dry.Stdout, line) != 1 {
			t.Errorf("%q is not said once:\n%s", line, dry.Stdout)
		}
	}
	if r := h.install("--uninstall"); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	for _, kept := range []string{".config/shim/policy.toml", ".local/state/shim/shim.lock"} {
		if !exists(filepath.Join(h.Home, kept)) {
			t.Errorf("--uninstall took %s", kept)
		}
	}
	if r := h.install("--uninstall", "--purge"); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	// what that run cannot know any more to be its own
	for _, dir := range []string{".config/shim", ".config/fish", ".config", ".local/state", ".local"} {
		os.Remove(filepath.Join(h.Home, dir))
	}
	if after := tree(t, h.Work); after != before {
		t.Errorf("after --uninstall:\n%s\nbefore:\n%s", after, before)
	}
}

// Whatever was there, --purge right away leaves the machine as it was.
func TestInstallPurge(t *testing.T) {
	t.Parallel()
	h := newInstall(t)
	before := tree(t, h.Work)
	for _, args := range [][]string{nil, {"--uninstall", "--purge"}} {
		if r := h.install(args...); r.Code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	if after := tree(t, h.Work); after != before {
		t.Errorf("after --purge:\n%s\nbefore:\n%s", after, before)
	}
}

// A block whose end is gone, by a hand or by a merge, does not take the rest of the file with it.
func TestInstallDamagedBlock(t *testing.T) {
	t.Parallel()
	h := newInstall(t)
	text := "export A=1\n# >>> shim >>>\nexport B=2\n"
	h.write(h.Home+"/.profile", text, 0o644)
	h.install()
	if got := h.read(h.Home + "/.profile"); !strings.HasPrefix(got, text) {
		t.Errorf("install made %q", got)
	}
	h.install("--uninstall")
	if got := h.read(h.Home + "/.profile"); got != text {
		t.Errorf("uninstall left %q", got)
	}
}

// What a user adds after the block stays, and a second install puts the block after it.
func TestInstallUserAddsLines(t *testing.T) {
	t.Parallel()
	h := newInstall(t)
	h.write(h.Home+"/.profile", "a=1", 0o644)
	h.install()
	block := strings.TrimPrefix(h.read(h.Home+"/.profile"), "a=1\n")
	h.write(h.Home+"/.profile", "a=1\n"+block+"b=2\n", 0o644)
	h.install()
	if got, want := h.read(h.Home+"/.profile"), "a=1\nb=2\n# >>> shim >>>\n"; !strings.HasPrefix(got, want) {
		t.Errorf("the second install made %q", got)
	}
	h.install("--uninstall")
	if got := h.read(h.Home + "/.profile"); got != "a=1\nb=2\n" {
		t.Errorf("uninstall left %q", got)
	}
	h.write(h.Home+"/.profile", "a=1\n"+block+"b=2", 0o644)
	h.install("--uninstall")
	if got := h.read(h.Home + "/.profile"); got != "a=1\nb=2" {
		t.Errorf("uninstall left %q", got)
	}
}

// The block stands before the line at which a .bashrc ends for shells that are not interactive.
func TestInstallBashrcPlace(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		line       int // of the first block
		blocks     int
	}{
		{"debian", "# c\n# d\ncase $- in\n    *i*) ;;\n      *) return;;\nesac\n", 3, 2},
		{"ps1_test", "PATH=a:$PATH\n[ -z \"$PS1\" ] && return\n", 2, 2},
		{"double_bracket", "a\n[[ $- != *i* ]] && return\n", 2, 2},
		{"if_then", "a\nif [[ $- != *i* ]] ; then\n\treturn\nfi\n", 2, 2},
		{"interactive_part", "a\nif [ -n \"$PS1\" ]; then\n b\nfi\n", 2, 2},
		{"unknown_return", "a\ntrue && return\n", 1, 2},
		{"first_line", "#!/bin/bash\nfalse || exit\n", 2, 2},
		{"ends_in_exec", "a\nexec fish\n", 1, 2},
		{"read_to_the_end", "a\n# return\nb\n", 4, 1},
		{"continued_line", "a=1 \\\n[ -z \"$PS1\" ] && return\n", 1, 2},
		{"empty", "", 1, 1},
	}
	h := newInstall(t)
	for _, test := range tests {
		h.write(h.Home+"/.bashrc", test.text, 0o644)
		h.install()
		got := h.read(h.Home + "/.bashrc")
		before, _, _ := strings.Cut(got, "# >>> shim >>>\n")
		if line := strings.Count(before, "\n") + 1; line != test.line || strings.Count(got, "# >>> shim >>>\n") != test.blocks {
			t.Errorf("%s: first block at line %d, want %d:\n%s", test.name, line, test.line, got)
		}
	}
}

// What cannot be edited is left alone, and the line to add is shown.
func TestInstallReadOnlyStartFiles(t *testing.T) {
	t.Parallel()
	h := newInstall(t)
	h.write(filepath.Join(h.Work, "bin", "zsh"), "#!/bin/sh\n", 0o755)
	h.write(h.Home+"/.profile", "a\n", 0o444)
	for _, link := range []string{".bashrc", ".zshrc"} {
		if err := os.Symlink("/nix/store/00000000000000000000000000000000-home-manager-files/"+link, filepath.Join(h.Home, link)); err != nil {
			t.Fatal(err)
		}
	}
	r := h.install()
	for _, want := range []string{
		"left alone, being links into the Nix store: ~/.bashrc ~/.zshrc\n",
		`home.sessionPath = [ "$HOME/.local/share/shim/bin" ];`,
		"cannot be written: ~/.profile\n",
		`. "` + h.Home + `/.local/share/shim/env.sh"`,
	} {
		if r.Code != 0 || !strings.Contains(r.Stdout, want) {
			t.Errorf("%q is missing: %+v", want, r)
		}
	}
	if h.read(h.Home+"/.profile") != "a\n" {
		t.Error("a read-only file was changed")
	}
	for _, link := range []string{".bashrc", ".zshrc"} {
		if _, err := os.Readlink(filepath.Join(h.Home, link)); err != nil {
			t.Errorf("a link into the store was replaced: %v", err)
		}
	}
}

func TestInstallOptions(t *testing.T) {
	t.Parallel()
	h := newInstall(t)
	script, _ := filepath.Abs("../install.sh")
	before := tree(t, h.Home)
	sum := digest(t, binary)
	tests := []struct {
		name string
		args []string
		code int
		want string // in what it prints
	}{
		{"help", []string{"--help"}, 0, "usage: install.sh"},
		{"unknown_option", []string{"--frm", "x"}, 2, `unknown option "--frm"`},
		{"no_value", []string{"--from"}, 2, "--from wants a value"},
		{"no_hash", []string{"--from", binary}, 2, "--from wants --sha256"},
		{"no_file", []string{"--sha256", sum}, 2, "--sha256 is for --from"},
		{"file_missing", []string{"--from", "none", "--sha256", sum}, 2, `no file "none"`},
		{"keep_and_from", []string{"--keep", "--from", binary, "--sha256", sum}, 2, "--keep goes neither with"},
		{"keep_and_uninstall", []string{"--keep", "--uninstall"}, 2, "--keep goes neither with"},
		{"keep_nothing", []string{"--keep"}, 1, "there is no ~/.local/bin/shim to keep"},
		{"purge_alone", []string{"--purge"}, 2, "--purge is for --uninstall"},
		{"other_hash", []string{"--from", binary, "--sha256", strings.Repeat("0", 64)}, 1, "has the SHA-256 " + sum},
		{"not_a_program", []string{"--from", script, "--sha256", digest(t, script)}, 1, "does not run"},
		{"dry_run", []string{"--from", binary, "--sha256", sum, "--dry-run"}, 0, "would be ~/.local/bin/shim"},
		{"nothing_to_uninstall", []string{"--uninstall"}, 0, "shim is gone"},
	}
	for _, test := range tests {
		r := h.Run(append([]string{"sh", script}, test.args...)...)
		if r.Code != test.code || !strings.Contains(r.Stdout+r.Stderr, test.want) {
			t.Errorf("%s: %+v, want exit %d and %q", test.name, r, test.code, test.want)
		}
		if after := tree(t, h.Home); after != before {
			t.Fatalf("%s changed something:\n%s", test.name, after)
		}
	}

	if r := h.install("--no-modify-path", "--prefix", "opt"); r.Code != 0 || !exists(h.Work+"/opt/bin/shim") || exists(h.Home+"/.local/bin") || exists(h.Home+"/.profile") {
		t.Errorf("%+v", r)
	}
	// the place of the command is remembered, and needs no building where it is kept
	opt := h.Work + "/opt/bin/shim"
	h.write(opt, h.read(opt)+"\n", 0o755)
	if r := h.install("--keep", "--no-modify-path"); r.Code != 0 || !strings.HasSuffix(h.read(opt), "\n") || exists(h.Home+"/.local/bin") {
		t.Errorf("%+v", r)
	}
	if r := h.install("--uninstall"); r.Code != 0 || exists(h.Work+"/opt") {
		t.Errorf("%+v", r)
	}

	h.write(h.Home+"/.local/bin/shim", "#!/bin/sh\n", 0o755)
	if r := h.install(); r.Code != 1 || !strings.Contains(r.Stderr, "is another program") || exists(h.ShimDir) {
		t.Errorf("over another shim: %+v", r)
	}
	h.install("--uninstall")
	if !exists(h.Home + "/.local/bin/shim") {
		t.Error("--uninstall removed another shim")
	}
}

// Spaces and what shells expand in the name of the home directory, and other base directories.
func TestInstallOddPlaces(t *testing.T) {
	t.Parallel()
	h := newInstall(t)
	odd := filepath.Join(h.Work, "a $(home) `x`\"'\\")
	if err := os.Rename(h.Home, odd); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(h.Work, "o $x d", "data")
	h.Set(vars{"HOME": odd, "XDG_DATA_HOME": data})
	if r := h.install(); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	// the start file finds it without XDG_DATA_HOME, which may be set only later
	h.Env = h.Env.Without("XDG_DATA_HOME")
	if r := h.Run("sh", "-c", `. "$HOME/.profile"; command -v python`); r.Stdout != data+"/shim/bin/python\n" {
		t.Errorf("%+v", r)
	}
	h.Set(vars{"XDG_DATA_HOME": h.Work + "/with:colon"})
	if r := h.install(); r.Code != 1 || !strings.Contains(r.Stderr, "cannot stand on PATH") {
		t.Errorf("%+v", r)
	}
}

func TestInstallForeignHome(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a home away")
	}
	h := newInstall(t)
	// a link to one's own home may belong to anyone
	link := filepath.Join(h.Work, "link")
	if err := errors.Join(os.Symlink(h.Home, link), os.Lchown(link, 12345, 12345)); err != nil {
		t.Fatal(err)
	}
	h.Set(vars{"HOME": link})
	for _, args := range [][]string{nil, {"--uninstall", "--purge"}} {
		if r := h.install(args...); r.Code != 0 {
			t.Errorf("%+v", r)
		}
	}
	h.Set(vars{"HOME": h.Home})
	if err := os.Chown(h.Home, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if r := h.install(); r.Code != 1 || !strings.Contains(r.Stderr, "does not belong to you") || exists(h.Home+"/.local") {
		t.Errorf("%+v", r)
	}
}

func TestInstallPolicy(t *testing.T) {
	t.Parallel()
	keys := []string{
		"cpython-3.9.20", "cpython-3.14.0", "cpython-3.14.1", "cpython-3.14.1+freethreaded", "cpython-3.15.0a1", "pypy-3.11.13",
	}
	const found = `# default = ["3.14"]  # what a bare python is; without it, the newest`
	tests := []struct{ name, pin, link, was, want string }{
		{"newest", "", "", found, `default = ["3.14"]  # the newest`},
		{"global_pin", "# mine\n 3.9\n3.14\n", "", "", `default = ["3.9"]  # uv's global pin, ~/.config/uv/.python-version`},
		{"global_pin_patch", "3.14.0\n", "", "", `default = ["3.14.0"]  # uv's global pin, ~/.config/uv/.python-version`},
		{"global_pin_absent", "3.8\n", "", "", found},
		{"bare_link", "3.14\n", "cpython-3.9-linux-x86_64-gnu/bin/python3.9", "", `    "3.9",  # ~/.local/bin/python leads to it`},
	}
	for _, test := range tests {
		h := newInstall(t)
		pythons := filepath.Join(h.Home, ".local", "share", "uv", "python")
		for _, key := range keys {
			impl, number, _ := strings.Cut(key, "-")
			minor := number[:strings.LastIndexByte(number, '.')]
			h.write(filepath.Join(pythons, key+"-linux-x86_64-gnu", "bin", strings.Replace(impl, "cpython", "python", 1)+minor), h.read(h.Work+"/bin/python3"), 0o755)
		}
		if err := os.Symlink(pythons+"/cpython-3.9.20-linux-x86_64-gnu", pythons+"/cpython-3.9-linux-x86_64-gnu"); err != nil {
			t.Fatal(err)
		}
		if test.pin != "" {
			h.write(h.Home+"/.config/uv/.python-version", test.pin, 0o644)
		}
		if test.link != "" {
			h.write(h.Home+"/.local/bin/x", "", 0o644)
			if err := os.Symlink(pythons+"/"+test.link, h.Home+"/.local/bin/python"); err != nil {
				t.Fatal(err)
			}
		}
		r := h.install()
		want := h.Run(h.ShimDir+"/shim", "init", "--print").Stdout
		if test.was != "" {
			want = strings.Replace(want, test.was, test.want, 1)
		}
		if got := h.read(h.Home + "/.config/shim/policy.toml"); got != want || !strings.Contains(got, "\n"+test.want+"\n") {
			t.Errorf("%s: %+v\n%s\nwant\n%s", test.name, r, got, want)
		}
		if r := h.Run(h.ShimDir+"/shim", "which", "python"); test.want != found && (r.Code != 0 || r.Stderr != "") {
			t.Errorf("%s: the policy is not taken: %+v", test.name, r)
		}
		h.write(h.Home+"/.config/shim/policy.toml", "# mine\n", 0o644)
		if h.install(); h.read(h.Home+"/.config/shim/policy.toml") != "# mine\n" {
			t.Errorf("%s: a policy was replaced", test.name)
		}
	}
}

// A policy is never written again, even if it is as it was written, with nothing in it.
func TestInstallPolicyStays(t *testing.T) {
	t.Parallel()
	h := newInstall(t)
	h.install()
	policy := h.read(h.Home + "/.config/shim/policy.toml")
	h.write(h.Home+"/.local/share/uv/python/cpython-3.14.1-linux-x86_64-gnu/bin/python3.14", h.read(h.Work+"/bin/python3"), 0o755)
	if r := h.install(); r.Code != 0 || h.read(h.Home+"/.config/shim/policy.toml") != policy || !strings.Contains(r.Stdout, "policy.toml (kept)\n") {
		t.Errorf("%+v\n%s", r, h.read(h.Home+"/.config/shim/policy.toml"))
	}
}

// The completions are found by shells that nobody told where.
func TestInstallCompletions(t *testing.T) {
	t.Parallel()
	h := newInstall(t)
	for _, name := range []string{"bash", "zsh", "fish"} {
		if err := h.tool(name, parts.Tool(t, name)); err != nil {
			t.Fatal(err)
		}
	}
	files := []string{
		h.Home + "/.local/share/bash-completion/completions/shim", h.Home + "/.local/share/shim/zsh/_shim",
		h.Home + "/.local/share/fish/vendor_completions.d/shim.fish",
	}
	dry := h.install("--dry-run")
	for _, file := range files {
		if want := "completions would be ~" + strings.TrimPrefix(file, h.Home) + "\n"; !strings.Contains(dry.Stdout, want) {
			t.Errorf("no %q in %+v", want, dry)
		}
	}
	mine := "# my own\n"
	h.write(files[2], mine, 0o644)
	if r := h.install(); r.Code != 0 || h.read(files[2]) != mine || !strings.Contains(r.Stderr, "shim.fish is there already and not from here") {
		t.Errorf("%+v", r)
	}
	os.Remove(files[2])
	h.install()
	for _, argv := range [][]string{
		{"bash", "-c", `. "$HOME/.local/share/bash-completion/completions/shim"; complete -p shim`},
		{"zsh", "-ic", `autoload -U compinit; compinit -D; echo "$_comps[shim]"`},
		{"fish", "-c", `complete -C "shim wh"`},
	} {
		want := map[string]string{"bash": "complete -F _shim shim\n", "zsh": "_shim\n", "fish": "which\tthe real"}[argv[0]]
		if r := h.Run(argv...); !strings.HasPrefix(r.Stdout, want) {
			t.Errorf("%q: %+v", argv, r)
		}
	}
	h.install("--uninstall")
	for _, file := range files {
		if exists(file) {
			t.Errorf("%s stays", file)
		}
	}
}

// What --uninstall leaves it names, and a dry run says what would be.
func TestInstallUninstallNames(t *testing.T) {
	t.Parallel()
	h := newInstall(t)
	line, guarded := `. "$HOME/.local/share/shim/env.sh"`, `[ ! -r ~/.local/share/shim/env.sh ] || . ~/.local/share/shim/env.sh`
	h.install()
	h.write(h.Home+"/.profile", h.read(h.Home+"/.profile")+"# shim/env.sh\n"+line+"\n", 0o644)
	h.write(h.Home+"/.bashrc", guarded+"\n", 0o644)
	h.write(h.Home+"/.local/share/shim/uv/bin/uv", "#!/bin/sh\n", 0o755)
	h.write(h.Home+"/.local/state/shim/pin", "schema = 1\n3.14\n3.13\n", 0o644)
	pin := h.Home + "/.config/uv/.python-version"
	h.write(pin, "3.13\n", 0o644)
	dry := h.install("--uninstall", "--purge", "--dry-run")
	real := h.install("--uninstall", "--purge")
	for _, r := range []result{dry, real} {
		for _, want := range []string{"~/.profile has a line of its own for shim, take it out: " + line + "\n", "~/.bashrc has a line of its own for shim, take it out: " + guarded + "\n"} {
			if r.Code != 0 || strings.Count(r.Stderr, want) != 1 || strings.Count(r.Stderr, "\n") != 2 {
				t.Errorf("%q is not said once: %+v", want, r)
			}
		}
		if !strings.Contains(r.Stdout, "~/.config/uv/.python-version, uv's global pin, which shim sync wrote: 3.13\n") {
			t.Errorf("no word on the pin: %+v", r)
		}
	}
	if !exists(pin) {
		t.Error("the pin is gone")
	}
	for _, past := range []string{"went", "removed ", "kept ", " are as they were", "is gone"} {
		if strings.Contains(dry.Stdout, past) || !strings.Contains(dry.Stdout, "would go with it") {
			t.Errorf("a dry run says %q: %s", past, dry.Stdout)
		}
	}
	if !strings.Contains(real.Stdout, "went with it") {
		t.Errorf("%+v", real)
	}
	// a pin that is the user's is not worth a word
	h.write(pin, "3.12\n", 0o644)
	h.write(h.Home+"/.local/state/shim/pin", "schema = 1\n3.14\n", 0o644)
	if r := h.install("--uninstall", "--purge"); strings.Contains(r.Stdout, "global pin") {
		t.Errorf("%+v", r)
	}
}

// With no Python at all uv installs one; a policy comes with it.
func TestInstallNoPython(t *testing.T) {
	t.Parallel()
	h := newInstall(t)
	os.Remove(h.Work + "/bin/python3")
	os.Remove(h.Work + "/bin/uv")
	r := h.install()
	if r.Code != 1 || !strings.Contains(r.Stderr, "no Python answers yet") || !strings.Contains(r.Stderr, "Install uv") || exists(h.Home+"/.config/shim/policy.toml") {
		t.Errorf("%+v", r)
	}
	h.Set(h.mirror("fake"))
	r = h.install()
	if r.Code != 0 || !strings.Contains(r.Stdout, "none found; installing the newest with uv") || !strings.Contains(r.Stdout, "managed by uv") {
		t.Errorf("%+v", r)
	}
	if got := h.read(h.Home + "/.config/shim/policy.toml"); !strings.Contains(got, "\nversions = [\"3.14\"]") || !strings.Contains(got, "\ndefault = [\"3.14\"]  # the newest\n") {
		t.Errorf("the policy is\n%s", got)
	}
	if got, _ := filepath.Glob(h.Home + "/.local/bin/*"); len(got) != 1 {
		t.Errorf("~/.local/bin holds %q", got)
	}
}

// On NixOS uv comes from the system.
func TestInstallNixOS(t *testing.T) {
	t.Parallel()
	h := newInstall(t)
	bwrap := parts.Tool(t, "bwrap")
	if r := h.Run(bwrap, "--dev-bind", "/", "/", "true"); r.Code != 0 {
		parts.Missing(t, fmt.Errorf("bwrap cannot make a mount namespace: %s", r.Stderr))
	}
	os.Remove(h.Work + "/bin/uv")
	h.write(h.Work+"/etc/NIXOS", "", 0o644)
	script, _ := filepath.Abs("../install.sh")
	r := h.Run(bwrap, "--dev-bind", "/", "/", "--ro-bind", h.Work+"/etc", "/etc", "sh", script, "--from", binary, "--sha256", digest(t, binary))
	for _, want := range []string{"environment.localBinInPath = true;", "systemPackages = with pkgs; [ uv ];", "programs.nix-ld = {"} {
		if r.Code != 0 || !strings.Contains(r.Stdout, want) {
			t.Errorf("%q is missing: %+v", want, r)
		}
	}
	if exists(h.Home + "/.local/share/shim/uv") {
		t.Error("uv was fetched")
	}
}

// uv is fetched with whatever pip there is, and only its two programs are kept.
func TestInstallFetchesUV(t *testing.T) {
	t.Parallel()
	h := newInstall(t)
	os.Remove(h.Work + "/bin/uv")
	// pip as in python -m pip install --target DIR uv
	h.write(h.Work+"/bin/python3", `#!/bin/sh
case "$*" in
"-I -S -c "*) echo "shim cpython 3.13.1 -" ;;
"-m pip install "*"--target "*" uv")
    while [ "$1" != --target ]; do shift; done
    mkdir -p "$2/bin" "$2/uv"
    printf '#!/bin/sh\ncase "$*" in --version) echo "uv 0.13.9" ;; *) exit 2 ;; esac\n' >"$2/bin/uv"
    cp "$2/bin/uv" "$2/bin/uvx"
    chmod 755 "$2/bin/uv" "$2/bin/uvx"
    ;;
-m*) exit 1 ;;
*) printf 'Python 3.13.1\n%s\n' "$0" ;;
esac
`, 0o755)
	// before it on PATH another without pip
	h.write(h.Work+"/first/python3", "#!/bin/sh\n[ \"$1\" = -c ]\n", 0o755)
	h.Set(vars{"PATH": h.Work + "/first:" + h.Env.Get("PATH")})
	r := h.install()
	os.RemoveAll(h.Work + "/first")
	if !strings.Contains(r.Stdout, "~/.local/share/shim/uv/bin/uv 0.13.9\n") {
		t.Errorf("%+v", r)
	}
	if got, _ := filepath.Glob(h.Home + "/.local/share/shim/uv/*/*"); len(got) != 2 {
		t.Errorf("of the wheel %q was kept", got)
	}
	if r := h.install(); !strings.Contains(r.Stdout, "uv        ~/.local/share/shim/uv/bin/uv 0.13.9\n") {
		t.Errorf("%+v", r)
	}
}

// Half a download does nothing.
func TestInstallCutOff(t *testing.T) {
	t.Parallel()
	h := newInstall(t)
	script, err := os.ReadFile("../install.sh")
	if err != nil {
		t.Fatal(err)
	}
	before := tree(t, h.Home)
	var cuts []int
	for n := range len(script) {
		// any line of the script, and any byte of its end
		if n%8 == 0 && script[n] == '\n' || n > len(script)-30 {
			cuts = append(cuts, n)
		}
	}
	path := filepath.Join(h.Work, "cut.sh")
	for _, n := range cuts[:len(cuts)-1] { // the last byte is the last newline
		h.write(path, string(script[:n]), 0o644)
		r := h.Run("sh", path, "--from", binary, "--sha256", digest(t, binary), "--no-modify-path")
		if r.Stdout != "" || strings.Contains(r.Stderr, "shim: ") || tree(t, h.Home) != before {
			t.Fatalf("cut off at byte %d of %d: %+v", n, len(script), r)
		}
	}
}

// Killed before any of its changes, install.sh can be run again and ends where an undisturbed run
// ends; and so does --uninstall.
func TestInstallInterrupted(t *testing.T) {
	t.Parallel()
	h := newInstall(t)
	h.write(h.Home+"/.profile", "a=1", 0o644)
	h.write(h.Home+"/.bashrc", "[ -z \"$PS1\" ] && return\n", 0o644)
	before := tree(t, h.Home)
	if r := h.install(); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	installed := tree(t, h.Home)
	purge := func() {
		t.Helper()
		if r := h.install("--uninstall", "--purge"); r.Code != 0 || tree(t, h.Home) != before {
			t.Fatalf("%+v\n%s\nwant\n%s", r, tree(t, h.Home), before)
		}
	}
	purge()

	// programs that end the whole process group when the count is reached
	killers := filepath.Join(h.Work, "killers")
	for _, name := range []string{"mv", "cp", "rm", "mkdir", "rmdir", "cat"} {
		path, err := h.find(name)
		if err != nil {
			t.Fatal(err)
		}
		h.write(filepath.Join(killers, name), fmt.Sprintf("#!/bin/sh\nread -r n <%[1]q\nif [ \"$n\" -le 0 ]; then kill -KILL 0; fi\necho $((n - 1)) >%[1]q\nexec %[2]q \"$@\"\n", h.Work+"/count", path), 0o755)
	}
	path := h.Env.Get("PATH")
	// disturbed runs install.sh until the nth change, and reports whether it came that far
	disturbed := func(n int, args ...string) bool {
		h.write(h.Work+"/count", fmt.Sprintln(n), 0o644)
		h.Set(vars{"PATH": killers + ":" + path})
		cmd := h.Command(append([]string{"setsid", "-w", "sh"}, h.installArgs(args...)...)...)
		code, err := status(cmd.Run())
		if err != nil {
			t.Fatal(err)
		}
		h.Set(vars{"PATH": path})
		return code != 0
	}
	n := 0
	for ; disturbed(n); n += 4 {
		if r := h.install(); r.Code != 0 || tree(t, h.Home) != installed {
			t.Fatalf("after an end at change %d: %+v\n%s\nwant\n%s", n, r, tree(t, h.Home), installed)
		}
		purge()
		if disturbed(n); n < 200 {
			purge()
		}
	}
	if n < 20 {
		t.Errorf("only %d changes were seen", n)
	}
	h.install()
	for n = 0; disturbed(n, "--uninstall", "--purge"); n += 4 {
		if r := h.install("--uninstall", "--purge"); r.Code != 0 {
			t.Fatalf("%+v", r)
		}
		// the list of what was made is the last to go, and may leave its empty parents
		os.Remove(h.Home + "/.local/share")
		os.Remove(h.Home + "/.local")
		if after := tree(t, h.Home); after != before {
			t.Fatalf("after an end at change %d:\n%s\nwant\n%s", n, after, before)
		}
		h.install()
	}
	if n < 10 {
		t.Errorf("only %d changes were seen", n)
	}
}

func TestInstallShellcheck(t *testing.T) {
	t.Parallel()
	shellcheck := parts.Tool(t, "shellcheck")
	for _, file := range []string{"../install.sh", "../shim/link/env.sh"} {
		if out, err := exec.Command(shellcheck, "-s", "sh", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}

// Without --from it is built: with Go, or with a Go or the whole from Nix.
func TestInstallBuilds(t *testing.T) {
	t.Parallel()
	goTool := parts.Tool(t, "go")
	out, err := exec.Command(goTool, "env", "GOCACHE", "GOMODCACHE", "GOFLAGS", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	values := strings.Split(string(out), "\n")
	script, _ := filepath.Abs("../install.sh")
	setup := func() installing {
		h := newInstall(t)
		h.Set(vars{"GOCACHE": values[0], "GOMODCACHE": values[1], "GOFLAGS": values[2], "GOTOOLCHAIN": "local", "GOPROXY": "off"})
		return h
	}
	t.Run("go", func(t *testing.T) {
		h := setup()
		if err := h.tool("go", goTool); err != nil {
			t.Fatal(err)
		}
		if r := h.Run("sh", script); r.Code != 0 || !strings.Contains(r.Stdout, "shim (built with go)\n") {
			t.Errorf("%+v", r)
		}
	})
	// a nix that runs what follows -c, with Go on PATH, as nix shell does
	t.Run("nix_shell", func(t *testing.T) {
		h := setup()
		h.write(h.Work+"/bin/nix", "#!/bin/sh\necho \"$@\" >>"+h.Work+"/nix.log\nwhile [ \"$1\" != -c ]; do if [ $# = 0 ]; then exit 1; fi; shift; done\nshift\nPATH="+filepath.Dir(goTool)+":$PATH exec \"$@\"\n", 0o755)
		r := h.Run("sh", script)
		if log := h.read(h.Work + "/nix.log"); r.Code != 0 || !strings.Contains(r.Stdout, "shim (built with nix)\n") || !strings.Contains(log, "flakes shell nixpkgs#go -c go build") {
			t.Errorf("%+v\n%s", r, log)
		}
	})
	// a Go that is too old, and a nix that builds the flake
	t.Run("nix_flake", func(t *testing.T) {
		h := setup()
		for _, file := range []string{"install.sh", "go.mod"} {
			h.write(filepath.Join(h.Work, "source", file), h.read(filepath.Join("..", file)), 0o644)
		}
		h.write(h.Work+"/source/flake.nix", "", 0o644)
		h.write(h.Work+"/bin/go", "#!/bin/sh\necho \"go: too old\" >&2\nexit 1\n", 0o755)
		h.write(h.Work+"/bin/nix", "#!/bin/sh\nif [ \"$3 $4 $5\" = \"build path:$WORK/source --out-link\" ]; then mkdir -p \"$6/bin\" && cp "+binary+" \"$6/bin/shim\"; else exit 1; fi\n", 0o755)
		if r := h.Run("sh", h.Work+"/source/install.sh"); r.Code != 0 || !strings.Contains(r.Stdout, "shim (built with nix)\n") {
			t.Errorf("%+v", r)
		}
		os.Remove(h.Work + "/bin/nix")
		if r := h.Run("sh", h.Work+"/source/install.sh"); r.Code != 1 || !strings.Contains(r.Stderr, "go: too old\nshim: error: building with go failed") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("neither", func(t *testing.T) {
		h := setup()
		if r := h.Run("sh", script); r.Code != 1 || !strings.Contains(r.Stderr, "found neither go nor nix") || exists(h.Home+"/.local") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("no_source", func(t *testing.T) {
		h := setup()
		h.write(h.Work+"/install.sh", h.read(script), 0o755)
		if r := h.Run("sh", h.Work+"/install.sh"); r.Code != 1 || !strings.Contains(r.Stderr, "found no source beside install.sh") {
			t.Errorf("%+v", r)
		}
	})
}
