package genai

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

// Assembler puts a response together from the values of its body: the pieces of a stream,
// or the one value that is all of it. It belongs to one goroutine.
type Assembler interface {
	// Add takes the next value and the name of its event, "" if it has none. It may keep
	// the slice. Values that are not JSON or not of the API are ignored.
	Add(event string, data []byte)
	// Complete reports whether the response has come to its end.
	Complete() bool
	// Result returns the response as far as it has come, in a form that Normalize knows;
	// nil if nothing has come.
	Result() []byte
	// Failure returns the error in the response, or nil if there is none.
	Failure() *Failure
}

// NewAssembler returns an assembler for the responses of an API. The budget bounds the
// texts that it keeps of a stream; a whole response is kept as it is.
func NewAssembler(a API, stream bool, b *Budget) Assembler {
	switch {
	case a == OllamaChat || a == OllamaGenerate:
		return &ollamaAssembler{Budget: b}
	case a == OpenAIEmbeddings:
		return &Embeddings{}
	case !stream:
		return &Whole{}
	case a == OpenAIChat:
		return &chatAssembler{Budget: b}
	case a == OpenAICompletions:
		return &completionAssembler{Budget: b}
	case a == OpenAIResponses:
		return &responsesAssembler{Budget: b}
	case a == AnthropicMessages:
		return &anthropicAssembler{Budget: b}
	default:
		return &geminiAssembler{Budget: b}
	}
}

// Budget bounds the text that an assembler keeps. Whoever owns the assembler reads it
// between calls of Add.
type Budget struct {
	Left  int  // bytes that may still be kept
	Cut   bool // something did not fit and was left out
	Began bool // the model has said something
}

// text appends as much of s as fits.
func (b *Budget) text(to *[]byte, s string) {
	if s == "" {
		return
	}
	b.Began = true
	if len(s) > b.Left {
		b.Cut, s = true, strings.ToValidUTF8(s[:b.Left], "")
	}
	b.Left -= len(s)
	*to = append(*to, s...)
}

// raw returns the value if it fits, else nil.
func (b *Budget) raw(value json.RawMessage) json.RawMessage {
	if len(value) > b.Left {
		b.Cut = true
		return nil
	}
	b.Left -= len(value)
	return value
}

// maxPieces limits the number of choices, blocks, items or calls of one response, so that a
// stream of numbers cannot fill the memory.
const maxPieces = 1024

// pieces holds the parts of a response by the number that a stream gives them. The numbers come
// from outside: they may have gaps, and there may be any number of them.
type pieces[T any] map[int]*T

// at returns a part, made if there is none; nil if there are too many.
func (p *pieces[T]) at(i int, b *Budget) *T {
	if part := (*p)[i]; part != nil {
		return part
	}
	if len(*p) >= maxPieces {
		b.Cut = true
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

// Whole takes a response that comes in one piece, including the body of an HTTP error.
type Whole struct{ raw []byte }

// Add implements Assembler.
func (w *Whole) Add(_ string, data []byte) { w.raw = data }

// Complete implements Assembler.
func (w *Whole) Complete() bool { return w.raw != nil }

// Result implements Assembler: the value as it came, or nil if it is not JSON.
func (w *Whole) Result() []byte {
	if !json.Valid(w.raw) {
		return nil
	}
	return w.raw
}

// Failure implements Assembler. An error in the value is part of the result; only a value
// that is not JSON is a failure.
func (w *Whole) Failure() *Failure {
	if w.raw != nil && !json.Valid(w.raw) {
		return &Failure{Type: "invalid_json", Message: "the answer is not JSON"}
	}
	return nil
}

// decode decodes a value and reports whether it was JSON. A member of an unexpected type
// costs only that member: providers extend their formats, and gateways bend them.
func decode(data []byte, to any) bool {
	err := json.Unmarshal(data, to)
	if _, other := errors.AsType[*json.UnmarshalTypeError](err); other {
		return true
	}
	return err == nil
}

// encode returns the JSON of a value in one line, without escaping < > &; nil if it has
// none.
func encode(v any) []byte {
	raw, err := marshal(v)
	if err != nil {
		return nil
	}
	return raw
}
