package lock

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
)

// The test binary is also the program of these tests' processes.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 {
		if child := map[string]func(Store){"note": childNotes, "full": childFull}[os.Args[1]]; child != nil {
			child(Open(host.Host{Env: host.Env{"SHIM_LOCK=" + os.Args[2]}, UID: os.Geteuid()}))
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// childNotes records and folds until it is killed, and prints the projects of which it was told that
// they are recorded.
func childNotes(s Store) {
	for i := range 40 {
		path := fmt.Sprintf("/%d/%d", os.Getpid(), i)
		if _, err := s.Note(Record{Project: []Project{{Path: path, Python: "k"}}}); err != nil {
			fmt.Println("failed", err)
			return
		}
		fmt.Println("noted", path)
		var warnings []error
		if i%2 == 0 {
			warnings = s.TryFold()
		} else {
			warnings = s.Fold(time.Minute)
		}
		if len(warnings) > 0 {
			fmt.Println("failed", warnings)
		}
	}
}

func TestKilledProcesses(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := Open(host.Host{Env: host.Env{"SHIM_LOCK=" + filepath.Join(t.TempDir(), "my.lock")}, UID: os.Geteuid()})
	const wanted = 500
	var (
		mu    sync.Mutex
		noted []string
		kills int
		group sync.WaitGroup
	)
	enough := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(noted) >= wanted || t.Failed()
	}
	for range 12 {
		group.Go(func() {
			for !enough() {
				cmd := exec.Command(self, "note", s.Path)
				out, err := cmd.StdoutPipe()
				if err == nil {
					err = cmd.Start()
				}
				if err != nil {
					t.Error(err)
					return
				}
				end := 1 + rand.IntN(20)
				lines := bufio.NewScanner(out)
				for n := 0; lines.Scan(); n++ {
					kind, rest, _ := strings.Cut(lines.Text(), " ")
					if kind != "noted" {
						t.Error(lines.Text())
					}
					mu.Lock()
					noted = append(noted, rest)
					mu.Unlock()
					if n == end {
						// somewhere in the fold or the next note, not always at its beginning
						time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
						cmd.Process.Kill()
					}
				}
				if cmd.Wait() != nil {
					mu.Lock()
					kills++
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	quiet(t, s.Fold(time.Minute))
	l, warnings := s.Read(0)
	quiet(t, warnings)
	recorded := map[string]bool{}
	for _, path := range paths(l) {
		recorded[path] = true
	}
	lost := slices.DeleteFunc(slices.Clone(noted), func(path string) bool { return recorded[path] })
	if len(lost) > 0 {
		t.Errorf("%d of %d records are lost, such as %s", len(lost), len(noted), lost[0])
	}
	if kills < 10 {
		t.Errorf("only %d processes were killed", kills)
	}
	left := slices.DeleteFunc(names(t, s.Pending), func(name string) bool { return strings.HasPrefix(name, tmpPrefix) })
	if len(left) > 0 {
		t.Errorf("pending still holds %q", left)
	}
	t.Logf("%d records, %d processes killed, %d temporaries left by kills", len(noted), kills, len(names(t, s.Pending)))
}

func TestManyGoroutines(t *testing.T) {
	s := testStore(t)
	const calls = 500
	var group sync.WaitGroup
	for i := range calls {
		group.Go(func() {
			if _, err := s.Note(used(fmt.Sprint("/", i))); err != nil {
				t.Error(err)
			}
			for _, w := range s.TryFold() {
				t.Error(w)
			}
		})
	}
	group.Wait()
	quiet(t, s.Fold(time.Minute))
	l, warnings := s.Read(0)
	quiet(t, warnings)
	if len(l.Project) != calls || len(names(t, s.Pending)) > 0 {
		t.Errorf("%d projects of %d, pending %q", len(l.Project), calls, names(t, s.Pending))
	}
}

// childFull folds and notes on a disk that takes no more than a few bytes.
func childFull(s Store) {
	signal.Ignore(unix.SIGXFSZ)
	limit := unix.Rlimit{Cur: 40, Max: 40}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println("failed", err)
		return
	}
	fmt.Println("fold", s.Fold(0) != nil)
	_, err := s.Note(used("/late"))
	fmt.Println("note", err != nil)
}

func TestFullDisk(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := Open(host.Host{Env: host.Env{"SHIM_LOCK=" + filepath.Join(t.TempDir(), "my.lock")}, UID: os.Geteuid()})
	note(t, s, used("/a"))
	quiet(t, s.Fold(0))
	before := contents(t, s.Path)
	id := note(t, s, used("/b"))
	out, err := exec.Command(self, "full", s.Path).CombinedOutput()
	if err != nil || string(out) != "fold true\nnote true\n" {
		t.Fatalf("%v: %s", err, out)
	}
	if got := names(t, s.Pending); contents(t, s.Path) != before || !slices.Equal(got, []string{id + ".toml"}) {
		t.Errorf("pending %q, lock\n%s", got, contents(t, s.Path))
	}
	if got := names(t, filepath.Dir(s.Path)); !slices.Equal(got, []string{"my.lock", "my.lock.lock", "my.lock.pending"}) {
		t.Errorf("left %q", got)
	}
	l, warnings := s.Read(0)
	quiet(t, warnings)
	if !slices.Equal(paths(l), []string{"/a", "/b"}) {
		t.Errorf("read %q", paths(l))
	}
}
