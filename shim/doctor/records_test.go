package doctor

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"uvshim/shim/lock"
	"uvshim/shim/remember"
)

const stateDir = "home/.local/state/shim/"

func TestLock(t *testing.T) {
	table(t, "lock", []row{
		{"none", func(w *world) {}, "ok: ~/.local/state/shim/shim.lock can be read, and nothing is pending\n"},
		{"pending", func(w *world) { w.record("2026-11-22", lock.Record{Python: []lock.Python{{Key: py314}}}) },
			"ok: ~/.local/state/shim/shim.lock can be read, and nothing is pending\n"},
		{"no_home", func(w *world) { w.env = w.env.With("HOME", "relative") }, `
error: nothing is recorded: HOME is not set
  > export HOME="$(getent passwd "$(id -u)" | cut -d: -f6)"
`},
		{"no_sense", func(w *world) {
			w.file(stateDir+"shim.lock", "version = \"\n")
			w.record("2026-11-22", lock.Record{Python: []lock.Python{{Key: py314}}})
		}, `
error: the lock makes no sense
  ~/.local/state/shim/shim.lock: ...
  > shim link   # sets it aside, as the next call does that has something to record
`},
		{"newer", func(w *world) { w.file(stateDir+"shim.lock", "version = 2\n") }, `
error: the lock was written by a newer shim
  ~/.local/state/shim/shim.lock
  > # install the newer shim again
`},
		{"set_aside", func(w *world) {
			w.file(stateDir+"shim.lock.corrupt-1", "version = 1\n[[project]]\npath = \"/p\"\n[[change]]\n[[change]]\nx")
			w.file(stateDir+"pending/01ARZ3NDEKTSV4RRFFQ69G5FAV.toml", "schema = 1\nx = \"\n")
		}, `
warning: 2 files of records were set aside for making no sense, the only copy of what is in it
  ~/.local/state/shim/shim.lock.corrupt-1: 1 project, 2 changes, toml: line 6 (last key "change"): unexpected EOF; expected key separator '='
  ~/.local/state/shim/pending/01ARZ3NDEKTSV4RRFFQ69G5FAV.toml.corrupt: a record of one call
  > ${EDITOR:-vi} ~/.local/state/shim/shim.lock.corrupt-1   # mend what is wrong in it, then
  > mv ~/.local/state/shim/shim.lock.corrupt-1 ~/.local/state/shim/shim.lock   # once it can be read, in place of what was recorded since
  > mv ~/.local/state/shim/pending/01ARZ3NDEKTSV4RRFFQ69G5FAV.toml.corrupt ~/.local/state/shim/pending/01ARZ3NDEKTSV4RRFFQ69G5FAV.toml   # a record, once it is mended
  > # or, to give it up: rm ~/.local/state/shim/shim.lock.corrupt-1 ~/.local/state/shim/pending/01ARZ3NDEKTSV4RRFFQ69G5FAV.toml.corrupt
`},
		{"directory_in_its_place", func(w *world) { w.mode(stateDir+"shim.lock", 0o755) }, `
error: what is in the lock's place cannot be read
  ~/.local/state/shim/shim.lock: not a regular file
  > mv ~/.local/state/shim/shim.lock ~/.local/state/shim/shim.lock.broken
`},
		{"guard_in_the_way", func(w *world) {
			w.mode(stateDir+"shim.lock.lock", 0o755)
			w.record("2026-11-22", lock.Record{Python: []lock.Python{{Key: py314}}})
		}, `
warning: what is recorded cannot be put into the lock
  locking: open ~/.local/state/shim/shim.lock.lock: is a directory
  > ls -ld ~/.local/state/shim ~/.local/state/shim/pending
`},
	})
}

func TestChanges(t *testing.T) {
	change := func(w *world, day, dir string, exit int, argv ...string) {
		w.record(day, lock.Record{Change: &lock.Change{Directory: w.at(dir), Argv: argv, Exit: exit}})
	}
	table(t, "changes", []row{
		{"none", func(w *world) {}, "ok: the last recorded change succeeded everywhere\n"},
		{"no_lock", func(w *world) { w.file(stateDir+"shim.lock", "no lock") }, "skipped: what is recorded cannot be read\n"},
		{"mended", func(w *world) {
			change(w, "2026-11-20", "home/a", 1, "uv", "add", "nunpy")
			change(w, "2026-11-21", "home/a", 0, "uv", "add", "numpy")
		}, "ok: the last recorded change succeeded everywhere\n"},
		{"failed_last", func(w *world) {
			change(w, "2026-11-20", "home/a", 0, "uv", "sync")
			change(w, "2026-11-21", "home/a", 2, "uv", "add", "--index", "https://me:hunter2@example.org/simple", "x")
			change(w, "2026-11-22", "home/b", 1, "uv", "python", "install", "3.99")
		}, `
info: in 2 directories the last change failed
  ~/a: uv add --index https://***@example.org/simple x (exit 2, 2026-11-21)
  ~/b: uv python install 3.99 (exit 1, 2026-11-22)
`},
	})
}

func TestCache(t *testing.T) {
	rows := []row{
		{"none", func(w *world) {}, "ok: ~/.cache/shim can be used\n"},
		{"in_use", func(w *world) {
			w.file("home/.cache/shim/verdict/1", "shim remember 1\n")
			w.file("home/.cache/shim/elf/1", "shim facts 1\n\x00")
			w.file("home/.cache/shim/claim/1", "")
		}, "ok: ~/.cache/shim can be used\n"},
		{"of_another_version", func(w *world) { w.file("home/.cache/shim/verdict/1", "shim remember 2\n") }, `
info: 1 remembered file is of another version of shim, and not used
  ~/.cache/shim/verdict/1
  > rm ~/.cache/shim/verdict/1
`},
		{"large", func(w *world) {
			w.file("home/.cache/shim/elf/1", "shim facts 1\n")
			w.check(os.Truncate(w.at("home/.cache/shim/elf/1"), largeCache+1))
		}, `
info: what is remembered has grown large
  ~/.cache/shim
  > rm -r ~/.cache/shim   # all of it is found out again
`},
		{"no_home", func(w *world) { w.env = w.env.With("HOME", "relative") }, `
warning: nothing is remembered, and every call looks at everything anew: HOME is not set
  > export HOME="$(getent passwd "$(id -u)" | cut -d: -f6)"
`},
		{"open", func(w *world) { w.mode("home/.cache/shim", 0o777) }, `
error: nothing is remembered or believed, and every call looks at everything anew: others can write the directory
  ~/.cache/shim
  > rm -r ~/.cache/shim   # all of it is found out again
`},
		{"open_above", func(w *world) { w.mode("home/.cache/shim", 0o755); w.mode("home/.cache", 0o777) }, `
error: nothing is remembered or believed, and every call looks at everything anew: others can write the directory
  ~/.cache
  > chmod go-w ~/.cache && rm -r ~/.cache/shim   # all of it is found out again
`},
		{"of_another_user", func(w *world) { w.edit = append(w.edit, func(m *Machine) { m.Facts = remember.Store{} }) }, `
warning: nothing is remembered, and every call looks at everything anew: the directory belongs to another user
  ~/.cache
  > sudo chown -R "$(id -u)" ~/.cache
`},
	}
	if os.Geteuid() != 0 {
		rows = append(rows, row{"not_writable", func(w *world) {
			w.mode("home/.cache/shim/verdict", 0o500)
			w.Cleanup(func() { os.Chmod(w.at("home/.cache/shim/verdict"), 0o700) })
		}, `
warning: what is found out cannot be kept, and every call looks anew
  ~/.cache/shim/verdict
  > chmod -R u+rwX ~/.cache/shim
`})
	}
	table(t, "cache", rows)
}

func TestInterrupted(t *testing.T) {
	hold := func(w *world, name string) {
		w.file(name, "")
		f, err := os.Open(w.at(name))
		w.check(err)
		w.Cleanup(func() { f.Close() })
		w.check(unix.Flock(int(f.Fd()), unix.LOCK_EX))
	}
	const busy = "info: uv or shim sync is at work: what the other checks say of Pythons and tools may be over in a moment\n"
	table(t, "interrupted", []row{
		{"nothing", func(w *world) { w.shims(); w.file(stateDir+"sync.lock", ""); w.file(uvDir+"python/.lock", "") },
			"ok: nothing was left behind by an interrupted install, sync or link\n"},
		{"left_behind", func(w *world) {
			w.mode(uvDir+"python/.temp/.tmpAbc", 0o755)
			w.mode(uvDir+"python/.temp/xyz", 0o755)
			w.file(shimDir+"/.new-python", "")
			w.file(stateDir+"pending/.tmp-01ARZ3NDEKTSV4RRFFQ69G5FAV", "")
		}, `
info: 4 files were left behind by something that was interrupted
  ~/.local/share/uv/python/.temp/.tmpAbc
  ~/.local/share/uv/python/.temp/xyz
  ~/.local/share/shim/bin/.new-python
  ~/.local/state/shim/pending/.tmp-01ARZ3NDEKTSV4RRFFQ69G5FAV
  > rm -rf ~/.local/share/uv/python/.temp/.tmpAbc ~/.local/share/uv/python/.temp/xyz ~/.local/share/shim/bin/.new-python ~/.local/state/shim/pending/.tmp-01ARZ3NDEKTSV4RRFFQ69G5FAV
  > shim sync
`},
		{"uv_at_work", func(w *world) { hold(w, uvDir+"python/.lock"); w.mode(uvDir+"python/.temp/xyz", 0o755) }, busy},
		{"sync_at_work", func(w *world) { hold(w, stateDir+"sync.lock") }, busy},
	})
}
