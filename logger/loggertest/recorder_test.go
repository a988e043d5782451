package loggertest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/logger/loggertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answer is code under test.
func answer(log *logger.Logger, question string) {
	trace := log.Trace(logger.TraceConfig{ID: "t", Name: "question", Input: question})
	defer trace.End()
	span := trace.AddSpan(logger.SpanConfig{Name: "agent"})
	defer span.End()
	span.AddGeneration(logger.GenerationConfig{Model: "gpt-4o", Provider: "openai"}).
		Fail(logger.Failure{Message: "rate limited", Code: "429"})
}

func TestRecorderSeesWhatWasLogged(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{})
	answer(log, "Why?")
	rec.Logged(t, "trace", "create", map[string]any{"name": "question", "input": "Why?"})
	gen := rec.One(t, "span", "add-generation")
	if gen.Data["model"] != "gpt-4o" {
		t.Errorf("model %v", gen.Data["model"])
	}
	if n := len(rec.Find(t, "", "end")); n != 3 {
		t.Errorf("%d ends, want 3", n)
	}
	rec.AllEnded(t)
	rec.NoErrors(t)
}

func TestRecorderKeepsContents(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{})
	log.Trace(logger.TraceConfig{}).AddAttachment(logger.DataAttachment([]byte("a,b")))
	key, _ := rec.One(t, "trace", "add-attachment").Data["key"].(string)
	if got := rec.Contents(t)[key]; string(got) != "a,b" {
		t.Errorf("content %q under the key of the line, %q", got, key)
	}
	rec.NoErrors(t)
}

// quiet stands in for the test that a failing assertion would fail.
type quiet struct {
	testing.TB
	failed []string
}

func (q *quiet) Helper() {}

func (q *quiet) Errorf(format string, args ...any) {
	q.failed = append(q.failed, fmt.Sprintf(format, args...))
}

func (q *quiet) Error(args ...any) { q.failed = append(q.failed, fmt.Sprint(args...)) }

type stop struct{}

func (q *quiet) Fatalf(format string, args ...any) {
	q.Errorf(format, args...)
	panic(stop{})
}

func TestAssertionsFail(t *testing.T) {
	for name, test := range map[string]struct {
		assert func(*loggertest.Recorder, testing.TB)
		say    string
	}{
		"logged": {func(r *loggertest.Recorder, t testing.TB) {
			r.Logged(t, "trace", "create", map[string]any{"name": "x"})
		}, `"name":"question"`},
		"none":   {func(r *loggertest.Recorder, t testing.TB) { r.One(t, "session", "create") }, "0 lines"},
		"many":   {func(r *loggertest.Recorder, t testing.TB) { r.One(t, "", "end") }, "3 lines"},
		"open":   {func(r *loggertest.Recorder, t testing.TB) { r.AllEnded(t) }, "trace open was begun but not ended"},
		"errors": {func(r *loggertest.Recorder, t testing.TB) { r.NoErrors(t) }, "invalid id"},
	} {
		t.Run(name, func(t *testing.T) {
			log, rec := loggertest.New(t, logger.Config{DisableAutoEnd: true})
			answer(log, "Why?")
			log.Trace(logger.TraceConfig{ID: "open"})
			log.TraceAddTag("not valid", "a", "b")
			q := &quiet{TB: t}
			func() {
				defer func() {
					if r := recover(); r != nil && r != any(stop{}) {
						panic(r)
					}
				}()
				test.assert(rec, q)
			}()
			if len(q.failed) == 0 || !strings.Contains(strings.Join(q.failed, "\n"), test.say) {
				t.Errorf("failed with %q, want something with %q", q.failed, test.say)
			}
		})
	}
}

func TestAnswerMakesDeliveryFail(t *testing.T) {
	told := make(chan error, 16)
	log, rec := loggertest.New(t, logger.Config{OnError: func(err error) { told <- err }})
	rec.Answer(422)
	answer(log, "Why?")
	if lines := rec.Lines(t); len(lines) != 0 {
		t.Errorf("%d lines were kept", len(lines))
	}
	rec.Answer(200)
	log.Trace(logger.TraceConfig{ID: "later"}).End()
	rec.One(t, "trace", "create")
	if s := log.Stats(); s.Dead != 7 || s.Delivered != 2 {
		t.Errorf("%v, want 7 dead and 2 delivered", s)
	}
	for range 7 {
		if err := <-told; !errors.Is(err, logger.ErrRefused) {
			t.Errorf("OnError was told %v, want ErrRefused", err)
		}
	}
	if errs := rec.Errors(); len(errs) != 7 {
		t.Errorf("%d errors recorded, want 7", len(errs))
	}
}
