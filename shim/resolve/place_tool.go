package resolve

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"uvshim/policy"
	"uvshim/policy/version"
	"uvshim/shim/decode"
	"uvshim/shim/host"
	"uvshim/shim/uv"
)

// toolRun is uvx (uv-tool-commands, get_or_create_environment): an installed tool's environment
// where it is what is asked for, else one in uv's cache.
func (p *placer) toolRun() Place {
	if len(p.line.Program) == 0 {
		return none("no tool is named")
	}
	text := p.line.Program[0]
	if from, ok := p.line.Value("from"); ok {
		text = from
	}
	cached := Place{Kind: PlaceCached, Why: "its environment is in uv's cache"}
	if isPython(text) {
		return cached
	}
	name, at, ok := toolName(text)
	switch {
	case !ok:
		return none("whether an installed tool is what is asked for is not known")
	case p.line.Has("isolated"):
		return cached
	}
	if p.UV.Tool == "" {
		return none("where uv has its tools cannot be said")
	}
	dir := filepath.Join(p.UV.Tool, name)
	py, why := p.pythonIn(dir)
	if py.path == "" || !uv.IsEnvironment(dir) {
		return cached
	}
	place := Place{Kind: PlaceTool, Environment: dir, Environments: []string{dir}, Python: py.path}
	for _, o := range p.line.Options {
		if o.Name != "from" && !listed(harmless, o.Name) {
			return none("--" + o.Name + " may lead past the installed tool")
		}
	}
	switch receipt, err := readReceipt(dir); {
	case err != nil:
		return cached
	case receipt.options || p.userSettings().Resolver:
		return none("whether the options are those of its installation is not known")
	}
	if why != "" {
		return none("of the installed tool's environment " + strings.TrimPrefix(why, "it "))
	}
	request, asked, err := p.request()
	if !asked && err == nil {
		pin := p.globalPinFile()
		if pin.unclear {
			return none("what uv's version file asks for is not clear")
		}
		request, asked = pin.request, pin.ok
	}
	if err != nil {
		return none(reason(err))
	}
	if asked {
		switch request.Matches(py.found) {
		case version.No:
			return cached
		case version.Unknown:
			return none("whether the installed tool has the Python that is asked for is not known")
		}
	}
	if at != "" && !installed(py.site, name, at) {
		return cached
	}
	place.Complete = true
	return place
}

// isPython reports whether the text names an interpreter to uvx: python, python3.12, pypy@3.11.
func isPython(text string) bool {
	low := strings.ToLower(text)
	for _, stem := range []string{"python", "cpython", "pypy", "graalpy", "pyodide"} {
		rest, ok := strings.CutPrefix(low, stem)
		if !ok {
			continue
		}
		if rest == "" || rest[0] == '@' {
			return true
		}
		if request, err := version.Parse(rest); err == nil && request.Kind() == version.KindVersion {
			return true
		}
	}
	return false
}

// toolName takes apart what names a tool: a package, perhaps with extras, perhaps with @version
// behind. It is false for everything else: URLs, paths, ranges of versions.
func toolName(text string) (name, at string, ok bool) {
	text, at, behind := strings.Cut(text, "@")
	if behind && at != "latest" && (at == "" || at[0] < '0' || at[0] > '9') {
		return "", "", false // a URL, or nothing that uv takes for a version
	}
	if i := strings.IndexByte(text, '['); i >= 0 && strings.HasSuffix(text, "]") {
		text = text[:i]
	}
	if strings.ContainsAny(text, " <>=!~;:/#\t") {
		return "", "", false
	}
	name, ok = policy.Name(text)
	return name, at, ok
}

// userSettings are the configuration files that count for tools: the user's and the system's.
func (p *placer) userSettings() uv.Settings {
	if p.line.Has("no-config") {
		return uv.Settings{}
	}
	return p.UV.FindSettings(p.withConfig(), p.Up, true)
}

// A receipt is what uv notes of a tool's installation.
type receipt struct {
	options bool // it was installed with options of its own
}

func readReceipt(dir string) (receipt, error) {
	data, err := host.ReadFile(filepath.Join(dir, "uv-receipt.toml"), 1<<20)
	if err != nil {
		return receipt{}, err
	}
	var doc struct {
		Tool struct {
			Options map[string]any
		}
	}
	err = decode.TOML(data, &doc)
	return receipt{options: len(doc.Tool.Options) > 0}, err
}

// installed reports whether site-packages has the package in that very version.
func installed(site, name, at string) bool {
	for _, n := range []string{strings.ReplaceAll(name, "-", "_"), name} {
		if fileType(filepath.Join(site, n+"-"+at+".dist-info")) == unix.S_IFDIR {
			return true
		}
	}
	return false
}

// tools are the environments that uv tool install, upgrade and uninstall change.
func (p *placer) tools() Place {
	top := p.UV.Tool
	if top == "" {
		return none("where uv has its tools cannot be said")
	}
	place := Place{Kind: PlaceTool, Why: "it is about to be changed"}
	if p.line.Has("all") {
		place.Environments = allTools(top)
	}
	for _, word := range p.line.Words { // which a --from must be the same package as
		name, ok := policy.Name(word)
		if !ok {
			return none("which package " + word + " is cannot be said")
		}
		if dir := filepath.Join(top, name); !slices.Contains(place.Environments, dir) {
			place.Environments = append(place.Environments, dir)
		}
	}
	slices.Sort(place.Environments)
	if len(place.Environments) == 1 {
		place.Environment = place.Environments[0]
		place.Python, _ = p.environmentPython(place.Environment)
	}
	return place
}

// allTools returns the environments of all installed tools.
func allTools(top string) []string {
	entries, err := os.ReadDir(top)
	if err != nil {
		return nil
	}
	var dirs []string
	for _, e := range entries {
		if name, ok := policy.Name(e.Name()); ok && name == e.Name() && e.IsDir() {
			dirs = append(dirs, filepath.Join(top, name))
		}
	}
	return dirs
}
