package formattest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupelog/troupe/llm"
	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/pricing"
)

// program logs to a server that keeps the lines as they were sent.
type program struct {
	t   *testing.T
	log *logger.Logger

	mu    sync.Mutex
	lines []string        // guarded by mu
	used  []pricing.Usage // guarded by mu; usage that a price was asked for
}

func newProgram(t *testing.T) *program {
	t.Helper()
	p := &program{t: t}
	var err error
	p.log, err = logger.New(logger.Config{
		ID: "test", APIKey: "test", BaseURL: "http://127.0.0.1", Transport: p, ManualFlush: true, SpoolDir: filepath.Join(t.TempDir(), "spool"),
		Prices: p, OnError: func(error) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.log.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return p
}

// RoundTrip implements http.RoundTripper: it is the log server.
func (p *program) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := `{"data":{}}`
	if r.Body != nil {
		defer r.Body.Close()
	}
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		p.mu.Lock()
		p.lines = append(p.lines, strings.Split(string(body), "\n")...)
		p.mu.Unlock()
	} else if strings.HasSuffix(r.URL.Path, "/upload-url") {
		answer = `{"data":{"url":"http://127.0.0.1/storage"}}`
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}

// Cost implements logger.Prices. Every token costs a dollar.
func (p *program) Cost(_, _ string, _ time.Time, u pricing.Usage) (pricing.Cost, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used = append(p.used, u)
	return pricing.Cost{}, false
}

// sent returns the lines so far, and forgets them.
func (p *program) sent() []string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := p.log.Flush(ctx); err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	lines := p.lines
	p.lines = nil
	return lines
}

// call makes the exchange through llm.Transport within a new trace. The body ends after n
// bytes.
func (p *program) call(ctx context.Context, s *sample, n int) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1"+s.path, strings.NewReader(s.request))
	if err != nil {
		p.t.Fatal(err)
	}
	client := http.Client{Transport: llm.Transport(provider{s, n}, llm.Options{})}
	resp, err := client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); string(body) != s.body[:n] || err != nil {
		p.t.Errorf("the caller read %q, %v", body, err)
	}
}

// provider gives the response of a sample, up to a byte.
type provider struct {
	*sample
	end int
}

// RoundTrip implements http.RoundTripper.
func (p provider) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: p.status, Header: http.Header{"Content-Type": {p.kind}, "X-Request-Id": {"req_1"}},
		Body: io.NopCloser(&pieces{p.body[:p.end]}), Request: r,
	}, nil
}

// pieces reads a text a few bytes at a time.
type pieces struct{ rest string }

func (p *pieces) Read(b []byte) (int, error) {
	if p.rest == "" {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), 7)], p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// varying are the parts of a line that differ from run to run.
var varying = []struct {
	part *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "<uuid>"},
	{regexp.MustCompile(`("otel\.(?:parent_)?span_id":")[0-9a-f]{16}`), "${1}<hex>"},
	{regexp.MustCompile(`,?"(startTimestamp|endTimestamp|timestamp)":"20[^"]*"`), ""},
	{regexp.MustCompile(`("time_to_first_token_ms":)"?[0-9.e-]+"?`), "${1}<ms>"},
}

var created = regexp.MustCompile(`"created":\d+`)

// normalized replaces everything in a line that differs from run to run.
func normalized(line string) string {
	for _, v := range varying {
		line = v.part.ReplaceAllString(line, v.with)
	}
	return created.ReplaceAllStringFunc(line, func(member string) string {
		at, err := strconv.ParseInt(strings.TrimPrefix(member, `"created":`), 10, 64)
		if err == nil && time.Since(time.Unix(at, 0)).Abs() < time.Hour {
			return `"created":<now>`
		}
		return member
	})
}

// usedOnce returns the only usage that a price was asked for since the last call.
func (p *program) usedOnce() (pricing.Usage, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	used := p.used
	p.used = nil
	if len(used) == 0 {
		return pricing.Usage{}, errors.New("no price was asked for")
	}
	return used[0], nil
}
