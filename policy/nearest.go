package policy

import "strings"

// fold is a name without what people mix up: case, and _ for -.
func fold(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "_", "-")
}

// Nearest returns the word that name is probably a slip of, or "": at most a third of its letters
// are wrong. Of equally near ones it is the first.
func Nearest(name string, words []string) string {
	best, least := "", 0
	for _, word := range words {
		if len(name) > 2*len(word) { // keeps crafted names cheap
			continue
		}
		d := distance(fold(name), word)
		if d <= max(1, len(word)/3) && (best == "" || d < least) {
			best, least = word, d
		}
	}
	return best
}

// distance is how many bytes must be put in, left out, replaced or swapped with their neighbour to
// make b of a.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
