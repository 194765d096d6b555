package cli

import (
	"strings"
	"testing"

	"uvshim/shim/host"
)

func TestLine_Instead(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"uv run -q --with x prog arg", "run --quiet --with=x -- it -c"},
		{"uv run -m prog arg", "run -- it -c"},
		{"uvx ruff check", "tool run --from=ruff -- it -c"},
		{"uvx --from httpie http", "tool run --from=httpie -- it -c"},
		{"uv tool run --offline ruff", "tool run --from=ruff --offline -- it -c"},
		{"uv run", ""},
		{"uv run -s x.py", ""},
		{"uv run --gui-script x", ""},
		{"uv sync", ""},
		{"uv venv x", ""},
	} {
		words := fields(c.line)
		// what a variable says, it says to the other call as well
		line := Parse(words[0], words[1:]).With(host.Env{"UV_NO_SYNC=1", "UV_INDEX_STRATEGY=first-index"})
		got, ok := line.Instead("it", "-c")
		if strings.Join(got, " ") != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, %t", c.line, got, ok)
		}
	}
}

func TestYes(t *testing.T) {
	for word, want := range map[string]bool{"1": true, "True": true, "t": true, "YES": true, "y": true, "on": true, "0": false, "": false, "x": false} {
		if yes(word) != want {
			t.Errorf("%q: %t", word, !want)
		}
	}
}
