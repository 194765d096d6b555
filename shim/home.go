package shim

import (
	"os"

	"uvshim/shim/link"
)

// homeless returns the home directory, and whether that is not there. Messages do not name it: they have ~
// for it.
func (p *program) homeless() (home string, gone bool) {
	if p.dirs.Home == "" {
		return "", false
	}
	_, err := os.Stat(p.dirs.Home)
	return p.dirs.Home, err != nil
}

// sayHome says what is wrong with the home directory where that is why no Python of uv's was found.
func (p *program) sayHome() {
	switch home, gone := p.homeless(); {
	case home == "":
		p.say.Hint("HOME is not set, so where uv keeps its Pythons is not known")
	case gone:
		p.say.Hint("the home directory is not there: HOME leads nowhere")
	case p.host.Env.Get("HOME") == "":
		p.say.Hint("HOME is not set; uv's Pythons were looked for in the home that the user database names")
	}
}

// again is the command that runs install.sh again, "" where that is not known.
func (p *program) again() string {
	script := link.Installer(p.dirs.Data)
	if script == "" {
		return ""
	}
	return commandLine([]string{"sh", script, "--keep"})
}
