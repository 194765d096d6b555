package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// A printer writes the results to standard output.
type printer struct{ markdown bool }

func (p printer) line(text string) { fmt.Println(text) }

// table prints a measured table. Differences and ratios are medians over the rounds, the bounds in
// parentheses those within which the median lies with 95 %.
func (p printer) table(t *table) {
	cells := [][]string{{"", "median ms", "quartiles", "CPU ms", "over " + t.floor + ", ms", "× " + t.floor, "× direct"}}
	for _, r := range t.rows {
		times, floor := t.times[r.name], t.times[t.floor]
		d := differences(times, floor)
		low, high := interval(d)
		cells = append(cells, []string{
			r.name,
			fmt.Sprintf("%.2f", median(times)),
			fmt.Sprintf("%.2f to %.2f", quantile(times, 0.25), quantile(times, 0.75)),
			fmt.Sprintf("%.2f", median(t.cpu[r.name])),
			fmt.Sprintf("%+.2f (%+.2f to %+.2f)", median(d), low, high),
			fmt.Sprintf("%.2f", median(ratios(times, floor))),
			fmt.Sprintf("%.2f", median(ratios(times, t.times[t.rows[0].name]))),
		})
	}
	p.list(fmt.Sprintf("%s (%d rounds)", t.title, len(t.times[t.floor])), nil)
	if p.markdown {
		fmt.Println()
	}
	p.cells(cells)
}

// cells prints rows of cells, the first of which is the head; all columns but the first are
// aligned to the right.
func (p printer) cells(rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	open, between, end := "  ", "  ", ""
	if p.markdown {
		open, between, end = "| ", " | ", " |"
	}
	for n, row := range rows {
		padded := make([]string, len(row))
		for i, cell := range row {
			space := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			padded[i] = space + cell
			if i == 0 {
				padded[i] = cell + space
			}
		}
		fmt.Println(open + strings.Join(padded, between) + end)
		if n == 0 && p.markdown {
			fmt.Println("|---" + strings.Repeat("|--:", len(row)-1) + "|")
		}
	}
}

// list prints a title and lines below it.
func (p printer) list(title string, lines []string) {
	if p.markdown {
		title = "**" + title + "**"
	}
	fmt.Println("\n" + title)
	if p.markdown && len(lines) > 0 {
		fmt.Println()
	}
	for _, line := range lines {
		if p.markdown {
			line = "- " + line
		} else {
			line = "  " + line
		}
		fmt.Println(line)
	}
}

// machineLine says where and when the figures were taken, the load of other programs included.
func machineLine() string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	kernel := "unknown"
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		kernel = unix.ByteSliceToString(name.Release[:])
	}
	load := "unknown"
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		load, _, _ = strings.Cut(string(text), " ")
	}
	return fmt.Sprintf("%s, %d CPUs, Linux %s, %s, load %s, %s", model, runtime.NumCPU(), kernel,
		runtime.Version(), load, time.Now().UTC().Format(time.DateOnly))
}
