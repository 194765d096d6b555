package main

import (
	"math"
	"slices"
	"testing"
)

func TestQuantile(t *testing.T) {
	tests := []struct {
		name   string
		values []float64
		q      float64
		want   float64
	}{
		{"one value", []float64{7}, 0.5, 7},
		{"median of odd, unsorted", []float64{9, 1, 4}, 0.5, 4},
		{"median of even lies between", []float64{4, 1, 9, 2}, 0.5, 3},
		{"one outlier moves nothing", []float64{1, 2, 3, 4, 1000}, 0.5, 3},
		{"first quartile", []float64{0, 1, 2, 3, 4}, 0.25, 1},
		{"third quartile between", []float64{0, 1, 2, 3}, 0.75, 2.25},
		{"least", []float64{3, 1, 2}, 0, 1},
		{"greatest", []float64{3, 1, 2}, 1, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			given := slices.Clone(test.values)
			if got := quantile(test.values, test.q); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if !slices.Equal(given, test.values) {
				t.Errorf("the values were reordered: the rounds no longer pair: %v", test.values)
			}
		})
	}
	if got := median([]float64{4, 1, 9, 2}); got != 3 {
		t.Errorf("the median is %v, want 3", got)
	}
	if !math.IsNaN(median(nil)) {
		t.Error("the median of nothing is a number")
	}
}

func TestInterval(t *testing.T) {
	count := func(n int) (values []float64) {
		for i := range n {
			values = append(values, float64(n-1-i))
		}
		return values
	}
	tests := []struct {
		name      string
		values    []float64
		low, high float64
	}{
		{"too few for one: all of them", count(3), 0, 2},
		// ranks 50 ± 9.8
		{"a hundred", count(100), 40, 60},
		// ranks 200 ± 19.6
		{"four hundred", count(400), 180, 220},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if low, high := interval(test.values); low != test.low || high != test.high {
				t.Errorf("got %v to %v, want %v to %v", low, high, test.low, test.high)
			}
		})
	}
}

// A load that comes and goes doubles all times of a round. Paired, the difference is seen all the
// same; between the medians of each row it is not.
func TestPairs(t *testing.T) {
	a := []float64{11, 21, 12, 22, 13}
	b := []float64{10, 20, 11, 21, 12}
	if got, want := differences(a, b), []float64{1, 1, 1, 1, 1}; !slices.Equal(got, want) {
		t.Errorf("differences %v, want %v", got, want)
	}
	if got, want := ratios([]float64{3, 8}, []float64{2, 2}), []float64{1.5, 4}; !slices.Equal(got, want) {
		t.Errorf("ratios %v, want %v", got, want)
	}
}
