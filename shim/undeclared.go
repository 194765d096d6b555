package shim

import (
	"fmt"

	"uvshim/policy"
	"uvshim/shim/redact"
	"uvshim/shim/resolve"
	"uvshim/shim/say"
)

// undeclared says which of the Pythons and tools that are to be installed the policy does not
// list, or refuses them, as python.undeclared has it. Running one is never refused.
func (p *program) undeclared(c uvCall) (refusal int) {
	kind, test := "python", c.declared.UndeclaredPython
	switch c.line.Command {
	case "python install":
	case "tool install":
		kind, test = "tool", c.declared.UndeclaredTool
	default:
		return exitOK
	}
	for _, request := range p.toInstall(c) {
		if line, undeclared := test(request); undeclared && p.denied(c.declared, kind, request, line) {
			refusal = exitNotRun
		}
	}
	if refusal != exitOK {
		p.say.Hint("refused as the policy says, python.undeclared = %q; SHIM_DISABLE=1 installs it nevertheless", policy.DenyUndeclared)
	}
	return refusal
}

// denied says that what is to be installed is not declared, with the line that would declare it, and
// reports whether the policy denies it.
func (p *program) denied(declared policy.Policy, kind, request, line string) bool {
	files := policyFiles(p.host, p.dirs)
	shown := redact.Value(request)
	text := fmt.Sprintf("%s %s is not declared in %s", kind, say.Quote(shown), say.Word(p.tilde(files[len(files)-1])))
	// a directory or an address is nothing to declare, and neither is a password
	if _, named := policy.Name(request); (named || kind == "python") && shown == request {
		text += fmt.Sprintf("\n  fix        shim declare %s %s\n             which makes the line there %s",
			kind, say.Word(say.ShellWord(request)), say.Word(line))
	}
	switch declared.Python.Undeclared {
	case policy.DenyUndeclared:
		p.say.Error("%s", text)
		return true
	case policy.WarnUndeclared:
		p.say.Warning("%s", text)
	}
	return false
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
