package diff

import "strings"

// MaxText is the longest text in bytes that is compared in detail.
const MaxText = 256 << 10

// Text is the comparison of two texts.
type Text struct {
	Same bool
	// Blocks are whole lines, in order; together they are both texts. They are nil if
	// the texts are equal, or too long or too different to say where they differ.
	Blocks []Block
}

// Block is a piece of two texts: lines that they have in common, or lines of A in whose
// place B has others.
type Block struct {
	Same bool
	// A and B are the lines in pieces. A block that is the same has one piece, in A.
	A, B []Piece
}

// Piece is a part of a line. If both sides of a block have lines, words that only one side
// has are Changed, and all other pieces are equal in A and B.
type Piece struct {
	Text    string
	Changed bool
}

// Lines returns the number of lines of the block on each side. The last line of a text
// counts with or without a line break.
func (b Block) Lines() (a, other int) {
	a = countLines(b.A)
	if b.Same {
		return a, a
	}
	return a, countLines(b.B)
}

func countLines(pieces []Piece) int {
	n, last := 0, ""
	for _, p := range pieces {
		n += strings.Count(p.Text, "\n")
		last = p.Text
	}
	if last != "" && !strings.HasSuffix(last, "\n") {
		n++
	}
	return n
}

// Texts compares two texts by lines, and lines that changed by words.
func Texts(a, b string) Text { return texts(a, b, newWork()) }

// texts compares within the steps that w has left. It compares in one order whatever the
// sides, as there can be several ways to align the same texts.
func texts(a, b string, w *work) Text {
	switch {
	case a == b:
		return Text{Same: true}
	case len(a) > MaxText || len(b) > MaxText:
		return Text{}
	case a > b:
		return texts(b, a, w).swapped()
	case !w.spend(len(a) + len(b)):
		return Text{}
	}
	linesA, linesB := strings.SplitAfter(a, "\n"), strings.SplitAfter(b, "\n")
	inA, inB := symbols(linesA, linesB)
	runs, ok := align(inA, inB, w)
	if !ok {
		return Text{}
	}
	var blocks []Block
	fromA, fromB := 0, 0
	for _, r := range append(runs, run{len(linesA), len(linesB), 0}) {
		oldText, newText := strings.Join(linesA[fromA:r.a], ""), strings.Join(linesB[fromB:r.b], "")
		if oldText != "" || newText != "" {
			blocks = append(blocks, changed(oldText, newText, w))
		}
		if same := strings.Join(linesA[r.a:r.a+r.n], ""); same != "" {
			blocks = append(blocks, Block{Same: true, A: []Piece{{Text: same}}})
		}
		fromA, fromB = r.a+r.n, r.b+r.n
	}
	return Text{Blocks: blocks}
}

func (t Text) swapped() Text {
	for i, b := range t.Blocks {
		if !b.Same {
			t.Blocks[i].A, t.Blocks[i].B = b.B, b.A
		}
	}
	return t
}
