package genai

import (
	"encoding/json"
	"strings"
)

// TailUsage returns a result that has only a usage, read from the end of a response that
// was too long to be kept; nil if there is none. Providers write the usage last, so the end
// mostly has it, and a long call is just the one whose price matters.
func TailUsage(tail []byte) []byte {
	for _, name := range []string{`"usage"`, `"usageMetadata"`} {
		i := strings.LastIndex(string(tail), name)
		if i < 0 {
			continue
		}
		_, value, ok := strings.Cut(string(tail[i:]), ":")
		if !ok {
			continue
		}
		var usage json.RawMessage
		if json.NewDecoder(strings.NewReader(value)).Decode(&usage) != nil || usage[0] != '{' {
			continue
		}
		if name == `"usage"` {
			return encode(Chat{Object: ChatObject, Choices: []ChatChoice{}, Usage: usage})
		}
		return encode(map[string]any{"candidates": []any{}, "modelVersion": "unknown", "usageMetadata": usage})
	}
	return nil
}

// WithFailure returns a result, in the form in which it is logged, with an error beside it.
func WithFailure(result []byte, f Failure) []byte {
	members := map[string]json.RawMessage{}
	if !decode(Normalize(result).JSON, &members) || members == nil {
		members = map[string]json.RawMessage{}
	}
	members["error"] = encode(map[string]string{"message": f.Message, "code": f.Code, "type": f.Type})
	return encode(members)
}

// WithoutContent returns a result without its texts: id, model, usage, finish reasons and the
// code and type of an error stay. It keeps a list of known members rather than removing
// texts, so that a member that a provider adds tomorrow does not leak.
func WithoutContent(result []byte) []byte {
	var whole struct {
		ID      string          `json:"id,omitempty"`
		Object  string          `json:"object,omitempty"`
		Created json.RawMessage `json:"created,omitempty"`
		Model   string          `json:"model,omitempty"`
		Status  string          `json:"status,omitempty"`
		Choices []struct {
			Index        int             `json:"index"`
			Message      json.RawMessage `json:"message"`
			FinishReason json.RawMessage `json:"finish_reason,omitempty"`
		} `json:"choices,omitempty"`
		Details json.RawMessage `json:"incomplete_details,omitempty"`
		Usage   json.RawMessage `json:"usage,omitempty"`
		Error   *struct {
			Code    json.RawMessage `json:"code,omitempty"`
			Type    string          `json:"type,omitempty"`
			Message string          `json:"message"`
		} `json:"error,omitempty"`
	}
	if !decode(Normalize(result).JSON, &whole) {
		return []byte(`{"object":"chat.completion","choices":[]}`)
	}
	for i := range whole.Choices {
		whole.Choices[i].Message = json.RawMessage(`{"role":"assistant","content":null}`)
	}
	if whole.Object == "" {
		whole.Object = ChatObject
	}
	if whole.Error != nil {
		whole.Error.Message = ""
	}
	return encode(whole)
}
