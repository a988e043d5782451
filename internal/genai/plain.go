package genai

import "encoding/json"

// ErrorText returns the message of an error, or the error as it is.
func ErrorText(raw json.RawMessage) string {
	o := objectOf(raw)
	if text := o.text("message", "error"); text != "" {
		return text
	}
	return PlainText(raw)
}

// PlainText returns the text of content, or its JSON if it has no text.
func PlainText(raw json.RawMessage) string {
	if !given(raw) {
		return ""
	}
	m := Message{Parts: contents(raw, 0)}
	if text := m.Text(); text != "" {
		return text
	}
	return string(raw)
}
