package llm_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/modelserver"
	"github.com/troupelog/troupe/internal/sdktest"
	"github.com/troupelog/troupe/llm"
)

// plainClient calls chat completions as a program without an SDK does.
type plainClient struct {
	http  *http.Client
	url   string
	tries int // with tries above 1 it says which one it is, as SDKs do
}

func (p *plainClient) post(ctx context.Context, prompt string, stream bool) (*http.Response, error) {
	body, err := json.Marshal(map[string]any{
		"model": sdktest.ModelName, "stream": stream, "stream_options": map[string]any{"include_usage": true},
		"messages": []any{map[string]any{"role": "user", "content": prompt}},
		"tools":    []any{map[string]any{"type": "function", "function": map[string]any{"name": modelserver.ToolName}}},
	})
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/v1/chat/completions", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		if p.tries > 1 {
			req.Header.Set("X-Stainless-Retry-Count", strconv.Itoa(try))
		}
		resp, err := p.http.Do(req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode == http.StatusOK {
			return resp, nil
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return nil, err
		}
		resp.Body.Close()
		if try+1 >= p.tries {
			return nil, fmt.Errorf("status %d", resp.StatusCode)
		}
	}
}

// delta is a choice of a chat completion, or of a chunk of one.
type delta struct {
	Choices []struct {
		Message, Delta struct {
			Content   string
			ToolCalls []struct {
				Function struct{ Name, Arguments string }
			} `json:"tool_calls"`
		}
	}
}

func (p *plainClient) ask(ctx context.Context, prompt string) (string, error) {
	resp, err := p.post(ctx, prompt, false)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var d delta
	if err := json.NewDecoder(resp.Body).Decode(&d); err != nil {
		return "", err
	}
	if m := d.Choices[0].Message; len(m.ToolCalls) > 0 {
		return sdktest.CallOf(m.ToolCalls[0].Function.Name, m.ToolCalls[0].Function.Arguments), nil
	}
	return d.Choices[0].Message.Content, nil
}

func (p *plainClient) stream(ctx context.Context, prompt string, piece func(string)) (string, error) {
	resp, err := p.post(ctx, prompt, true)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var said strings.Builder
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		var d delta
		if !ok || data == "[DONE]" || json.Unmarshal([]byte(data), &d) != nil || len(d.Choices) == 0 {
			continue
		}
		got := d.Choices[0].Delta
		said.WriteString(got.Content)
		for _, call := range got.ToolCalls {
			said.WriteString(sdktest.CallOf(call.Function.Name, call.Function.Arguments))
		}
		if got.Content != "" && piece != nil {
			piece(got.Content)
		}
	}
	return said.String(), lines.Err()
}

// TestAnyClient runs the suite of the adapters with the interceptor alone: as a transport,
// and as a middleware below which attempts are repeated.
func TestAnyClient(t *testing.T) {
	for name, tries := range map[string]int{"once": 1, "again": 3} {
		t.Run(name, func(t *testing.T) {
			sdktest.Run(t, func(t *testing.T, url string) sdktest.Client {
				connections := &http.Transport{}
				t.Cleanup(connections.CloseIdleConnections)
				p := &plainClient{&http.Client{Transport: llm.Transport(connections, llm.Options{})}, url, tries}
				return sdktest.Client{Ask: p.ask, Stream: p.stream, Provider: "openai", Tries: tries}
			})
		})
	}
}

// TestOnceThroughTransportAndMiddleware gives a client both.
func TestOnceThroughTransportAndMiddleware(t *testing.T) {
	r := newRig(t, llm.Options{}, answers(jsonKind, `{"choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}`))
	req, err := http.NewRequestWithContext(r.ctx, http.MethodPost, r.url+"/v1/chat/completions", strings.NewReader(chatRequest))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := llm.Middleware(req, r.client.Do)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Request == nil || resp.Request.URL.Path != "/v1/chat/completions" {
		t.Errorf("the answer's request is %v", resp.Request)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
	resp.Body.Close()
	r.one()
}
