package logger

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var badTimes = map[string]time.Time{
	"zero": {}, "zero and an hour": time.Time{}.Add(time.Hour), "zero in a zone": time.Time{}.In(time.FixedZone("", -3600)),
	"the year -5": time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), "the year 10000": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
	"the year 12000": time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC), "the year 9999 in another zone": time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -7200)),
}

// A time that a line cannot say is reported, and never sent.
func TestInvalidTimesAreReportedAndNotSent(t *testing.T) {
	for what, at := range badTimes {
		t.Run(what, func(t *testing.T) {
			r := newRig(t, Config{}, nil)
			tr := r.Trace(TraceConfig{ID: "t"})
			g := tr.AddGeneration(GenerationConfig{})
			setters := []func(time.Time){
				tr.SetStartTime, tr.SetEndTime, g.SetStartTime, g.SetEndTime,
				tr.AddSpan(SpanConfig{}).SetStartTime, tr.AddRetrieval(RetrievalConfig{}).SetEndTime,
				tr.AddToolCall(ToolCallConfig{}).SetEndTime, tr.AddError(ErrorConfig{}).SetStartTime,
				r.Session(SessionConfig{}).SetStartTime,
				func(at time.Time) { r.TraceByID("t").SetStartTime(at) }, func(at time.Time) { r.SpanByID("s").SetEndTime(at) },
			}
			for _, set := range setters {
				set(at)
			}
			rejected := int64(len(setters))
			if got := r.Stats().RejectedBy[ErrInvalidTime.Error()]; got != rejected {
				t.Errorf("%d setters were rejected, want %d", got, rejected)
			}
			r.Session(SessionConfig{StartTime: at, EndTime: at})
			r.Trace(TraceConfig{ID: "t2", Name: "kept", StartTime: at, EndTime: at})
			tr.AddSpan(SpanConfig{StartTime: at, EndTime: at}).EndWith(EndConfig{EndTime: at})
			tr.AddGeneration(GenerationConfig{StartTime: at, EndTime: at})
			tr.AddRetrieval(RetrievalConfig{StartTime: at, EndTime: at})
			tr.AddToolCall(ToolCallConfig{ID: "c", StartTime: at, EndTime: at}).Update(map[string]any{"startTimestamp": at, "endTimestamp": &at, "x": 1})
			tr.AddError(ErrorConfig{StartTime: at})
			tr.AddEvent(EventConfig{Time: at})
			a := URLAttachment("http://x/y")
			a.Time = at
			tr.AddAttachment(a)
			tr.AddSpan(SpanConfig{ID: "e"}).EndWith(EndConfig{Data: map[string]any{"endTimestamp": at}})
			// A zero time in a config means the default. In data it has no other meaning.
			doubtful := int64(19)
			if at.IsZero() {
				doubtful = 3
			}
			if s := r.Stats(); s.Suspicious[ErrInvalidTime.Error()] != doubtful || s.Rejected != rejected {
				t.Errorf("doubtful %v, rejected %v, want %d and %d", s.Suspicious, s.RejectedBy, doubtful, rejected)
			}
			lines := r.flushed()
			for _, line := range lines {
				for _, year := range []string{`"0001-`, `"0000-`, `"-`, `"10000-`, `"12000-`} {
					if strings.Contains(line, year) {
						t.Errorf("sent %s", line)
					}
				}
			}
			if !has(lines, "trace t2 create", `"name":"kept"`, `"startTimestamp":"20`) || !has(lines, `tool_call c update {"x":1}`) || !has(lines, "span e end", `"endTimestamp":"20`) {
				t.Errorf("the rest of the calls is not logged:\n%s", strings.Join(lines, "\n"))
			}
			for _, err := range r.close() {
				if !errors.Is(err, ErrInvalidTime) {
					t.Errorf("told %v", err)
				}
			}
		})
	}
}

// The first and the last time that a line can say are sent.
func TestTheEndsOfTheCalendarAreSent(t *testing.T) {
	r := newRig(t, Config{}, nil)
	tr := r.Trace(TraceConfig{ID: "t"})
	tr.SetStartTime(time.Date(2, 1, 1, 0, 0, 0, 0, time.UTC))
	tr.SetEndTime(time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC))
	if lines := r.flushed(); !has(lines, "trace t update", "0002-01-01T00:00:00+00:00") || !has(lines, "trace t update", "9999-12-31T23:59:59.999999+00:00") {
		t.Errorf("sent %s", strings.Join(lines, "\n"))
	}
	r.close()
}
