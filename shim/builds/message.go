package builds

import (
	"fmt"
	"strings"

	"uvshim/shim/say"
)

// Message returns what to tell, for after "shim: hint: ". command is what the user ran, quoted for
// a shell; nix tells that packages come from Nix here.
func (p Problem) Message(command string, nix bool) string {
	what := "a package"
	if p.Package != "" {
		what = say.Word(strings.Replace(p.Package, "==", " ", 1))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s was to be built from source, which needs %s", what, say.Word(p.Lacks))
	switch {
	case nix && len(p.Attributes) > 0:
		fmt.Fprintf(&b, "\n  fix        nix-shell -p %s --run %s", strings.Join(p.Attributes, " "), say.ShellQuote(say.Word(command)))
		if strings.HasPrefix(p.Lacks, "the ") && p.Attributes[len(p.Attributes)-1] == "gcc" {
			b.WriteString("\n             and after -p also the package that has it")
		}
	case nix:
	default:
		fmt.Fprintf(&b, "\n  fix        install it with your system's package manager, then again:\n               %s", say.Word(command))
	}
	if p.Wheel != "" {
		fmt.Fprintf(&b, "\n  or take    %s, the same package with wheels", p.Wheel)
	}
	return b.String()
}
