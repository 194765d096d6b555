package attribute

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"uvshim/shim/host"
)

// standIn makes a nix-locate that is a shell script and returns an environment with it.
func standIn(t *testing.T, script string) host.Env {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nix-locate"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return host.Env{"PATH=relative:" + dir}
}

func TestLocate(t *testing.T) {
	for _, row := range []struct {
		name, script string
		want         Answer
		err          string // a part of it
	}{
		{"locate_asks_for_the_whole_name", `[ "$*" = "--minimal --at-root --whole-name /lib/libfoo.so.1" ] && echo foo.out`, Answer{Located, "foo", "found by nix-locate"}, ""},
		{"locate_shortest_first", `printf '%s\n' a.foo.out '(private.out)' foo-x.lib foo.dev z.out y.out z.out 'odd line.out' nodot`,
			Answer{Located, "y", "found by nix-locate; also in z, a.foo, foo-x"}, ""},
		{"locate_many", `printf '%s\n' a.out b.out c.out d.out e.out f.out g.out h.out`,
			Answer{Located, "a", "found by nix-locate; also in b, c, d, e, f and 2 more"}, ""},
		{"locate_nothing", `exit 0`, Answer{Unknown, "", "nix-locate knows of no package with lib/libfoo.so.1"}, ""},
		{"locate_without_database", `echo "error: no database" >&2; exit 1`, Answer{Kind: Unknown}, "error: no database"},
		{"locate_endless", `while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx || exit 3; [ $((i+=1)) -gt 4000 ] && exit 0; done`,
			Answer{Unknown, "", "nix-locate knows of no package with lib/libfoo.so.1"}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := Locate(context.Background(), standIn(t, row.script), "libfoo.so.1")
			if got != row.want || (err == nil) != (row.err == "") || err != nil && !strings.Contains(err.Error(), row.err) {
				t.Errorf("%+v, %v, want %+v, %q", got, err, row.want, row.err)
			}
		})
	}
}

func TestLocateRefuses(t *testing.T) {
	env := standIn(t, "echo foo.out")
	for _, soname := range []string{"", "../foo.so", "a\nb", "a\x00"} {
		if got, err := Locate(context.Background(), env, soname); err == nil {
			t.Errorf("Locate(%q) = %+v", soname, got)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nix-locate"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	runs := strings.TrimPrefix(standIn(t, "echo foo.out").Get("PATH"), "relative:")
	t.Chdir(runs) // so that a relative entry would find it
	for _, env := range []host.Env{nil, {"PATH="}, {"PATH=" + dir}, {"PATH=.:"}, {"PATH=../" + filepath.Base(runs)}} {
		if _, err := Locate(context.Background(), env, "libfoo.so.1"); !errors.Is(err, ErrNoLocate) {
			t.Errorf("%q: %v", env, err)
		}
	}
}

// A grandchild that keeps the output open does not keep the caller.
func TestLocateEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	let := filepath.Join(t.TempDir(), "let")
	env := standIn(t, "(while [ ! -e "+let+" ]; do /bin/sleep 0.1; done) & exec /bin/sleep 5")
	got := make(chan error, 1)
	go func() {
		_, err := Locate(ctx, env, "libfoo.so.1")
		got <- err
	}()
	select {
	case err := <-got:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	case <-time.After(time.Minute):
		t.Error("it waits for the grandchild")
	}
	if err := os.WriteFile(let, nil, 0o644); err != nil {
		t.Fatal(err)
	}
}
