package collector_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/sqlite"
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

func TestAGivenStoreIsTakenOver(t *testing.T) {
	dir := t.TempDir()
	open := func() collector.Store {
		t.Helper()
		cluster, err := sqlite.Open(t.Context(), dir, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return cluster
	}
	unused := filepath.Join(t.TempDir(), "unused")
	running, err := collector.Start(collector.Config{Store: open(), Dir: unused})
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	s := &server{t, running.Collector, running.URL(), ""}
	s.post("r", created)
	equal(t, []string{created}, s.lines("r"))
	if err := running.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(unused); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made beside a store: %v", err)
	}
	// Whether New fails early or late, it closes the store, so that the folder can be opened again.
	for _, bad := range []collector.Config{{KeepFor: -1}, {APIKey: "a b"}, {PublicURL: "https://example.com/api"}} {
		bad.Store = open()
		if _, err := collector.New(bad); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
	equal(t, []string{created}, start(t, collector.Config{Dir: dir}).lines("r"))
}
