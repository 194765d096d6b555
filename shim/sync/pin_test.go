package sync

import (
	"os"
	"path/filepath"
	"testing"

	"uvshim/shim/host"
	"uvshim/shim/uv"
)

func TestPin(t *testing.T) {
	root := t.TempDir()
	at := Place{Host: host.Host{UID: os.Geteuid()}, Base: host.Dirs{State: filepath.Join(root, "state")}, UV: uv.Dirs{Config: filepath.Join(root, "uv")}}
	file := filepath.Join(root, "uv/.python-version")
	check := func(when, text string, ours bool) {
		t.Helper()
		if pin := readPin(at); pin.Text != text || pin.Ours != ours || pin.Path != file {
			t.Errorf("%s: %+v", when, pin)
		}
	}
	set := func(text string) {
		t.Helper()
		if err := setPin(at, readPin(at), text); err != nil {
			t.Fatal(err)
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	check("none", "", true)
	set("3.13")
	check("set", "3.13", true)
	set("3.14")
	check("set_again", "3.14", true)
	write("3.13\n")
	check("killed_before_the_pin_was_written", "3.13", true)
	write("3.12\n")
	check("changed_by_the_user", "3.12", false)
	set("3.14")
	target := filepath.Join(root, "dotfile")
	if err := os.Rename(file, target); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, file); err != nil {
		t.Fatal(err)
	}
	check("a_link_elsewhere", "3.14", false)
	if err := os.Remove(target); err != nil {
		t.Fatal(err)
	}
	check("a_link_to_nothing", "", false)
	if pin := readPin(Place{Base: at.Base}); pin.Path != "" {
		t.Errorf("without a place: %+v", pin)
	}
	other := at
	other.Host.UID++
	if err := setPin(other, Pin{Path: file}, "3.12"); err == nil {
		t.Error("another user's pin was written")
	}
}
