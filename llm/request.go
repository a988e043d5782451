package llm

import (
	"errors"

	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/logger"
)

// readRequest reads the body of a call. If the body was cut, or is still being sent, it
// reads the complete part. It removes values that are nested too deeply from sent. It returns
// false if the body is not a JSON object.
func readRequest(a genai.API, sent *capture, content bool) (genai.Request, bool) {
	body, err := jsonscan.AppendCompact(make([]byte, 0, len(sent.buf)), sent.buf)
	if errors.Is(err, jsonscan.ErrDepth) {
		*sent = sent.flattened()
		body, err = jsonscan.AppendCompact(nil, sent.buf)
	}
	if err != nil {
		body, err = jsonscan.AppendCompact(nil, mended(sent.buf))
	}
	if err != nil || len(body) == 0 || body[0] != '{' {
		return genai.Request{}, false
	}
	return genai.ReadRequest(a, body, content), true
}

// messagesOf converts the messages of a request for the logger.
func messagesOf(sent []genai.SentMessage) []logger.Message {
	var all []logger.Message
	for _, m := range sent {
		if m.Raw != nil {
			all = append(all, logger.MessageOf(m.Raw))
		} else {
			all = append(all, logger.Message{Role: m.Role, Content: m.Content})
		}
	}
	return all
}
