package troupeslog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/logger/loggertest"
	"github.com/troupelog/troupe/troupeslog"
)

// silent takes every record, unlike slog.DiscardHandler.
var silent = slog.NewTextHandler(io.Discard, nil)

// inTrace adds a trace to the context of every record: slogtest and slog's plain calls
// give none.
type inTrace struct {
	slog.Handler
	trace logger.Trace
}

func (h inTrace) Handle(ctx context.Context, r slog.Record) error {
	return h.Handler.Handle(logger.NewContext(ctx, h.trace), r)
}

func (h inTrace) WithAttrs(a []slog.Attr) slog.Handler {
	return inTrace{h.Handler.WithAttrs(a), h.trace}
}
func (h inTrace) WithGroup(name string) slog.Handler {
	return inTrace{h.Handler.WithGroup(name), h.trace}
}

func TestTheNextHandlerGetsRecordsAsTheyAre(t *testing.T) {
	log, _ := loggertest.New(t, logger.Config{})
	trace := log.Trace(logger.TraceConfig{})
	var out *bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out = &bytes.Buffer{}
		return inTrace{troupeslog.New(slog.NewJSONHandler(out, nil)), trace}
	}, func(t *testing.T) map[string]any { return object(t, out.String()) })
}

func TestEventsKeepTheRulesOfHandlers(t *testing.T) {
	var rec *loggertest.Recorder
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		log, r := loggertest.New(t, logger.Config{})
		rec = r
		return inTrace{troupeslog.New(silent), log.Trace(logger.TraceConfig{})}
	}, func(t *testing.T) map[string]any {
		data := rec.One(t, "trace", "add-event").Data
		m := map[string]any{slog.MessageKey: data["name"], slog.LevelKey: data["tags"].(map[string]any)["level"]}
		if !strings.HasSuffix(t.Name(), "/zero-time") { // an event has a time in any case
			m[slog.TimeKey] = data["timestamp"]
		}
		attrs, _ := data["metadata"].(map[string]any)
		for key, text := range attrs {
			m[key] = text
			if strings.HasPrefix(text.(string), "{") {
				m[key] = object(t, text.(string))
			}
		}
		return m
	})
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return m
}

func TestRecordsBecomeEventsOfTheInnermostEntity(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{})
	l := slog.New(troupeslog.New(silent))
	ctx := logger.NewContext(t.Context(), log)
	l.InfoContext(ctx, "of nothing")
	ctx = logger.NewContext(ctx, log.Session(logger.SessionConfig{ID: "s"}))
	l.InfoContext(ctx, "of the session")
	ctx, _ = logger.StartTrace(ctx, logger.TraceConfig{ID: "t"})
	l.WarnContext(ctx, "of the trace")
	ctx, _ = logger.StartSpan(ctx, logger.SpanConfig{ID: "sp"})
	l.ErrorContext(ctx, "of the span")
	l.Info("of nothing") //nolint:sloglint // that is what is tested

	got := map[string]string{}
	for _, line := range rec.Lines(t) {
		if line.Action == "add-event" {
			got[line.Entity+" "+line.ID] += line.Data["name"].(string) + " " + line.Data["tags"].(map[string]any)["level"].(string)
		}
	}
	want := map[string]string{"session s": "of the session INFO", "trace t": "of the trace WARN", "span sp": "of the span ERROR"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// failing is a next handler that fails.
type failing struct{ slog.Handler }

var errNext = errors.New("the disk is full")

func (failing) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
func (failing) Handle(context.Context, slog.Record) error        { return errNext }

func TestTheNextHandlerDecidesAndItsErrorIsReturned(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{})
	ctx := logger.NewContext(t.Context(), log.Trace(logger.TraceConfig{}))
	h := troupeslog.New(failing{silent})
	slog.New(h).InfoContext(ctx, "not enabled")
	if err := h.Handle(ctx, slog.NewRecord(time.Now(), slog.LevelError, "enabled", 0)); !errors.Is(err, errNext) {
		t.Errorf("Handle = %v, want the next handler's error", err)
	}
	if name := rec.One(t, "trace", "add-event").Data["name"]; name != "enabled" {
		t.Errorf("the event is %q, want that of the enabled record", name)
	}
}

func TestAHandlerIsNotWrappedTwice(t *testing.T) {
	h := troupeslog.New(silent)
	if twice := troupeslog.New(h); twice != h {
		t.Error("the handler was wrapped again: its records would be two events")
	}
}

type panics struct{}

func (panics) MarshalJSON() ([]byte, error) { panic("no") }

type point struct{ X, Y int }

type secret struct{}

func (secret) LogValue() slog.Value { return slog.StringValue("hidden") }

func TestValuesKeepTheirForm(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{})
	ctx := logger.NewContext(t.Context(), log.Trace(logger.TraceConfig{}))
	at := time.Date(2024, 1, 2, 3, 4, 5, 6, time.UTC)
	l := slog.New(troupeslog.New(silent)).With("shared", 1).WithGroup("request").With("method", "GET")
	l.ErrorContext(ctx, "all", "int", -1, "uint", uint64(math.MaxUint64), "float", 1.5, "nan", math.NaN(), "bool", true,
		"duration", 1500*time.Millisecond, "time", at, "error", errNext, "struct", point{1, 2}, "nil", nil,
		"channel", make(chan int), "panics", panics{}, "valuer", secret{}, slog.Group("inner", "a", "b"), slog.Group("empty"),
		"text marshaler", slog.LevelWarn)
	metadata := rec.One(t, "trace", "add-event").Data["metadata"].(map[string]any)
	got := object(t, metadata["request"].(string))
	if text, ok := got["channel"].(string); !ok || !strings.HasPrefix(text, "0x") {
		t.Errorf("the channel is %v, want its address as text", got["channel"])
	}
	delete(got, "channel")
	want := map[string]any{
		"method": "GET", "int": -1.0, "uint": float64(math.MaxUint64), "float": 1.5, "nan": "NaN", "bool": true, "duration": "1.5s",
		"time": "2024-01-02T03:04:05.000000006Z", "error": "the disk is full", "struct": map[string]any{"X": 1.0, "Y": 2.0}, "nil": nil,
		"panics": "!PANIC", "valuer": "hidden", "inner": map[string]any{"a": "b"}, "text marshaler": "WARN",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if metadata["shared"] != "1" {
		t.Errorf("shared is %v, want 1", metadata["shared"])
	}
	rec.NoErrors(t)
}

func TestAnEventStaysSmall(t *testing.T) {
	large := strings.Repeat("é", 1<<20)
	many := make([]any, 1000)
	for i := range many {
		many[i] = slog.Int(strings.Repeat("k", 1+i%7)+string(rune('a'+i%26)), i)
	}
	for name, args := range map[string][]any{
		"text": {"text", large}, "key": {large, "value"}, "struct": {"struct", []string{large}}, "error": {"error", errors.New(large)},
		"many": many, "group": {slog.Group("group", many...)}, "named": {slog.Group(large, "a", "b")},
		"to the last byte": {slog.Group("group", "a", strings.Repeat("x", 12<<10-6), "b", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			log, rec := loggertest.New(t, logger.Config{})
			ctx := logger.NewContext(t.Context(), log.Trace(logger.TraceConfig{}))
			slog.New(troupeslog.New(silent)).InfoContext(ctx, large, args...)
			event := rec.One(t, "trace", "add-event")
			if size := len(event.String()); size > 32<<10 {
				t.Errorf("the event has %d bytes", size)
			}
			if tags := event.Data["tags"].(map[string]any); tags["truncated"] != "true" {
				t.Errorf("the event does not say that it is cut: %v", tags)
			}
			if message := event.Data["name"].(string); strings.Trim(message, "é") != "" || len(message) != 4<<10 {
				t.Errorf("the message has %d bytes", len(message))
			}
		})
	}
}

// With the handler in Config.Slog as well, records of the logger are no events, or every
// event would make another.
func TestTheLoggersOwnMessagesAreNoEvents(t *testing.T) {
	var out sharedBuffer
	own := slog.New(troupeslog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	log, rec := loggertest.New(t, logger.Config{Slog: own, Debug: true})
	ctx := logger.NewContext(t.Context(), log.Trace(logger.TraceConfig{ID: "t"}))
	own.InfoContext(ctx, "once")
	log.TraceAddTag("no id", "k", "v") // reported at warn level
	counts := map[string]int{}
	for _, line := range rec.Lines(t) {
		counts[line.Action]++
	}
	if diff := cmp.Diff(map[string]int{"create": 1, "add-event": 1, "update": 1}, counts); diff != "" {
		t.Error(diff)
	}
	// The handler runs on a goroutine of the logger: the lines come when they come.
	for end := time.Now().Add(time.Minute); strings.Count(out.String(), "troupe: accepted") < 3; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("the logger says %q, want 3 accepted entries: the test tests nothing", out.String())
		}
	}
}

// sharedBuffer is a buffer that is written to while it is read.
type sharedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (b *sharedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *sharedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestDerivedHandlersDoNotShareAttributes(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{})
	ctx := logger.NewContext(t.Context(), log.Trace(logger.TraceConfig{}))
	base := slog.New(troupeslog.New(silent)).With("a", 1)
	first, second := base.With("b", 2), base.With("c", 3)
	first.InfoContext(ctx, "first")
	second.InfoContext(ctx, "second")
	got := map[string]any{}
	for _, line := range rec.Lines(t) {
		if line.Action == "add-event" {
			got[line.Data["name"].(string)] = maps.Clone(line.Data["metadata"].(map[string]any))
		}
	}
	want := map[string]any{"first": map[string]any{"a": "1", "b": "2"}, "second": map[string]any{"a": "1", "c": "3"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
