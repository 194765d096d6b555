package trial

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func diskRows() []Row {
	return []Row{
		{Name: "disk_full", Fault: "disk full, with 0 to 11 pages left, in each writer (tmpfs)", Run: func(t *Trials, n int) { t.full(n, "pages") }},
		{Name: "disk_inodes", Fault: "no inodes, with 0 to 11 left, in each writer (tmpfs)", Run: func(t *Trials, n int) { t.full(n, "inodes") }},
		{Name: "disk_readonly", Fault: "read-only home, state, cache or configuration, in a first call", Run: readonly},
		{Name: "disk_denied", Fault: "no permission to a directory or file, in a first call", Run: denied},
	}
}

// fullScript puts parts of the home directory on a small disk, fills it but for some pages or inodes,
// runs the call, makes room again, and brings home what has become of them.
const fullScript = `set -e
disk=$1 dir=$2 kind=$3 left=$4 size=$5 parts=$6
shift 6
mkdir -p "$disk"
mount -t tmpfs -o "size=$size,nr_inodes=500" none "$disk"
for part in $parts; do
	mkdir -p "$HOME/$part" "$disk/$part"
	cp -a "$HOME/$part/." "$disk/$part"
	mount --bind "$disk/$part" "$HOME/$part"
done
cd "$dir"
case $kind in
pages)
	dd if=/dev/zero of="$disk/filler" bs=16k 2>/dev/null || true
	truncate -s "-$((left * 4096))" "$disk/filler" ;;
inodes)
	mkdir "$disk/fill"
	(cd "$disk/fill" && seq 1000 | xargs touch 2>/dev/null) || true
	(cd "$disk/fill" && seq "$left" | xargs rm -f) ;;
esac
set +e
"$@"
code=$?
rm -rf "$disk/filler" "$disk/fill"
cd /
for part in $parts; do
	umount "$HOME/$part"
	rm -rf "$HOME/$part"
	cp -a "$disk/$part" "$HOME/$part"
done
exit $code
`

func (t *Trials) full(n int, kind string) {
	if !t.namespaces() || !t.need("truncate", "dd", "seq", "xargs", "touch") {
		return
	}
	script := filepath.Join(t.Dir, "full.sh")
	t.mend(script, fullScript)
	seeds := t.seed(3)
	all := writers()
	for i := range n {
		w, left := all[i%len(all)], i/len(all)%12
		dir := w.prepare(t)
		size, parts := "2m", ".cache .config .local/state .local/share/shim/libraries"
		if w.name == "link" {
			size, parts = "48m", ".cache .local/state .local/share/shim"
		}
		argv := append([]string{"unshare", "-rm", "sh", script, filepath.Join(t.Dir, "disk"), dir, kind, fmt.Sprint(left), size, parts}, w.argv(t)...)
		r := t.Run(argv...)
		t.Count++
		what := fmt.Sprintf("%s with %d %s", w.name, left, kind)
		t.calm(what, r)
		if w.name == "python" || w.name == "uv" {
			// a claim to the warning may not fit either: then nothing is said
			r.Code += map[string]int{"uv": answer}[w.name]
			t.ran(what, r)
		} else {
			w.whole(t, what, dir, r)
		}
	}
	t.keeps("in the end", seeds...)
	t.settled("in the end", t.undisturbed)
}

// namespaces reports whether this user can have namespaces to mount in.
func (t *Trials) namespaces() bool {
	return t.need("unshare", "mount") && t.try("unshare", "-rm", "sh", "-c", "mount -t tmpfs none /mnt")
}

func readonly(t *Trials, n int) {
	if !t.namespaces() {
		return
	}
	seeds := t.seed(3)
	places := []string{t.Home, filepath.Dir(t.state()), filepath.Dir(t.cache()), filepath.Dir(t.policy()), "both"}
	var after []string
	for i := range n {
		place := places[i%len(places)]
		t.forget()
		dir := t.project()
		mounts := fmt.Sprintf("mount --bind %q %q && mount -o remount,bind,ro %q", place, place, place)
		if place == "both" {
			mounts = fmt.Sprintf("mount -t tmpfs -o ro none %q && mount -t tmpfs -o ro none %q", filepath.Dir(t.state()), filepath.Dir(t.cache()))
		}
		r := t.RunIn(dir, append([]string{"unshare", "-rm", "sh", "-c", mounts + ` && exec "$0" "$@"`}, python...)...)
		t.Count++
		t.ran(place, r)
		// once it can be written again, the same call is recorded
		if again := t.RunIn(dir, python...); again.Code != answer || again.Stderr != "" {
			t.lose("%s, writable again: %s", place, again)
		}
		after = append(after, dir)
	}
	t.keeps("in the end", append(seeds, after...)...)
	t.settled("in the end", t.undisturbed)
}

// unprivileged is what takes root's right to pass by permissions away from a command.
func unprivileged() []string {
	if os.Geteuid() != 0 {
		return nil
	}
	return []string{"setpriv", "--bounding-set=-all", "--inh-caps=-all"}
}

func denied(t *Trials, n int) {
	if os.Geteuid() == 0 && (!t.need("setpriv") || !t.try(append(unprivileged(), "true")...)) {
		return
	}
	seeds := t.seed(3)
	var after []string
	for i := range n {
		dir := t.warm() // all the files are there
		places := []string{
			filepath.Dir(t.cache()), t.cache(), filepath.Join(t.cache(), "verdict"), filepath.Join(t.cache(), "seen"),
			filepath.Dir(t.state()), t.state(), t.pending(), t.lock(), t.lock() + ".lock",
			filepath.Dir(t.policy()), t.policy(), filepath.Join(dir, ".python-version"),
		}
		place := places[i%len(places)]
		mode := []os.FileMode{0, 0o500, 0o100}[i/len(places)%3]
		info, err := os.Stat(place)
		if err != nil {
			t.lose("%s: %v", place, err)
			continue
		}
		if !strings.HasPrefix(place, t.cache()) {
			t.forget()
		}
		if place != filepath.Join(dir, ".python-version") {
			dir = t.project()
		}
		os.Chmod(place, mode)
		r := t.RunIn(dir, append(unprivileged(), python...)...)
		os.Chmod(place, info.Mode().Perm())
		t.Count++
		t.ran(fmt.Sprintf("%s with mode %v", place, mode), r)
		if again := t.RunIn(dir, python...); again.Code != answer {
			t.lose("%s, allowed again: %s", place, again)
		}
		after = append(after, dir)
	}
	t.keeps("in the end", append(seeds, after...)...)
	t.settled("in the end", t.undisturbed)
}
