package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/troupelog/troupe/internal/wire"
)

var update = flag.Bool("update", false, "write the golden files")

// testSpan is a span as testdata has it.
type testSpan struct {
	Name       string
	ID, Parent int
	Kind       int
	Start      int // seconds
	Open       bool
	Remote     bool
	Attributes map[string]any
	Events     []struct {
		Name       string
		Attributes map[string]any
	}
	Links  []struct{ ID int }
	Status map[string]any
}

const testTrace = "0af7651916cd43dd8448eb211c80319c"

func spanHex(id int) string { return fmt.Sprintf("%016x", id) }

// requestOf returns an export request in OTLP/JSON. Names are sorted, so that it is always
// the same.
func requestOf(service string, spans []testSpan) []byte {
	all := []any{}
	for i, s := range spans {
		at := 1_700_000_000 + s.Start
		if s.Start == 0 {
			at += i
		}
		o := map[string]any{
			"traceId": testTrace, "spanId": spanHex(s.ID), "name": s.Name, "kind": s.Kind,
			"startTimeUnixNano": fmt.Sprintf("%d000000000", at), "endTimeUnixNano": fmt.Sprintf("%d250000000", at),
			"attributes": keyValues(s.Attributes),
		}
		if s.Parent != 0 {
			o["parentSpanId"] = spanHex(s.Parent)
		}
		if s.Open {
			delete(o, "endTimeUnixNano")
		}
		if s.Remote {
			o["flags"] = 0x300
		}
		if s.Status != nil {
			o["status"] = s.Status
		}
		events, links := []any{}, []any{}
		for _, e := range s.Events {
			events = append(events, map[string]any{"name": e.Name, "timeUnixNano": fmt.Sprintf("%d100000000", at), "attributes": keyValues(e.Attributes)})
		}
		for _, l := range s.Links {
			links = append(links, map[string]any{"traceId": testTrace, "spanId": spanHex(l.ID)})
		}
		o["events"], o["links"] = events, links
		all = append(all, o)
	}
	body, err := json.Marshal(map[string]any{"resourceSpans": []any{map[string]any{
		"resource":   map[string]any{"attributes": keyValues(map[string]any{"service.name": service, "host.name": "h1"})},
		"scopeSpans": []any{map[string]any{"scope": map[string]any{"name": "lib"}, "spans": all}},
	}}})
	if err != nil {
		panic(err) // never: it is made of maps and texts
	}
	return body
}

func keyValues(attributes map[string]any) []any {
	all := []any{}
	for _, name := range sorted(attributes) {
		all = append(all, map[string]any{"key": name, "value": anyValue(attributes[name])})
	}
	return all
}

func anyValue(v any) any {
	switch v := v.(type) {
	case string:
		return map[string]any{"stringValue": v}
	case bool:
		return map[string]any{"boolValue": v}
	case float64:
		if v == float64(int64(v)) {
			return map[string]any{"intValue": fmt.Sprint(int64(v))}
		}
		return map[string]any{"doubleValue": v}
	case []any:
		values := []any{}
		for _, element := range v {
			values = append(values, anyValue(element))
		}
		return map[string]any{"arrayValue": map[string]any{"values": values}}
	case map[string]any:
		return map[string]any{"kvlistValue": map[string]any{"values": keyValues(v)}}
	default:
		return map[string]any{}
	}
}

// inProtobuf returns a request in OTLP/JSON as protobuf, by the code that the
// specification generates.
func inProtobuf(t testing.TB, body []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	withBase64IDs(v)
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var data tracepb.TracesData // the same message as the request, by another name
	if err := protojson.Unmarshal(text, &data); err != nil {
		t.Fatal(err)
	}
	out, err := proto.Marshal(&data)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// withBase64IDs puts base64 in place of hexadecimal ids.
func withBase64IDs(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if s, ok := value.(string); ok && (name == "traceId" || name == "spanId" || name == "parentSpanId") {
				v[name] = base64.StdEncoding.EncodeToString(jsonID([]byte(`"` + s + `"`)))
			}
			withBase64IDs(value)
		}
	case []any:
		for _, element := range v {
			withBase64IDs(element)
		}
	}
}

func loadSpans(t testing.TB, file string) []testSpan {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var spans []testSpan
	if err := json.Unmarshal(text, &spans); err != nil {
		t.Fatal(err)
	}
	return spans
}

func cases(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	return files
}

// The lines of each request, with their numbers, are those of its golden file, whichever
// format it came in.
func TestSpansBecomeTheLinesOfTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for _, file := range cases(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			body := requestOf("shop", loadSpans(t, file))
			got := linesOf(t, body, JSON)
			if diff := cmp.Diff(got, linesOf(t, inProtobuf(t, body), Protobuf)); diff != "" {
				t.Errorf("protobuf differs (-json +protobuf): %s", diff)
			}
			golden := strings.TrimSuffix(file, "json") + "golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("lines differ from %s (-want +got); run with -update if that is meant:\n%s", golden, diff)
			}
		})
	}
}

func linesOf(t *testing.T, body []byte, f Format) string {
	t.Helper()
	r, err := convertAll(body, f, "")
	if err != nil || r.Rejected != 0 {
		t.Fatal(err, r.Reason)
	}
	var b bytes.Buffer
	for _, batch := range r.Batches {
		for i, line := range batch.Lines {
			if _, err := wire.Parse(line); err != nil {
				t.Errorf("%v in %s", err, line)
			}
			fmt.Fprintf(&b, "%s %x:%d %s\n", batch.Repo, batch.Sender[:2], batch.First+uint64(i), line)
		}
	}
	return b.String()
}
