package trial

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// An injection makes a system call of a writer fail: the nth one, or the nth and all after it.
type injection struct {
	writer  writer
	call    string
	err     string
	n       int
	forever bool
}

func (i injection) String() string {
	plus := ""
	if i.forever {
		plus = "+"
	}
	return fmt.Sprintf("%s, %s %d%s: %s", i.writer.name, i.call, i.n, plus, i.err)
}

// Of writing, whatever fails must not keep the Python from running.
var writing = map[string][]string{
	"fsync":     {"EIO", "EINVAL"},
	"write":     {"ENOSPC", "EDQUOT"},
	"renameat":  {"EIO", "ENOSPC"},
	"mkdirat":   {"ENOSPC", "EROFS"},
	"unlinkat":  {"EIO", "EROFS"},
	"linkat":    {"EPERM", "EMLINK"},
	"flock":     {"ENOLCK", "EIO"},
	"ftruncate": {"EIO"},
	"fchmod":    {"EPERM"},
}

// Of reading, a failure may hide all Pythons: then it has to be said.
var reading = map[string][]string{
	"openat":     {"EMFILE", "EACCES", "ESTALE"},
	"read":       {"EIO"},
	"pread64":    {"EIO"},
	"newfstatat": {"ESTALE", "EACCES"},
	"fstat":      {"EIO"},
	"getdents64": {"EIO"},
	"readlinkat": {"EIO"},
	"faccessat":  {"EIO"},
	"getcwd":     {"ENOENT"},
	"getrandom":  {"ENOSYS"},
}

func syscallRows() []Row {
	return []Row{
		{Name: "syscall_write", Fault: "each system call of writing fails, at each place, once and from there on (strace), in each writer", Run: func(t *Trials, n int) {
			var all []string
			for _, w := range writers() {
				all = append(all, w.name)
			}
			t.inject(n, writing, all...)
		}},
		{Name: "syscall_read", Fault: "each system call of reading fails, at each place (strace), in a first call", Run: func(t *Trials, n int) {
			t.inject(n, reading, "python")
		}},
		{Name: "syscall_flock", Fault: "a file system without locks: every flock fails (ENOLCK), in each writer", Run: noLocks},
		{Name: "power_order", Fault: "power loss: what a writer renames was fsynced before, and its directory is after (strace)", Run: powerOrder},
	}
}

// inject spreads n trials over all the places at which a call of the writers can fail.
func (t *Trials) inject(n int, calls map[string][]string, names ...string) {
	if !t.need("strace") || !t.try("strace", "-o", "/dev/null", "true") {
		return
	}
	seeds := t.seed(3)
	var all []injection
	for _, name := range names {
		w := writerOf(name)
		counts := t.counts(w, calls)
		for call, errs := range calls {
			for at := range counts[call] {
				for _, e := range errs {
					all = append(all, injection{w, call, e, at + 1, false})
					if w.name != "uv" && len(calls) == len(writing) {
						all = append(all, injection{w, call, e, at + 1, true})
					}
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b injection) int { return strings.Compare(a.String(), b.String()) })
	t.figure("%d places", len(all))
	for i := range max(n, 1) {
		at := i % len(all)
		if n < len(all) {
			at = i * len(all) / n
		}
		t.injected(all[at])
	}
	t.keeps("in the end", seeds...)
	t.settled("in the end", t.undisturbed)
}

// injected makes one trial.
func (t *Trials) injected(i injection) {
	dir := i.writer.prepare(t)
	when := fmt.Sprint(i.n)
	if i.forever {
		when += "+"
	}
	r, trace := t.strace(dir, "inject="+i.call+":error="+i.err+":when="+when, i.writer.argv(t))
	if !hit(trace, i.forever) {
		return
	}
	t.Count++
	what := i.String()
	t.calm(what, r)
	if _, ok := reading[i.call]; ok && r.Code != answer {
		// no Python was found, or it was not allowed: said, and with its exit code
		if r.Code != 127 || !strings.Contains(r.Stderr, "shim: error: ") {
			t.lose("%s: %s", what, r)
		}
		return
	}
	if _, ok := reading[i.call]; ok {
		// It may look as if the directory were another user's, where nothing is recorded; then the next
		// call does.
		t.ran(what, r)
		if i.err != "EACCES" && strings.Contains(r.Stderr, " needs ") {
			t.lose("%s: a false alarm: %s", what, r)
		}
		t.ran(what+", once more", t.RunIn(dir, i.writer.argv(t)...))
		t.keeps(what, dir)
		return
	}
	i.writer.whole(t, what, dir, r)
}

// strace runs a call with a fault and returns the trace of what it did itself, before the Python.
func (t *Trials) strace(dir, expression string, argv []string) (Result, []string) {
	file := filepath.Join(t.Dir, "trace")
	set := "trace=execve"
	if call, ok := strings.CutPrefix(expression, "inject="); ok {
		call, _, _ = strings.Cut(call, ":")
		set += "," + call
	}
	args := []string{"strace", "-f", "--seccomp-bpf", "-y", "-s", "200", "-o", file, "-e", set, "-e", expression}
	if strings.HasPrefix(expression, "trace=") {
		args = []string{"strace", "-f", "-y", "-s", "200", "-o", file, "-e", expression + ",execve"}
	}
	r := t.RunIn(dir, append(args, argv...)...)
	text, _ := os.ReadFile(file)
	os.Remove(file)
	lines := strings.Split(string(text), "\n")
	if at := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, `execve("`+t.pythons()) }); at >= 0 {
		lines = lines[:at]
	}
	return r, lines
}

// hit reports whether the fault came before the Python, and met the program and not its runtime,
// which is entitled to its own descriptors.
func hit(trace []string, forever bool) bool {
	injected := slices.DeleteFunc(slices.Clone(trace), func(line string) bool { return !strings.Contains(line, "(INJECTED)") })
	if len(injected) == 0 {
		return false
	}
	return forever || !internal.MatchString(injected[0])
}

// internal are the descriptors by which a program speaks to itself: no disk is behind them.
var internal = regexp.MustCompile(`\((\d\d+|[3-9])<(pipe:|anon_inode:)`)

var callName = regexp.MustCompile(`^\d+ +(\w+)\(`)

// counts returns how often a writer makes each of the calls.
func (t *Trials) counts(w writer, calls map[string][]string) map[string]int {
	dir := w.prepare(t)
	var names []string
	for name := range calls {
		names = append(names, name)
	}
	r, trace := t.strace(dir, "trace="+strings.Join(names, ","), w.argv(t))
	w.whole(t, w.name+" under strace", dir, r)
	counts := map[string]int{}
	for _, line := range trace {
		if m := callName.FindStringSubmatch(line); m != nil {
			counts[m[1]]++
		}
	}
	return counts
}

func noLocks(t *Trials, n int) {
	if !t.need("strace") || !t.try("strace", "-o", "/dev/null", "true") {
		return
	}
	seeds := t.seed(3)
	all := writers()
	var dirs []string
	for i := range n {
		w := all[i%len(all)]
		dir := w.prepare(t)
		r, trace := t.strace(dir, "inject=flock:error=ENOLCK", w.argv(t))
		if !hit(trace, true) {
			continue
		}
		t.Count++
		t.calm(w.name, r)
		w.whole(t, w.name+" without locks", dir, r)
		if w.name == "python" {
			dirs = append(dirs, dir)
		}
	}
	t.keeps("when there are locks again", append(seeds, dirs...)...)
	t.settled("in the end", t.undisturbed)
}

var (
	fsynced = regexp.MustCompile(`fsync\(\d+<([^>]*)>`)
	renamed = regexp.MustCompile(`renameat2?\(AT_FDCWD(?:<[^>]*>)?, "([^"]*)", AT_FDCWD(?:<[^>]*>)?, "([^"]*)"`)
)

// powerOrder looks at the order in which each writer makes things last.
func powerOrder(t *Trials, n int) {
	if !t.need("strace") || !t.try("strace", "-o", "/dev/null", "true") {
		return
	}
	for i := range n {
		w := writers()[i%len(writers())]
		dir := w.prepare(t)
		r, trace := t.strace(dir, "trace=fsync,renameat,renameat2,rename", w.argv(t))
		w.whole(t, w.name, dir, r)
		t.Count++
		synced := map[string]bool{}
		open := map[string]string{} // directories that are not fsynced yet, with what was renamed in them
		renames := 0
		for _, line := range trace {
			if m := fsynced.FindStringSubmatch(line); m != nil {
				synced[m[1]] = true
				delete(open, m[1])
			}
			if m := renamed.FindStringSubmatch(line); m != nil {
				renames++
				if !synced[m[1]] && !strings.Contains(m[1], "/.new-") {
					t.lose("%s: %s is renamed before it is fsynced", w.name, m[1])
				}
				open[filepath.Dir(m[2])] = m[2]
			}
		}
		for dir, name := range open {
			t.lose("%s: %s is renamed and %s not fsynced afterwards", w.name, name, dir)
		}
		if renames == 0 {
			t.lose("%s renames nothing", w.name)
		}
		if i < len(writers()) {
			t.figure("%s: %d renames", w.name, renames)
		}
	}
}
