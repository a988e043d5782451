package llm

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/troupelog/troupe/logger"
)

// answer is gathered out of the values of a body: the pieces of a stream, or the one that
// is all.
type answer interface {
	// add takes a value. It may keep the slice.
	add(name string, data []byte)
	// complete reports whether the answer has come to its end.
	complete() bool
	// result returns what has come so far, in a form that package logger knows; nil for
	// nothing.
	result() []byte
	// failure returns the error that the answer tells of, nil for none.
	failure() *logger.Failure
}

// newAnswer returns what gathers the answer of an API.
func newAnswer(a api, stream bool, b *budget) answer {
	switch {
	case a == ollamaChat || a == ollamaGenerate:
		return &ollamaAnswer{budget: b}
	case a == openAIEmbeddings:
		return &embeddingsAnswer{}
	case !stream:
		return &wholeAnswer{}
	case a == openAIChat:
		return &chatAnswer{budget: b}
	case a == openAICompletions:
		return &completionAnswer{budget: b}
	case a == openAIResponses:
		return &responsesAnswer{budget: b}
	case a == anthropicMessages:
		return &anthropicAnswer{budget: b}
	default:
		return &geminiAnswer{budget: b}
	}
}

// budget bounds what the pieces of a stream add up to.
type budget struct {
	left  int
	cut   bool // something did not fit
	began bool // the model has said something
}

// text appends as much of s as fits.
func (b *budget) text(to *[]byte, s string) {
	if s == "" {
		return
	}
	b.began = true
	if len(s) > b.left {
		b.cut, s = true, strings.ToValidUTF8(s[:b.left], "")
	}
	b.left -= len(s)
	*to = append(*to, s...)
}

// raw returns the value if it fits, else nil.
func (b *budget) raw(value json.RawMessage) json.RawMessage {
	if len(value) > b.left {
		b.cut = true
		return nil
	}
	b.left -= len(value)
	return value
}

// maxPieces bounds how many choices, blocks, items or calls an answer may have.
const maxPieces = 1024

// pieces are the parts of an answer by the number that a stream gives them.
type pieces[T any] map[int]*T

// at returns a part, made if there is none; nil if there are too many.
func (p *pieces[T]) at(i int, b *budget) *T {
	if part := (*p)[i]; part != nil {
		return part
	}
	if len(*p) >= maxPieces {
		b.cut = true
		return nil
	}
	if *p == nil {
		*p = pieces[T]{}
	}
	part := new(T)
	(*p)[i] = part
	return part
}

// ordered returns the parts in the order of their numbers.
func (p pieces[T]) ordered() []*T {
	var all []*T
	for _, i := range slices.Sorted(maps.Keys(p)) {
		all = append(all, p[i])
	}
	return all
}

// wholeAnswer is an answer that came in one piece.
type wholeAnswer struct{ raw []byte }

func (w *wholeAnswer) add(_ string, data []byte) { w.raw = data }

func (w *wholeAnswer) complete() bool { return w.raw != nil }

func (w *wholeAnswer) result() []byte {
	if !json.Valid(w.raw) {
		return nil
	}
	return w.raw
}

func (w *wholeAnswer) failure() *logger.Failure {
	if w.raw != nil && !json.Valid(w.raw) {
		return &logger.Failure{Type: "invalid_json", Message: "the answer is not JSON"}
	}
	return nil
}

// decode decodes what fits and reports whether it was JSON: a member of another type than
// a provider says costs only that member.
func decode(data []byte, to any) bool {
	err := json.Unmarshal(data, to)
	if _, other := errors.AsType[*json.UnmarshalTypeError](err); other {
		return true
	}
	return err == nil
}

// encode encodes without escaping < > &; nil for what has no JSON.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return nil
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// given reports whether a member is there and not null.
func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }
