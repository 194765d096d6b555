package shim

import (
	"fmt"

	"uvshim/policy"
	"uvshim/shim/resolve"
	"uvshim/shim/say"
)

// undeclared says which of the Pythons and tools that are to be installed the policy does not
// list, or refuses them, as python.undeclared has it. Running one is never refused.
func (p *program) undeclared(c uvCall) (refusal int) {
	mode := c.declared.Python.Undeclared
	if mode == policy.AllowUndeclared {
		return exitOK
	}
	kind, test := "python", c.declared.UndeclaredPython
	switch c.line.Command {
	case "python install":
	case "tool install":
		kind, test = "tool", c.declared.UndeclaredTool
	default:
		return exitOK
	}
	for _, request := range p.toInstall(c) {
		line, undeclared := test(request)
		if !undeclared {
			continue
		}
		files := policyFiles(p.host, p.dirs)
		text := fmt.Sprintf("%s %s is not declared in %s\n  fix        shim declare %s %s\n             which makes the line there %s",
			kind, say.Quote(request), say.Word(p.tilde(files[len(files)-1])), kind, say.Word(shellWord(request)), say.Word(line))
		if mode == policy.DenyUndeclared {
			p.say.Error("%s", text)
			p.say.Hint("refused as the policy says, python.undeclared = %q; SHIM_DISABLE=1 installs it nevertheless", mode)
			return exitNotRun
		}
		p.say.Warning("%s", text)
	}
	return exitOK
}

// toInstall returns the requests of an install. Without any, uv takes the pins, and without those
// its default.
func (p *program) toInstall(c uvCall) []string {
	if len(c.line.Words) > 0 || c.line.Command != "python install" {
		return c.line.Words
	}
	if pins := resolve.Pins(p.question(c.declared)); len(pins) > 0 {
		return pins
	}
	return []string{"default"}
}
