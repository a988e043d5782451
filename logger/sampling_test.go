package logger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupelog/troupe/pricing"
)

// arrived counts the lines of each entity that arrived, by its id.
func (r *rig) arrived() map[string]int {
	r.sink.mu.Lock()
	defer r.sink.mu.Unlock()
	n := map[string]int{}
	for _, l := range r.sink.lines {
		n[l.ID]++
	}
	return n
}

func TestSampleLogsSessionsWholeOrNotAtAll(t *testing.T) {
	const sessions, lines = 400, 3
	var first map[string]int
	for range 2 {
		r := newRig(t, Config{Sample: 0.3}, nil)
		for i := range sessions {
			s := r.Session(SessionConfig{ID: fmt.Sprintf("s%d", i)})
			s.AddTag("k", "v")
			tr := s.AddTrace(TraceConfig{ID: fmt.Sprintf("t%d", i)})
			tr.AddSpan(SpanConfig{ID: fmt.Sprintf("p%d", i)}).End()
			r.TraceAddTag(fmt.Sprintf("t%d", i), "by", "id")
			tr.End()
			s.End()
		}
		if errs := r.close(); len(errs) > 0 {
			t.Errorf("OnError was told %v", errs)
		}
		n, whole := r.arrived(), 0
		for i := range sessions {
			s, tr, p := n[fmt.Sprintf("s%d", i)], n[fmt.Sprintf("t%d", i)], n[fmt.Sprintf("p%d", i)]
			switch {
			case s == lines && tr == 4 && p == 1:
				whole++
			case s+tr+p > 0:
				t.Errorf("of session %d there are %d lines, of its trace %d, of its span %d", i, s, tr, p)
			}
		}
		if whole < sessions/5 || whole > sessions*2/5 {
			t.Errorf("%d of %d sessions are logged, want about 0.3", whole, sessions)
		}
		if s := r.Stats(); s.SampledOut != int64((sessions-whole)*(lines+4+1)) || s.Dropped != 0 {
			t.Errorf("%d left out, %d dropped; want %d and 0", s.SampledOut, s.Dropped, (sessions-whole)*(lines+4+1))
		}
		if first == nil {
			first = n
		} else if len(first) != len(n) {
			t.Errorf("another logger decides otherwise: %d and %d entities", len(first), len(n))
		}
	}
}

func TestTailKeepsWhatIsWorthIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Tail: &TailSampling{Slow: time.Minute, Cost: 1}}, nil)
		s := r.Session(SessionConfig{ID: "s"})
		begin := func(id string) Trace {
			tr := s.AddTrace(TraceConfig{ID: id})
			tr.AddToolCall(ToolCallConfig{ID: id + "-tool"}).Result("fine")
			return tr
		}
		begin("plain").End()
		failed := begin("failed")
		failed.AddToolCall(ToolCallConfig{}).Error(Failure{Message: "no"})
		failed.End()
		dear := begin("dear")
		dear.AddGeneration(GenerationConfig{}).AddCost(pricing.Cost{Total: pricing.Dollars(1.5)})
		dear.End()
		disliked := begin("disliked")
		disliked.End()
		slow := begin("slow")
		open := begin("open")
		time.Sleep(DefaultTailWait - 2*time.Second)
		disliked.AddFeedback(Feedback{Score: -1})
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := r.arrived(); n["failed"] != 4 || n["dear"] != 4 || n["disliked"] != 4 || n["s"] != 1 || n["plain"]+n["slow"]+n["open"] != 0 {
			t.Errorf("while some are undecided there are %v", n)
		}
		time.Sleep(time.Minute)
		slow.End()
		r.TraceAddTag("plain", "too", "late")
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := r.arrived(); n["slow"] != 3 || n["plain"]+n["plain-tool"] != 0 {
			t.Errorf("in the end there are %v", n)
		}
		open.End()
		begin("unfinished") // Close ends it, and decides
		if errs := r.close(); len(errs) > 0 {
			t.Errorf("OnError was told %v", errs)
		}
		n := r.arrived()
		if n["open"] != 3 || n["unfinished"]+n["unfinished-tool"] != 0 {
			t.Errorf("after Close there are %v", n)
		}
		if got := r.Stats().SampledOut; got != 4+1+1+4+1 {
			t.Errorf("%d entries are left out, want the 6 of plain and the 5 of unfinished", got)
		}
	})
}

func TestALeftOutAttachmentLeavesNoFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	r := newRig(t, Config{SpoolDir: dir, Tail: &TailSampling{}}, nil)
	tr := r.Trace(TraceConfig{})
	tr.AddAttachment(DataAttachment([]byte(strings.Repeat("x", 5000))))
	tr.End()
	contents := func() (n int) {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if info, e := d.Info(); e == nil && !d.IsDir() && info.Size() >= 5000 && info.Size() < 6000 {
				n++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if contents() != 1 {
		t.Fatalf("the content is not in the spool: %v", r.close())
	}
	r.close()
	if n := contents(); n != 0 {
		t.Errorf("%d contents are left", n)
	}
	if len(r.arrived())+len(r.sink.uploads) != 0 {
		t.Error("something was sent")
	}
}

// Two processes with the same setting agree on a session, and on a trace outside of
// sessions, also where one knows only the ids in a request's headers; and the traceparent
// says what they decide.
func TestProcessesAgreeOnWhatIsLeftOut(t *testing.T) {
	const n = 200
	here, there := newRig(t, Config{Sample: 0.5}, nil), newRig(t, Config{Sample: 0.5}, nil)
	flags := map[string]string{}
	for i := range 2 * n {
		ctx := NewContext(context.Background(), here.Logger)
		if i < n {
			ctx = NewContext(ctx, here.Session(SessionConfig{ID: fmt.Sprintf("s%d", i)}))
		}
		ctx, tr := StartTrace(ctx, TraceConfig{ID: fmt.Sprintf("t%d", i)})
		h := sent(ctx)
		parent := h.Get("Traceparent")
		flags[tr.ID()] = parent[len(parent)-2:]
		_, span := StartSpan(Extract(NewContext(context.Background(), there.Logger), h), SpanConfig{ID: fmt.Sprintf("p%d", i)})
		span.AddTag("k", "v")
		span.End()
		tr.End()
	}
	for _, r := range []*rig{here, there} {
		if errs := r.close(); len(errs) > 0 {
			t.Errorf("OnError was told %v", errs)
		}
	}
	begun, worked, whole := here.arrived(), there.arrived(), 0
	for i := range 2 * n {
		id, span := fmt.Sprintf("t%d", i), fmt.Sprintf("p%d", i)
		logged := begun[id] > 0
		if (worked[span] > 0) != logged || (flags[id] == "01") != logged {
			t.Errorf("of trace %s one process logged %d lines, the other %d, and the traceparent ends with %s", id, begun[id], worked[span], flags[id])
		}
		if logged {
			whole++
		}
	}
	if whole == 0 || whole == 2*n {
		t.Errorf("%d of %d traces are logged: nothing is tried", whole, 2*n)
	}
}

func TestSamplingIsChecked(t *testing.T) {
	for field, c := range map[string]Config{
		"Sample":        {Sample: 1.1},
		"Tail.KeepRate": {Tail: &TailSampling{KeepRate: 2}},
		"Tail.Slow":     {Tail: &TailSampling{Slow: -1}},
		"Tail.Cost":     {Tail: &TailSampling{Cost: -1}},
		"Tail.MaxBytes": {Tail: &TailSampling{MaxBytes: 1 << 30}},
		"Tail":          {Durability: SyncEach, Tail: &TailSampling{}},
	} {
		c.ID = "r"
		var wrong *ConfigError
		if _, err := New(c); !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
