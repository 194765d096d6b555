package main

import (
	"math"
	"slices"
)

// quantile returns the value below which the part q of the values lies, between two values on the
// straight line between them; NaN of none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low == len(sorted)-1 {
		return sorted[low]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// interval returns the bounds within which the true median lies with a probability of about 95 %,
// whatever the distribution: the values at the ranks n/2 ± 0.98 √n (the sign test's interval).
func interval(values []float64) (low, high float64) {
	n := len(values)
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	half := 0.98 * math.Sqrt(float64(n))
	first := int(math.Floor(float64(n)/2 - half))
	last := int(math.Ceil(float64(n)/2 + half))
	return sorted[max(first, 0)], sorted[min(last, n-1)]
}

// differences returns a[i] - b[i], round by round: what disturbs a whole round, such as another
// program's load, falls out.
func differences(a, b []float64) []float64 {
	return pairwise(a, b, func(x, y float64) float64 { return x - y })
}

// ratios returns a[i] / b[i].
func ratios(a, b []float64) []float64 {
	return pairwise(a, b, func(x, y float64) float64 { return x / y })
}

func pairwise(a, b []float64, f func(x, y float64) float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = f(a[i], b[i])
	}
	return out
}
