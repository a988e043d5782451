package genai

import (
	"encoding/json"
	"mime"
	"strings"
)

// contents reads the content of a message: a string, a part, or a list of parts.
func contents(raw json.RawMessage, depth int) []Part {
	switch {
	case !given(raw):
		return nil
	case isArray(raw) && depth < maxDepth:
		var parts []Part
		for _, element := range elementsOf(raw) {
			parts = append(parts, contents(element, depth+1)...)
		}
		return parts
	case isObject(raw) && depth < maxDepth:
		return partsOf(raw, depth)
	}
	if text, ok := stringOf(raw); !ok {
		return []Part{{Kind: PartOther, Raw: raw}}
	} else if text != "" {
		return []Part{{Kind: PartText, Text: text}}
	}
	return nil
}

// partsOf reads one object among the content of a message. The first part has it as Raw.
func partsOf(raw json.RawMessage, depth int) []Part {
	o := objectOf(raw)
	kind := o.text("type")
	read := typed[kind]
	if read == nil && strings.HasSuffix(kind, "_tool_result") {
		read = typed["tool_result"]
	}
	if read == nil {
		read = untyped
	}
	parts := read(&o, depth)
	if len(parts) == 0 {
		parts = []Part{{Kind: PartOther}}
	}
	parts[0].Raw = raw
	return parts
}

// reader reads a part out of its members; it returns nothing if it cannot.
type reader func(o *object, depth int) []Part

// typed holds the readers of parts that name their kind in "type". It is set by init, because
// readers call each other.
var typed map[string]reader

func init() {
	typed = map[string]reader{
		"text": textPart, "input_text": textPart, "output_text": textPart, "summary_text": reasoningPart,
		"reasoning_text": reasoningPart, "reasoning": reasoningPart, "thinking": reasoningPart, "redacted_thinking": reasoningPart,
		"refusal":   refusalPart,
		"image_url": imagePart, "input_image": imagePart, "image": imagePart, "image_generation_call": imagePart,
		"input_audio": audioPart, "audio": audioPart,
		"file": filePart, "input_file": filePart, "document": filePart, "container_upload": filePart,
		"tool_use": callPart, "server_tool_use": callPart, "mcp_tool_use": callPart, "tool-call": callPart, "tool_call": callPart,
		"function_call": callPart, "custom_tool_call": callPart, "mcp_call": callAndResult,
		"tool_result": resultPart, "tool-result": resultPart, "function_call_output": resultPart, "custom_tool_call_output": resultPart,
	}
}

// untyped reads parts without a "type", as Gemini and Bedrock send them: the name of a member
// decides.
func untyped(o *object, depth int) []Part {
	for _, m := range byMember {
		if o.has(m.key) {
			return m.read(o, depth)
		}
	}
	return nil
}

// byMember holds the readers of parts without a "type", in the order in which their members
// are looked for. It is set by init too.
var byMember []struct {
	key  string
	read reader
}

func init() {
	byMember = []struct {
		key  string
		read reader
	}{
		{"functionCall", nested("functionCall", callPart)},
		{"function_call", nested("function_call", callPart)},
		{"functionResponse", nested("functionResponse", resultPart)},
		{"function_response", nested("function_response", resultPart)},
		{"toolUse", nested("toolUse", callPart)},
		{"toolResult", nested("toolResult", resultPart)},
		{"inlineData", nested("inlineData", mediaPart)},
		{"inline_data", nested("inline_data", mediaPart)},
		{"fileData", nested("fileData", mediaPart)},
		{"file_data", nested("file_data", mediaPart)},
		{"reasoningContent", reasoningPart},
		{"image", imagePart},
		{"document", filePart},
		{"text", textPart},
		{"Value", bedrockValue},
	}
}

// nested returns a reader of a part within a member.
func nested(key string, read reader) reader {
	return func(o *object, depth int) []Part {
		inside := o.sub(key)
		if len(inside.members) == 0 {
			return nil
		}
		return read(&inside, depth+1)
	}
}

// bedrockValue reads a block of the Go SDK for Bedrock, which has the chosen member of a
// union as Value.
func bedrockValue(o *object, depth int) []Part {
	if text := o.text("Value"); text != "" {
		return []Part{{Kind: PartText, Text: text}}
	}
	inside := o.sub("Value")
	if inside.has("ToolUseId") && inside.has("Input") {
		return callPart(&inside, depth+1)
	}
	if inside.has("ToolUseId") {
		return resultPart(&inside, depth+1)
	}
	return nil
}

// textPart reads a text. The threads API of OpenAI has it one level deeper, and Gemini marks
// thoughts by a member of the text.
func textPart(o *object, _ int) []Part {
	text, ok := stringOf(o.get("text", "value"))
	if !ok {
		inside := o.sub("text", "value")
		if text, ok = stringOf(inside.get("value")); !ok {
			return nil
		}
	}
	if o.isTrue("thought") {
		return []Part{{Kind: PartReasoning, Text: text}}
	}
	return []Part{{Kind: PartText, Text: text}}
}

// reasoningPart reads a thought. One that is encrypted has no text.
func reasoningPart(o *object, depth int) []Part {
	text := o.text("thinking", "text")
	if inside := o.sub("reasoningContent"); text == "" && len(inside.members) > 0 {
		said := inside.sub("reasoningText")
		text = said.text("text")
	}
	if text == "" && depth < maxDepth {
		var said []string
		for _, key := range []string{"summary", "content"} {
			for _, p := range contents(o.get(key), depth+1) {
				said = append(said, p.Text)
			}
		}
		text = strings.Join(said, "\n\n")
	}
	return []Part{{Kind: PartReasoning, Text: text}}
}

// refusalPart reads a refusal, which OpenAI has as a separate part in place of the text.
func refusalPart(o *object, _ int) []Part {
	return []Part{{Kind: PartRefusal, Text: o.text("refusal", "text")}}
}

// imagePart reads an image: OpenAI has an object with a URL or the URL itself, Anthropic a
// source, the AI SDK data, and OpenAI's generated images have their bytes in result.
func imagePart(o *object, _ int) []Part {
	p := imageOf(o.get("image_url", "source", "image", "url", "data", "result"))
	if p.URL == "" && p.Data == "" {
		p.URL = o.text("file_id")
	}
	if p.MIME == "" {
		p.MIME = o.text("mediaType", "mimeType", "media_type")
	}
	return []Part{p}
}

// imageOf reads an image out of a URL, base64 text, or an object around one.
func imageOf(raw json.RawMessage) Part {
	p := Part{Kind: PartImage, Raw: raw}
	p.locate(raw)
	return p
}

// audioPart reads sound, with its transcript if there is one.
func audioPart(o *object, _ int) []Part {
	p := Part{Kind: PartAudio, Text: o.text("transcript")}
	p.locate(o.get("input_audio", "audio", "source", "data"))
	return []Part{p}
}

// filePart reads a file or a document. Anthropic's documents may be plain text, and Bedrock's
// retrieved documents too: these become a text part.
func filePart(o *object, _ int) []Part {
	p := Part{Kind: PartFile, Text: o.text("title", "filename", "name")}
	if source := o.sub("source"); source.text("type") == "text" {
		p.MIME = source.text("media_type")
		return []Part{p, {Kind: PartText, Text: source.text("data")}}
	}
	if document := o.sub("document"); document.has("data") && !document.has("source") {
		return textPart(&object{[]member{{"text", document.get("data")}}}, 0)
	}
	for _, key := range []string{"file", "source", "document", "file_data", "file_url", "data", "file_id"} {
		if raw := o.get(key); raw != nil && p.URL == "" && p.Data == "" {
			p.locate(raw)
			inside := objectOf(raw)
			if name := inside.text("filename", "name", "title"); p.Text == "" {
				p.Text = name
			}
		}
	}
	if kind := o.text("mediaType", "mimeType"); p.MIME == "" {
		p.MIME = kind
	}
	return []Part{p}
}

// mediaPart reads Gemini's inline data and references to files.
func mediaPart(o *object, _ int) []Part {
	p := Part{MIME: o.text("mimeType", "mime_type"), Data: o.text("data"), URL: o.text("fileUri", "file_uri"), Text: o.text("displayName")}
	switch kind, _, _ := strings.Cut(p.MIME, "/"); kind {
	case "image":
		p.Kind = PartImage
	case "audio":
		p.Kind = PartAudio
	default:
		p.Kind = PartFile
	}
	return []Part{p}
}

// locate sets where the bytes of a part are.
func (p *Part) locate(raw json.RawMessage) {
	if s, ok := stringOf(raw); ok {
		p.place(s)
		return
	}
	o := objectOf(raw)
	p.MIME = o.text("media_type", "mediaType", "mime_type", "mimeType")
	if format := o.text("format"); p.MIME == "" && format != "" {
		p.MIME = string(p.Kind) + "/" + format
		if p.Kind == PartFile {
			p.MIME = mime.TypeByExtension("." + format)
		}
	}
	if source := o.sub("source"); len(source.members) > 0 {
		o = source
	}
	if data := o.text("data", "bytes"); data != "" && !strings.HasPrefix(data, "data:") {
		p.Data = data
		return
	}
	p.place(o.text("data", "bytes", "file_data", "url", "file_url", "uri", "file_id", "id"))
}

// place sets the bytes or the reference that a string holds: a data: URL, another one or
// a file's id, or base64.
func (p *Part) place(s string) {
	if head, ok := strings.CutPrefix(s, "data:"); ok {
		head, data, found := strings.Cut(head, ",")
		if kind, base64 := strings.CutSuffix(head, ";base64"); found && base64 {
			p.Data = data
			if kind != "" {
				p.MIME = kind
			}
			return
		}
	}
	if len(s) >= minData && !strings.Contains(s[:minData], ":") {
		p.Data = s
		return
	}
	p.URL = s
}

// minData is the least length of base64 text, in bytes. Anything shorter is taken for the id
// of a file.
const minData = 64
