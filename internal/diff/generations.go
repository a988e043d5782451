package diff

import (
	"slices"

	"github.com/troupelog/troupe/internal/conversation"
	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/genai"
)

// GenerationDiff is the comparison of two model calls.
type GenerationDiff struct {
	// Messages are the messages that the model was sent, in order. Messages counts them in Counts.
	Messages []MessageDiff
	Counts   Counts
	// Answer compares the answers that count; nil if neither call has one.
	Answer *MessageDiff
	// Fields are the model, the provider, the prompt and the parameters, by name.
	Fields []FieldDiff
	// Tools are the tools that the model was offered, those of A in its order, and those
	// that only B has behind them.
	Tools []FieldDiff
	Delta Delta
}

// Different reports whether the inputs or outputs of the calls differ. Time, tokens and cost
// are ignored.
func (d *GenerationDiff) Different() bool {
	differs := func(f FieldDiff) bool { return f.State != Same }
	return d.Counts.Different() || d.Answer != nil && d.Answer.State != Same ||
		slices.ContainsFunc(d.Fields, differs) || slices.ContainsFunc(d.Tools, differs)
}

// MessageDiff is a message that changed or is on one side only, or a run of messages
// that are the same.
type MessageDiff struct {
	State State
	// A and B are the messages on each side: as many on both where they are the same,
	// one on both where it changed, else one on its side.
	A, B []genai.Message
	// FromA and FromB number the first of them among those of its side, from 0 on. On
	// the side that has none it is where they would be.
	FromA, FromB int
	Text         Text // of a message that changed
}

// Generations compares two model calls. Messages are aligned by role and content, as far
// as possible; of those between, messages of the same role are taken for changed ones.
func Generations(a, b *fold.Node) GenerationDiff {
	w := newWork()
	inA, inB := conversation.Of(a), conversation.Of(b)
	d := GenerationDiff{Delta: deltaOf(a, b), Fields: fields(a, b, w), Tools: tools(a, b, w)}
	d.Answer = answer(inA.Last(), inB.Last(), w)
	d.Messages = messages(inA.Sent, inB.Sent, w)
	for _, m := range d.Messages {
		d.Counts.add(m.State, max(len(m.A), len(m.B)))
	}
	return d
}

func answer(a, b *conversation.Answer, w *work) *MessageDiff {
	side := func(a *conversation.Answer) []genai.Message {
		if a == nil {
			return nil
		}
		return []genai.Message{a.Message}
	}
	m := MessageDiff{State: Changed, A: side(a), B: side(b)}
	switch {
	case a == nil && b == nil:
		return nil
	case b == nil:
		m.State = OnlyA
	case a == nil:
		m.State = OnlyB
	case contentOf(&a.Message) == contentOf(&b.Message):
		m.State = Same
	default:
		m.Text = texts(textOf(&a.Message), textOf(&b.Message), w)
	}
	return &m
}
