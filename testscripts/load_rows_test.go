package testscripts

import (
	"strings"
	"testing"

	"uvshim/testscripts/faults/trial"
)

// Under load each call is as it is alone, the lock is complete afterwards, and nothing is left held,
// pending or half made.
func TestLoad(t *testing.T) {
	rows, err := trial.Find("load_")
	if err != nil {
		t.Fatal(err)
	}
	few := map[string]int{"load_many": 2000, "load_xargs": 2000, "load_make": 1000}
	for _, row := range rows {
		n := few[row.Name]
		if n == 0 && strings.HasPrefix(row.Name, "load_") {
			n = 40
		}
		runRow(t, row, n)
	}
}
