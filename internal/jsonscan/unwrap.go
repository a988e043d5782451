package jsonscan

import "encoding/json"

// Unwrap returns the text of a JSON string, and any other value unchanged. Some clients send
// JSON within strings, and numbers as strings.
func Unwrap(raw json.RawMessage) json.RawMessage {
	var s string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		return json.RawMessage(s)
	}
	return raw
}
