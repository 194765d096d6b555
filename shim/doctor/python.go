package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"uvshim/policy"
	"uvshim/policy/version"
	"uvshim/shim/host"
	"uvshim/shim/lock"
	"uvshim/shim/nixld"
	"uvshim/shim/preflight"
	"uvshim/shim/say"
	"uvshim/shim/uv"
)

// oldest is the first uv that knows UV_PYTHON_SEARCH_PATH, by which we keep uv from asking the shims
// which Python they are. An older one starts every shim on PATH for that.
const oldest = "0.11.8"

// realUV looks at the uv that the shim starts.
func realUV(m *Machine) []Finding {
	advice := "# run shim's install.sh again, or install uv as its documentation says"
	if again := m.again(); again != "" {
		advice = again + "   # or install uv as its documentation says"
	}
	if m.release().NixOS {
		advice = nixos("environment.systemPackages = with pkgs; [ uv ];")
	}
	if m.RealUV == "" {
		return one(Error, advice, nil, "there is no uv on PATH besides the shim")
	}
	out, err := ask(m.Host.Env, m.RealUV, "--version")
	fields := strings.Fields(out) // uv 0.13.9 (x86_64-unknown-linux-gnu)
	if err != nil || len(fields) < 2 || fields[0] != "uv" {
		if err == nil {
			err = fmt.Errorf("its answer makes no sense: %.60s", strings.TrimSpace(out))
		}
		return one(Error, advice, []string{m.RealUV}, "uv does not tell its version: %v", err)
	}
	from := m.layer(m.RealUV)
	if older(fields[1], oldest) {
		if !m.release().NixOS {
			advice = "uv self update"
		}
		return one(Warning, advice, []string{m.RealUV + " is " + fields[1] + ", from " + from},
			"uv %s is older than %s, which keeps uv from asking the shims which Python they are (UV_PYTHON_SEARCH_PATH)", fields[1], oldest)
	}
	if m.release().NixOS && from != systemPackages && from != homePackages {
		return one(Info, advice, []string{m.RealUV}, "uv %s is from %s; it belongs to %s, where it is declared", fields[1], from, systemPackages)
	}
	return ok("uv %s, from %s", fields[1], from)
}

// older reports whether release a is before b. What is no release is not.
func older(a, b string) bool {
	x, err := version.ParseVersion(a)
	y, err2 := version.ParseVersion(b)
	return err == nil && err2 == nil && slices.Compare([]int{x.Major, x.Minor, x.Patch}, []int{y.Major, y.Minor, y.Patch}) < 0
}

func sortedManaged(d uv.Dirs) []uv.Managed {
	found := d.Managed()
	slices.SortFunc(found, func(a, b uv.Managed) int {
		if order := version.Order(a.Interpreter, b.Interpreter); order != 0 {
			return order
		}
		return strings.Compare(a.Key, b.Key)
	})
	return found
}

// interpreters looks whether what is declared is installed, and what is installed can run.
func interpreters(m *Machine) []Finding {
	var found []Finding
	declared := m.declared().Python
	for _, request := range declared.Versions {
		if _, ok := m.installed(request); ok {
			continue
		}
		level := Warning
		if slices.Contains(declared.Default, request) {
			level = Error // a bare python answers with nothing else
		}
		file, line := m.declared().Source("python.versions")
		found = append(found, one(level, "uv python install "+say.ShellWord(request), []string{fmt.Sprintf("%s:%d: %s", file, line, request)},
			"Python %s is declared and not installed", request)...)
	}
	var keys []string
	for _, x := range m.managed() {
		keys = append(keys, x.Key)
		if !x.Runnable() || empty(filepath.Join(x.Dir, "bin", x.Executable())) {
			found = append(found, one(Error, "uv python install --reinstall "+say.ShellWord(x.Exact()), []string{x.Dir + ": " + x.Fault()}, "%s is installed and cannot be run", x.Key)...)
			continue
		}
		found = append(found, m.starts(x)...)
	}
	switch {
	case found != nil:
		return found
	case len(keys) == 0:
		return one(Warning, "uv python install", []string{m.UV.Python}, "uv has installed no Python")
	}
	return ok("%s installed and runnable", strings.Join(keys, ", "))
}

// installed returns the managed interpreter that uv would take for a request.
func (m *Machine) installed(request string) (uv.Managed, bool) {
	r, err := version.Parse(request)
	if err != nil {
		return uv.Managed{}, false
	}
	var all []version.Interpreter
	for _, x := range m.managed() {
		all = append(all, x.Interpreter)
	}
	if i := version.Choose(r, all); i >= 0 {
		return m.managed()[i], true
	}
	return uv.Managed{}, false
}

// starts looks at the loader of an interpreter that has another than this machine's own, of which
// the check of the loader speaks.
func (m *Machine) starts(x uv.Managed) []Finding {
	e, err := preflight.Find(nixld.Running(), m.Host.Env, filepath.Join(x.Dir, "bin", x.Executable()))
	native, _ := nixld.NativeInterp()
	if err != nil || e.Interp == "" || e.Interp == native {
		return nil
	}
	state := nixld.Examine(nixld.Running(), m.Host.Env, e.Interp, e.Machine)
	if state.Verdict == nixld.OK || state.Verdict == nixld.Native || !state.Certain {
		return nil
	}
	return one(Error, "uv python uninstall "+say.ShellWord(x.Key), []string{e.Python + " wants " + e.Interp}, "%s cannot start: %s", x.Key, state.Reason)
}

// defaultPython holds what a bare python is against what uv takes by itself.
func defaultPython(m *Machine) []Finding {
	if len(m.declared().problems) > 0 {
		return skip("%s", noPolicy)
	}
	declared := m.declared().Python.Default
	file, pin := m.globalPin()
	if len(declared) == 0 {
		switch {
		case pin != "":
			return ok("uv's global pin, %s, is the default", pin)
		case len(m.managed()) > 0:
			return ok("no default is declared: a bare python is the newest, %s", m.managed()[0].Key)
		}
		return ok("no default is declared")
	}
	want, err := version.Parse(declared[0])
	mine, have := m.installed(declared[0])
	fix := "uv python pin --global " + say.ShellWord(declared[0])
	if pin == "" {
		if theirs, ok := m.installed("default"); have && ok && theirs.Key != mine.Key {
			return one(Info, fix, []string{"shim: " + mine.Key, "uv: " + theirs.Key},
				"a bare python is the declared %s, and uv by itself takes its newest", declared[0])
		}
		return ok("a bare python is the declared %s", declared[0])
	}
	their, err2 := version.Parse(pin)
	theirs, ok2 := m.installed(pin)
	if err != nil || err2 != nil || !version.Overlap(want, their) || have && ok2 && mine.Key != theirs.Key {
		return one(Warning, fix, []string{"policy: python.default = " + declared[0], file + ": " + pin},
			"the default of the policy and uv's global pin are two Pythons: python and uv run disagree")
	}
	return ok("a bare python and uv by itself are %s", declared[0])
}

// globalPin returns uv's own default and the file with its line.
func (m *Machine) globalPin() (where, request string) {
	if m.UV.Config == "" || uv.NoConfig(m.Host.Env) {
		return "", ""
	}
	for _, name := range []string{".python-version", ".python-versions"} {
		path := filepath.Join(m.UV.Config, name)
		data, err := host.ReadFile(path, version.MaxFile)
		if err != nil {
			continue
		}
		if line, ok := version.First(version.Lines(data)); ok {
			return fmt.Sprintf("%s:%d", path, line.Number), line.Text
		}
		return path, ""
	}
	return "", ""
}

// undeclared looks for what is installed and not in the policy, where that lists anything.
func undeclared(m *Machine) []Finding {
	if len(m.declared().problems) > 0 {
		return skip("%s", noPolicy)
	}
	declared := m.declared().Policy
	level := Warning
	if declared.Python.Undeclared == policy.AllowUndeclared {
		level = Info
	}
	var found []Finding
	if len(declared.Python.Versions) > 0 {
		var keys, fixes []string
		for _, x := range m.managed() {
			if !slices.ContainsFunc(declared.Python.Versions, func(request string) bool { return matches(request, x.Interpreter) }) {
				keys = append(keys, x.Key)
				fixes = append(fixes, "shim declare python "+say.ShellWord(x.Minor())+"   # or uv python uninstall "+say.ShellWord(x.Key))
			}
		}
		if len(keys) > 0 {
			found = one(level, strings.Join(fixes, "\n"), keys, "%s installed and not declared in python.versions", many(keys, "Python is", "Pythons are"))
		}
	}
	if len(declared.Tool.Packages) > 0 {
		var names, fixes []string
		for _, tool := range m.tools() {
			if !slices.ContainsFunc(declared.Tool.Packages, func(text string) bool { name, ok := policy.Name(text); return ok && name == tool.Name }) {
				names = append(names, tool.Name)
				fixes = append(fixes, "shim declare tool "+say.ShellWord(tool.Name)+"   # or uv tool uninstall "+say.ShellWord(tool.Name))
			}
		}
		if len(names) > 0 {
			found = append(found, one(level, strings.Join(fixes, "\n"), names, "%s installed and not declared in tool.packages", many(names, "tool is", "tools are"))...)
		}
	}
	switch {
	case found != nil:
		return found
	case len(declared.Python.Versions)+len(declared.Tool.Packages) == 0:
		return ok("the policy lists nothing, so nothing is undeclared")
	}
	return ok("all that is installed is declared")
}

// empty reports whether a file has no byte, as after a full disk or a crash.
func empty(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() == 0
}

func matches(request string, i version.Interpreter) bool {
	r, err := version.Parse(request)
	return err == nil && r.Matches(i) == version.Yes
}

func quoted(texts []string) string {
	var out []string
	for _, text := range texts {
		out = append(out, say.ShellWord(text))
	}
	return strings.Join(out, " ")
}

// keepUnused is how many days an interpreter may go without being used before we speak of it.
const keepUnused = 90

// unused looks for managed interpreters that nothing has used for long. Of tools no use is recorded,
// and of an interpreter that was never used it is not known since when.
func unused(m *Machine) []Finding {
	today, err := time.Parse(time.DateOnly, string(m.Today))
	if err != nil {
		return skip("which day it is, is not known")
	}
	limit := lock.DayOf(today.AddDate(0, 0, -keepUnused))
	if m.lock().bad != nil {
		return skip("%s", noLock)
	}
	var keys, evidence []string
	for _, p := range m.lock().Python {
		there := slices.ContainsFunc(m.managed(), func(x uv.Managed) bool { return x.Key == p.Key })
		if there && p.LastUsed != "" && p.LastUsed < limit {
			keys = append(keys, p.Key)
			evidence = append(evidence, p.Key+", last used on "+string(p.LastUsed))
		}
	}
	if len(keys) == 0 {
		return ok("no interpreter has gone without use for %d days", keepUnused)
	}
	return one(Info, "uv python uninstall "+quoted(keys), evidence, "%s not been used for %d days", many(keys, "interpreter has", "interpreters have"), keepUnused)
}

// tools looks whether the declared tools are there and can run.
func tools(m *Machine) []Finding {
	var found []Finding
	have := m.tools()
	for _, text := range m.declared().Tool.Packages {
		name, ok := policy.Name(text)
		if ok && !slices.ContainsFunc(have, func(t uv.Tool) bool { return t.Name == name }) {
			file, line := m.declared().Source("tool.packages")
			found = append(found, one(Warning, "uv tool install "+say.ShellWord(text), []string{fmt.Sprintf("%s:%d: %s", file, line, text)}, "%s is declared and not installed", name)...)
		}
	}
	var names []string
	for _, t := range have {
		names = append(names, t.Name)
		if t.Broken != nil {
			request := t.Request
			if request == "" {
				request = t.Name
			}
			found = append(found, one(Error, "uv tool install --force "+say.ShellWord(request), append([]string{t.Dir}, lines(t.Broken.Error())...), "the tool %s cannot be run", t.Name)...)
		}
	}
	switch {
	case found != nil:
		return found
	case len(names) == 0:
		return ok("none are installed and none declared")
	}
	return ok("%s installed and runnable", strings.Join(names, ", "))
}

// binLinks looks at the links in the directories where uv puts programs.
func binLinks(m *Machine) []Finding {
	var dangling, remove, patch, relink []string
	dirs := []string{m.UV.Bin, m.UV.ToolBin}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			target, err := os.Readlink(path)
			better := ""
			if err == nil {
				better = m.minorLink(target)
			}
			switch {
			case err != nil:
			case !exists(path) && m.broken(dir, target):
			case !exists(path):
				dangling, remove = append(dangling, path+" -> "+target), append(remove, path)
			case better != "":
				patch, relink = append(patch, path+" -> "+target), append(relink, "ln -sfn "+m.word(better)+" "+m.word(path))
			}
		}
	}
	var found []Finding
	if len(dangling) > 0 {
		found = one(Warning, "rm "+m.words(remove), dangling, "%s to nothing", many(dangling, "link of uv's leads", "links of uv's lead"))
	}
	if len(patch) > 0 {
		found = append(found, one(Warning, strings.Join(relink, "\n"), patch,
			"%s at one patch release, and stays there when uv upgrades the minor", many(patch, "link of uv's points", "links of uv's point"))...)
	}
	if found == nil {
		return ok("uv's links in %s are in order", m.tilde(m.UV.Bin))
	}
	return found
}

// broken reports whether a link in dir leads into an interpreter or a tool that is there and cannot be
// run: what mends that mends the link, and without it uv would not make the link anew.
func (m *Machine) broken(dir, target string) bool {
	if !filepath.IsAbs(target) {
		target = filepath.Join(dir, target)
	}
	below := func(dir string) bool { return strings.HasPrefix(target, dir+"/") }
	return slices.ContainsFunc(m.managed(), func(x uv.Managed) bool {
		return !x.Runnable() && (below(x.Dir) || x.MinorLink() != "" && below(filepath.Join(m.UV.Python, x.MinorLink())))
	}) || slices.ContainsFunc(m.tools(), func(t uv.Tool) bool { return t.Broken != nil && below(t.Dir) })
}

// minorLink returns the path through the minor-version link for one into a patch directory of uv's;
// "" where the path is none, where there is no such link, or where just that patch is declared.
func (m *Machine) minorLink(target string) string {
	rest, ok := strings.CutPrefix(target, m.UV.Python+"/")
	key, below, _ := strings.Cut(rest, "/")
	i, err := version.ParseKey(key)
	if !ok || err != nil || i.Version.Parts != 3 || i.MinorLink() == "" {
		return ""
	}
	if slices.ContainsFunc(m.declared().Python.Versions, func(request string) bool { return strings.Contains(request, i.Version.String()) }) {
		return ""
	}
	better := filepath.Join(m.UV.Python, i.MinorLink(), below)
	if !exists(better) {
		return ""
	}
	return better
}
