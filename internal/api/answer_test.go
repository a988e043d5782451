package api

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// deaf is a connection whose other end has gone.
type deaf struct {
	header  http.Header
	headers int // calls of WriteHeader
}

func (d *deaf) Header() http.Header       { return d.header }
func (d *deaf) WriteHeader(int)           { d.headers++ }
func (d *deaf) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestAnAnswerThatFailsIsLoggedAndNotRepeated(t *testing.T) {
	var log bytes.Buffer
	s := &Server{logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	d := &deaf{header: http.Header{}}
	s.writeJSON(d, http.StatusOK, "hello")
	if d.headers != 1 || !strings.Contains(log.String(), "level=DEBUG") || !strings.Contains(log.String(), "broken pipe") {
		t.Errorf("%d headers, and the log %q", d.headers, &log)
	}
}

func TestAnAnswerThatCannotBeEncodedIsAnError(t *testing.T) {
	s := &Server{logger: slog.New(slog.DiscardHandler)}
	w := httptest.NewRecorder()
	s.writeJSON(w, http.StatusOK, []float64{math.NaN()})
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), `"code":"internal"`) {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}
