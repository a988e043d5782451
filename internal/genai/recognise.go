package genai

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/troupelog/troupe/internal/jsonscan"
)

// head holds the members that distinguish the forms, as they are written; nil for members that
// are missing.
type head struct {
	object, status, usage                     []byte
	typ, role, model, content                 []byte // of Anthropic
	choices                                   []byte // of OpenAI
	candidates, promptFeedback, usageMetadata []byte // of Gemini
	output, stopReason                        []byte // of Bedrock
	failed                                    bool   // the error member says anything
}

// readHead reads a result in one pass. Names are matched without regard to case, so that
// Bedrock's REST and struct names are one. Of members with the same name the last counts.
func readHead(answer []byte) head {
	var h head
	for m := jsonscan.MembersOf(answer); m.Next(); {
		var buf name
		switch string(buf.lower(m.Key)) {
		case "object":
			h.object = m.Value
		case "status":
			h.status = m.Value
		case "error":
			h.failed = saysAnything(m.Value)
		case "choices":
			h.choices = m.Value
		case "usage":
			h.usage = m.Value
		case "type":
			h.typ = m.Value
		case "role":
			h.role = m.Value
		case "model":
			h.model = m.Value
		case "content":
			h.content = m.Value
		case "candidates":
			h.candidates = m.Value
		case "promptfeedback":
			h.promptFeedback = m.Value
		case "usagemetadata":
			h.usageMetadata = m.Value
		case "output":
			h.output = m.Value
		case "stopreason":
			h.stopReason = m.Value
		}
	}
	return h
}

// longestName is the length of the longest member name that readHead looks for.
const longestName = len("promptfeedback")

// name is room for the name of a member in lower case.
type name [longestName]byte

// lower returns a member's name in lower case, or nil if it is longer than every name that
// is looked for. Names with escapes are not decoded: no provider writes any.
func (b *name) lower(key []byte) []byte {
	if len(key) > len(b) {
		return nil
	}
	for i, c := range key {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b[i] = c
	}
	return b[:len(key)]
}

// kind is the first byte of a JSON value, which decides its type.
type kind byte

const (
	kindArray  kind = '['
	kindObject kind = '{'
	kindText   kind = '"'
)

// kindOf returns the kind of a value, 0 for a member that is not there.
func kindOf(value []byte) kind {
	if len(value) == 0 {
		return 0
	}
	return kind(value[0])
}

// is reports whether a value is the string s, which needs no escapes.
func is(value []byte, s string) bool {
	if kindOf(value) != kindText {
		return false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1:len(value)-1]) == s
	}
	var decoded string
	return json.Unmarshal(value, &decoded) == nil && decoded == s
}

func isObject(value []byte) bool { return kindOf(value) == kindObject }

// given reports whether a member is there and not null.
func given(raw []byte) bool { return len(raw) > 0 && raw[0] != 'n' }

// saysAnything looks for anything but null, "", 0 and false in an error member: SDKs
// encode the absence of an error as null or as an object of empty members.
func saysAnything(value []byte) bool {
	if !given(value) {
		return false
	}
	var v any
	return decodeLeniently(value, &v) == nil && holdsAnything(v)
}

func holdsAnything(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			if holdsAnything(member) {
				return true
			}
		}
		return false
	case []any:
		return len(v) > 0
	}
	return v != nil && v != "" && v != 0.0 && v != false
}

// decodeLeniently decodes a value and ignores members of an unexpected type.
func decodeLeniently(raw []byte, to any) error {
	err := json.Unmarshal(raw, to)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil
	}
	return err
}
