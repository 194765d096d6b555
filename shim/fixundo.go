package shim

import (
	"os"
	"slices"

	"uvshim/policy"
	"uvshim/shim/fix"
	"uvshim/shim/provided"
	"uvshim/shim/say"
)

// unfix takes back what was provided: all, or one attribute.
func (p *program) unfix(words []string) int {
	if p.dirs.Data == "" {
		p.say.Error("no place for libraries: HOME is not set")
		return exitUsage
	}
	if _, err := os.Lstat(provided.Dir(p.dirs.Data)); err != nil {
		return p.nothingToUndo(words, nil)
	}
	if why := p.notOurs(provided.Dir(p.dirs.Data)); why != "" {
		p.say.Error("%s", why)
		return exitFailed
	}
	release, err := fix.Hold(p.dirs.Data, func() { p.say.Hint("another shim fix is at work; waiting for it") })
	if err != nil {
		p.say.Error("cannot take it back: %v", err)
		return exitFailed
	}
	defer release()
	list, err := provided.Load(p.host, p.dirs.Data)
	damaged := err != nil && len(words) == 0
	if err != nil && !damaged {
		p.say.Error("%v", err)
		return exitFailed
	}
	gone := func(x provided.Library) bool { return len(words) == 0 || x.Attribute == words[0] }
	if !slices.ContainsFunc(list, gone) && !damaged {
		code := p.nothingToUndo(words, list)
		_ = list.Clean(p.dirs.Data) // what an interrupted run left
		return code
	}
	left := slices.DeleteFunc(slices.Clone(list), gone)
	if len(left) > 0 {
		err = left.Save(p.dirs.Data)
	} else {
		err = os.Remove(provided.File(p.dirs.Data)) // every call would read it for nothing
	}
	if err == nil {
		err = left.Clean(p.dirs.Data)
	}
	if err != nil {
		p.say.Error("cannot take it back: %v", err)
		return exitFailed
	}
	for _, x := range list {
		if gone(x) {
			p.out.printf("no longer provided   %s\n", say.Word(x.Attribute))
		}
	}
	return exitOK
}

func (p *program) nothingToUndo(words []string, list provided.List) int {
	if len(words) == 0 {
		p.say.Hint("nothing is provided")
		return exitOK
	}
	near := policy.Nearest(words[0], list.Attributes())
	return p.usage(say.Quote(words[0])+" is not provided", "shim fix --list", near)
}
