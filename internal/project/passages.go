package project

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/internal/words"
)

const (
	// MaxPassage limits the text of a Passage, in bytes.
	MaxPassage = 240
	// passageLead limits the bytes before the first hit.
	passageLead = 80
	// maxParents limits the parents that are walked to find the trace of an entity.
	maxParents = 64
)

// Passage is a hit with its entity and the text around it. Passages makes them.
type Passage struct {
	store.Hit
	Number uint64       // of the line in its repository
	Ref    protocol.Ref // the entity that the line is about
	Name   string       // of the entity, or the model
	Trace  protocol.Ref // its trace or session; zero if there is none
	Role   string       // "input", "output", "message", "result", "name", … : the field with the hit
	// Text is the passage around the first hit, at most 240 bytes; Marks are the hits'
	// places in it, as pairs of byte offsets.
	Text  string
	Marks [][2]int
}

// Passages returns the hits with their texts, in the given order. Hits whose lines were
// deleted or cannot be read are left out.
func Passages(ctx context.Context, log store.Log, index store.Index, blobs store.LargeLogs, hits []store.Hit, q store.SearchQuery) ([]Passage, error) {
	lines, err := hitLines(ctx, log, hits)
	if err != nil {
		return nil, err
	}
	terms := termsOf(q)
	x := expander{blobs: blobs}
	var passages []Passage
	for _, hit := range hits {
		line, ok := lines[hit.Loc]
		if !ok {
			continue
		}
		p := Passage{Hit: hit, Number: line.Number}
		if err := p.fill(ctx, &x, line, terms); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			continue
		}
		passages = append(passages, p)
	}
	return passages, hang(ctx, index, q.Repo, passages)
}

// hitLines reads the lines of hits. A damaged block hides its own only.
func hitLines(ctx context.Context, log store.Log, hits []store.Hit) (map[store.Loc]store.Located, error) {
	at := make([]store.Loc, len(hits))
	for i, h := range hits {
		at[i] = h.Loc
	}
	for {
		lines, err := log.Lines(ctx, at)
		if damaged, ok := errors.AsType[*store.LineError](err); ok && ctx.Err() == nil {
			whole := len(at)
			at = slices.DeleteFunc(at, func(l store.Loc) bool { return l.Block == damaged.At.Block })
			if len(at) < whole {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		found := make(map[store.Loc]store.Located, len(lines))
		for _, l := range lines {
			found[l.Loc] = l
		}
		return found, nil
	}
}

// fill finds the entity and the text with the most terms, and of these the first.
func (p *Passage) fill(ctx context.Context, x *expander, line store.Located, terms [][]string) error {
	return guard(line.Loc, func() error {
		lines, err := x.lines(ctx, line)
		if err != nil {
			return err
		}
		best := -1
		for l := range lines {
			for field, text := range fold.Texts(l.Text) {
				marks, found := mark(string(text), terms)
				if found <= best {
					continue
				}
				best = found
				p.Role = field
				p.Text, p.Marks = cut(string(text), marks)
				p.Ref = about(line.Repo, l)
			}
			if best == len(terms) {
				return nil
			}
		}
		return nil
	})
}

// about returns the entity that a line creates or changes; zero if it cannot be decoded.
func about(repo string, l fold.Line) protocol.Ref {
	changes, err := fold.Decode(repo, l)
	if err != nil || len(changes) == 0 {
		return protocol.Ref{}
	}
	return changes[0].Ref
}

// termsOf returns the words to mark, for each word and phrase of the query.
func termsOf(q store.SearchQuery) [][]string {
	var terms [][]string
	for _, t := range slices.Concat(q.Words, q.Phrases) {
		if words := strings.Fields(string(words.Append(nil, t))); len(words) > 0 {
			terms = append(terms, words)
		}
	}
	return terms
}

// mark returns the places of terms in a text, in order and apart from each other, and how
// many of the terms there are.
func mark(text string, terms [][]string) (marks [][2]int, found int) {
	var said []words.Word // the text's words
	buf := make([]byte, 0, len(text))
	for at := 0; ; {
		w := words.Next(buf, text, at)
		if w.Start == w.End {
			break
		}
		w.Plain, buf = w.Plain[len(buf):], w.Plain
		said, at = append(said, w), w.End
	}
	seen := make([]bool, len(terms))
	for i := range said {
		for t, term := range terms {
			if !begins(said[i:], term) {
				continue
			}
			if !seen[t] {
				seen[t], found = true, found+1
			}
			start, end := said[i].Start, said[i+len(term)-1].End
			if n := len(marks); n > 0 && start < marks[n-1][1] {
				marks[n-1][1] = max(end, marks[n-1][1])
			} else {
				marks = append(marks, [2]int{start, end})
			}
		}
	}
	return marks, found
}

func begins(text []words.Word, term []string) bool {
	if len(text) < len(term) {
		return false
	}
	for i, want := range term {
		if string(text[i].Plain) != want {
			return false
		}
	}
	return true
}

// cut returns the passage of a text around the first mark, and the marks within it.
func cut(text string, marks [][2]int) (string, [][2]int) {
	from := 0
	if len(marks) > 0 {
		from = max(0, min(marks[0][0]-passageLead, len(text)-MaxPassage))
	}
	if from > 0 { // at the beginning of a word, if there is one
		if space := strings.IndexAny(text[from:marks[0][0]], " \n\t"); space >= 0 {
			from += space + 1
		}
	}
	for from > 0 && !utf8.RuneStart(text[from]) {
		from--
	}
	to := min(len(text), from+MaxPassage)
	for to < len(text) && to > from && !utf8.RuneStart(text[to]) {
		to--
	}
	var within [][2]int
	for _, m := range marks {
		if m[0] < to {
			within = append(within, [2]int{m[0] - from, min(m[1], to) - from})
		}
	}
	return text[from:to], within
}

// hang sets the names of the entities and their traces.
func hang(ctx context.Context, index store.Index, repo string, passages []Passage) error {
	known := map[fold.Key]fold.Entity{}
	var wanted []fold.Key
	for _, p := range passages {
		wanted = append(wanted, fold.KeyOf(repo, p.Ref))
	}
	for range maxParents {
		slices.SortFunc(wanted, func(a, b fold.Key) int { return slices.Compare(a[:], b[:]) })
		found, err := index.Get(ctx, slices.Compact(wanted))
		if err != nil {
			return err
		}
		wanted = wanted[:0]
		for _, e := range found {
			known[e.Key] = e
		}
		for _, e := range found {
			if _, ok := known[e.Parent]; !ok && e.Parent != (fold.Key{}) {
				wanted = append(wanted, e.Parent)
			}
		}
		if len(wanted) == 0 {
			break
		}
	}
	for i := range passages {
		passages[i].place(repo, known)
	}
	return nil
}

// place sets the fields that follow from the passage's entity and its parents.
func (p *Passage) place(repo string, known map[fold.Key]fold.Entity) {
	e, ok := known[fold.KeyOf(repo, p.Ref)]
	if !ok {
		return
	}
	if p.Name = e.Name; p.Name == "" {
		p.Name = e.Model
	}
	for range maxParents {
		if e.Ref.Kind == protocol.Trace || e.Ref.Kind == protocol.Session {
			p.Trace = e.Ref
			return
		}
		if e, ok = known[e.Parent]; !ok {
			return
		}
	}
}
