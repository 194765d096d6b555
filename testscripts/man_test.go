package testscripts

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"uvshim/shim/link"
	"uvshim/testscripts/parts"
)

const manual = "../cmd/shim/shim.1"

func readManual(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A described is a command as the program tells it, or as the manual does.
type described struct {
	words, options []string // of the options the names, sorted, without --help
}

// described returns what the program has. Completions are read off its command table, with the
// options as they are registered.
func (h *home) described() map[string]described {
	h.Helper()
	r := h.Run("shim", "completions", "bash")
	if r.Code != 0 {
		h.Fatalf("%+v", r)
	}
	all := map[string]described{}
	for _, line := range regexp.MustCompile(`(?m)^    (\w+)\) words="(.*?)" options="(.*?)"`).FindAllStringSubmatch(r.Stdout, -1) {
		d := described{words: strings.Fields(line[2])}
		for _, option := range strings.Fields(line[3]) {
			if option != "--help" {
				d.options = append(d.options, strings.TrimPrefix(option, "--"))
			}
		}
		all[line[1]] = d
	}
	if len(all) < 10 {
		h.Fatalf("%d commands only: %s", len(all), r.Stdout)
	}
	return all
}

// The manual has each command with just its options, on its line and in its list.
func TestManualCommands(t *testing.T) {
	t.Parallel()
	want := newHome(t).described()
	text := readManual(t)
	_, commands, ok := strings.Cut(text, "\n.Sh COMMANDS\n")
	commands, _, end := strings.Cut(commands, "\n.Sh ")
	if !ok || !end {
		t.Fatal("no section COMMANDS")
	}
	depth, name := 0, ""
	lines, lists := map[string][]string{}, map[string][]string{}
	option := regexp.MustCompile(`Fl -([a-z][a-z-]*)`)
	for line := range strings.Lines(commands) {
		macro, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if macro == ".Bl" {
			depth++
		} else if macro == ".El" {
			depth--
		}
		into := lists
		if macro == ".It" && depth == 1 {
			name, into = strings.Fields(rest)[1], lines
			lines[name] = nil
			if _, there := want[name]; !there {
				t.Errorf("the manual has a command %q, the program has not", name)
			}
		}
		if macro == ".It" {
			for _, found := range option.FindAllStringSubmatch(rest, -1) {
				into[name] = append(into[name], found[1])
			}
		}
	}
	for name, d := range want {
		if _, there := lines[name]; !there {
			t.Errorf("the manual has no command %s", name)
			continue
		}
		for where, got := range map[string][]string{"line": lines[name], "list": lists[name]} {
			slices.Sort(got)
			if !slices.Equal(got, d.options) {
				t.Errorf("%s: the %s in the manual has the options %q, the program %q", name, where, got, d.options)
			}
		}
	}

	// what is said of options elsewhere
	said := regexp.MustCompile(`(?:shim|Cm(?: shim)?) ([a-z]+) (?:\S+ )*?--([a-z-]+)`).FindAllStringSubmatch(text, -1)
	for _, use := range said {
		if !slices.Contains(want[use[1]].options, use[2]) {
			t.Errorf("the manual has %q, and shim %s has no --%s", use[0], use[1], use[2])
		}
	}
	if len(said) < 4 {
		t.Errorf("%d options are named in the text: the rule sees nothing", len(said))
	}
}

// The manual is right mdoc, and shows each command as the program's own usage line does.
func TestManualUsage(t *testing.T) {
	t.Parallel()
	mandoc := parts.Tool(t, "mandoc")
	if out, err := exec.Command(mandoc, "-T", "lint", "-W", "warning", manual).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	out, err := exec.Command(mandoc, "-T", "ascii", "-O", "width=400", manual).Output()
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(".\b").ReplaceAllString(string(out), "") // struck over
	h := newHome(t)
	for name := range h.described() {
		r := h.Run("shim", "help", name)
		_, usage, _ := strings.Cut(r.Stdout, "\nusage: shim ")
		usage, _, _ = strings.Cut(usage, "\n")
		usage = strings.ToLower(strings.NewReplacer("…", " ...", "|", " | ").Replace(usage))
		usage = regexp.MustCompile(` +`).ReplaceAllString(usage, " ")
		if !strings.Contains(shown, "\n     "+usage+"\n") {
			t.Errorf("the manual does not have %q", usage)
		}
	}
}

// The manual has what else can be named: the shims, the switches, first arguments and topics.
func TestManualNames(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	text := readManual(t)
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n,|", r) })
	has := func(kind, name string) {
		if !slices.Contains(words, name) {
			t.Errorf("the manual does not have the %s %s", kind, name)
		}
	}
	for _, name := range link.Names(nil) {
		has("shim", name)
	}
	for name, d := range h.described() {
		for _, word := range d.words {
			has("argument of "+name, word)
		}
	}
	switches := regexp.MustCompile(`SHIM_[A-Z]+`).FindAllString(h.Run("shim", "help").Stdout, -1)
	if len(switches) < 4 {
		t.Errorf("shim help names %q only", switches)
	}
	for _, name := range switches {
		has("variable", name)
	}
}

// install.sh puts the manual beside the command, where man looks for it, and takes away its own.
func TestInstallManual(t *testing.T) {
	t.Parallel()
	h := newInstall(t)
	place := filepath.Join(h.Home, ".local/share/man/man1/shim.1")
	if r := h.install("--dry-run"); r.Code != 0 || !strings.Contains(r.Stdout, "would be ~/.local/share/man/man1/shim.1") || exists(place) {
		t.Errorf("%+v", r)
	}
	if r := h.install(); r.Code != 0 || h.read(place) != readManual(t) {
		t.Fatalf("%+v", r)
	}
	h.write(place, ".\\\" of an older uvshim/shim\n", 0o644)
	if r := h.install(); r.Code != 0 || h.read(place) != readManual(t) {
		t.Errorf("the manual was not brought up to date: %+v", r)
	}
	if r := h.install("--uninstall", "--dry-run"); r.Code != 0 || !strings.Contains(r.Stdout, "~/.local/share/man/man1/shim.1") || !exists(place) {
		t.Errorf("%+v", r)
	}
	if r := h.install("--uninstall"); r.Code != 0 || exists(filepath.Join(h.Home, ".local/share/man")) {
		t.Errorf("%+v", r)
	}

	// without the list of what was made, too
	h.install()
	if err := os.Remove(filepath.Join(h.Home, ".local/share/shim/installed")); err != nil {
		t.Fatal(err)
	}
	if r := h.install("--uninstall"); r.Code != 0 || exists(place) {
		t.Errorf("%+v", r)
	}

	// its place is remembered, as the command's is
	if r := h.install("--no-modify-path", "--prefix", "opt"); r.Code != 0 || !exists(h.Work+"/opt/share/man/man1/shim.1") || exists(place) {
		t.Errorf("%+v", r)
	}
	if r := h.install("--uninstall"); r.Code != 0 || exists(h.Work+"/opt") {
		t.Errorf("%+v", r)
	}

	h.write(place, "another shim's\n", 0o644)
	if r := h.install(); r.Code != 0 || h.read(place) != "another shim's\n" || !strings.Contains(r.Stderr, "not from here") {
		t.Errorf("over another manual: %+v", r)
	}
	if r := h.install("--uninstall"); r.Code != 0 || h.read(place) != "another shim's\n" {
		t.Errorf("--uninstall took another manual: %+v", r)
	}

	// nor is a link written through, and for want of a place all else is installed
	older := filepath.Join(h.Work, "older.1")
	h.write(older, ".\\\" of an older uvshim/shim\n", 0o644)
	if err := errors.Join(os.Remove(place), os.Symlink(older, place)); err != nil {
		t.Fatal(err)
	}
	if r := h.install(); r.Code != 0 || h.read(older) != h.read(place) || h.read(older) == readManual(t) {
		t.Errorf("over a link: %+v", r)
	}
	man := filepath.Join(h.Home, ".local/share/man")
	if err := os.RemoveAll(man); err != nil {
		t.Fatal(err)
	}
	h.write(man, "", 0o644)
	if r := h.install(); r.Code != 0 || !strings.Contains(r.Stderr, "cannot write the manual, ~/.local/share/man/man1/shim.1") {
		t.Errorf("without a place: %+v", r)
	}

	// a script by itself has no manual, and needs none
	script := filepath.Join(h.Work, "alone", "install.sh")
	text, err := os.ReadFile("../install.sh")
	if err != nil {
		t.Fatal(err)
	}
	h.write(script, string(text), 0o755)
	if err := os.Remove(man); err != nil {
		t.Fatal(err)
	}
	if r := h.Run("sh", script, "--from", binary, "--sha256", digest(t, binary)); r.Code != 0 || r.Stderr != "" || exists(place) {
		t.Errorf("%+v", r)
	}
}
