package otlp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/wire"
)

// jsonRequest returns a request with one span, whose members are given.
func jsonRequest(members string) []byte {
	return fmt.Appendf(nil, `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":%q,"spanId":"00000000000000ff",%s}]}]}]}`, testTrace, members)
}

// JSON has numbers as numbers or text, names in either case, and what is not known.
func TestLenientJSON(t *testing.T) {
	t.Parallel()
	for name, members := range map[string]string{
		"texts":   `"name":"n","startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000001000000000","attributes":[{"key":"i","value":{"intValue":"5"}}],"status":{"code":2,"message":"bad"},"kind":3`,
		"numbers": `"name":"n","startTimeUnixNano":1700000000000000000,"endTimeUnixNano":1700000001000000000,"attributes":[{"key":"i","value":{"intValue":5}}],"status":{"code":2,"message":"bad"},"kind":3`,
		"floats":  `"name":"n","startTimeUnixNano":1.7e18,"endTimeUnixNano":1.700000001e+18,"attributes":[{"key":"i","value":{"intValue":5.0}}],"status":{"code":2.0,"message":"bad"},"kind":3e0`,
		"snakes":  `"name":"n","start_time_unix_nano":"1700000000000000000","end_time_unix_nano":"1700000001000000000","attributes":[{"key":"i","value":{"int_value":"5"}}],"status":{"code":2,"message":"bad"},"kind":3`,
		"enums":   `"name":"n","startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000001000000000","attributes":[{"key":"i","value":{"intValue":"5"}}],"status":{"code":"STATUS_CODE_ERROR","message":"bad"},"kind":"SPAN_KIND_CLIENT"`,
		"unknown": `"new":{"a":[1]},"name":"n","startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000001000000000","attributes":[{"key":"i","value":{"intValue":"5","x":1},"y":null}],"status":{"code":2,"message":"bad"},"kind":3,"links":null`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l log
			l.convert(t, jsonRequest(members), JSON)
			n := nodeWith(l.tree(DefaultRepository, testTrace), testTrace+"-00000000000000ff")
			if n.Name != "n" || string(n.Metadata["i"]) != "5" || n.Status != "error" || n.DurationMS != 1000 || string(n.Metadata["otel.span.kind"]) != `"client"` {
				t.Errorf("%+v", n)
			}
		})
	}
}

func TestValuesOfAllTypes(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`{"doubleValue":"NaN"}`:               `"NaN"`,
		`{"doubleValue":"-Infinity"}`:         `"-Infinity"`,
		`{"doubleValue":1.5e3}`:               `1500`,
		`{"intValue":"9223372036854775807"}`:  `9223372036854775807`,
		`{"intValue":"99999999999999999999"}`: `"99999999999999999999"`,
		`{"boolValue":true}`:                  `true`,
		`{"bytesValue":"aGk"}`:                `"aGk="`,
		`{"stringValue":"\ud800\n\u2028"}`:    "\"\ufffd\\n\\u2028\"",
		`{"arrayValue":{}}`:                   `[]`,
		`{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[{"intValue":1},{}]}}}]}}`: `{"a":[1,null]}`,
	} {
		var l log
		l.convert(t, jsonRequest(`"attributes":[{"key":"v","value":`+value+`},{"key":"nothing","value":{}}]`), JSON)
		n := nodeWith(l.tree(DefaultRepository, testTrace), testTrace+"-00000000000000ff")
		if got := string(n.Metadata["v"]); got != want {
			t.Errorf("%s became %s, want %s", value, got, want)
		}
	}
}

func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing": "", "array": "[]", "half": `{"resourceSpans":[`, "text": "hello", "two": "{} {}",
	} {
		if _, err := convertAll([]byte(body), JSON, ""); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, body := range map[string]string{"text": "hello", "half": "\x0a\x7f\x0a", "group": "\x0c"} {
		if _, err := convertAll([]byte(body), Protobuf, ""); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, f := range []Format{JSON, Protobuf} {
		if r, err := convertAll([]byte("{}")[:2-2*int(1-f)], f, ""); err != nil || r.Spans+r.Rejected+len(r.Batches) != 0 {
			t.Errorf("an empty request: %+v, %v", r, err)
		}
	}
}

// protoRequest returns a request with spans that are protobuf already.
func protoRequest(t *testing.T, spans ...[]byte) []byte {
	t.Helper()
	scope := []byte{}
	for _, s := range spans {
		scope = append(append(scope, 0x12), varint(len(s))...)
		scope = append(scope, s...)
	}
	resource := append(append([]byte{0x12}, varint(len(scope))...), scope...)
	return append(append([]byte{0x0a}, varint(len(resource))...), resource...)
}

func varint(n int) []byte {
	var b []byte
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func protoSpanOf(t *testing.T, s *tracepb.Span) []byte {
	t.Helper()
	b, err := proto.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A bad span does not cost the others, and the answer says how many and why.
func TestBadSpansCostNoOthers(t *testing.T) {
	t.Parallel()
	trace, id := make([]byte, 16), make([]byte, 8)
	trace[0], id[0] = 1, 1
	good := protoSpanOf(t, &tracepb.Span{TraceId: trace, SpanId: id, Name: "good\xff"[:4]})
	deep := &commonpb.AnyValue{}
	for range 100 {
		deep = &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: []*commonpb.AnyValue{deep}}}}
	}
	many := &commonpb.ArrayValue{Values: make([]*commonpb.AnyValue, maxValues+1)}
	for i := range many.Values {
		many.Values[i] = &commonpb.AnyValue{}
	}
	with := func(v *commonpb.AnyValue) []byte {
		return protoSpanOf(t, &tracepb.Span{TraceId: trace, SpanId: id, Attributes: []*commonpb.KeyValue{{Key: "k", Value: v}}})
	}
	for name, c := range map[string]struct {
		span []byte
		want error
	}{
		"no ids":    {protoSpanOf(t, &tracepb.Span{Name: "x"}), errIDs},
		"short id":  {protoSpanOf(t, &tracepb.Span{TraceId: trace[:8], SpanId: id}), errIDs},
		"zero id":   {protoSpanOf(t, &tracepb.Span{TraceId: trace, SpanId: make([]byte, 8)}), errIDs},
		"malformed": {[]byte{0x0a, 0x20, 1}, errSpan},
		"deep":      {with(deep), errDeep},
		"many":      {with(&commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: many}}), errValues},
		"large":     {with(&commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: strings.Repeat("x", protocol.MaxLine)}}), errLarge},
	} {
		r, err := convertAll(protoRequest(t, c.span, good), Protobuf, "")
		if err != nil || r.Rejected != 1 || r.Spans != 1 || r.Reason != c.want.Error() {
			t.Errorf("%s: %d spans, %d rejected for %q, %v", name, r.Spans, r.Rejected, r.Reason, err)
		}
	}
}

// Whatever a request comes to, it is stored in parts, and none of its spans is left out.
func TestRequestsAreStoredInParts(t *testing.T) {
	t.Parallel()
	spanOf := func(i int, value string) []byte {
		return protoSpanOf(t, &tracepb.Span{
			TraceId: []byte("0123456789abcdef"), SpanId: binary.BigEndian.AppendUint64(nil, uint64(i+1)), Name: "s",
			Attributes: []*commonpb.KeyValue{{Key: "k", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}},
		})
	}
	var small, large [][]byte
	for i := range 100_000 {
		small = append(small, spanOf(i, ""))
	}
	for i := range 12 {
		large = append(large, spanOf(i, strings.Repeat("\x01", protocol.MaxLine/8))) // six times as long in JSON
	}
	for name, spans := range map[string][][]byte{"many": small, "large": large} {
		body := protoRequest(t, spans...)
		parts, most := 0, 0
		r, err := Convert(body, Protobuf, "", func(batches []Batch) error {
			size := 0
			for _, b := range batches {
				for _, line := range b.Lines {
					size += len(line)
				}
			}
			parts, most = parts+1, max(most, size)
			return nil
		})
		if err != nil || len(body) > protocol.MaxDecodedBody || r.Spans != len(spans) || r.Rejected != 0 {
			t.Errorf("%s: %d of %d spans, %d rejected for %q, %v", name, r.Spans, len(spans), r.Rejected, r.Reason, err)
		}
		if parts < 2 || most > partBytes+protocol.MaxLine {
			t.Errorf("%s: %d parts of %d bytes at most", name, parts, most)
		}
	}
}

// What cannot be read as a whole is refused before a part of it is stored.
func TestMalformedRequestsStoreNothing(t *testing.T) {
	t.Parallel()
	trace, id := []byte("0123456789abcdef"), []byte("01234567")
	body := protoRequest(t, slices.Repeat([][]byte{protoSpanOf(t, &tracepb.Span{TraceId: trace, SpanId: id})}, partSpans+1)...)
	_, err := Convert(append(body, 0x0a, 0x05), Protobuf, "", func([]Batch) error {
		t.Error("a part is stored")
		return nil
	})
	if !errors.Is(err, ErrMalformed) {
		t.Errorf("error %v", err)
	}
}

// An error of the store ends the request.
func TestConvertEndsWithTheStore(t *testing.T) {
	t.Parallel()
	full, calls := errors.New("full"), 0
	_, err := Convert(requestOf("shop", []testSpan{{ID: 1}}), JSON, "", func([]Batch) error {
		calls++
		return full
	})
	if !errors.Is(err, full) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestRepositories(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", MaxRepository)
	for service, want := range map[string]string{"shop": "shop", "": DefaultRepository, long: strings.Repeat("é", MaxRepository/2)} {
		r, err := convertAll(requestOf(service, []testSpan{{ID: 1}}), JSON, "")
		if err != nil || r.Batches[0].Repo != want {
			t.Errorf("%q goes to %q, %v", service, r.Batches[0].Repo, err)
		}
	}
	r, err := convertAll(requestOf("shop", []testSpan{{ID: 1}}), JSON, "given")
	if err != nil || r.Batches[0].Repo != "given" {
		t.Errorf("it goes to %q, %v", r.Batches[0].Repo, err)
	}
}

// What Troupe calls ids may be anything in a log, but not in the place of a line's id.
func TestExportedIDsCannotForgeLines(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a,action=end,data={}}\nx", "b,action=end,data=1", "c\x00", strings.Repeat("d", protocol.MaxID)} {
		r, err := convertAll(requestOf("shop", []testSpan{{ID: 1, Attributes: map[string]any{"troupe.kind": "span", "troupe.id": id}}}), JSON, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range r.Batches {
			for _, line := range b.Lines {
				parsed, err := wire.Parse(line)
				if err != nil || parsed.ID != testTrace && parsed.ID != testTrace+"-"+spanHex(1) {
					t.Errorf("%v, id %q", err, parsed.ID)
				}
			}
		}
	}
}

func FuzzConvert(f *testing.F) {
	for _, file := range cases(f) {
		body := requestOf("shop", loadSpans(f, file))
		f.Add(body, true)
		f.Add(inProtobuf(f, body), false)
	}
	export, err := os.ReadFile("../export/testdata/session.golden.otlp.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(export, true)
	f.Fuzz(func(t *testing.T, body []byte, inJSON bool) {
		format := Protobuf
		if inJSON {
			format = JSON
		}
		r, err := convertAll(body, format, "")
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		for _, b := range r.Batches {
			if b.Repo == "" || len(b.Repo) > MaxRepository || b.First == 0 || b.First+uint64(len(b.Lines)) > 1<<62 {
				t.Fatalf("batch of %q at %d", b.Repo, b.First)
			}
			for _, line := range b.Lines {
				if _, err := wire.Parse(line); err != nil || strings.ContainsFunc(string(line), func(r rune) bool { return r < ' ' }) {
					t.Fatalf("%v in %q", err, line)
				}
				if _, err := fold.Decode(b.Repo, fold.Line{Text: line}); err != nil {
					t.Fatal(err)
				}
			}
		}
		again, err := convertAll(body, format, "")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, again); diff != "" {
			t.Fatalf("the same body became other lines: %s", diff)
		}
	})
}
