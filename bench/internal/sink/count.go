package sink

import (
	"bytes"
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

var (
	errProtobuf = errors.New("sink: the body is not an OTLP trace request")
	errBatch    = errors.New("sink: the body is not a PostHog batch")
)

// countLines counts the lines of a Maxim log body; the last may lack its newline.
func countLines(body []byte) (int64, error) {
	n := int64(bytes.Count(body, []byte{'\n'}))
	if len(body) > 0 && body[len(body)-1] != '\n' {
		n++
	}
	return n, nil
}

// countNone counts nothing: the body is a part of an entry that is counted elsewhere.
func countNone([]byte) (int64, error) { return 0, nil }

// Field numbers on the way from an ExportTraceServiceRequest to its spans, from
// opentelemetry/proto/collector/trace/v1/trace_service.proto and trace/v1/trace.proto.
var spanPath = []protowire.Number{1, 2, 2} // resource_spans, scope_spans, spans

// countSpans counts the spans of an OTLP trace request without decoding them.
func countSpans(body []byte) (int64, error) { return countFields(body, spanPath) }

// countFields counts the messages at the end of a path of nested fields.
func countFields(body []byte, path []protowire.Number) (count int64, err error) {
	for len(body) > 0 {
		number, kind, n := protowire.ConsumeTag(body)
		if n < 0 {
			return 0, errProtobuf
		}
		body = body[n:]
		if number != path[0] || kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, body); n < 0 {
				return 0, errProtobuf
			}
			body = body[n:]
			continue
		}
		inner, n := protowire.ConsumeBytes(body)
		if n < 0 {
			return 0, errProtobuf
		}
		body = body[n:]
		if len(path) == 1 {
			count++
			continue
		}
		nested, err := countFields(inner, path[1:])
		if err != nil {
			return 0, err
		}
		count += nested
	}
	return count, nil
}

// eventDepth is the number of brackets open around an event: the brackets of the request and
// of its batch.
const eventDepth = 2

// countEvents counts the events of a PostHog batch, which is the only array of objects
// at its depth, without decoding them.
func countEvents(body []byte) (count int64, err error) {
	depth := 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			end := stringEnd(body[i+1:])
			if end < 0 {
				return 0, errBatch
			}
			i += 1 + end
		case '{', '[':
			if depth == eventDepth && body[i] == '{' {
				count++
			}
			depth++
		case '}', ']':
			depth--
		}
	}
	if depth != 0 {
		return 0, errBatch
	}
	return count, nil
}

// stringEnd is the index of the quote that ends a JSON string, or -1.
func stringEnd(s []byte) int {
	for i := 0; ; {
		n := bytes.IndexAny(s[i:], `"\`)
		if n < 0 {
			return -1
		}
		i += n
		if s[i] == '"' {
			return i
		}
		if i += 2; i > len(s) {
			return -1
		}
	}
}
