package shim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"uvshim/policy"
	"uvshim/shim/preflight"
	"uvshim/testscripts/parts"
)

func TestTopics(t *testing.T) {
	short := map[string]bool{"COMMAND": true}
	for _, c := range commands() {
		short[c.name] = true
	}
	for _, topic := range topics() {
		if short[topic.name] {
			t.Errorf("%s is a command and a topic", topic.name)
		}
		lines := strings.Split(strings.TrimSuffix(topic.text, "\n"), "\n")
		if len(lines) > 92 || !strings.HasSuffix(topic.text, "\n") {
			t.Errorf("%s has %d lines, or no end", topic.name, len(lines))
		}
		for i, line := range lines {
			if len(line) > 80 || strings.TrimRight(line, " \t") != line || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%s:%d is wider than 80 columns, or not plain: %q", topic.name, i+1, line)
			}
		}
		for _, name := range regexp.MustCompile(`shim help (\w+)`).FindAllStringSubmatch(topic.text, -1) {
			if !slices.Contains(helpWords(), name[1]) {
				t.Errorf("%s names shim help %s, which is not there", topic.name, name[1])
			}
		}
	}
}

// What the topics say to type is understood: each command and each of its options is one.
func TestTopics_commands(t *testing.T) {
	for _, topic := range topics() {
		known := 0
		for _, call := range strings.Split(topic.text, "shim ")[1:] {
			words := strings.Fields(strings.NewReplacer(",", " , ", ";", " ; ", ".\n", " . ", ":", " ").Replace(call))
			c, ok := findCommand(words[0])
			if !ok {
				continue // "shim answers to python", a sentence
			}
			known++
			if len(words) > 1 && strings.HasPrefix(words[1], "--") && !slices.Contains(optionsOf(c), words[1]) {
				t.Errorf("%s: shim %s has no %s", topic.name, c.name, words[1])
			}
		}
		if known < 3 {
			t.Errorf("%s names %d commands only: the rule sees nothing", topic.name, known)
		}
	}
}

func optionsOf(c command) []string {
	for _, known := range new(program).completions() {
		if known.name == c.name {
			return known.options
		}
	}
	return nil
}

// The topic has every key with the default that the code has, below its table, and no other key.
func TestTopicPolicy_keys(t *testing.T) {
	want, got := map[string]string{}, map[string]string{}
	defaults := reflect.ValueOf(policy.Default())
	for i := range defaults.NumField() {
		table := defaults.Field(i)
		for j := range table.NumField() {
			key := defaults.Type().Field(i).Tag.Get("toml") + "." + table.Type().Field(j).Tag.Get("toml")
			switch value := table.Field(j); value.Kind() {
			case reflect.Slice:
				want[key] = "[]"
				if value.Len() > 0 {
					t.Fatalf("%s has a default that this test cannot write", key)
				}
			case reflect.Bool:
				want[key] = fmt.Sprint(value.Bool())
			default:
				want[key] = fmt.Sprintf("%q", value.String())
			}
		}
	}
	table := ""
	for line := range strings.Lines(topicPolicy) {
		line = strings.TrimSuffix(line, "\n")
		switch name, value, ok := strings.Cut(line, " = "); {
		case strings.HasPrefix(line, "["):
			table = strings.Trim(line, "[]")
		case ok && regexp.MustCompile(`^  [a-z]`).MatchString(line):
			got[table+"."+strings.TrimSpace(name)] = value
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the topic has\n%v\nand the code\n%v", got, want)
	}
}

// Each word that a key takes is told with it. The words are those of the error for a wrong one.
func TestTopicPolicy_words(t *testing.T) {
	words := 0
	for _, key := range []string{"python.environment", "python.undeclared", "preflight.loader", "preflight.libraries", "pip.command"} {
		table, name, _ := strings.Cut(key, ".")
		_, err := policy.Load(policy.File{Data: []byte("[" + table + "]\n" + name + " = \"?\"\n")})
		if err == nil {
			t.Fatalf("%s takes anything", key)
		}
		_, after, _ := strings.Cut(topicPolicy, "["+table+"]\n")
		_, after, _ = strings.Cut(after, "  "+name+" = ")
		about := regexp.MustCompile(`(?s)^.*?\n(  [a-z]|\n|\[)`).FindString(after)
		_, wanted, _ := strings.Cut(err.Error(), "want ")
		for _, word := range strings.FieldsFunc(wanted, func(r rune) bool { return r == ' ' || r == ',' }) {
			if word != "or" && !strings.Contains(about, `"`+word+`"`) {
				t.Errorf("%s: the topic does not tell %q: %s", key, word, about)
			}
			words++
		}
	}
	if words < 12 {
		t.Errorf("%d words only: the rule sees nothing", words)
	}
}

// blocks returns what a topic shows for a file, which is set in by four columns, a block each.
func blocks(text string) []string {
	var all []string
	inside := false
	for line := range strings.Lines(text) {
		code, ok := strings.CutPrefix(line, "    ")
		if ok && !inside && strings.HasPrefix(code, " ") {
			continue // deeper: a continued item
		}
		if ok && !inside {
			all = append(all, "")
		}
		if inside = ok; ok {
			all[len(all)-1] += code
		}
	}
	return all
}

// The example loads, and in it every key says something else than its default.
func TestTopicPolicy_example(t *testing.T) {
	examples := blocks(topicPolicy)
	if len(examples) != 1 {
		t.Fatalf("%d examples: %q", len(examples), examples)
	}
	loaded, err := policy.Load(policy.File{Path: "example", Data: []byte(examples[0])})
	if err != nil {
		t.Fatal(err)
	}
	got, defaults := reflect.ValueOf(loaded.Policy), reflect.ValueOf(policy.Default())
	for i := range got.NumField() {
		for j := range got.Field(i).NumField() {
			if reflect.DeepEqual(got.Field(i).Field(j).Interface(), defaults.Field(i).Field(j).Interface()) {
				t.Errorf("%s.%s is as by default", got.Type().Field(i).Name, got.Field(i).Type().Field(j).Name)
			}
		}
	}
}

// The words for verdicts are those of the code, and no others.
func TestTopicCoverage_verdicts(t *testing.T) {
	want := []preflight.Outcome{preflight.OK, preflight.NoLoader, preflight.StubLoader, preflight.Broken,
		preflight.NotCovered, preflight.ForeignPython, preflight.NotApplicable, preflight.Unclear}
	_, section, _ := strings.Cut(topicCoverage, "\nThe verdict,")
	_, section, _ = strings.Cut(section, "\n\n")
	section, _, _ = strings.Cut(section, "\n\n")
	var got []preflight.Outcome
	for line := range strings.Lines(section) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), "  ")
		got = append(got, preflight.Outcome(word))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the topic has %q, the code %q", got, want)
	}
}

// What is to be pasted is Nix, and installs uv and no Python, makes its tools be found, and enables
// nix-ld with libraries.
func TestTopicNixOS_recipe(t *testing.T) {
	nix := parts.Tool(t, "nix-instantiate")
	recipes := blocks(topicNixOS)
	if len(recipes) != 2 {
		t.Fatalf("%d recipes: %q", len(recipes), recipes)
	}
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(nix, args...)
		cmd.Env = append(os.Environ(), "HOME="+dir, "NIX_REMOTE=dummy://") // evaluating needs no store
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("nix-instantiate %q: %v\n%s", args, err, stderr.Bytes())
		}
		return string(out)
	}
	for i, text := range recipes {
		file := filepath.Join(dir, fmt.Sprintf("recipe%d.nix", i))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		run("--parse", file)
	}
	packages := `{ pkgs = { uv = "uv"; zlib = "zlib"; stdenv.cc.cc.lib = "libstdc++"; }; }`
	var got struct {
		Environment struct {
			SystemPackages []string
			LocalBinInPath bool
		}
		Programs struct {
			NixLD struct {
				Enable    bool
				Libraries []string
			} `json:"nix-ld"`
		}
	}
	text := run("--eval", "--strict", "--json", "--expr", "("+recipes[0]+") "+packages)
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if !slices.Equal(got.Environment.SystemPackages, []string{"uv"}) || !got.Environment.LocalBinInPath ||
		!got.Programs.NixLD.Enable || !slices.Contains(got.Programs.NixLD.Libraries, "libstdc++") {
		t.Errorf("%+v", got)
	}
}
