package supervisor

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestWarningsOfTheLibraryReachLogWithoutAttributes(t *testing.T) {
	var text bytes.Buffer
	log := quiet(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug})))
	log.Debug("debugging", "message", "secret")
	log.Info("informing", "message", "secret")
	log.With("message", "secret").WithGroup("group").Warn("warning", "message", "secret")
	log.Error("failing", slog.Group("message", "text", "secret"))
	got := text.String()
	if lines := strings.Count(got, "\n"); lines != 2 || !strings.Contains(got, "msg=warning") || !strings.Contains(got, "msg=failing") {
		t.Errorf("%d records reach the log, want a warning and an error:\n%s", lines, got)
	}
	if strings.Contains(got, "secret") || strings.Contains(got, "group") {
		t.Errorf("attributes reach the log:\n%s", got)
	}
}

func TestTheLevelOfTheUsersLogCounts(t *testing.T) {
	var text bytes.Buffer
	log := quiet(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelError})))
	log.Warn("warning")
	if text.Len() > 0 || log.Enabled(context.Background(), slog.LevelWarn) {
		t.Errorf("a warning reaches a log for errors: %s", &text)
	}
}

func TestWithoutALogNothingIsEnabled(t *testing.T) {
	if quiet(nil).Enabled(context.Background(), slog.LevelError) {
		t.Error("records are made though nothing reads them")
	}
}

// broken is a handler that panics, or fails.
type broken struct{ slog.Handler }

func (broken) Enabled(context.Context, slog.Level) bool { return true }

func (broken) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "panic" {
		panic(r.Message)
	}
	return errors.New("disk full")
}

func TestABrokenLogDoesNotHurtActors(t *testing.T) {
	quiet(slog.New(broken{})).Error("panic")
	handler := warnings{broken{}}
	if err := handler.Handle(context.Background(), slog.Record{Message: "fail"}); err == nil {
		t.Error("the error of the handler is lost")
	}
}
