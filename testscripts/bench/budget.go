package main

import "fmt"

// The budgets of a warm call.
const (
	overFloor = 0.4 // ms over the Go floor
	overEmpty = 1.1 // times the same call with an empty lock or environment
	peakKiB   = 6 << 10
)

func verdict(held bool) string {
	if held {
		return "held"
	}
	return "MISSED"
}

// memory returns the peak of each row of the warm path, in KiB; none without peak.
func memory(t *table, p programs) (map[string]int, error) {
	peaks := map[string]int{}
	if p.peak == "" {
		return peaks, nil
	}
	for _, r := range t.rows {
		// what it was before its first exec is a copy of the tiny program that forked it
		n, err := r.peak(p.peak)
		if err != nil {
			return nil, err
		}
		peaks[r.name] = n
	}
	return peaks, nil
}

// budgets returns a line for each budget and row that it is for.
func budgets(t *table, peaks map[string]int) []string {
	var lines []string
	add := func(held bool, format string, args ...any) {
		lines = append(lines, fmt.Sprintf(format, args...)+": "+verdict(held))
	}
	for _, name := range []string{bare, withPolicy, inProject, bareUV, runCovered} {
		if len(t.times[name]) == 0 {
			continue
		}
		d := differences(t.times[name], t.times[t.floor])
		low, high := interval(d)
		add(median(d) <= overFloor, "%s over the %s: %+.2f ms (%+.2f to %+.2f), budget %+.1f ms",
			name, t.floor, median(d), low, high, overFloor)
	}
	for _, pair := range [][2]string{{bigLock, withPolicy}, {fullVenv, emptyVenv}} {
		if len(t.times[pair[0]]) == 0 {
			continue
		}
		r := ratios(t.times[pair[0]], t.times[pair[1]])
		low, high := interval(r)
		add(median(r) <= overEmpty, "%s against %s: × %.3f (%.3f to %.3f), budget × %.1f",
			pair[0], pair[1], median(r), low, high, overEmpty)
	}
	for _, name := range []string{goFloor, bare, withPolicy, inProject, bigLock, fullVenv, bareUV, runCovered, runLacking} {
		switch n := peaks[name]; {
		case n == 0:
		case name == goFloor:
			lines = append(lines, fmt.Sprintf("peak memory of the %s: %.1f MiB", name, float64(n)/1024))
		default:
			add(n <= peakKiB, "peak memory of %s: %.1f MiB, budget %.0f MiB", name, float64(n)/1024, peakKiB/1024.0)
		}
	}
	return lines
}
