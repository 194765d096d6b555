package launch

import (
	"slices"
	"testing"
	"time"

	"uvshim/shim/host"
)

func TestForUV(t *testing.T) {
	dirs := []string{"/b", "/c"}
	ours := []string{"SHIM_SEARCH_PATH=/b:/c", "UV_PYTHON_SEARCH_PATH=/b:/c"}
	for _, c := range []struct {
		name string
		env  host.Env
		want []string // the difference
	}{
		{"unset", host.Env{"PATH=/a:/b:/c"}, ours},
		{"inherited_pair_is_computed_anew", host.Env{"UV_PYTHON_SEARCH_PATH=/old", "SHIM_SEARCH_PATH=/old"}, ours},
		{"inherited_pair_that_is_right", host.Env{"UV_PYTHON_SEARCH_PATH=/b:/c", "SHIM_SEARCH_PATH=/b:/c"}, nil},
		{"users_own_stays", host.Env{"UV_PYTHON_SEARCH_PATH=/mine"}, nil},
		{"users_own_over_inherited_stays", host.Env{"UV_PYTHON_SEARCH_PATH=/mine", "SHIM_SEARCH_PATH=/old"}, nil},
		{"users_empty_stays", host.Env{"UV_PYTHON_SEARCH_PATH="}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ForUV(c.env, dirs)
			if diff := Diff(c.env, got); !slices.Equal(diff, c.want) {
				t.Errorf("changed %q, want %q", diff, c.want)
			}
			if _, ok := got.Lookup("UV_PYTHON"); ok {
				t.Error("UV_PYTHON is set")
			}
		})
	}
}

func TestHop(t *testing.T) {
	const ms = time.Millisecond
	env := host.Env{}
	var ok bool
	for i := range maxHops {
		if env, ok = Hop(env, 7, 1, time.Duration(i)*50*ms); !ok {
			t.Fatalf("hop %d is taken for a loop", i+1)
		}
	}
	last := time.Duration(maxHops) * 50 * ms
	for _, c := range []struct {
		name        string
		pid, parent int
		at          time.Duration
		want        bool
	}{
		{"same_process", 7, 1, last, false},
		{"child", 8, 7, last, false},
		{"grandchild_counts_anew", 9, 8, last, true},
		{"same_pid_after_a_pause", 7, 1, last + 2*time.Second, true},
		{"clock_of_another_boot", 7, 1, 0, true},
	} {
		if _, ok := Hop(env, c.pid, c.parent, c.at); ok != c.want {
			t.Errorf("%s: %v, want %v", c.name, ok, c.want)
		}
	}
	for _, value := range []string{"", "x", "7", "7:x:y", "7:1:2:3", "::"} {
		if _, ok := Hop(host.Env{guardName + "=" + value}, 7, 1, 0); !ok {
			t.Errorf("%q: taken for a loop", value)
		}
	}
}
