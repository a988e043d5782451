package conformance

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func mediaDeviations() []Rule {
	return []Rule{
		{
			Name:    "attachments say what the protocol has for them",
			Reason:  "one SDK has other names for it, and adds sizes and names made up from paths",
			rewrite: eachLine(attachmentShape),
		},
		{
			Name:    "the content tells its type",
			Reason:  "as in the Python SDK: the JavaScript one goes by the ending of the name",
			rewrite: eachLine(sniffed),
		},
		{
			Name:    "large lines keep their place, and are large from 900,001 bytes",
			Reason:  "the limit of the JavaScript SDK, the place of the Python one: each is the stricter",
			rewrite: largeLines,
		},
		{
			Name:    "images are taken out, first to last, in every form that can be decoded",
			Reason:  "also SVG, parameters, percent encoding and the form of Anthropic; the rest of a message is not reshaped",
			rewrite: images,
		},
	}
}

// attachmentOf returns the attachment that a line is about, if a call gave it.
func (c *Case) attachmentOf(l Line) (attachment, bool) {
	if l.Action != "add-attachment" {
		return attachment{}, false
	}
	for _, s := range c.steps {
		if given, ok := s.args["attachment"].(attachment); ok {
			return given, true
		}
	}
	return attachment{}, false
}

func attachmentShape(c *Case, l Line, data map[string]any) {
	given, ok := c.attachmentOf(l)
	if !ok {
		return
	}
	delete(data, "size")
	delete(data, "name")
	if name := given.fields["name"]; name != nil {
		data["name"] = name
	}
	if mime := given.fields["mime_type"]; mime != nil {
		data["mime_type"] = mime
	}
	if data["type"] == "fileData" {
		data["type"] = "file_data"
	}
	if data["type"] == "url" {
		delete(data, "mimeType")
	}
	if key, ok := data["key"].(string); ok && given.fields["id"] == nil {
		data["key"] = key[:strings.LastIndex(key, "/")+1] + anyUUID
	}
}

func sniffed(c *Case, l Line, data map[string]any) {
	given, ok := c.attachmentOf(l)
	if !ok || given.kind == "url" {
		return
	}
	content, _ := given.fields["data"].([]byte)
	if path, is := given.fields["path"].(string); is {
		content, _ = os.ReadFile(filepath.Join(c.dir, path))
	}
	mime, _ := given.fields["mime_type"].(string)
	data["mimeType"] = contentType(content, mime)
}

// contentType is the type that content shows, or the given one if it shows none in
// particular.
func contentType(content []byte, given string) string {
	shown := http.DetectContentType(content)
	if strings.HasPrefix(shown, "text/plain") || shown == "application/octet-stream" {
		return cmp.Or(given, "application/octet-stream")
	}
	return shown
}

// largeLine is the length of the longest line that is posted, in bytes.
const largeLine = 900_000

// largeLines expects, in the place of a line that is too long, the line that refers to
// it, in sequences in which every call sends one line.
func largeLines(c *Case, want []Line) []Line {
	if len(c.steps) != len(want) {
		return want
	}
	for i, s := range c.steps {
		input, _ := s.args["input"].(string)
		id, _ := s.args["trace_id"].(string)
		if len("trace{id=,action=update,data={\"input\":\"\"}}")+len(id)+len(input) <= largeLine {
			continue
		}
		if at := slices.IndexFunc(want, func(l Line) bool { return l.Entity == "storage" }); at >= 0 {
			want = slices.Delete(want, at, at+1)
		} else {
			want = slices.Delete(want, i, i+1)
		}
		want = slices.Insert(want, i, Line{
			Entity: "storage", ID: anyUUID, Action: "process-large-log", Data: map[string]any{"key": c.repo + "/large-logs/" + anyUUID},
		})
	}
	return want
}

// images expects the messages of a generation without their images, and the images
// as attachments behind them. It reads them from the arguments, not from the sent lines.
func images(c *Case, want []Line) []Line {
	given, single := c.messages()
	if given == nil || len(want) == 0 {
		return want
	}
	head := want[0]
	if !single {
		kept, attached := c.withoutImages(head, given)
		head.object()["messages"] = kept
		return append([]Line{head}, attached...)
	}
	var out []Line
	for _, m := range given {
		kept, attached := c.withoutImages(head, []any{m})
		line := head
		line.Data = map[string]any{"messages": kept}
		out = append(append(out, line), attached...)
	}
	return out
}

// messages returns the messages of a case's only call, and whether the call adds
// them, rather than beginning a generation with them. Messages are added one by one.
func (c *Case) messages() (given []any, added bool) {
	if len(c.steps) != 1 {
		return nil, false
	}
	s := c.steps[0]
	if config, ok := s.config(); ok {
		list, _ := config["messages"].([]any)
		return list, false
	}
	if m, ok := s.args["message"]; ok {
		return []any{m}, true
	}
	list, _ := s.args["messages"].([]any)
	return list, true
}

// withoutImages returns the messages without images, and the lines that attach those
// to the generation that a line is about.
func (c *Case) withoutImages(l Line, given []any) (kept []any, attached []Line) {
	id := l.ID
	if l.isBeginning() {
		id, _ = l.object()["id"].(string)
	}
	kept = []any{}
	for _, m := range given {
		m := jsonOf(m)
		message, _ := m.(map[string]any)
		parts, listed := message["content"].([]any)
		text, _ := message["content"].(string)
		tool := message["role"] == "tool"
		if tool && !listed {
			parts = partsIn(text)
		}
		rest := []any{}
		for _, part := range parts {
			data, ok := image(part)
			if ok {
				data["key"] = c.repo + "/generation/" + id + "/files/original/" + anyUUID
				attached = append(attached, Line{Entity: "generation", ID: id, Action: "add-attachment", Data: data})
			} else {
				rest = append(rest, part)
			}
		}
		if listed && !tool {
			message["content"] = rest
		}
		kept = append(kept, m)
	}
	return kept, attached
}

// partsIn returns the parts of a message in a text that is JSON.
func partsIn(text string) []any {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return nil
	}
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// image returns the data of the line that attaches the image in a part of a message.
func image(part any) (data map[string]any, ok bool) {
	object, _ := part.(map[string]any)
	link, content, mime := "", []byte(nil), ""
	switch object["type"] {
	case "image", "image_url", "input_image":
		link, _ = object["image_url"].(string)
		if inner, nested := object["image_url"].(map[string]any); nested {
			link, _ = inner["url"].(string)
		}
		content, mime, ok = dataURI(link)
	}
	if source, is := object["source"].(map[string]any); is {
		text, _ := source["data"].(string)
		mime, _ = source["media_type"].(string)
		var err error
		content, err = base64.StdEncoding.DecodeString(text)
		ok = err == nil
	}
	data = map[string]any{"id": anyUUID, "tags": map[string]any{"attach-to": "input"}}
	switch {
	case ok:
		data["type"], data["mime_type"], data["mimeType"] = "file_data", mime, contentType(content, mime)
	case strings.HasPrefix(link, "http"):
		data["type"], data["url"] = "url", link
		ok = true
	}
	return data, ok
}

// dataURI takes a data URI apart.
func dataURI(link string) (content []byte, mime string, ok bool) {
	rest, is := strings.CutPrefix(link, "data:")
	head, text, comma := strings.Cut(rest, ",")
	if !is || !comma {
		return nil, "", false
	}
	mime, _, _ = strings.Cut(head, ";")
	if !strings.HasSuffix(head, ";base64") {
		return []byte(text), mime, true
	}
	content, err := base64.StdEncoding.DecodeString(text)
	return content, mime, err == nil
}
