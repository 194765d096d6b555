package pip

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"uvshim/shim/host"
	"uvshim/shim/say"
	"uvshim/shim/uv"
)

// maxConfig bounds pip's configuration files, of which real ones have some lines, and maxFile the
// others: requirements with all their hashes may have a megabyte.
const (
	maxConfig = 1 << 17
	maxFile   = 1 << 23
)

// files returns the configuration files that pip would read here, the weakest first
// (configuration.py, iter_config_files, and platformdirs for the directories).
func (c Call) files() []string {
	only, set := c.Env.Lookup("PIP_CONFIG_FILE")
	if only == os.DevNull {
		return nil
	}
	home := c.Env.Get("HOME")
	if home == "" {
		home = c.Dirs.Home
	}
	var out []string
	dirs := c.Env.Get("XDG_CONFIG_DIRS")
	if strip(dirs) == "" {
		dirs = filepath.Join(c.Etc, "xdg")
	}
	for _, dir := range filepath.SplitList(dirs) {
		if strip(dir) != "" {
			out = append(out, filepath.Join(c.abs(tilde(dir, home)), "pip", "pip.conf"))
		}
	}
	out = append(out, filepath.Join(c.Etc, "pip.conf"))
	// a file of one's own stands for the user's, if it is there
	if only == "" || !exists(c.abs(only)) {
		if home != "" {
			out = append(out, filepath.Join(c.abs(home), ".pip", "pip.conf"))
		}
		config := strip(c.Env.Get("XDG_CONFIG_HOME"))
		if config == "" && home != "" {
			config = filepath.Join(home, ".config")
		}
		if config != "" {
			out = append(out, filepath.Join(c.abs(tilde(config, home)), "pip", "pip.conf"))
		}
	}
	if c.Environment != "" {
		out = append(out, filepath.Join(c.Environment, "pip.conf"))
	}
	if set && only != "" {
		out = append(out, c.abs(only))
	}
	return out
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func tilde(path, home string) string {
	if path == "~" || strings.HasPrefix(path, "~/") {
		return home + path[1:]
	}
	return path
}

func (c Call) abs(path string) string {
	if filepath.IsAbs(path) || c.Dir == "" {
		return filepath.Clean(path)
	}
	return filepath.Join(c.Dir, path)
}

// A configured is a key of the configuration with where it stands.
type configured struct {
	setting
	from string
}

// configuration returns what the files and the PIP_ variables say, a later word in the place of an
// earlier one for the same section and key.
func (c Call) configuration() ([]configured, error) {
	var all []configured
	at := map[[2]string]int{}
	put := func(s configured) {
		// pip joins section and key and cuts again at the first dot
		s.section, s.key, _ = strings.Cut(s.section+"."+s.key, ".")
		id := [2]string{s.section, s.key}
		if i, ok := at[id]; ok {
			all[i] = s
			return
		}
		at[id] = len(all)
		all = append(all, s)
	}
	for _, file := range c.files() {
		data, err := readConfig(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", say.Quote(file), err)
		}
		settings, err := readINI(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", say.Quote(file), err)
		}
		for _, s := range settings {
			put(configured{s, file + ":" + strconv.Itoa(s.line)})
		}
	}
	for _, entry := range c.Env {
		name, value, ok := strings.Cut(entry, "=")
		if key, ours := strings.CutPrefix(name, "PIP_"); ok && ours && c.Env.Get(name) == value {
			put(configured{setting{section: ":env:", key: normal(key), value: value}, name})
		}
	}
	return all, nil
}

// readConfig reads a file as pip would: one that is missing, or that it may not read, is empty.
func readConfig(file string) ([]byte, error) {
	data, err := host.ReadFile(file, maxConfig)
	switch {
	case err == nil:
		return data, nil
	case errors.Is(err, host.ErrTooLarge):
		return nil, host.ErrTooLarge
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission),
		errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.ENAMETOOLONG):
		return nil, nil
	}
	info, statErr := os.Stat(file)
	if statErr == nil && info.IsDir() {
		return nil, nil
	}
	if null, err := os.Stat(os.DevNull); statErr == nil && err == nil && os.SameFile(info, null) {
		return nil, nil
	}
	return nil, errors.New("it is not a regular file")
}

// settings returns the options that pip's configuration sets for a command, in the order in which
// they count (cli/parser.py, _update_defaults); merge is to take out those that others replace.
func (c Call) settings(cmd command) ([]given, error) {
	all, err := c.configuration()
	if err != nil {
		return nil, err
	}
	options := cmd.options()
	var out []given
	for _, section := range []string{"global", cmd.name, ":env:"} {
		for _, s := range all {
			if s.section != section || s.value == "" {
				continue
			}
			o, ok := exact(options, s.key)
			if !ok || o.does == answered {
				continue // pip passes over what the command does not have
			}
			if o.name() == "python" && section == cmd.name {
				continue // it counts before the command is known
			}
			g := given{option: o, value: s.value, from: s.from}
			switch o.takes {
			case flag, off:
				if g.on, err = truth(s.value); err != nil {
					return nil, fmt.Errorf("%s is %s: %w", s.from, say.Quote(s.value), err)
				}
				if o.target() == "cache" {
					g.on = true
				}
				g.value = ""
				out = append(out, g)
			case count:
				// mild, whatever it says
			case list:
				out = slices.DeleteFunc(out, func(o given) bool { return o.target() == g.target() })
				for _, value := range strings.FieldsFunc(s.value, blank) {
					g.value = value
					out = append(out, g)
				}
			case gather:
				out = append(out, g)
			default:
				out = append(out, g)
			}
		}
	}
	return out, nil
}

// truth is pip's reading of yes and no (utils/misc.py, strtobool), which for yes is uv's.
func truth(value string) (bool, error) {
	if uv.Boolish(value) {
		return true, nil
	}
	switch strings.ToLower(value) {
	case "n", "no", "f", "false", "off", "0":
		return false, nil
	}
	return false, errors.New("pip takes yes or no there")
}
