package diff

import "slices"

// Limits on the work of a comparison. A step takes a few nanoseconds, and aligning keeps
// four bytes per step.
const (
	maxSteps      = 8_000_000 // of one comparison
	maxAlignSteps = 2_000_000 // of aligning two sequences
)

// work counts the remaining steps of a comparison.
type work struct {
	left int
	rows [][]int32 // of shortestEdit, reused between calls: row d has d+1 elements
}

// spend subtracts steps and reports whether enough were left.
func (w *work) spend(steps int) bool {
	w.left -= steps
	return w.left >= 0
}

func newWork() *work { return &work{left: maxSteps} }

// run is a common piece of two sequences: n elements that start at index a of the first and
// index b of the second.
type run struct{ a, b, n int }

// align returns a longest common subsequence of two sequences, as runs in order that do
// not touch each other on both sides. Elements are small numbers, as symbols gives them.
// If that takes too many steps, it reports false, and the runs are only the part that the
// sequences have in common at their ends.
func align(a, b []int32, w *work) ([]run, bool) {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var runs []run
	if head > 0 {
		runs = append(runs, run{0, 0, head})
	}
	pairs, ok := alignMiddle(a[head:len(a)-tail], b[head:len(b)-tail], w)
	for _, p := range pairs {
		runs = join(runs, run{head + p.a, head + p.b, p.n})
	}
	if tail > 0 {
		runs = join(runs, run{len(a) - tail, len(b) - tail, tail})
	}
	return runs, ok
}

// join appends a run, to the last one if they touch.
func join(runs []run, r run) []run {
	if last := len(runs) - 1; last >= 0 && runs[last].a+runs[last].n == r.a && runs[last].b+runs[last].n == r.b {
		runs[last].n += r.n
		return runs
	}
	return append(runs, r)
}

// alignMiddle leaves out elements that only one side has, which no common subsequence holds, and
// aligns the rest.
func alignMiddle(a, b []int32, w *work) ([]run, bool) {
	placesA, placesB := common(a, b), common(b, a)
	pick := func(from []int32, places []int) []int32 {
		picked := make([]int32, len(places))
		for i, p := range places {
			picked[i] = from[p]
		}
		return picked
	}
	pairs, ok := shortestEdit(pick(a, placesA), pick(b, placesB), w)
	if !ok {
		return nil, false
	}
	runs := make([]run, 0, len(pairs))
	for _, p := range pairs {
		runs = join(runs, run{placesA[p.a], placesB[p.b], 1})
	}
	return runs, true
}

// common returns the indexes of the elements of a that also occur in b.
func common(a, b []int32) []int {
	largest := int32(-1)
	for _, x := range b {
		largest = max(largest, x)
	}
	has := make([]bool, largest+1)
	for _, x := range b {
		has[x] = true
	}
	var places []int
	for i, x := range a {
		if x <= largest && has[x] {
			places = append(places, i)
		}
	}
	return places
}

// shortestEdit returns the places that a longest common subsequence pairs, in order. It
// is the greedy algorithm of Eugene W. Myers, An O(ND) Difference Algorithm and Its
// Variations, Algorithmica 1 (1986): element i of row d is the distance into a that one reaches with
// d deletions and insertions on the diagonal 2i-d.
func shortestEdit(a, b []int32, w *work) ([]run, bool) {
	allowed := min(w.left, maxAlignSteps)
	steps := 0
	defer func() { w.left -= steps }()
	for d := 0; ; d++ {
		if steps += d + 1; steps > allowed {
			return nil, false
		}
		if d == len(w.rows) {
			w.rows = append(w.rows, make([]int32, d+1))
		}
		row := w.rows[d]
		for i := range row {
			x := 0
			if d > 0 {
				x = next(w.rows[d-1], i)
			}
			from, y := x, x-(2*i-d)
			for x < len(a) && y < len(b) && a[x] == b[y] {
				x, y = x+1, y+1
			}
			steps += x - from
			row[i] = int32(x)
			if x >= len(a) && y >= len(b) {
				return trace(w.rows, d, i), true
			}
		}
	}
}

// next returns how far into a one comes on the i-th diagonal of the next row, before
// following equal elements: by an insertion from the diagonal above it, or by a deletion
// from that below, whichever is farther.
func next(row []int32, i int) int {
	if inserts(row, i) {
		return int(row[i])
	}
	return int(row[i-1]) + 1
}

func inserts(row []int32, i int) bool {
	return i == 0 || i < len(row) && row[i-1] < row[i]
}

// trace walks back from the i-th diagonal of row d and returns the pairs it passes.
func trace(rows [][]int32, d, i int) []run {
	var pairs []run
	for ; d >= 0; d-- {
		x, from := int(rows[d][i]), 0
		if d > 0 {
			from = next(rows[d-1], i)
		}
		for ; x > from; x-- {
			pairs = append(pairs, run{x - 1, x - 1 - (2*i - d), 1})
		}
		if d > 0 && !inserts(rows[d-1], i) {
			i--
		}
	}
	slices.Reverse(pairs)
	return pairs
}

// symbols gives equal elements of two sequences equal numbers, from 0 on.
func symbols[T comparable](a, b []T) (inA, inB []int32) {
	known := make(map[T]int32, len(a)+len(b))
	number := func(from []T) []int32 {
		numbers := make([]int32, len(from))
		for i, x := range from {
			n, ok := known[x]
			if !ok {
				n = int32(len(known))
				known[x] = n
			}
			numbers[i] = n
		}
		return numbers
	}
	return number(a), number(b)
}
