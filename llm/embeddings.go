package llm

import (
	"bytes"
	"encoding/json"

	"github.com/troupelog/troupe/logger"
)

// embeddingsAnswer is the answer of /embeddings, without its vectors.
type embeddingsAnswer struct {
	said  bool
	valid bool
	head  streamHead

	vectors, dimensions int
}

func (e *embeddingsAnswer) add(_ string, data []byte) {
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

func (e *embeddingsAnswer) complete() bool { return e.said }

func (e *embeddingsAnswer) failure() *logger.Failure {
	if e.said && !e.valid {
		return &logger.Failure{Type: "invalid_json", Message: "the answer is not JSON"}
	}
	return e.head.failure()
}

// result is a chat completion in which nothing is said.
func (e *embeddingsAnswer) result() []byte {
	if !e.valid {
		return nil
	}
	return encode(e.head.completion())
}

// facts tells of the vectors.
func (e *embeddingsAnswer) facts(to map[string]any) {
	if e.vectors > 0 {
		to["vectors"], to["dimensions"] = e.vectors, e.dimensions
	}
}
