package diff

import (
	"slices"
	"strings"
	"testing"

	"github.com/aymanbagabas/go-udiff/lcs"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func joined(pieces []Piece, wanted func(Piece) bool) string {
	var b strings.Builder
	for _, p := range pieces {
		if wanted(p) {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

// sides returns both texts, put together from the blocks, and what is the same in them.
func sides(t Text) (a, b, sameInA, sameInB string) {
	all := func(Piece) bool { return true }
	same := func(p Piece) bool { return !p.Changed }
	for _, block := range t.Blocks {
		inB := block.B
		if block.Same {
			inB = block.A
		}
		a += joined(block.A, all)
		b += joined(inB, all)
		sameInA += joined(block.A, same)
		sameInB += joined(inB, same)
	}
	return a, b, sameInA, sameInB
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func checkTexts(t fataler, a, b string) {
	t.Helper()
	d := Texts(a, b)
	if d.Same != (a == b) {
		t.Fatalf("Same is %t for %q and %q", d.Same, a, b)
	}
	if d.Blocks != nil {
		gotA, gotB, sameInA, sameInB := sides(d)
		if gotA != a || gotB != b {
			t.Fatalf("blocks are of %q and %q, want %q and %q", gotA, gotB, a, b)
		}
		if sameInA != sameInB {
			t.Fatalf("what is the same is %q in A and %q in B", sameInA, sameInB)
		}
	} else if !d.Same && len(a)+len(b) < 1000 {
		t.Fatalf("no blocks for the short texts %q and %q", a, b)
	}
	if other := cmp.Diff(Texts(b, a).swapped(), d); other != "" {
		t.Fatalf("comparing the other way round differs: %s", other)
	}
}

// similar draws a text of few different words, so that two have much in common.
func similar() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b ", "\n", "ünd", "你", "\xff", " ", "b"}), 0, 30).Draw(t, "words"), "")
	})
}

func TestBlocksArePiecesOfBothTexts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { checkTexts(t, similar().Draw(t, "a"), similar().Draw(t, "b")) })
	rapid.Check(t, func(t *rapid.T) { checkTexts(t, rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")) })
}

func FuzzTexts(f *testing.F) {
	f.Add("", "a")
	f.Add("a\nb\n", "a\nc")
	f.Add("x y z", "x  z")
	f.Fuzz(func(t *testing.T, a, b string) { checkTexts(t, a, b) })
}

// naive returns the length of a longest common subsequence.
func naive(a, b []int32) int {
	row := make([]int, len(b)+1)
	for _, x := range a {
		corner := 0
		for j, y := range b {
			above := row[j+1]
			if x == y {
				row[j+1] = corner + 1
			} else {
				row[j+1] = max(above, row[j])
			}
			corner = above
		}
	}
	return row[len(b)]
}

func checkRuns(t fataler, a, b []int32, runs []run) int {
	t.Helper()
	fromA, fromB, total := 0, 0, 0
	for i, r := range runs {
		if r.n < 1 || r.a < fromA || r.b < fromB || i > 0 && r.a == fromA && r.b == fromB || !slices.Equal(a[r.a:r.a+r.n], b[r.b:r.b+r.n]) {
			t.Fatalf("run %v of %v does not fit %v and %v", r, runs, a, b)
		}
		fromA, fromB, total = r.a+r.n, r.b+r.n, total+r.n
	}
	return total
}

func TestAlignFindsALongestCommonSubsequence(t *testing.T) {
	t.Parallel()
	sequence := rapid.SliceOfN(rapid.Int32Range(0, 4), 0, 25)
	rapid.Check(t, func(t *rapid.T) {
		a, b := sequence.Draw(t, "a"), sequence.Draw(t, "b")
		runs, ok := align(a, b, newWork())
		if got, want := checkRuns(t, a, b, runs), naive(a, b); !ok || got != want {
			t.Fatalf("%d elements in common, %t, want %d", got, ok, want)
		}
	})
}

// TestAlignFindsNoLessThanALibrary takes longer sequences than the naive algorithm can.
func TestAlignFindsNoLessThanALibrary(t *testing.T) {
	t.Parallel()
	sequence := rapid.SliceOfN(rapid.Int32Range(1, 200), 200, 600)
	rapid.Check(t, func(t *rapid.T) {
		a, b := sequence.Draw(t, "a"), sequence.Draw(t, "b")
		runs, ok := align(a, b, newWork())
		got, theirs := checkRuns(t, a, b, runs), len(a)
		for _, d := range lcs.DiffRunes(a, b) {
			theirs -= d.End - d.Start
		}
		if !ok || got < theirs {
			t.Fatalf("%d elements in common, %t; the library finds %d", got, ok, theirs)
		}
	})
}

func TestAlignGivesUpWithoutStepsAndKeepsTheEnds(t *testing.T) {
	t.Parallel()
	a, b := []int32{0, 1, 2, 3, 9}, []int32{0, 2, 1, 2, 1, 3, 3, 9}
	w := &work{left: 2}
	runs, ok := align(a, b, w)
	if want := []run{{0, 0, 1}, {3, 6, 2}}; ok || !slices.Equal(runs, want) {
		t.Errorf("runs %v, %t, want %v, false", runs, ok, want)
	}
}

func TestWordsThatChangedAreMarkedWithinTheirLines(t *testing.T) {
	t.Parallel()
	got := Texts("first\nsend the red box now\nlast", "first\nsend the blue box now\nlast")
	want := Text{Blocks: []Block{
		{Same: true, A: []Piece{{Text: "first\n"}}},
		{
			A: []Piece{{Text: "send the "}, {"red", true}, {Text: " box now\n"}},
			B: []Piece{{Text: "send the "}, {"blue", true}, {Text: " box now\n"}},
		},
		{Same: true, A: []Piece{{Text: "last"}}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("wrong comparison (-want +got):\n%s", diff)
	}
	if a, b := got.Blocks[1].Lines(); a != 1 || b != 1 {
		t.Errorf("the block has %d and %d lines, want 1 and 1", a, b)
	}
	if a, b := got.Blocks[2].Lines(); a != 1 || b != 1 {
		t.Errorf("the last block has %d and %d lines, want 1 and 1", a, b)
	}
}

func TestSpaceBetweenWordsThatChangedIsPartOfTheChange(t *testing.T) {
	t.Parallel()
	got := Texts("a b c d", "a x y d").Blocks[0]
	want := Block{A: []Piece{{Text: "a "}, {"b c", true}, {Text: " d"}}, B: []Piece{{Text: "a "}, {"x y", true}, {Text: " d"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("wrong comparison (-want +got):\n%s", diff)
	}
}

func TestTextsThatAreTooLongAreToldToBeDifferent(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", MaxText)
	if got := Texts(long+"a", long+"b"); got.Same || got.Blocks != nil {
		t.Errorf("got %t and %d blocks", got.Same, len(got.Blocks))
	}
	if !Texts(long+"a", long+"a").Same {
		t.Error("long equal texts are not told to be the same")
	}
}

func TestTextsAreToldToBeDifferentWhenNoStepsAreLeft(t *testing.T) {
	t.Parallel()
	w := &work{left: 30}
	if got := texts("one line", "another line", w); len(got.Blocks) != 1 || !got.Blocks[0].A[0].Changed {
		t.Errorf("with steps for lines only: %+v", got)
	}
	if got := texts("one line", "another line", w); got.Same || got.Blocks != nil {
		t.Errorf("without steps: %+v", got)
	}
}
