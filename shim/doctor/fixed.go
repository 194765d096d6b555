package doctor

import (
	"strings"

	"uvshim/shim/provided"
	"uvshim/shim/say"
)

// fixed looks at what shim fix provides. It is for now, and for what runs through shim.
func fixed(m *Machine) []Finding {
	list, err := provided.Load(m.Host, m.Dirs.Data)
	gone := list.Gone()
	switch {
	case err != nil:
		return one(Warning, "shim fix --undo", nil, "%v", err)
	case len(list) == 0:
		return ok("shim fix provides nothing")
	case len(gone) > 0:
		var dirs []string
		for _, library := range gone {
			dirs = append(dirs, library.Dir)
		}
		return one(Warning, "shim fix", dirs, "what shim fix provided was removed, or collected as garbage")
	}
	var fix string
	if attributes := list.Attributes(); len(attributes) > 0 {
		fix = nixos("programs.nix-ld.libraries = with pkgs; [ " + strings.Join(attributes, " ") + " ];")
	}
	return one(Info, fix, list.Dirs(), "%s from shim fix, for what runs through shim only", say.Word(strings.Join(names(list), ", ")))
}

func names(list provided.List) []string {
	var out []string
	for _, library := range list {
		out = append(out, library.Attribute)
	}
	return out
}
