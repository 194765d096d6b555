package pip

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"uvshim/shim/host"
)

// dump prints the options of pip's parsers, and its commands.
const dump = `
import json, sys
from pip._internal.commands import create_command, commands_dict
out = {"": [[sorted(commands_dict), [], "", 0]]}
for c in sys.argv[1:]:
    out[c] = [[[o[1:] for o in x._short_opts], [o[2:] for o in x._long_opts], x.action, x.takes_value()]
              for x in create_command(c).parser.option_list_all]
print(json.dumps(out))
`

// Every option that a real pip of this machine has is known here, under all of its names, and takes
// what it takes there.
func TestOptions_realPip(t *testing.T) {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	for version, python := range pips(t) {
		t.Run(version, func(t *testing.T) {
			cmd := exec.Command(python.Path, append([]string{"-c", dump}, names...)...)
			cmd.Env, cmd.Stderr = python.Env, os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			var all map[string][][]any
			if err := json.Unmarshal(out, &all); err != nil {
				t.Fatal(err)
			}
			for _, name := range all[""][0][0].([]any) {
				if a := Translate(Call{Name: "pip", Args: []string{name.(string)}}); strings.Contains(a.Error, "unknown command") {
					t.Errorf("unknown command %s", name)
				}
			}
			delete(all, "")
			seen := 0
			for command, options := range all {
				cmd, _ := find(command)
				for _, o := range options {
					seen++
					check(t, cmd, o)
				}
			}
			if seen < 150 {
				t.Errorf("only %d options were looked at", seen)
			}
		})
	}
}

func check(t *testing.T, cmd command, real []any) {
	t.Helper()
	action, takes := real[2].(string), real[3].(bool)
	var known option
	for i, name := range real[1].([]any) {
		o, ok := exact(cmd.options(), name.(string))
		if !ok || i > 0 && o.name() != known.name() {
			t.Errorf("%s: --%s is not known, or not as --%s", cmd.name, name, known.names)
			return
		}
		known = o
	}
	for _, letter := range real[0].([]any) {
		if o, ok := short(cmd.options(), letter.(string)); !ok || o.name() != known.name() {
			t.Errorf("%s: -%s is not --%s", cmd.name, letter, known.name())
		}
	}
	kinds := map[taking][]string{
		flag: {"store_true", "help", "callback"}, off: {"store_false", "callback"}, count: {"count"},
		one: {"store", "callback"}, list: {"append"}, gather: {"callback"},
	}
	if !slices.Contains(kinds[known.takes], action) {
		t.Errorf("%s: --%s is a %s there", cmd.name, known.name(), action)
	}
	if known.valued() != takes {
		t.Errorf("%s: --%s takes a value: %v there", cmd.name, known.name(), takes)
	}
}

// No name or letter stands for two options of a command, and each option that is refused says what
// to do instead.
func TestOptions_table(t *testing.T) {
	for _, cmd := range commands() {
		seen := map[string]bool{}
		for _, o := range cmd.options() {
			for _, name := range append([]string{o.short}, o.names...) {
				if name != "" && seen[name] {
					t.Errorf("%s has %s twice", cmd.name, name)
				}
				seen[name] = true
			}
			if (o.does == unable || o.does == pass) != (o.as != "") {
				t.Errorf("%s --%s: %q", cmd.name, o.name(), o.as)
			}
		}
	}
}

func TestParse(t *testing.T) {
	install, _ := find("install")
	for _, tt := range []struct {
		name, args, want string
		mixed            bool
	}{
		{"long_value", "--index-url=x a", "index-url=x | a", true},
		{"long_value_apart", "--index-url x a", "index-url=x | a", true},
		{"long_value_dashes", "--index-url --pre a", "index-url=--pre | a", true},
		{"long_prefix", "--extra-i x", "extra-index-url=x |", true},
		{"long_exact_prefix", "--upgrade --pre", "upgrade pre |", true},
		{"long_two", "--upg", `! "--upg" may be --upgrade, --upgrade-strategy`, true},
		{"long_misspelt", "--indx-url x", `! unknown option "--indx-url", did you mean --index-url?`, true},
		{"long_value_unwanted", "--pre=1", "! --pre takes no value", true},
		{"long_value_missing", "--target", "! --target wants a value", true},
		{"short_bundle", "-Uqr file", "upgrade quiet requirement=file |", true},
		{"short_bundle_value", "-Ur=file", "upgrade requirement==file |", true},
		{"short_value_missing", "-Ur", "! -r wants a value", true},
		{"short_unknown", "-Uä", `! unknown option "-ä"`, true},
		{"end", "a -- --pre -", "| a --pre -", true},
		{"dash", "- a", "| - a", true},
		{"mixed", "a --pre b", "pre | a b", true},
		{"not_mixed", "--pre a --pre b", "pre | a --pre b", false},
		{"help_ends", "--help --no-such", "help |", true},
		{"help_bundled_ends", "-qhZ", "quiet help |", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, words, err := parse(install.options(), strings.Fields(tt.args), tt.mixed)
			var got []string
			for _, g := range all {
				if g.valued() {
					got = append(got, g.name()+"="+g.value)
				} else {
					got = append(got, g.name())
				}
			}
			text := strings.Join(append(append(got, "|"), words...), " ")
			if err != nil {
				text = "! " + err.Error()
			}
			if text != tt.want {
				t.Errorf("got  %s\nwant %s", text, tt.want)
			}
		})
	}
}

// Whatever the call, there is an answer that says something.
func FuzzTranslate(f *testing.F) {
	f.Add("install\n-U\nx\n--index-url=a", "PIP_INDEX_URL=b\nUV_INDEX=c=d e", "[global]\nx=y", true)
	f.Add("--pyth=/\nlist\n-o", "PIP_NO_INDEX=1", "[DEFAULT]\nno-index: 1\n[list]\n a", false)
	f.Add("help\ninstall", "", "", false)
	f.Add("install\n-r\npip.conf", "A=\nPIP_CONSTRAINT=pip.conf", "-i ${A} --hash\\\n '", true)
	f.Fuzz(func(t *testing.T, args, env, conf string, active bool) {
		dir := t.TempDir()
		write(t, dir+"/pip.conf", conf)
		c := Call{Name: "pip", Args: strings.Split(args, "\n"), Env: host.Env(strings.Split(env, "\n")), Dir: dir, Etc: dir}
		if active {
			c.Environment = dir
		}
		c.Env = c.Env.Without("XDG_CONFIG_HOME").Without("XDG_CONFIG_DIRS").Without("PIP_CONFIG_FILE")
		a := Translate(c)
		switch {
		case a.Kind == UV && (len(a.Args) < 2 || a.Args[0] != "pip" || a.Error != ""):
			t.Errorf("%q", a)
		case a.Kind == Say && a.Text == "", a.Kind == Refuse && a.Error == "":
			t.Errorf("%q", a)
		}
	})
}
