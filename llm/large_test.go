package llm_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/troupelog/troupe/llm"
)

func answerOK(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	fmt.Fprint(w, `{"id":"x","object":"chat.completion","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`)
}

func dataURI(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw)
	copy(raw, "\x89PNG\r\n\x1a\n")
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(raw)
}

// Of a request that is larger than what is kept, every text and the newest message are
// logged, whether its body can be read again or only while it is sent.
func TestLargeRequestsKeepTheirTextsAndNewestMessages(t *testing.T) {
	screenshot := dataURI(6 << 20)
	picture := `{"type":"image_url","image_url":{"url":"` + screenshot + `"}}`
	var history strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&history, `{"role":"user","content":"turn %d %s"},`, i, strings.Repeat("some words ", 200))
	}
	for name, test := range map[string]struct {
		body string
		want []string
		cut  string // a path
	}{
		"picture last": {`{"model":"gpt-4o","messages":[{"role":"system","content":"sys"},{"role":"user","content":[{"type":"text","text":"what is in this picture"},` + picture + `]}],"temperature":0.2}`,
			[]string{"sys", "what is in this picture", "[image/png, 6.3 MB, sha256 ", `"temperature":"0.2"`}, "messages[1].content[1].image_url.url"},
		"picture first": {`{"model":"gpt-4o","messages":[{"role":"user","content":[` + picture + `,{"type":"text","text":"what is it"}]},{"role":"user","content":"and the second question"}],"temperature":0.2}`,
			[]string{"what is it", "and the second question", `"temperature":"0.2"`}, "messages[0].content[0].image_url.url"},
		"long text": {`{"messages":[{"role":"user","content":"begin ` + strings.Repeat("a long document ", 330000) + `end"},{"role":"user","content":"summarise please"}],"model":"gpt-4o"}`,
			[]string{"begin a long", "document end", "bytes left out]", "summarise please", `"model":"gpt-4o"`}, "messages[0].content"},
		"long history": {`{"model":"gpt-4o","messages":[{"role":"system","content":"sys"},` + history.String() + `{"role":"user","content":"the newest"}],"temperature":0.2}`,
			[]string{"sys", "turn 2999 ", "the newest", "older messages, ", `"temperature":"0.2"`}, "oldest)"},
		"deep": {`{"model":"gpt-4o","messages":[{"role":"user","content":"the question"}],"tools":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`,
			[]string{"the question", "nested too deeply"}, "tools[0]"},
	} {
		for _, again := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/%v", name, again), func(t *testing.T) {
				o := llm.Options{}
				if name == "long history" {
					o.MaxBytes = 500_000 // so that the line is no upload
				}
				r := newRig(t, o, answerOK)
				req, err := http.NewRequestWithContext(r.ctx, http.MethodPost, r.url+"/v1/chat/completions", strings.NewReader(test.body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/json")
				if !again {
					req.GetBody, req.Body = nil, io.NopCloser(strings.NewReader(test.body))
				}
				resp, err := r.client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				all := r.generations()
				if len(all) != 1 {
					t.Fatalf("%d generations", len(all))
				}
				begun, err := json.Marshal(all[0].begun)
				if err != nil || len(begun) > 1<<20 {
					t.Fatalf("%d bytes, %v", len(begun), err)
				}
				for _, want := range test.want {
					if !strings.Contains(string(begun), want) {
						t.Errorf("%q is not logged: %.300s … %s", want, begun, begun[max(0, len(begun)-300):])
					}
				}
				if mark := fmt.Sprint(all[0].metadata["troupe.cut"]); !strings.Contains(mark, test.cut) || all[0].metadata["capture"] != "the request is cut" {
					t.Errorf("metadata %.600v", all[0].metadata)
				}
				if all[0].result()["usage"] == nil {
					t.Error("the result is lost")
				}
			})
		}
	}
}

// What fits is logged as it is: pictures too, as attachments.
func TestRequestsThatFitAreNotCut(t *testing.T) {
	r := newRig(t, llm.Options{}, answerOK)
	r.ask("/v1/chat/completions", `{"model":"gpt-4o","messages":[{"role":"user","content":"`+strings.Repeat("word ", 140_000)+`"}]}`)
	g := r.generations()[0]
	if content, _ := at(g.begun, "messages", 0, "content").(string); len(content) != 700_000 || g.metadata["troupe.cut"] != nil || g.metadata["capture"] != nil {
		t.Errorf("%d bytes, metadata %v", len(content), g.metadata)
	}
}
