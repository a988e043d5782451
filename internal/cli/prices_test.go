package cli

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/troupelog/troupe/collector"
)

// call is a call of a model that nobody sells.
const call = `trace{id=t,action=create,data={"name":"turn","startTimestamp":"2026-01-02T03:04:05.678901+00:00"}}
trace{id=t,action=add-generation,data={"id":"g","model":"small-1","provider":"acme","messages":[],"startTimestamp":"2026-01-02T03:04:05.678901+00:00"}}
generation{id=g,action=result,data={"result":{"choices":[],"usage":{"prompt_tokens":120,"completion_tokens":30,"total_tokens":150}}}}
`

func TestPricesOverrideTheBuiltInOnes(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	prices := filepath.Join(t.TempDir(), "prices.json")
	if err := os.WriteFile(prices, []byte(`{"models":[{"model":"small-1","provider":"acme","prices":[{"input":1000,"output":2000}]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, run := range []struct {
		name   string
		flags  []string
		priced bool
	}{
		{"without", nil, false},
		{"with", []string{"--prices", prices}, true},
		{"without again", nil, false},
	} {
		server, url := startServer(t, "127.0.0.1:0", data, run.flags...)
		if run.name == "without" {
			answer, err := http.Post(url+"/api/sdk/v3/log?id=r", "text/plain", strings.NewReader(call))
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
		}
		waitFor(t, "the cost "+run.name+" prices", func() bool {
			page, ok := fetch[collector.Page[collector.TraceSummary]](t, url+"/api/v1/repositories/r/traces")
			return ok && len(page.Data) == 1 && (page.Data[0].Cost.Total > 0) == run.priced
		})
		server.signal(syscall.SIGTERM)
		server.wait()
	}
}
