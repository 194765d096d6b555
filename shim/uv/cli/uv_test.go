package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"uvshim/testscripts/parts"
)

// A real is a uv to compare with: in a directory and a home of its own, without a network.
type real struct {
	dir string // of the program
	cwd string
	env []string
}

func newReal(t *testing.T) *real {
	t.Helper()
	home := t.TempDir()
	cwd := filepath.Join(home, "cwd")
	if err := os.Mkdir(cwd, 0o755); err != nil {
		t.Fatal(err)
	}
	return &real{filepath.Dir(parts.UV(t)), cwd, []string{"HOME=" + home, "PATH=" + home, "UV_OFFLINE=1", "UV_PYTHON_DOWNLOADS=never"}}
}

// run returns what the program says, both outputs in one, and its exit status.
func (r *real) run(t *testing.T, tool string, args ...string) (out string, status int) {
	t.Helper()
	cmd := exec.Command(filepath.Join(r.dir, tool), args...)
	cmd.Dir, cmd.Env, cmd.Stdin = r.cwd, r.env, strings.NewReader(text)
	both, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(both), cmd.ProcessState.ExitCode()
}

// refused reports whether uv's parser does not know a word of the line. There are other reasons for
// it to refuse one, which are none of Parse's.
func refused(out string) bool {
	return slices.ContainsFunc([]string{
		"error: unexpected argument '", "error: unrecognized subcommand '", "error: unexpected value '",
		"error: a value is required for '",
	}, func(text string) bool { return strings.Contains(out, text) })
}

// The real uv knows the lines that Parse knows, and no others. With --show-settings it does
// nothing but read them.
func TestParse_asUv(t *testing.T) {
	r := newReal(t)
	for _, row := range rows {
		words := fields(row.line)
		if strings.Contains(row.line, "''") {
			continue // another error, with the same words
		}
		out, status := r.run(t, words[0], append([]string{"--show-settings"}, words[1:]...)...)
		if got := refused(out); got != (row.want == "unknown") {
			t.Errorf("%s: %q, uv exits with %d and says\n%s", row.line, row.want, status, out)
		}
	}
}

// Every option of the table, under each of its names, is one of uv's, and takes a value or not as the
// table says: it is refused for a value too many or too few, under the name that the table gives it.
func TestTable_options(t *testing.T) {
	r := newReal(t)
	seen := map[string]bool{}
	for i := range commands {
		for s := range specs(i) {
			if seen[s.names] {
				continue
			}
			seen[s.names] = true
			path := strings.Fields(commands[i].path)
			for _, name := range strings.Split(s.names, ",") {
				word, want := "--"+name, "error: unexpected value 'x' for '--"+s.name()
				if len(name) == 1 {
					word = "-" + name
				}
				switch {
				case s.value:
					want = "error: a value is required for '--" + s.name() + " <"
				case len(name) == 1 && s.ends():
					want = "" // anything is well behind it
				case len(name) == 1:
					word, want = word+"=x", "error: unexpected argument '-=' found"
				default:
					word += "=x"
				}
				out, _ := r.run(t, "uv", append(path, word)...)
				if plain := strings.ReplaceAll(out, "'-"+s.names[:1]+", --", "'--"); !strings.Contains(plain, want) {
					t.Errorf("uv %s %s: %s", commands[i].path, word, out)
				} else if want == "" && refused(out) {
					t.Errorf("uv %s %s is refused: %s", commands[i].path, word, out)
				}
			}
		}
	}
	if len(seen) < 200 {
		t.Errorf("only %d options", len(seen))
	}
}

// A command takes as many words as the table says, and no more.
func TestTable_words(t *testing.T) {
	r := newReal(t)
	for i := range commands {
		c := &commands[i]
		if c.form == group || c.form == program {
			continue
		}
		n := c.words
		if n == many {
			n = 3
		}
		words := strings.Fields(c.path)
		if c.form == last {
			words = append(words, "--")
		}
		for range n {
			words = append(words, "fish") // the one word that generate-shell-completion takes
		}
		asked := append([]string{"--show-settings"}, words...)
		if out, _ := r.run(t, "uv", append(asked, "--no-such-option")...); c.form != last && !strings.Contains(out, "unexpected argument '--no-such-option'") {
			t.Errorf("%q with %d words: %s", c.path, n, out)
		}
		if c.words != many {
			if out, _ := r.run(t, "uv", append(asked, "fish")...); !strings.Contains(out, "unexpected argument 'fish'") {
				t.Errorf("%q with %d words: %s", c.path, n+1, out)
			}
		}
	}
}
