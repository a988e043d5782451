package cli

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/protocol"
)

func TestShowReportsAnIncompleteIndex(t *testing.T) {
	t.Parallel()
	for _, behind := range []bool{true, false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if behind {
				w.Header().Set(protocol.HeaderBehind, "true")
			}
			if strings.HasSuffix(r.URL.Path, "/traces") {
				_, _ = w.Write([]byte(`{"data":[],"next":""}`))
				return
			}
			_, _ = w.Write([]byte(`{"kind":"trace","id":"t","status":"open"}`))
		}))
		t.Cleanup(server.Close)
		for _, args := range [][]string{{}, {"--json"}, {"t"}, {"t", "--json"}} {
			var stdout, stderr bytes.Buffer
			args = append([]string{"show", "--repo", "r", "--from", server.URL}, args...)
			if code := Main(args, &stdout, &stderr); code != ExitOK {
				t.Errorf("%v: exit code %d, %s", args, code, &stderr)
			}
			if told := strings.Count(stderr.String(), "not caught up"); told == 1 != behind || strings.Contains(stdout.String(), "caught up") {
				t.Errorf("%v, behind %v: standard error %q", args, behind, &stderr)
			}
		}
	}
}
