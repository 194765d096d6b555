package uv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"uvshim/policy"
	"uvshim/shim/host"
)

// A Tool is what `uv tool install` installed. What could not be read is empty, and Broken says why.
type Tool struct {
	Name        string   // as uv names its directory, normalised
	Request     string   // the requirement it was installed for, from the receipt: "ruff>=0.14"
	With        []string // those of --with
	Constraints []string // those that the receipt has from --constraints: upgrades are held by them
	Python      string   // the request for its Python, "" where none was made
	Version     string   // of its distribution
	Resolved    []string // its whole environment as name==version, sorted
	Entrypoints []Entrypoint
	Dir         string // of its environment, absolute
	Home        string // where its interpreter's base was when the environment was made: home in pyvenv.cfg
	PythonVer   string // version_info in pyvenv.cfg
	Broken      error  // an unreadable receipt, an interpreter or a program that is gone
}

// An Entrypoint is a program that a tool put into the tools' bin directory.
type Entrypoint struct {
	Name string
	Path string
	From string // the distribution it belongs to
}

// Exe returns the interpreter of the tool's environment.
func (t Tool) Exe() string { return filepath.Join(t.Dir, "bin", "python") }

// Wanted returns the Python that the tool is to be installed with elsewhere: the request it was
// installed with, or the minor that it has.
func (t Tool) Wanted() string {
	if t.Python != "" {
		return t.Python
	}
	parts := strings.SplitN(t.PythonVer, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// bounds on what is read of one tool and of all
const (
	maxTools     = 10_000
	maxToolFile  = 256 << 10 // bytes of a receipt or a pyvenv.cfg
	maxToolDists = 20_000    // entries of its site-packages that are looked at
)

// Tools returns the tools in uv's directory, by name. Names that are none of a package's are passed
// over, as uv does (uv-tool, InstalledTools::tools).
func (d Dirs) Tools() []Tool {
	if d.Tool == "" {
		return nil
	}
	names, _ := entries(d.Tool, maxTools)
	var tools []Tool
	for _, name := range names {
		normal, ok := policy.Name(name)
		dir := filepath.Join(d.Tool, name)
		if info, err := os.Stat(dir); !ok || err != nil || !info.IsDir() {
			continue
		}
		tools = append(tools, readTool(normal, dir))
	}
	slices.SortFunc(tools, func(a, b Tool) int { return strings.Compare(a.Name, b.Name) })
	return tools
}

// readTool reads one tool: what it was asked for from its receipt, what it is from its environment.
func readTool(name, dir string) Tool {
	t := Tool{Name: name, Dir: dir}
	config, noVenv := readVenvConfig(dir)
	t.Home, t.PythonVer = config["home"], config["version_info"]
	t.Resolved = resolvedIn(dir)
	for _, dist := range t.Resolved {
		if version, ok := strings.CutPrefix(dist, name+"=="); ok {
			t.Version = version
		}
	}
	if noVenv != nil {
		noVenv = fmt.Errorf("its environment is none: %w", noVenv)
	}
	t.Broken = errors.Join(t.readReceipt(), noVenv, t.gone())
	return t
}

// gone returns what the tool lacks to run: its interpreter, its distribution, one of its programs.
func (t Tool) gone() error {
	if _, err := os.Stat(t.Exe()); err != nil {
		return fmt.Errorf("its Python is gone: %w", absent(t.Exe(), err))
	}
	if t.Version == "" {
		return fmt.Errorf("%s is not in its environment", t.Name)
	}
	for _, e := range t.Entrypoints {
		if _, err := os.Stat(e.Path); err != nil {
			return fmt.Errorf("its program %s is gone: %w", e.Name, absent(e.Path, err))
		}
	}
	return nil
}

// readVenvConfig returns the keys of an environment's pyvenv.cfg (PEP 405).
func readVenvConfig(dir string) (map[string]string, error) {
	data, err := host.ReadFile(filepath.Join(dir, "pyvenv.cfg"), maxToolFile)
	if err != nil {
		return nil, err
	}
	return ParseVenvConfig(string(data)), nil
}

// resolvedIn returns the distributions of the environment in dir as name==version, sorted, by the
// names of their .dist-info directories.
func resolvedIn(dir string) []string {
	var found []string
	libs, _ := entries(filepath.Join(dir, "lib"), 64)
	for _, lib := range libs {
		dists, _ := entries(filepath.Join(dir, "lib", lib, "site-packages"), maxToolDists)
		for _, dist := range dists {
			stem, ok := strings.CutSuffix(dist, ".dist-info")
			if !ok {
				continue
			}
			name, version, ok := strings.Cut(stem, "-")
			if normal, valid := policy.Name(name); ok && valid && version != "" {
				found = append(found, normal+"=="+version)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// entries returns up to limit names in a directory, sorted.
func entries(dir string, limit int) ([]string, error) {
	// a FIFO would be waited for
	f, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(limit)
	slices.Sort(names)
	return names, err
}
