package trial

import (
	"fmt"
	"path/filepath"
)

func worldRows() []Row {
	return []Row{
		{Name: "world", Fault: "without /proc, /dev, /tmp, other namespaces, and with few descriptors, no file size, little memory", Run: worlds},
	}
}

func worlds(t *Trials, n int) {
	seeds := t.seed(3)
	root := []string{"--bind", t.Dir, t.Dir}
	for _, dir := range []string{"/usr", "/bin", "/lib", "/lib64", "/etc", "/nix"} {
		root = append(root, "--ro-bind-try", dir, dir)
	}
	bwrap := func(args ...string) []string { return append(append([]string{"bwrap"}, root...), args...) }
	limited := func(option string) []string {
		return []string{"sh", "-c", "ulimit " + option + ` && exec "$0" "$@"`}
	}
	var after []string
	for i, w := range []struct {
		name  string
		enter []string
		keeps bool // a call is recorded as elsewhere
	}{
		{"no /proc, /dev, /tmp", bwrap(), true},
		{"no /dev, /tmp", bwrap("--proc", "/proc"), true},
		{"no /proc, /tmp", bwrap("--dev", "/dev"), true},
		{"no /proc, /dev", bwrap("--dir", "/tmp"), true},
		{"all namespaces", bwrap("--unshare-all", "--proc", "/proc", "--dev", "/dev"), true},
		{"a user namespace", []string{"unshare", "-U"}, false},
		{"user and PID namespaces", []string{"unshare", "-Urpf"}, true},
		{"8 descriptors", limited("-n 8"), false},
		{"no file size", limited("-f 0"), false},
		{"1 GB of addresses", limited("-v 1000000"), true},
	} {
		if !t.try(append(append([]string{}, w.enter...), "true")...) {
			t.figure("not %s", w.name)
			t.Missing = nil
			continue
		}
		for range max(1, n/10) {
			t.forget()
			dir := t.project()
			argv := append(append([]string{}, w.enter...), python...)
			if w.enter[0] == "bwrap" {
				argv = append(append([]string{}, w.enter...), append([]string{"--chdir", dir, filepath.Join(t.Shims, "python")}, python[1:]...)...)
			}
			r := t.RunIn(dir, argv...)
			t.Count++
			t.ran(w.name, r)
			if w.keeps {
				after = append(after, dir)
			}
		}
		t.keeps(fmt.Sprintf("world %d, %s", i, w.name), after...)
	}
	t.keeps("in the end", seeds...)
	t.settled("in the end", t.undisturbed)
}
