package fold

import (
	"strings"

	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/internal/wire"
)

// MaxPreview limits the characters of a text that an Entity keeps. Lists show 80 of them;
// the rest tells them whether there are more.
const MaxPreview = 88

// maxPreviewed limits the bytes of a JSON value that are read for a preview. A character
// takes at most 12 bytes when escaped.
const maxPreviewed = 12 * MaxPreview

// preview returns the beginning of a value: of the text of a string, else of its JSON.
func preview(raw []byte) string {
	if len(raw) > maxPreviewed && raw[0] == '"' {
		raw = cutString(raw)
	}
	return strings.Clone(beginning(text(raw[:min(len(raw), maxPreviewed)]), MaxPreview))
}

// beginning returns the first characters of a text.
func beginning(s string, characters int) string {
	for at := range s {
		if characters--; characters < 0 {
			return s[:at]
		}
	}
	return s
}

// cutString shortens a JSON string that is longer than maxPreviewed to a JSON string within
// that limit.
func cutString(raw []byte) []byte {
	end := 1
	for next := end; next < maxPreviewed; {
		end = next
		switch {
		case raw[next] != '\\':
			next++
		case raw[next+1] != 'u':
			next += 2
		default:
			next += 6
		}
	}
	return append(append(make([]byte, 0, end+1), raw[:end]...), '"')
}

// userText returns the beginning of the first user text in an array of messages.
func userText(messages []byte) string {
	for message := range wire.Elements(messages) {
		var role, content []byte
		for m := jsonscan.MembersOf(message); m.Next(); {
			switch string(m.Key) {
			case "role":
				role = m.Value
			case "content", "parts":
				content = m.Value
			}
		}
		if text(role) != "user" {
			continue
		}
		if said := contentText(content, 0); said != "" {
			return said
		}
	}
	return ""
}

// maxNested limits the depth of arrays and objects in which texts are looked for. Providers
// nest at most five levels.
const maxNested = 8

// contentText returns the beginning of the first text in the content of a message: a
// string, an array of parts, or an object with parts.
func contentText(content []byte, depth int) string {
	if len(content) == 0 || depth > maxNested {
		return ""
	}
	switch content[0] {
	case '"':
		return preview(content)
	case '{':
		for m := jsonscan.MembersOf(content); m.Next(); {
			if k := string(m.Key); k == "text" || k == "parts" || k == "content" || k == "message" {
				if said := contentText(m.Value, depth+1); said != "" {
					return said
				}
			}
		}
	case '[':
		for part := range wire.Elements(content) {
			if said := contentText(part, depth+1); said != "" && part[0] == '{' {
				return said
			}
		}
	}
	return ""
}

// answerText returns the beginning of the first text of a model's answer, in the formats of
// the OpenAI APIs, Anthropic, Gemini and Bedrock.
func answerText(result []byte) string {
	if !isObject(result) {
		return ""
	}
	for m := jsonscan.MembersOf(result); m.Next(); {
		said := ""
		switch string(m.Key) {
		case "choices", "candidates":
			for choice := range wire.Elements(m.Value) {
				said = contentText(choice, 0)
				break
			}
		case "content", "output":
			said = contentText(m.Value, 0)
		}
		if said != "" {
			return said
		}
	}
	return ""
}
