package diff

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/troupelog/troupe/internal/genai"
)

// messages aligns two conversations.
func messages(a, b []genai.Message, w *work) []MessageDiff {
	contentsA, contentsB := contents(a), contents(b)
	var all []MessageDiff
	fromA, fromB := 0, 0
	one := func(s State, nA, nB int) {
		all = append(all, MessageDiff{State: s, A: a[fromA : fromA+nA], B: b[fromB : fromB+nB], FromA: fromA, FromB: fromB})
		fromA, fromB = fromA+nA, fromB+nB
	}
	for _, r := range append(match(contentsA, contentsB, w), run{len(a), len(b), 0}) {
		for fromA < r.a {
			one(OnlyA, 1, 0)
		}
		for fromB < r.b {
			one(OnlyB, 0, 1)
		}
		for range r.n {
			last := len(all) - 1
			switch {
			case contentsA[fromA] != contentsB[fromB]:
				one(Changed, 1, 1)
				all[last+1].Text = texts(textOf(&a[fromA-1]), textOf(&b[fromB-1]), w)
			case last >= 0 && all[last].State == Same:
				fromA, fromB = fromA+1, fromB+1
				all[last].A, all[last].B = a[all[last].FromA:fromA], b[all[last].FromB:fromB]
			default:
				one(Same, 1, 1)
			}
		}
	}
	return all
}

func contents(messages []genai.Message) []content {
	all := make([]content, len(messages))
	for i := range messages {
		all[i] = contentOf(&messages[i])
	}
	return all
}

// match returns which messages belong together: those of a longest common subsequence,
// and between them those of the same role. It looks at the sides in one order whatever
// they are, as there can be several ways to align the same messages.
func match(a, b []content, w *work) []run {
	if slices.CompareFunc(a, b, compare) > 0 {
		runs := match(b, a, w)
		for i, r := range runs {
			runs[i] = run{r.b, r.a, r.n}
		}
		return runs
	}
	inA, inB := symbols(a, b)
	equal, _ := align(inA, inB, w)
	rolesA, rolesB := symbols(roles(a), roles(b))
	var runs []run
	fromA, fromB := 0, 0
	for _, r := range append(equal, run{len(a), len(b), 0}) {
		alike, _ := align(rolesA[fromA:r.a], rolesB[fromB:r.b], w)
		for _, like := range alike {
			runs = append(runs, run{fromA + like.a, fromB + like.b, like.n})
		}
		if r.n > 0 {
			runs = append(runs, r)
		}
		fromA, fromB = r.a+r.n, r.b+r.n
	}
	return runs
}

func compare(a, b content) int {
	return cmp.Or(cmp.Compare(a.role, b.role), bytes.Compare(a.hash[:], b.hash[:]))
}

func roles(of []content) []string {
	all := make([]string, len(of))
	for i, c := range of {
		all[i] = c.role
	}
	return all
}
