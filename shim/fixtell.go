package shim

import (
	"slices"
	"strings"
	"time"

	"uvshim/shim/fix"
	"uvshim/shim/lock"
	"uvshim/shim/nixld"
	"uvshim/shim/provided"
	"uvshim/shim/say"
)

// planned tells what would be done, or that there is nothing to do.
func (f *fixing) planned(targets []fix.Target, plan fix.Plan, o fixOptions) int {
	failed := f.tellLoaders(targets)
	if w := plan.Driver; w != nil {
		for _, dir := range f.driverDirs(*w) {
			f.out.printf("would append  %s\n                for %s\n", say.Word(dir), say.Word(strings.Join(w.For, ", ")))
		}
	}
	b, ok := f.builder(plan, o)
	for _, w := range plan.Wants {
		call, err := nixCall(b, w, f.links(w))
		if err != nil {
			f.say.Error("%v", err)
			ok = false
			continue
		}
		f.out.printf("would build   %s\n                %s for %s\n                %s\n", say.Word(w.Attribute),
			say.Word(strings.Join(w.Sonames, ", ")), say.Word(strings.Join(w.For, ", ")), say.Word(call))
		f.out.printf("would append  %s to %s\n", say.Word(f.tilde(f.links(w))+"/result*/lib"), f.state.Settings.Library.Name)
	}
	f.tellRefused(plan)
	if len(plan.Wants) > 0 {
		f.tellForGood(targets)
	}
	switch {
	case failed || len(plan.Refused) > 0 || !ok:
		return exitFailed
	case len(plan.Wants) > 0 || plan.Driver != nil:
	case len(targets) == 0:
		f.say.Hint("nothing to look at: no project here, and none recorded that is still there")
	default:
		for _, t := range targets {
			f.out.printf("covered    %s\n", say.Word(t.Name))
		}
	}
	return exitOK
}

// tellOutcome tells what the check says now of what it was made for.
func (f *fixing) tellOutcome(before, now []fix.Target, failed bool) int {
	failed = f.tellLoaders(now) || failed
	for _, t := range now {
		if len(t.Verdict.Required()) > 0 {
			continue
		}
		var who []string
		if i := slices.IndexFunc(before, func(b fix.Target) bool { return b.Name == t.Name }); i >= 0 {
			for _, x := range before[i].Verdict.Required() {
				if x.Distribution != "" && !slices.Contains(who, x.Distribution) {
					who = append(who, x.Distribution)
				}
			}
		}
		line := "covered    " + t.Name
		if len(who) > 0 {
			line += ": " + strings.Join(who, ", ")
		}
		f.out.println(say.Word(line))
	}
	rest := fix.Make(now)
	for _, w := range rest.Wants {
		if !failed {
			f.say.Error("%s is still missing for %s", say.Word(strings.Join(w.Sonames, ", ")), say.Word(strings.Join(w.For, ", ")))
		}
	}
	if w := rest.Driver; w != nil {
		f.say.Error("%s, for %s, is not among the graphics driver's libraries", say.Word(strings.Join(w.Sonames, ", ")), say.Word(strings.Join(w.For, ", ")))
		failed = true
	}
	f.tellRefused(rest)
	f.tellForGood(before)
	if len(f.list) > 0 {
		f.say.Hint("what does not run through python, uv or uvx of shim (.venv/bin/python, programs of uv tool install, IDEs, services) gets it from shim env")
	}
	if failed || len(rest.Wants)+len(rest.Refused) > 0 {
		return exitFailed
	}
	return exitOK
}

// tellLoaders says which Pythons cannot start, whatever libraries there are.
func (f *fixing) tellLoaders(targets []fix.Target) (failed bool) {
	told := ""
	for _, t := range targets {
		if loaderWorks(t.Verdict) {
			continue
		}
		failed = true
		if text := t.Verdict.Message(f.wording(&t.Verdict, f.declared)); text != "" && t.Verdict.Reason != told {
			f.say.Error("%s", text)
			told = t.Verdict.Reason
		}
	}
	return failed
}

func (f *fixing) tellRefused(plan fix.Plan) {
	for _, r := range plan.Refused {
		f.say.Error("%s cannot be provided to %s: %s", say.Word(r.What), say.Word(strings.Join(r.For, ", ")), say.Word(r.Why))
	}
}

// tellForGood prints what configuration.nix is to have: what the policy lists, what is provided, and
// what the targets lacked.
func (f *fixing) tellForGood(targets []fix.Target) {
	wanted := f.list.Attributes()
	for _, w := range fix.Make(targets).Wants {
		wanted = append(wanted, w.Attribute)
	}
	if len(wanted) == 0 {
		return
	}
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	all := slices.Clone(f.declared.NixLD.Libraries)
	undeclared := slices.DeleteFunc(slices.Clone(wanted), func(name string) bool { return slices.Contains(all, name) })
	all = append(all, undeclared...)
	f.out.printf("for good   in configuration.nix, then nixos-rebuild switch:\n             programs.nix-ld.libraries = with pkgs; [ %s ];\n", say.Word(strings.Join(all, " ")))
	if len(undeclared) > 0 {
		quoted := make([]string, len(all))
		for i, name := range all {
			quoted[i] = say.Quote(name)
		}
		files := policyFiles(f.host, f.dirs)
		f.say.Hint("the list can be kept in %s: [nix-ld] libraries = [%s]", say.Word(f.tilde(files[len(files)-1])), strings.Join(quoted, ", "))
	}
}

// tellList prints what is provided, to whom, and what is not needed any more, and keeps since when.
func (f *fixing) tellList() int {
	if len(f.list) == 0 {
		f.say.Hint("nothing is provided")
		return exitOK
	}
	// what would be missing without any of it
	plan := fix.Make(f.targets(nil, true))
	wants := plan.Wants
	if plan.Driver != nil {
		wants = append(wants, *plan.Driver)
	}
	today, changed := string(lock.DayOf(time.Now())), false
	list := slices.Clone(f.list)
	var rows [][]string
	for i := range list {
		x := &list[i]
		at := slices.IndexFunc(wants, func(w fix.Want) bool { return w.Attribute == x.Attribute })
		idle := x.Idle
		switch {
		case at >= 0:
			x.Idle = ""
		case x.Idle == "":
			x.Idle = today
		}
		changed = changed || idle != x.Idle
		what := "not needed since " + x.Idle
		if at >= 0 {
			what = "for " + strings.Join(wants[at].For, ", ")
		}
		if !x.There() {
			what += "; gone, shim fix builds it again"
		}
		rows = append(rows, []string{x.Attribute, f.tilde(x.Dir), what})
	}
	f.out.table("", rows)
	if changed {
		f.keepIdle(list)
	}
	if f.state.Loader.Kind != nixld.NixLD {
		f.say.Hint("nix-ld is not in use here, and nothing of it reaches a program")
	}
	if len(f.list.Gone()) > 0 {
		return exitFailed
	}
	return exitOK
}

// keepIdle writes the list with the days since when something is not needed, unless another run is
// at it or has changed it.
func (f *fixing) keepIdle(list provided.List) {
	if !f.host.Owns(provided.Dir(f.dirs.Data)) {
		return
	}
	release, err := fix.Hold(f.dirs.Data, func() {})
	if err != nil {
		return
	}
	defer release()
	if now, err := provided.Load(f.host, f.dirs.Data); err != nil || !slices.Equal(now, f.list) {
		return
	}
	if err := list.Save(f.dirs.Data); err != nil {
		f.say.Warning("since when it is not needed is not kept: %v", unwrapPath(err))
	}
}
