package fold_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/fold"
)

func textsOf(line string) []string {
	var got []string
	for field, text := range fold.Texts([]byte(line)) {
		got = append(got, field+": "+string(text))
	}
	return got
}

func TestTextsAreWhatALineSays(t *testing.T) {
	for line, want := range map[string][]string{
		`trace{id=t,action=create,data={"name":"turn","id":"t","startTimestamp":"2026-01-01T00:00:00Z","sessionId":"s","tags":{"env":"prod","n":7},"input":"what\nnow?","metadata":{"deep":[{"order":12345,"ok":true,"none":null}]}}}`: {
			"name: turn", "tags: prod", "tags: 7", "input: what\nnow?", "metadata: 12345",
		},
		`trace{id=t,action=add-generation,data={"id":"g","model":"gpt-4o","provider":"openai","modelParameters":{"tools":"no"},"messages":[{"role":"user","content":"hi \u00e9"},{"role":"assistant","content":[{"type":"text","text":"part"},{"type":"tool_use","id":"x","name":"lookup","input":{"id":7,"city":"Rom"}}],"tool_calls":[{"id":"c","type":"function","function":{"name":"find","arguments":"{\"q\":\"\\u00fcber\",\"n\":3}"}}]}]}}`: {
			"message: hi é", "message: part", "message: lookup", "message: 7", "message: Rom", "message: find", "message: über", "message: 3",
		},
		`generation{id=g,action=result,data={"result":{"id":"r","created":17,"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"the answer","refusal":null}}],"usage":{"total_tokens":150}}}}`: {
			"result: the answer",
		},
		`tool_call{id=c,action=result,data={"result":"[{\"id\":\"o-1\",\"total\":9.5}]"}}`: {"result: o-1", "result: 9.5"},
		`tool_call{id=c,action=result,data={"result":"[not json \" at all"}}`:              {`result: [not json " at all`},
		`trace{id=t,action=add-error,data={"id":"e","message":"boom","code":"E42","errorType":"IOError"}}`: {
			"message: boom", "code: E42", "errorType: IOError",
		},
		`retrieval{id=r,action=end,data={"docs":["one","two"]}}`:          {"docs: one", "docs: two"},
		`trace{id=t,action=add-feedback,data={"score":5,"comment":"ok"}}`: {"comment: ok"},
		`trace{id=t,action=end,data=null}`:                                nil,
		`storage{id=s,action=process-large-log,data={"key":"k"}}`:         nil,
		`no line`: nil,
	} {
		if diff := cmp.Diff(want, textsOf(line)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", line, diff)
		}
	}
}

func TestTextsLeaveOutBlobsAndEndAtTheirBound(t *testing.T) {
	blob := strings.Repeat("QUJD+/9=", 200)
	got := textsOf(`trace{id=t,action=update,data={"input":"before data:image/png;base64,` + blob + ` after","output":"` + blob + `","tags":{"k":"` + blob[:1000] + `"}}}`)
	want := []string{"input: before data:image/png;base64,  after", "output:  ", "tags: " + blob[:1000]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	long := fold.AppendText(nil, []byte(`trace{id=t,action=update,data={"name":"n","input":"`+strings.Repeat("wörter ", 20000)+`","output":"never seen"}}`))
	if len(long) > fold.MaxText+2 || len(long) < fold.MaxText-2 || !utf8.Valid(long) || strings.Contains(string(long), "never") {
		t.Errorf("%d bytes of a long line, in UTF-8: %t", len(long), utf8.Valid(long))
	}
}

func FuzzTexts(f *testing.F) {
	f.Add(`trace{id=t,action=create,data={"name":"turn","tags":{"env":"prod","n":7},"input":"what\nnow?"}}`)
	f.Add(`tool_call{id=c,action=result,data={"result":"[{\"id\":\"o-1\",\"total\":9.5}]","args":{"a":"{\"b\":\"\\\"\"}"}}}`)
	f.Add(`generation{id=g,action=result,data={"result":{"choices":[{"message":{"content":"\ud800\xff"}}]}}}`)
	f.Add(`trace{id=t,action=update,data={"input":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}`)
	f.Fuzz(func(t *testing.T, line string) {
		size := 0
		for field, text := range fold.Texts([]byte(line)) {
			if size += len(text); field == "" && !strings.Contains(line, `""`) || len(text) == 0 || size > fold.MaxText {
				t.Fatalf("field %q, %d bytes, %d in all", field, len(text), size)
			}
		}
	})
}

func BenchmarkAppendText(b *testing.B) {
	line := []byte(`trace{id=t1,action=add-generation,data={"id":"g1","model":"gpt-4o","messages":[{"role":"user","content":"` + strings.Repeat("some words ", 30) + `"}],"modelParameters":{"temperature":"0.5"}}}`)
	var buf []byte
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		buf = fold.AppendText(buf[:0], line)
	}
}
