package diff

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/internal/jsonscan"
)

// content is the comparable form of a message.
type content struct {
	role string
	hash [sha256.Size]byte // of role, name and text
}

func contentOf(m *genai.Message) content {
	return content{m.Role, sha256.Sum256([]byte(m.Role + "\x00" + m.Name + "\x00" + textOf(m)))}
}

// textOf returns a message as text: its content and a description of its other parts. Ids of
// tool calls are left out, because every call generates new ones.
func textOf(m *genai.Message) string {
	var b strings.Builder
	for i := range m.Parts {
		if i > 0 {
			b.WriteString("\n")
		}
		writePart(&b, &m.Parts[i])
	}
	if len(m.Parts) == 0 {
		b.WriteString(indented(m.Raw))
	}
	return b.String()
}

func writePart(b *strings.Builder, p *genai.Part) {
	switch p.Kind {
	case genai.PartText:
		b.WriteString(p.Text)
	case genai.PartReasoning, genai.PartRefusal, genai.PartFailure:
		fmt.Fprintf(b, "[%s]\n%s", p.Kind, p.Text)
	case genai.PartImage, genai.PartAudio, genai.PartFile:
		fmt.Fprintf(b, "[%s %s %s]\n%s", p.Kind, p.MIME, reference(p), p.Text)
	case genai.PartToolCall:
		fmt.Fprintf(b, "[call of %s]\n%s", p.Tool, indented(p.Arguments))
	case genai.PartToolResult:
		fmt.Fprintf(b, "[result of %s]\n", p.Tool)
		if p.Failed {
			b.WriteString("[failed]\n")
		}
		if p.Result != nil {
			b.WriteString(indented(p.Result))
		} else {
			b.WriteString(p.Text)
		}
	default:
		fmt.Fprintf(b, "[%s]\n%s", p.Kind, indented(p.Raw))
	}
}

// reference names the bytes of a part, by their hash if the part holds them.
func reference(p *genai.Part) string {
	if p.Data == "" {
		return p.URL
	}
	sum := sha256.Sum256([]byte(p.Data))
	return "sha256:" + hex.EncodeToString(sum[:8])
}

// indented returns JSON in lines that can be compared, the text of a JSON string, and
// anything else as it is. The order of members is kept: models are sent it.
func indented(raw json.RawMessage) string {
	raw = jsonscan.Unwrap(raw)
	if len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') {
		var b bytes.Buffer
		if json.Indent(&b, raw, "", "  ") == nil {
			return b.String()
		}
	}
	return string(raw)
}
