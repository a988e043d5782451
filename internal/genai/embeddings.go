package genai

import (
	"bytes"
	"encoding/json"
)

// Embeddings takes the response of an embeddings call and drops its vectors: they are large,
// and nobody reads them in a log. Their number and length are kept, see Facts.
type Embeddings struct {
	said  bool
	valid bool
	head  streamHead

	vectors, dimensions int
}

// Add implements Assembler.
func (e *Embeddings) Add(_ string, data []byte) {
	e.said = true
	var whole struct {
		streamHead
		Data []struct {
			Embedding json.RawMessage `json:"embedding"`
		} `json:"data"`
	}
	if e.valid = decode(data, &whole); !e.valid {
		return
	}
	e.head, e.vectors = whole.streamHead, len(whole.Data)
	if e.vectors == 0 {
		return
	}
	// Vectors in base64 are 4 bytes a dimension.
	switch v := bytes.TrimSpace(whole.Data[0].Embedding); {
	case len(v) > 2 && v[0] == '[':
		e.dimensions = bytes.Count(v, []byte(",")) + 1
	case len(v) > 2 && v[0] == '"':
		e.dimensions = (len(v) - 2 - bytes.Count(v, []byte("="))) * 3 / 4 / 4
	}
}

// Complete implements Assembler.
func (e *Embeddings) Complete() bool { return e.said }

// Failure implements Assembler.
func (e *Embeddings) Failure() *Failure {
	if e.said && !e.valid {
		return &Failure{Type: "invalid_json", Message: "the answer is not JSON"}
	}
	return e.head.failure()
}

// Result implements Assembler: a chat completion without choices, for its model and usage.
func (e *Embeddings) Result() []byte {
	if !e.valid {
		return nil
	}
	return encode(e.head.completion())
}

// Facts adds the number of vectors and their length to metadata.
func (e *Embeddings) Facts(to map[string]any) {
	if e.vectors > 0 {
		to["vectors"], to["dimensions"] = e.vectors, e.dimensions
	}
}
