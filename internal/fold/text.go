package fold

import (
	"bytes"
	"encoding/json"
	"iter"
	"unicode/utf8"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/wire"
)

const (
	// MaxText limits the bytes of a line's texts that are searched. Text beyond it is not found.
	MaxText = 64 << 10
	// maxBlob is the length in bytes from which a run of base64 is left out of texts.
	maxBlob = 1 << 10
	// maxTextDepth limits the depth at which texts are looked for, including JSON in strings.
	maxTextDepth = 32
)

// Texts yields the texts of a line, piece by piece, each with the name of its field:
// "input", "output", "message", "result", "name" and so on. The texts are names, contents of
// messages and answers, tool arguments, inputs, outputs, documents, errors, events,
// feedback, and the values of tags and metadata, including numbers. Strings are
// unescaped; a string that holds JSON yields the values in it. Keys, ids, times, models
// and their parameters, usage, addresses of uploads, and base64 of 1 KiB or more are left
// out. At most MaxText bytes are yielded in all. A piece is valid until the next one. A
// malformed line yields nothing.
func Texts(line []byte) iter.Seq2[string, []byte] {
	return func(yield func(field string, text []byte) bool) {
		parsed, err := wire.Parse(line)
		if err != nil || protocol.ParseKind(parsed.Entity) == protocol.Unknown {
			return
		}
		t := texts{yield: yield, entity: parsed.Entity, left: MaxText}
		t.value(walker{b: parsed.Data}, data, 0)
	}
}

// AppendText appends the pieces of a line, as Texts yields them, each followed by a newline.
func AppendText(dst, line []byte) []byte {
	for _, text := range Texts(line) {
		dst = append(append(dst, text...), '\n')
	}
	return dst
}

// texts is on its way through a line.
type texts struct {
	yield  func(field string, text []byte) bool
	entity string
	field  string
	left   int // number of bytes that may still be yielded
}

// voice is the author of a value, which decides which of its values are texts.
type voice uint8

const (
	data     voice = iota // the fields of a line
	provider              // a provider's or an SDK's, with texts in it
	client                // chosen by the client: all values count
	nobody                // nothing in it counts
)

// mute lists the fields of a line whose values mean nothing to people.
var mute = map[string]bool{
	"id": true, "spanId": true, "sessionId": true, "parentId": true, "startTimestamp": true, "endTimestamp": true,
	"timestamp": true, "model": true, "provider": true, "modelParameters": true, "maximPromptId": true,
	"maximPromptVersionId": true, "usage": true, "cost": true, "metrics": true, "type": true, "mimeType": true,
	"size": true, "key": true, "url": true, "score": true,
}

// muteParts lists the members of requests and responses that mean nothing to people, at any
// depth.
var muteParts = map[string]bool{
	"id": true, "call_id": true, "tool_call_id": true, "tool_use_id": true, "toolUseId": true, "item_id": true,
	"type": true, "role": true, "object": true, "model": true, "created": true, "index": true, "status": true,
	"finish_reason": true, "finishReason": true, "stop_reason": true, "stopReason": true, "logprobs": true,
	"usage": true, "usageMetadata": true, "system_fingerprint": true, "service_tier": true, "signature": true,
	"thoughtSignature": true, "encrypted_content": true, "mime_type": true, "mimeType": true, "media_type": true,
	"detail": true, "modelVersion": true, "responseId": true, "cache_control": true,
}

// freeParts lists the members of messages and answers with content chosen by the client.
var freeParts = map[string]bool{"arguments": true, "args": true, "input": true, "response": true, "json": true}

// member returns the voice of a member of an object.
func (t *texts) member(v voice, key []byte) voice {
	switch {
	case v == provider && muteParts[string(key)]:
		return nobody
	case v == provider && freeParts[string(key)]:
		return client
	case v != data:
		return v
	case mute[string(key)]:
		return nobody
	}
	t.field = string(key)
	if t.field == "messages" {
		t.field = "message"
		return provider
	}
	if t.field == "result" && t.entity == "generation" {
		return provider
	}
	return client
}

// value yields the texts of the value that is next and returns the walker behind it.
func (t *texts) value(w walker, v voice, depth int) walker {
	w = w.token()
	if depth > maxTextDepth || t.left <= 0 {
		v = nobody
	}
	from := w.i
	switch w.peek() {
	case '"':
		if w = w.str(); v == provider || v == client {
			t.text(w.b[from:w.i], depth)
		}
	case '{':
		for w.i++; w.token().peek() == '"'; {
			w = w.token()
			from := w.i + 1
			w = w.str()
			whose := t.member(v, w.b[from:max(from, w.i-1)])
			w = w.token() // the colon
			w.i++
			w = t.value(w, whose, depth+1).comma()
		}
		w = w.token()
		w.i++
	case '[':
		for w.i++; w.token().peek() != ']' && w.token().i < len(w.b); {
			w = t.value(w, v, depth+1).comma()
		}
		w = w.token()
		w.i++
	default:
		w = w.scalar()
		if c := w.b[from:w.i]; v == client && len(c) > 0 && (c[0] == '-' || '0' <= c[0] && c[0] <= '9') {
			t.emit(c)
		}
	}
	return w
}

// text yields a string or, if it holds JSON, the values in it.
func (t *texts) text(quoted []byte, depth int) {
	if len(quoted) < 2 || t.left <= 0 {
		return
	}
	said := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(said, '\\') >= 0 {
		var s string
		if json.Unmarshal(quoted, &s) != nil {
			return
		}
		said = []byte(s)
		if inner := bytes.TrimSpace(said); len(inner) > 0 && (inner[0] == '{' || inner[0] == '[') && json.Valid(inner) {
			t.value(walker{b: inner}, client, depth+1)
			return
		}
	}
	if len(said) >= maxBlob {
		said = withoutBlobs(said)
	}
	t.emit(said)
}

// emit yields a text, cut to the bytes that are left.
func (t *texts) emit(said []byte) {
	whole := len(said) <= t.left
	if !whole {
		end := t.left
		for end > 0 && !utf8.RuneStart(said[end]) {
			end--
		}
		said = said[:end]
	}
	if t.left -= len(said); len(said) > 0 && !t.yield(t.field, said) || !whole {
		t.left = 0
	}
}

// walker is a place in JSON that was checked. Its methods return the place behind what
// they name; at the end they stay there.
type walker struct {
	b []byte
	i int
}

// peek returns the next byte, 0 at the end.
func (w walker) peek() byte {
	if w.i < len(w.b) {
		return w.b[w.i]
	}
	return 0
}

// token moves to the next token.
func (w walker) token() walker {
	for w.i < len(w.b) && w.b[w.i] <= ' ' {
		w.i++
	}
	return w
}

func (w walker) comma() walker {
	if next := w.token(); next.peek() == ',' {
		next.i++
		return next
	}
	return w
}

func (w walker) str() walker {
	for w.i++; w.i < len(w.b); w.i++ {
		n := bytes.IndexByte(w.b[w.i:], '"')
		if n < 0 {
			break
		}
		// A quote is escaped if the number of backslashes before it is odd.
		end, escapes := w.i+n, 0
		for w.b[end-1-escapes] == '\\' {
			escapes++
		}
		if w.i = end; escapes%2 == 0 {
			w.i++
			return w
		}
	}
	w.i = len(w.b)
	return w
}

func (w walker) scalar() walker {
	for w.i < len(w.b) && w.b[w.i] > ' ' && w.b[w.i] != ',' && w.b[w.i] != '}' && w.b[w.i] != ']' {
		w.i++
	}
	return w
}

// inBase64 marks the characters of both alphabets of base64.
var inBase64 = func() (table [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=") {
		table[c] = true
	}
	return table
}()

// withoutBlobs removes runs of base64 of maxBlob bytes or more.
func withoutBlobs(said []byte) []byte {
	var kept []byte // nil as long as nothing was left out
	from, run := 0, 0
	for i := 0; i <= len(said); i++ {
		if i < len(said) && inBase64[said[i]] {
			continue
		}
		if i-run >= maxBlob {
			kept = append(append(kept, said[from:run]...), ' ')
			from = i
		}
		run = i + 1
	}
	if kept == nil {
		return said
	}
	return append(kept, said[from:]...)
}
