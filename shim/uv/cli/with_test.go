package cli

import (
	"slices"
	"strings"
	"testing"

	"uvshim/shim/host"
)

func TestWith(t *testing.T) {
	for _, row := range []struct{ name, line, env, want string }{
		{"flag", "run x", "UV_NO_SYNC=1", "run: run --no-sync@UV_NO_SYNC program ['x']"},
		{"flag_yes", "run x", "UV_NO_SYNC=Yes", "run: run --no-sync@UV_NO_SYNC program ['x']"},
		{"flag_no", "run x", "UV_NO_SYNC=0", "run: run program ['x']"},
		{"flag_empty", "run x", "UV_NO_SYNC=", "run: run program ['x']"},
		{"flag_nonsense", "run x", "UV_NO_SYNC=maybe", "run: run program ['x']"},
		{"flag_onTheLine", "run --no-sync x", "UV_NO_SYNC=1", "run: run --no-sync program ['x']"},
		{"flag_takenBack", "--no-offline run x", "UV_OFFLINE=1", "run: run --no-offline program ['x']"},
		{"flag_pair", "run --no-dev x", "UV_DEV=1", "run: run --no-dev program ['x']"},
		{"flag_ofAnotherCommand", "pip install x", "UV_NO_SYNC=1", "change: pip install words ['x']"},
		{"value", "run x", "UV_PYTHON=3.12", "run: run --python='3.12'@UV_PYTHON program ['x']"},
		{"value_empty", "run x", "UV_PYTHON=", "run: run program ['x']"},
		{"value_onTheLine", "run -p 3.13 x", "UV_PYTHON=3.12", "run: run --python='3.13' program ['x']"},
		{"flag_valueOfThatName", "run --project p x", "UV_NO_PROJECT=1", "run: run --project='p' --no-project@UV_NO_PROJECT program ['x']"},
		{"value_global", "sync", "UV_PROJECT=p UV_WORKING_DIR=d", "change: sync --directory='d'@UV_WORKING_DIR --project='p'@UV_PROJECT"},
		{"value_hidden", "sync", "UV_PYTHON_PREFERENCE=only-system", "change: sync --python-preference='only-system'@UV_PYTHON_PREFERENCE"},
		{"list_onTheLine", "pip install --index a --index b x", "UV_INDEX=c", "change: pip install --index='a' --index='b' words ['x']"},
		{"words", "python install", "UV_PYTHON=3.12", "change: python install words ['3.12']"},
		{"words_onTheLine", "python upgrade 3.13", "UV_PYTHON=3.12", "change: python upgrade words ['3.13']"},
		{"words_notOfThisCommand", "python uninstall", "UV_PYTHON=3.12", "change: python uninstall"},
		{"words_namelessEntry", "venv", "=3.12", "change: venv"},
		{"isolated", "run x", "UV_ISOLATED=true", "run: run --isolated@UV_ISOLATED program ['x']"},
		{"script_isNotFrozen", "run x", "UV_FROZEN=1", "run: run --frozen@UV_FROZEN program ['x']"},
		{"help", "run --help", "UV_NO_SYNC=1", "through dry: run --help"},
		{"unknown", "run --no-such x", "UV_NO_SYNC=1", "unknown"},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := Parse("uv", fields(row.line))
			before := show(l)
			if got := show(l.With(host.Env(strings.Fields(row.env)))); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
			if after := show(l); after != before {
				t.Errorf("the line itself became %s", after)
			}
		})
	}
}

func TestWith_leavesTheLine(t *testing.T) {
	l := Parse("uv", fields("run -q -v --offline x"))
	one := l.With(host.Env{"UV_NO_SYNC=1"})
	l.With(host.Env{"UV_FROZEN=1"})
	if got := show(one); got != "run: run --quiet --verbose --offline --no-sync@UV_NO_SYNC program ['x']" {
		t.Errorf("another call changed it: %s", got)
	}
	if l := Parse("uv", fields("run --no-such")).With(host.Env{"UV_NO_SYNC=1"}); len(l.Options) > 0 {
		t.Errorf("a line that is not understood has %v", l.Options)
	}
}

func TestLine_answers(t *testing.T) {
	l := Parse("uv", fields("run -p 3.12 --with a --with b -q x --no-such"))
	if !l.Has("quiet") || l.Has("no-such") || l.Has("q") {
		t.Error("Has")
	}
	if v, ok := l.Value("with"); v != "b" || !ok {
		t.Errorf("Value: %q, %v", v, ok)
	}
	if _, ok := l.Value("directory"); ok {
		t.Error("Value of what is not given")
	}
	if v := l.Values("with"); !slices.Equal(v, []string{"a", "b"}) {
		t.Errorf("Values: %q", v)
	}
	if v := l.Values("quiet"); v != nil {
		t.Errorf("Values of a flag: %q", v)
	}
}

// The real uv takes the same flags from the line and the environment: it prints them as settings.
func TestWith_asUv(t *testing.T) {
	r := newReal(t)
	env := host.Env(r.env).Without("UV_OFFLINE")
	for _, row := range []struct {
		line, env, option string
		setting           string // a line of uv's, if it has the option
	}{
		{"run x", "", "no-sync", "no_sync: true,"},
		{"run x", "UV_NO_SYNC=1", "no-sync", "no_sync: true,"},
		{"run x", "UV_NO_SYNC=off", "no-sync", "no_sync: true,"},
		{"run --no-sync x", "UV_NO_SYNC=off", "no-sync", "no_sync: true,"},
		{"run x", "UV_ISOLATED=y", "isolated", "isolated: true,"},
		{"run --isolated x", "", "isolated", "isolated: true,"},
		{"run x", "UV_FROZEN=t", "frozen", "frozen: Some("},
		{"run --frozen x", "", "frozen", "frozen: Some("},
		{"run --frozen --no-frozen x", "", "frozen", "frozen: Some("},
		{"run --no-frozen --frozen x", "", "frozen", "frozen: Some("},
		{"run x", "UV_OFFLINE=On", "offline", "connectivity: Offline,"},
		{"run --no-offline x", "UV_OFFLINE=1", "offline", "connectivity: Offline,"},
		{"venv", "UV_VENV_SEED=1", "seed", "seed: true,"},
		{"venv --seed --no-seed", "", "seed", "seed: true,"},
		{"venv", "UV_VENV_CLEAR=true", "clear", "clear: true,"},
		{"venv --clear --no-clear", "", "clear", "clear: true,"},
		{"venv --no-clear --clear", "", "clear", "clear: true,"},
		{"venv --clear --allow-existing", "", "clear", "clear: true,"},
		{"sync --active --no-active", "", "active", "active: Some(true),"},
		{"run --exact --inexact x", "", "exact", "modifications: Exact,"},
		{"run --inexact --exact x", "", "exact", "modifications: Exact,"},
		{"run x", "UV_PYTHON=3.9", "python", `"3.9",`},
		{"run -p 3.10 x", "UV_PYTHON=3.9", "python", `"3.10",`},
		{"python install", "UV_PYTHON=3.9", "", `"3.9",`},
	} {
		r.env = env
		added := host.Env(strings.Fields(row.env))
		r.env = append(slices.Clone(env), added...)
		args := fields(row.line)
		out, status := r.run(t, "uv", append([]string{"--show-settings"}, args...)...)
		want := strings.Contains(out, " "+row.setting)
		l := Parse("uv", args).With(added)
		if got := l.Has(row.option) || row.option == "" && len(l.Words) > 0; got != want || status != 0 {
			t.Errorf("%s with %q: %s, uv %v (%d)", row.line, row.env, show(l), want, status)
		}
	}
}
