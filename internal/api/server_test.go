package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"github.com/troupelog/troupe/internal/service"
	"github.com/troupelog/troupe/internal/sqlite"
)

// noPages are Pages without a page.
type noPages struct{ http.Handler }

func (noPages) Patterns() (guarded, open []string) { return nil, nil }

func (noPages) AskForKey(w http.ResponseWriter, _ *http.Request, status int, _, _, _ string) {
	w.WriteHeader(status)
}

func (noPages) Follow(bool) {}

// newServer returns a server of an empty collector, for the duration of a test.
func newServer(t *testing.T) *Server {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	cluster, err := sqlite.Open(t.Context(), t.TempDir(), nil, logger)
	if err != nil {
		t.Fatal(err)
	}
	svc, err := service.New(t.Context(), service.Config{Store: cluster, Logger: logger})
	if err != nil {
		t.Fatal(errors.Join(err, cluster.Close()))
	}
	t.Cleanup(func() {
		if err := svc.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	s, err := New(svc, noPages{http.NotFoundHandler()}, Config{Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
