package genai

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Failure is the error of a model call, in the provider's words. Every field may be empty.
type Failure struct {
	Message string // for people
	Code    string // such as 429, or insufficient_quota
	Type    string // the provider's kind of error, such as rate_limit_error
}

// maxMessage limits the texts of an error, in bytes.
const maxMessage = 2048

// Bounded cuts a text of an error to maxMessage, between characters.
func Bounded(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	return strings.ToValidUTF8(text[:maxMessage], "") + "…"
}

// ReadFailure reads the error of any provider: the body of a response that is an error, or
// its member "error". It is zero if neither says anything.
//
//	OpenAI     {"error":{"message","type","code"}}
//	Anthropic  {"type":"error","error":{"type","message"}}
//	Gemini     {"error":{"code":429,"message","status":"RESOURCE_EXHAUSTED"}}
//	Ollama     {"error":"message"}
func ReadFailure(raw json.RawMessage) Failure {
	raw = bytes.TrimSpace(raw)
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return Failure{Message: Bounded(text)}
	}
	var e struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
		Type    string          `json:"type"`
		Status  json.RawMessage `json:"status"`
		Code    json.RawMessage `json:"code"`
	}
	if !decode(raw, &e) {
		return Failure{}
	}
	if given(e.Error) && e.Message == "" {
		return ReadFailure(e.Error)
	}
	d := Failure{Message: Bounded(e.Message), Type: Bounded(e.Type), Code: Bounded(scalar(e.Code))}
	if d.Type == "" {
		d.Type = Bounded(scalar(e.Status))
	}
	if d.Type == "" {
		d.Type = d.Code
	}
	return d
}

// scalar returns the text of a string, a number or a boolean as it is written, and "" for
// anything else.
func scalar(raw json.RawMessage) string {
	if !given(raw) || raw[0] == '{' || raw[0] == '[' {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}
