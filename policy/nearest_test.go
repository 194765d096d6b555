package policy

import "testing"

func TestNearest(t *testing.T) {
	words := []string{"prune", "prunes", "auto-install", "uv"}
	for _, row := range []struct{ name, slip, want string }{
		{"same", "prune", "prune"},
		{"same_though_the_first_is_near", "prunes", "prunes"},
		{"first_of_equally_near", "prune_", "prune"},
		{"one_left_out", "prne", "prune"},
		{"one_put_in", "prrune", "prune"},
		{"one_replaced", "prone", "prune"},
		{"two_swapped", "rpune", "prune"},
		{"two_wrong_in_short", "prxxe", ""},
		{"four_wrong_in_long", "auti_onstatt", "auto-install"},
		{"case_and_line", "AUTO_INSTALL", "auto-install"},
		{"short", "uw", "uv"},
		{"short_wrong", "xy", ""},
		{"empty", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := Nearest(row.slip, words); got != row.want {
				t.Errorf("Nearest to %q is %q, want %q", row.slip, got, row.want)
			}
		})
	}
}
