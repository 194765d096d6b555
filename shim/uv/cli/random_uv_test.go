package cli

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"uvshim/testscripts/differ/trials"
)

// TestRandomLines_uv holds what Parse makes of random command lines against the real uv, which says
// with --show-settings what it has read, or which word it does not know.
func TestRandomLines_uv(t *testing.T) {
	r := newReal(t)
	trials.Run(t, 100, func(t *testing.T, seed uint64) {
		d := dice{rand.New(rand.NewPCG(seed, 3))}
		tool, args := d.line()
		l := Parse(tool, args)
		if strings.HasPrefix(l.Command, "self") || strings.HasSuffix(l.Command, "update-shell") {
			t.Skip("shows no settings")
		}
		out, status := r.run(t, tool, append([]string{"--show-settings"}, args...)...)
		empty := slices.ContainsFunc(args, func(word string) bool { return strings.HasSuffix(word, "=") })
		if strings.Contains(out, "error: invalid value '") || strings.Contains(out, "cannot be used multiple times") ||
			empty && strings.Contains(out, "error: a value is required for '") {
			t.Skip("refused for what Parse does not look for, before uv reads on")
		}
		if refused(out) == l.Known {
			t.Fatalf("%s %q: %s, uv exits with %d and says\n%s", tool, args, show(l), status, out)
		}
		_, out, ok := strings.Cut(out, "GlobalSettings {\n")
		if !ok || !l.Known || l.asked {
			return
		}
		for _, difference := range l.unlike(out) {
			t.Errorf("%s %q: %s: %s", tool, args, show(l), difference)
		}
	})
}

// unlike returns where the settings that uv shows are not the line's.
func (l Line) unlike(settings string) (list []string) {
	for _, name := range []string{"quiet", "verbose"} {
		// of two levels, uv counts one
		if none := strings.Contains(settings, "\n    "+name+": 0,"); none == l.Has(name) {
			list = append(list, "uv takes --"+name+" otherwise")
		}
	}
	camel := ""
	for _, word := range strings.Fields(l.Command) {
		camel += strings.ToUpper(word[:1]) + word[1:]
	}
	// "cache clean" has CleanArgs, "pip install" has PipInstallSettings
	for _, m := range regexp.MustCompile(`(?m)^(\w+)(?:Settings|Args) \{$`).FindAllStringSubmatch(settings, -1) {
		if name := m[1]; name != "Cache" && !strings.HasSuffix(camel, name) {
			list = append(list, "uv takes it for "+name)
		}
	}
	if _, dry, ok := strings.Cut(settings, "\n    dry_run: "); ok && l.Command != "version" { // without a new one
		if dry := !strings.HasPrefix(dry, "Disabled") && !strings.HasPrefix(dry, "false"); dry != l.DryRun {
			list = append(list, fmt.Sprintf("a dry run to uv: %t", dry))
		}
	}
	python := regexp.MustCompile(`(?m)^ +python: (?:None|Some\(\s+"(.*)",$)`).FindStringSubmatch(settings)
	if value, _ := l.Value("python"); python != nil && python[1] != value {
		list = append(list, fmt.Sprintf("uv has --python %q", python[1]))
	}
	if _, packages, ok := strings.Cut(settings, "\n    package: [\n"); ok && strings.HasPrefix(l.Command, "pip ") {
		packages, _, _ = strings.Cut(packages, "\n    ],\n")
		if n := strings.Count(packages, `",`); n != len(l.Words) {
			list = append(list, fmt.Sprintf("uv has %d words", n))
		}
	}
	return list
}

// dice draws command lines.
type dice struct{ *rand.Rand }

func pick[T any](d dice, list ...T) T { return list[d.IntN(len(list))] }

func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

// line draws the words of a call: a command, its options or another's, and words, in any order.
func (d dice) line() (tool string, args []string) {
	tool = pick(d, "uv", "uv", "uv", "uv", "uvx")
	table := d.IntN(len(commands))
	if tool == "uvx" {
		table, _ = below(0, "tool")
		table, _ = below(table, "uvx")
	}
	if d.chance(30) {
		// those that matter most
		table = slices.IndexFunc(commands[:], func(c command) bool {
			return c.path == "run"
		})
		if tool == "uvx" {
			table, _ = below(0, "tool")
			table, _ = below(table, "uvx")
		}
	}
	for range pick(d, 0, 0, 0, 1, 1, 2) {
		args = append(args, d.option(0)...)
	}
	if tool == "uv" {
		for i, word := range strings.Fields(commands[table].path) {
			if i > 0 && d.chance(10) {
				args = append(args, d.option(0)...)
			}
			args = append(args, d.alias(table, word))
		}
	}
	for range d.IntN(6) {
		switch d.IntN(5) {
		case 0, 1, 2:
			args = append(args, d.option(table)...)
		default:
			args = append(args, d.word())
		}
	}
	args = slices.DeleteFunc(args, func(word string) bool { return word == "" }) // refused in the same words for another reason
	if d.chance(8) && len(args) > 0 {
		a, b := d.IntN(len(args)), d.IntN(len(args))
		args[a], args[b] = args[b], args[a]
	}
	return tool, args
}

// alias returns the word, or another name that the command has for it.
func (d dice) alias(table int, word string) string {
	c := commands[table]
	if aliases := strings.Fields(c.aliases); len(aliases) > 0 && strings.HasSuffix(c.path, word) && d.chance(50) {
		return pick(d, aliases...)
	}
	if d.chance(2) {
		return word[:len(word)-1]
	}
	return word
}

func (d dice) word() string {
	return pick(d, "x", "numpy", "numpy", "ruff==1", "3.12", "a.py", "-", "--", "--", "python", "run", "pip", "install", "help", "a=b", "=", "é", "./x", "-1", "---", "--=", "-=")
}

// option draws an option of a command or, seldom, of another, in one of the ways to write it.
func (d dice) option(table int) []string {
	if d.chance(6) {
		table = d.IntN(len(commands))
	}
	s := pick(d, slices.Collect(specs(table))...)
	name := pick(d, strings.Split(s.names, ",")...)
	if d.chance(15) {
		name = pick(d, "q", "v", "quiet", "verbose", "p", "python", "offline", "no-offline", "dry-run", "check", "frozen", "no-frozen")
		s, _ = lookup(table, name)
	}
	if d.chance(3) {
		name = pick(d, name[:len(name)-1], name+"s", "no-"+name, strings.ToUpper(name), strings.ReplaceAll(name, "-", "_"))
	}
	value := pick(d, values[s.name()], values[s.name()], pick(d, "x", "a=b", "1", "-", "3.12", "=", "-x", "--", "--quiet", "run"))
	if value == "" {
		value = pick(d, "x", "3.12", "1")
	}
	takes := s.value != d.chance(3)
	switch {
	case len(name) == 1 && takes:
		return pick(d, []string{"-" + name, value}, []string{"-" + name + value}, []string{"-" + name + "=" + value}, []string{"-q" + name, value}, []string{"-v" + name + value})
	case len(name) == 1:
		return []string{"-" + pick(d, "", "", "q", "v", "n") + name + pick(d, "", "", "", "q", "v")}
	case takes:
		return pick(d, []string{"--" + name, value}, []string{"--" + name + "=" + value}, []string{"--" + name + "="}, []string{"--" + name})
	}
	return []string{"--" + name}
}

// values are of options that take only some.
var values = map[string]string{
	"color": "never", "python-preference": "managed", "python-fetch": "manual", "resolution": "highest", "prerelease": "allow",
	"fork-strategy": "fewest", "index-strategy": "first-index", "keyring-provider": "disabled", "link-mode": "copy",
	"output-format": "json", "format": "json", "python-platform": "linux", "torch-backend": "cpu", "bounds": "lower", "vcs": "none",
	"build-backend": "uv", "author-from": "none", "annotation-style": "line", "bump": "patch", "python-version": "3.12",
	"exclude-newer": "2024-01-01", "no-binary": ":all:", "only-binary": ":all:", "index-url": "https://x.invalid/simple",
	"default-index": "https://x.invalid/simple", "index": "https://x.invalid/simple", "extra-index-url": "https://x.invalid/simple",
	"trusted-publishing": "never", "allow-insecure-host": "x.invalid", "config-setting": "a=b", "publish-url": "https://x.invalid/",
	"check-url": "https://x.invalid/", "service-url": "https://x.invalid/", "python-arch": "x86_64",
}
