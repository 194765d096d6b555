package link

import (
	"bytes"
	"path/filepath"
	"strings"

	"uvshim/shim/host"
)

// Installer returns the install.sh that installed this shim, "" where none did or it is not there any
// more. It leaves its place in the list of what it made, in a line that begins with "script ".
func Installer(data string) string {
	if data == "" {
		return ""
	}
	const most = 1 << 20
	list, err := host.ReadFile(filepath.Join(data, "shim", "installed"), most)
	if err != nil {
		return ""
	}
	script := ""
	for line := range strings.Lines(string(list)) {
		if path, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "script "); ok && filepath.IsAbs(path) {
			script = path
		}
	}
	if script == "" {
		return ""
	}
	// another file may have its name by now; ours has the option that is to be named
	text, err := host.ReadFile(script, most)
	if err != nil || !bytes.Contains(text, []byte("--keep)")) || !bytes.Contains(text, []byte("uvshim/shim")) {
		return ""
	}
	return script
}
