package collector_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
)

func TestStartServesUntilClose(t *testing.T) {
	dir := t.TempDir()
	running, err := collector.Start(collector.Config{Dir: dir, APIKey: "k"})
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	s := &server{t, running.Collector, running.URL(), "k"}
	equal(t, collector.Ingested{Accepted: 1}, s.post("r", created))
	if _, err := collector.Start(collector.Config{Dir: dir}); err == nil {
		t.Error("a second collector started in the same folder")
	}
	for range 2 {
		if err := running.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if answer, err := http.Post(running.URL()+"/api/sdk/v3/log?id=r", "text/plain", strings.NewReader(ended)); err == nil {
		answer.Body.Close()
		t.Errorf("it still answers %s", answer.Status)
	}
	equal(t, []string{created}, start(t, collector.Config{Dir: dir}).lines("r"))
}
