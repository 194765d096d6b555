package shim

import (
	_ "embed"
	"flag"
	"fmt"
	"strings"

	"uvshim/shim/say"
)

// A topic is a page of help that is about more than one command.
type topic struct {
	name  string
	short string // one line for the list of topics
	text  string // for a terminal: lines of at most 80 columns
}

var (
	//go:embed topics/nixos.txt
	topicNixOS string
	//go:embed topics/coverage.txt
	topicCoverage string
	//go:embed topics/policy.txt
	topicPolicy string
)

// topics are in the order in which help lists them.
func topics() []topic {
	return []topic{
		{"nixos", "who owns what on NixOS, its configuration, and the usual errors", topicNixOS},
		{"coverage", "what is checked, when, and what helps", topicCoverage},
		{"policy", "every key of policy.toml, and what uses it", topicPolicy},
	}
}

// helpWords are what help can be asked about.
func helpWords() []string {
	words := commandNames()
	for _, t := range topics() {
		words = append(words, t.name)
	}
	return words
}

func helpCommand() command {
	return command{
		name:  "help",
		args:  "[COMMAND|TOPIC]",
		short: "explain shim, one command, or a topic",
		long:  "TOPIC is one of\n\n" + topicList() + "\nexample: shim help nixos\n",
		setup: func(p *program, _ *flag.FlagSet) func([]string) int {
			return func(args []string) int {
				switch len(args) {
				case 0:
					p.out.print(p.overview())
					return exitOK
				case 1:
					return p.help(args[0])
				}
				return p.extra("help", args[1:])
			}
		},
	}
}

func (p *program) help(about string) int {
	for _, t := range topics() {
		if t.name == about {
			p.out.print(t.text)
			return exitOK
		}
	}
	c, ok := findCommand(about)
	if !ok {
		return p.usage("unknown command or topic "+say.Quote(about), "shim help", nearest(about, helpWords()))
	}
	p.out.print(c.help())
	return exitOK
}

// topicList returns the topics, a line for each.
func topicList() string {
	var b strings.Builder
	for _, t := range topics() {
		fmt.Fprintf(&b, "  %-9s %s\n", t.name, t.short)
	}
	return b.String()
}
