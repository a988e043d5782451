package api_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/protocol"
)

// hostile is text that means something to a parser somewhere.
var hostile = []string{
	"\x00", "\xff\xfe", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\u202e\u2066", "\u2028", "\r", "\x1b[2J\x1b]0;title\a", "\x7f", "\ufeff",
	`"`, `\`, `\u0000`, `\ud800`, `{`, `}`, `},action=end,data={}}`, `{id=x,action=end,data={}}`, "%00", "%2e%2e%2f", "../../etc/passwd", `..\..\x`, "C:\\x",
	"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(1)", "{{.}}", "${7*7}", "#{7*7}", "<!--", "]]>", "&lt;",
	"' OR 1=1 --", `"; DROP TABLE blocks; --`, "1); DELETE FROM entities", "%' OR '1'='1", "NEAR(a b)", `"a" OR "b"`, "*", "^", "-",
	"=cmd|' /C calc'!A0", "+1+1", "@SUM(A1)", "-2+3", "__proto__", "constructor", "prototype", "toString", "hasOwnProperty",
	"NaN", "Infinity", "-0", "1e400", "9007199254740993", "00", "0x10", "1_000", "null", "true", "nil", "undefined",
	strings.Repeat("a", 70_000), strings.Repeat("\u0301", 5_000), strings.Repeat("[", 10_000), "😀" + strings.Repeat("\u200d😀", 500),
}

// places are lines with hostile text somewhere: as it is, or inside a JSON string.
var places = []struct {
	name string
	line func(text, quoted string) string
}{
	{"id", func(text, _ string) string { return "trace{id=" + text + ",action=create,data={}}" }},
	{"entity", func(text, _ string) string { return text + "{id=t,action=create,data={}}" }},
	{"action", func(text, _ string) string { return "trace{id=t,action=" + text + ",data={}}" }},
	{"data", func(text, _ string) string { return "trace{id=t,action=update,data=" + text + "}" }},
	{"value", func(_, quoted string) string {
		return `generation{id=g,action=create,data={"name":` + quoted + `,"model":` + quoted + `,"messages":[{"role":` + quoted + `,"content":` + quoted + `}]}}`
	}},
	{"key", func(_, quoted string) string {
		return `trace{id=t,action=update,data={` + quoted + `:1,"tags":{` + quoted + `:` + quoted + `},"metadata":{` + quoted + `:{` + quoted + `:1}}}}`
	}},
	{"number", func(text, _ string) string {
		return `generation{id=g,action=result,data={"result":{"usage":{"prompt_tokens":` + text + `}}}}`
	}},
	{"time", func(_, quoted string) string {
		return `trace{id=t,action=create,data={"startTimestamp":` + quoted + `,"endTimestamp":` + quoted + `}}`
	}},
}

// quote puts text between the quotes of JSON with as little escaping as a careless
// client does: quotes and backslashes.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}

// badBodies are bodies that are wrong as a whole.
func badBodies(t *testing.T) map[string]func() (body io.Reader, headers []string) {
	packed := func(text []byte) []byte {
		var buf bytes.Buffer
		w := gzip.NewWriter(&buf)
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	squeezed := func(text []byte) []byte {
		w, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		return w.EncodeAll(text, nil)
	}
	deep := []byte(`trace{id=t,action=update,data={"metadata":` + strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000) + "}}")
	bomb := bytes.Repeat([]byte("0"), 64<<20)
	line := []byte("trace{id=t,action=create,data={}}\n")
	body := func(b []byte, headers ...string) func() (io.Reader, []string) {
		return func() (io.Reader, []string) { return bytes.NewReader(b), headers }
	}
	return map[string]func() (io.Reader, []string){
		"nothing":                  body(nil),
		"newlines only":            body([]byte("\n\r\n\n")),
		"no newline at the end":    body(line[:len(line)-1]),
		"carriage returns":         body(bytes.ReplaceAll(bytes.Repeat(line, 3), []byte("\n"), []byte("\r\n"))),
		"a line of 8 MiB":          body([]byte(`trace{id=t,action=update,data={"input":"` + strings.Repeat("x", 8<<20-60) + `"}}`)),
		"a line over 8 MiB":        body([]byte(`trace{id=t,action=update,data={"input":"` + strings.Repeat("x", 8<<20) + `"}}`)),
		"objects in objects":       body(deep),
		"the same id a thousand":   body(bytes.Repeat(line, 1000)),
		"a gzip bomb":              body(packed(bomb), "Content-Encoding", "gzip"),
		"a gzip bomb in a bomb":    body(packed(packed(bomb)), "Content-Encoding", "gzip"),
		"gzip that is cut":         body(packed(line)[:20], "Content-Encoding", "gzip"),
		"gzip that is none":        body(line, "Content-Encoding", "gzip"),
		"a zstd bomb":              body(squeezed(bomb), "Content-Encoding", "zstd"),
		"zstd that is cut":         body(squeezed(line)[:10], "Content-Encoding", "zstd"),
		"a snappy header":          body([]byte("\xff\x06\x00\x00sNaPpY\xff\xff\xff\xff"), "Content-Encoding", "snappy"),
		"brotli":                   body(line, "Content-Encoding", "br"),
		"two encodings":            body(packed(line), "Content-Encoding", "gzip, gzip"),
		"an encoding of nonsense":  body(line, "Content-Encoding", strings.Repeat("gzip,", 100)),
		"a spool of nonsense":      body(line, protocol.HeaderProducer, "../..", protocol.HeaderSeq, "1"),
		"a number below 1":         body(line, protocol.HeaderProducer, strings.Repeat("a", 32), protocol.HeaderSeq, "0"),
		"a number that overflows":  body(line, protocol.HeaderProducer, strings.Repeat("a", 32), protocol.HeaderSeq, "18446744073709551615"),
		"a number at the very end": body(bytes.Repeat(line, 3), protocol.HeaderProducer, strings.Repeat("a", 32), protocol.HeaderSeq, "9223372036854775806"),
		"a body of zeros":          body(make([]byte, 1<<20)),
		"random bytes with lines":  body(append(bytes.Repeat([]byte{0x80, 0x0a, 0xff}, 1000), line...)),
	}
}

// TestBadInputHarmsNothing is R26: whatever is sent, the collector answers, with no 5xx,
// keeps its memory bounded, and takes a good line afterwards.
func TestBadInputHarmsNothing(t *testing.T) {
	s := start(t, collector.Config{})
	cases := 0
	check := func(name string, status int, text string) {
		t.Helper()
		if cases++; status >= 500 {
			t.Errorf("%s: status %d: %.200s", name, status, text)
		}
	}
	for i, text := range hostile {
		for _, place := range places {
			status, answer := s.do("POST", "/api/sdk/v3/log?id=r", strings.NewReader(place.line(text, quote(text))+"\n"+created))
			check(fmt.Sprintf("text %d as %s", i, place.name), status, answer)
		}
		escaped := url.QueryEscape(text)
		if len(escaped) > 16<<10 {
			continue // such headers net/http refuses by itself
		}
		for _, path := range []string{
			"/api/sdk/v3/log?id=" + escaped, "/api/sdk/v1/log-repositories/attachments/upload-url?key=r/" + escaped + "&mimeType=" + escaped + "&size=" + escaped,
			"/api/v1/repositories/" + url.PathEscape(text) + "/traces/" + url.PathEscape(text), "/api/v1/repositories/r/traces?cursor=" + escaped + "&limit=" + escaped,
			"/api/v1/repositories/r/attachments?key=r/" + escaped, "/api/v1/repositories/r/lines?after=" + escaped,
			"/traces?q=" + escaped + "&from=" + escaped + "&sort=" + escaped + "&after=" + escaped, "/trace/" + url.PathEscape(text) + "?node=" + escaped + "&view=" + escaped,
			"/session/" + url.PathEscape(text) + "?turn=" + escaped, "/search?q=" + escaped + "&after=" + escaped, "/line/" + url.PathEscape(text),
			"/diff?a=" + escaped + "&b=" + escaped, "/e/" + url.PathEscape(text), "/?repo=" + escaped,
		} {
			method := "GET"
			if strings.HasPrefix(path, "/api/sdk/v3") {
				method = "POST"
			}
			status, answer := s.do(method, path, strings.NewReader(created))
			check(method+" "+path, status, answer)
		}
	}
	for name, make := range badBodies(t) {
		body, headers := make()
		status, answer := s.do("POST", "/api/sdk/v3/log?id=r", body, headers...)
		check(name, status, answer)
		body, headers = make()
		status, answer = s.do("POST", "/v1/traces", body, append(headers, "Content-Type", "application/x-protobuf")...)
		check(name+" as OTLP", status, answer)
	}
	if cases < 300 {
		t.Errorf("only %d cases", cases)
	}
	equal(t, collector.Ingested{Accepted: 1, Rejected: nil}, s.post("after", created))
	s.settle()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 128<<20 {
		t.Errorf("%d MiB are in use afterwards", m.HeapAlloc>>20)
	}
	status, text := s.do("GET", "/api/v1/repositories/r/stats", nil)
	if status != http.StatusOK {
		t.Errorf("status %d: %s", status, text)
	}
}

// settle waits until everything is folded.
func (s *server) settle() {
	s.Helper()
	if err := s.WaitIndexed(s.Context()); err != nil {
		s.Fatal(err)
	}
}
