package trial

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

func loadRows() []Row {
	return []Row{
		{Name: "load_many", Load: true, Fault: "first calls, 64 at a time, over 200 projects", Run: many},
		{Name: "load_xargs", Load: true, Fault: "`xargs -P 16`, as pre-commit starts hooks", Run: xargs},
		{Name: "load_make", Load: true, Fault: "short Pythons under `make -j 32`", Run: makes},
		{Name: "load_held", Fault: "the lock held by another process all the time, in first calls", Run: held},
		{Name: "load_flat", Fault: "memory and state of a call, with 1 and with 10,000 recorded projects", Run: flat},
		{Name: "load_link", Fault: "`shim link` 8 at a time, while Pythons run", Run: links},
	}
}

// left checks that nothing is held, pending or half made.
func (t *Trials) left(what string, dirs ...string) {
	t.keeps(what, dirs...)
	release, err := t.hold()
	if err != nil {
		t.lose("%s: %v", what, err)
		return
	}
	release()
	if pending, _ := filepath.Glob(filepath.Join(t.pending(), "*")); len(pending) > 0 {
		t.lose("%s: %d files are still pending", what, len(pending))
	}
	if left := t.temporaries(); len(left) > 0 {
		t.lose("%s: left behind: %q", what, left)
	}
}

// parallel runs n calls, so many at a time.
func parallel(n, at int, call func(i int)) {
	slots := make(chan bool, at)
	var all sync.WaitGroup
	for i := range n {
		slots <- true
		all.Go(func() {
			call(i)
			<-slots
		})
	}
	all.Wait()
}

func (t *Trials) projectsOf(n int) (dirs []string) {
	for range n {
		dirs = append(dirs, t.project())
	}
	return dirs
}

func many(t *Trials, n int) {
	dirs := t.projectsOf(200)
	n = max(1, n/5)
	var mu sync.Mutex
	said := 0
	parallel(n, 64, func(i int) {
		r := t.RunIn(dirs[i%len(dirs)], python...)
		mu.Lock()
		defer mu.Unlock()
		t.Count++
		t.ran("many", r)
		said += len(r.Stderr)
	})
	if said > 0 {
		t.lose("%d bytes were said", said)
	}
	t.left("many", dirs[:min(n, len(dirs))]...)
}

func xargs(t *Trials, n int) {
	if !t.need("xargs") {
		return
	}
	list := filepath.Join(t.Dir, "list")
	t.rounds("xargs", max(20, n/10), 20, func(dir, out string, n int) []string {
		t.mend(list, strings.Repeat("x\n", n))
		return []string{"xargs", "-a", list, "-P", "16", "-n", "1", "python", "-c", `echo "$0" >>` + out}
	})
}

func makes(t *Trials, n int) {
	if !t.need("make") {
		return
	}
	t.rounds("make", n, 50, func(dir, out string, n int) []string {
		var text strings.Builder
		text.WriteString("all:")
		for i := range n {
			fmt.Fprintf(&text, " t%d", i)
		}
		fmt.Fprintf(&text, "\nt%%:\n\t@python -c 'echo $@ >>%s'\n", out)
		t.mend(filepath.Join(dir, "Makefile"), text.String())
		return []string{"make", "-s", "-j", "32", "all"}
	})
	r := t.Run("sh", "-c", "find "+t.state()+" "+t.cache()+" -type f | wc -l")
	t.figure("%s files of state and cache afterwards", strings.TrimSpace(r.Stdout))
}

// rounds runs about n calls, each of which adds a line to the file out, by commands that start so
// many of them. Each command is in a new project with nothing remembered: only the first calls
// there have something to write.
func (t *Trials) rounds(what string, n, each int, command func(dir, out string, n int) []string) {
	out := filepath.Join(t.Dir, "ran")
	var dirs []string
	for range (n + each - 1) / each {
		t.forget()
		dir := t.project()
		dirs = append(dirs, dir)
		argv := command(dir, out, each)
		t.bounded(each, func() Result { return t.RunIn(dir, argv...) })
	}
	t.counted(out, len(dirs)*each)
	t.left(what, dirs...)
}

// bounded runs what starts n calls, in more time than one call has.
func (t *Trials) bounded(n int, run func() Result) {
	was := t.Limit
	t.Limit = 5*time.Minute + time.Duration(n)*50*time.Millisecond
	r := run()
	t.Limit = was
	t.Count += n
	if r.Code != 0 || r.Hung || r.Stderr != "" {
		t.lose("%s", r)
	}
}

// counted checks that all of the calls ran.
func (t *Trials) counted(file string, n int) {
	text, err := os.ReadFile(file)
	if got := strings.Count(string(text), "\n"); err != nil || got != n {
		t.lose("%d of %d ran, %v", got, n, err)
	}
}

// held holds the lock from before the first call to after the last: none waits for it, and their
// records get into the lock afterwards.
func held(t *Trials, n int) {
	seeds := t.seed(3)
	release, err := t.hold()
	if err != nil {
		t.lose("%v", err)
		return
	}
	var dirs []string
	for i := range n {
		dir := t.project()
		argv := python
		if i%10 == 9 {
			argv = []string{"sh", "-c", "uv add x && exit 7"}
		}
		r := t.RunIn(dir, argv...)
		t.Count++
		t.ran("with the lock held", r)
		if r.Stderr != "" {
			t.lose("with the lock held: %s", r)
		}
		if i%10 == 9 {
			dir = "change " + dir
		}
		dirs = append(dirs, dir)
	}
	// one that waits asks again and again, or in a way that blocks
	if t.need("strace") && t.try("strace", "-o", "/dev/null", "true") {
		for what, argv := range map[string][]string{"": python, "change ": {"uv", "add", "x"}} {
			dir := t.project()
			_, trace := t.strace(dir, "trace=flock,fcntl", argv)
			asked := 0
			for _, line := range trace {
				if !strings.Contains(line, t.lock()+".lock>") {
					continue
				}
				if asked++; !strings.Contains(line, "LOCK_NB") || asked > 1 {
					t.lose("%q waits: %s", argv, line)
				}
			}
			if asked == 0 {
				t.lose("%q does not ask for the lock: %q", argv, trace)
			}
			dirs = append(dirs, what+dir)
		}
	}
	if pending, _ := filepath.Glob(filepath.Join(t.pending(), "*.toml")); len(pending) < n {
		t.lose("%d records are kept aside, of %d", len(pending), n)
	}
	release()
	t.left("released", append(seeds, dirs...)...)
}

// flat compares calls among few and many records.
func flat(t *Trials, n int) {
	n = max(5, n/10)
	small := t.pages(n)
	files, bytes := t.size()
	for range n { // again and again the same
		t.ran("again", t.RunIn(filepath.Join(t.Home, "src/p00001"), python...))
		t.Count++
	}
	if f, b := t.size(); f != files || b != bytes {
		t.lose("after %d more of the same calls %d files of %d bytes have become %d of %d", n, files, bytes, f, b)
	}
	var text strings.Builder
	text.WriteString("version = 1\n")
	for i := range 10_000 {
		fmt.Fprintf(&text, "\n[[project]]\npath = %q\npython = %q\nneeds = [\"libstdc++.so.6\", \"libz.so.1\"]\nlast-used = 2026-01-02\n", fmt.Sprintf("/home/user/src/%05d", i), keyOf(versions[0]))
	}
	t.mend(t.lock(), text.String())
	large := t.pages(n)
	t.figure("%d and %d pages of memory", small, large)
	if large > small+small/5 {
		t.lose("%d pages with a large lock, %d with a small one", large, small)
	}
}

// pages returns the median of the pages of memory that first calls ask for.
func (t *Trials) pages(n int) int64 {
	var all []int64
	for range n {
		r := t.RunIn(t.project(), python...)
		t.Count++
		t.ran("for its memory", r)
		all = append(all, r.Pages)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// size returns how many files state and cache are, and of how many bytes.
func (t *Trials) size() (files int, bytes int64) {
	for _, root := range []string{t.state(), t.cache()} {
		filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil
			}
			if info, err := d.Info(); err == nil {
				files, bytes = files+1, bytes+info.Size()
			}
			return nil
		})
	}
	return files, bytes
}

// links makes the shims anew all the time, from two builds in turns, while calls go through them.
func links(t *Trials, n int) {
	text, err := os.ReadFile(t.Program)
	other := filepath.Join(t.Dir, "other")
	if err == nil {
		err = put(other, string(text)+"another build", 0o755)
	}
	if err != nil {
		t.lose("%v", err)
		return
	}
	var mu sync.Mutex
	parallel(n, 8, func(i int) {
		var r Result
		linking := i%2 == 0
		if linking {
			r = t.Run([]string{t.Program, other}[i/2%2], "link")
		} else {
			r = t.RunIn(t.Home, []string{"python3.12", "-c", "exit 7"}...)
		}
		mu.Lock()
		defer mu.Unlock()
		t.Count++
		if linking && (r.Code != 0 || r.Stderr != "") {
			t.lose("shim link: %s", r)
		}
		if !linking {
			t.ran("while shims are made", r)
		}
	})
	t.left("links")
}
