// Package trials numbers the random trials of a test, so that each of them can be had again. Only
// tests import it.
package trials

import (
	"os"
	"strconv"
	"testing"
)

// Run runs trials, each a test of its own that is called by its number and takes all that is random
// from that. Without more said they are the first few; UVSHIM_TRIALS says how many, UVSHIM_SEED
// the number of the first. What differs is reported by failing; the end of the log counts.
func Run(t *testing.T, few int, trial func(t *testing.T, seed uint64)) {
	t.Helper()
	n, first := uint64(few), uint64(1)
	for name, value := range map[string]*uint64{"UVSHIM_TRIALS": &n, "UVSHIM_SEED": &first} {
		text := os.Getenv(name)
		if text == "" {
			continue
		}
		number, err := strconv.ParseUint(text, 10, 63)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		*value = number
	}
	done, differences := 0, 0
	for seed := first; seed < first+n; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			defer func() {
				if !t.Skipped() {
					done++
				}
				if t.Failed() {
					differences++
					t.Logf("again with UVSHIM_SEED=%d UVSHIM_TRIALS=1", seed)
				}
			}()
			trial(t, seed)
		})
	}
	t.Logf("trials: %d, differences: %d", done, differences)
}
