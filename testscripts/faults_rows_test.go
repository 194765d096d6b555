package testscripts

import (
	"strings"
	"testing"

	"uvshim/testscripts/faults/trial"
	"uvshim/testscripts/parts"
)

// A few trials of each fault; `go run ./testscripts/faults` makes many. What is to hold: the Python
// runs with its own exit code, nothing recorded before is lost, what a call leaves behind is cleaned
// up by a later one, a fault costs one message at most, and nothing hangs.
func TestFaults(t *testing.T) {
	few := map[string]int{
		"syscall_write": 24, "syscall_read": 24, "syscall_flock": 7, "power_order": 7,
		"disk_full": 14, "disk_inodes": 14, "disk_readonly": 5, "disk_denied": 12,
		"kill": 28, "damage": 26, "vanish": 24, "clock": 6, "versions": 24, "world": 10,
	}
	for _, row := range trial.Rows() {
		if !strings.HasPrefix(row.Name, "load_") {
			runRow(t, row, few[row.Name])
		}
	}
}

func runRow(t *testing.T, row trial.Row, n int) {
	t.Run(row.Name, func(t *testing.T) {
		if n == 0 {
			t.Fatal("no number of trials")
		}
		got := row.Do(newHome(t).Work+"/machine", binary, n)
		for _, loss := range got.Losses {
			t.Error(loss)
		}
		if got.Missing != nil {
			parts.Missing(t, got.Missing)
		}
		if got.Count == 0 {
			t.Error("nothing was tried")
		}
		t.Logf("%s: %d trials; %s", row.Fault, got.Count, strings.Join(got.Figures, ", "))
	})
}
