package logger

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// sent returns the headers that work of ctx sends to another process.
func sent(ctx context.Context) http.Header {
	h := http.Header{}
	Inject(ctx, h)
	return h
}

func TestInjectAndExtractAcrossProcesses(t *testing.T) {
	here, there := newRig(t, Config{}, nil), newRig(t, Config{}, nil)
	ctx := NewContext(context.Background(), here.Session(SessionConfig{ID: "s"}))
	ctx, _ = StartTrace(ctx, TraceConfig{ID: "c0ffee00-0000-4000-8000-000000000001"})
	ctx, _ = StartSpan(ctx, SpanConfig{ID: "a"})
	ctx = NameGeneration(ctx, "plan")
	h := sent(ctx)
	want := http.Header{
		"X-Maxim-Session-Id":      {"s"},
		"X-Maxim-Trace-Id":        {"c0ffee00-0000-4000-8000-000000000001"},
		"X-Maxim-Generation-Name": {"plan"},
		"Traceparent":             {"00-c0ffee00000040008000000000000001-ca978112ca1bbdca-01"},
		"Baggage":                 {"troupe-session=s,troupe-trace=c0ffee00-0000-4000-8000-000000000001,troupe-span=a"},
	}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}

	far := Extract(NewContext(context.Background(), there.Logger), h)
	if s := FromContext(far); s.Session().ID() != "s" || s.Trace().ID() != "c0ffee00-0000-4000-8000-000000000001" || s.Span().ID() != "a" || s.GenerationName() != "plan" {
		t.Errorf("extracted %+v", s)
	}
	inner, span := StartSpan(far, SpanConfig{ID: "b"})
	if s := FromContext(inner); s.Session().ID() != "s" || s.Trace().ID() != "c0ffee00-0000-4000-8000-000000000001" {
		t.Errorf("the span lost its trace or session: %+v", s)
	}
	FromContext(inner).AddGeneration(GenerationConfig{ID: "g"})
	span.AddTag("left", "open")
	if errs := there.close(); len(errs) != 0 {
		t.Errorf("errors %v", errs)
	}
	lines := there.lines()
	for _, part := range []string{"span a add-span", "span b add-generation", "generation g end", "span b end"} {
		if !has(lines, part) {
			t.Errorf("no %s in %q", part, lines)
		}
	}
	for _, owned := range []string{"trace", "span a end", "session"} {
		if has(lines, owned) {
			t.Errorf("the other process touched what it does not own: %q", lines)
		}
	}
	here.close()
	if lines := here.lines(); has(lines, "trace c0ffee00-0000-4000-8000-000000000001 end") || has(lines, "span a end") || has(lines, "session s end") {
		t.Errorf("what was handed over was ended: %q", lines)
	}
}

// lines returns what arrived, also after close.
func (r *rig) lines() []string {
	r.sink.mu.Lock()
	defer r.sink.mu.Unlock()
	var out []string
	for _, l := range r.sink.lines {
		out = append(out, l.Entity+" "+l.ID+" "+l.Action+" "+string(l.Data))
	}
	return out
}

func TestExtract(t *testing.T) {
	r := newRig(t, Config{}, nil)
	long := strings.Repeat("x", 1024)
	const foreign = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
	for name, test := range map[string]struct {
		headers              map[string]string
		session, trace, span string
		traceparent          string // prefix of what a trace within passes on
	}{
		"nothing":                      {nil, "", "", "", ""},
		"a Maxim SDK":                  {map[string]string{"x-maxim-trace-id": "t", "x-maxim-session-id": "s"}, "s", "t", "", ""},
		"baggage alone":                {map[string]string{"baggage": "a=b, troupe-trace=t;p=1 ,troupe-span=%61,c=d"}, "", "t", "a", ""},
		"a header that overrides":      {map[string]string{"x-maxim-trace-id": "u", "baggage": "troupe-trace=t,troupe-span=a"}, "", "u", "", ""},
		"a span without a trace":       {map[string]string{"baggage": "troupe-span=a"}, "", "", "", ""},
		"long ids":                     {map[string]string{"x-maxim-trace-id": long, "x-maxim-session-id": long}, long, long, "", ""},
		"another system":               {map[string]string{"traceparent": foreign}, "", "", "", "00-0af7651916cd43dd8448eb211c80319c-"},
		"a malformed traceparent":      {map[string]string{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-00", "x-maxim-trace-id": "t"}, "", "t", "", "00-e3b98a4da31a127d4bde6e43033f66ba-"},
		"a traceparent of the future":  {map[string]string{"traceparent": "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more"}, "", "", "", "00-0af7651916cd43dd8448eb211c80319c-"},
		"a traceparent with too much":  {map[string]string{"traceparent": foreign + "-more", "x-maxim-trace-id": "t"}, "", "t", "", "00-e3b98a4da31a127d4bde6e43033f66ba-"},
		"a traceparent in upper case":  {map[string]string{"traceparent": strings.ToUpper(foreign), "x-maxim-trace-id": "t"}, "", "t", "", "00-e3b98a4da31a127d4bde6e43033f66ba-"},
		"an escape that is none":       {map[string]string{"baggage": "troupe-trace=%zz"}, "", "", "", ""},
		"both, of W3C and of this log": {map[string]string{"traceparent": foreign, "baggage": "troupe-trace=t"}, "", "t", "", "00-0af7651916cd43dd8448eb211c80319c-"},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			for k, v := range test.headers {
				h.Set(k, v)
			}
			ctx := Extract(NewContext(context.Background(), r.Logger), h)
			s := FromContext(ctx)
			if s.Session().ID() != test.session || s.Trace().ID() != test.trace || s.Span().ID() != test.span {
				t.Errorf("session %q, trace %q, span %q", s.Session().ID(), s.Trace().ID(), s.Span().ID())
			}
			if test.traceparent == "" {
				return
			}
			if !s.Active() {
				ctx, _ = StartTrace(ctx, TraceConfig{})
			}
			if got := sent(ctx).Get("traceparent"); !strings.HasPrefix(got, test.traceparent) {
				t.Errorf("traceparent %q, want %q…", got, test.traceparent)
			}
			if got := sent(ctx).Get("traceparent"); strings.HasPrefix(test.traceparent, "00-0af") && !strings.HasSuffix(got, "-00") {
				t.Errorf("the flags of the trace are not passed on: %q", got)
			}
		})
	}
	if ctx := Extract(context.Background(), http.Header{"X-Maxim-Trace-Id": {"t"}}); FromContext(ctx).Active() {
		t.Error("a scope without a logger is active")
	}
	if got := reasons(t, r.close()); len(got) != 0 {
		t.Errorf("errors %v", got)
	}
}

func TestInjectLeavesWhatOthersWrote(t *testing.T) {
	r := newRig(t, Config{}, nil)
	ctx, _ := StartTrace(NewContext(context.Background(), r.Logger), TraceConfig{ID: "t"})
	h := http.Header{
		"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		"Baggage":     {"user=1;p, troupe-trace=old", "team=a%20b"},
	}
	Inject(ctx, h)
	want := http.Header{
		"Traceparent":      {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		"Baggage":          {"user=1;p,team=a%20b,troupe-trace=t"},
		"X-Maxim-Trace-Id": {"t"},
	}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	full := http.Header{"Baggage": {"user=" + strings.Repeat("x", maxBaggage-10)}}
	Inject(ctx, full)
	if strings.Contains(full.Get("Baggage"), "troupe") || full.Get("X-Maxim-Trace-Id") != "t" {
		t.Error("a full baggage grew, or the header is missing")
	}
	Inject(context.Background(), h)
	Inject(ctx, nil)
	if h := sent(NameGeneration(ctx, "a\nb")); h.Get("X-Maxim-Generation-Name") != "" {
		t.Error("a name that cannot be a header was sent")
	}
	r.close()
}

func TestIDsSurviveInjectAndExtract(t *testing.T) {
	r := newRig(t, Config{}, nil)
	defer r.close()
	ids := rapid.StringMatching(`[A-Za-z0-9_-]{1,512}[A-Za-z0-9_-]{0,512}`)
	rapid.Check(t, func(t *rapid.T) {
		session, trace, span := ids.Draw(t, "session"), ids.Draw(t, "trace"), ids.Draw(t, "span")
		ctx := NewContext(context.Background(), r.Logger)
		ctx = withScope(ctx, Scope{pipe: r.pipeline, session: identity{wire: session}})
		ctx, _ = StartTrace(ctx, TraceConfig{ID: trace})
		ctx, _ = StartSpan(ctx, SpanConfig{ID: span})
		h := sent(ctx)
		if w := parseTraceparent(h); w.trace != w3cTraceID(trace) {
			t.Fatalf("traceparent %q of trace %q", h.Get("traceparent"), trace)
		}
		s := FromContext(Extract(NewContext(context.Background(), r.Logger), h))
		if s.session.wire != session || s.Trace().ID() != trace || s.Span().ID() != span {
			t.Fatalf("%q, %q, %q came back as %q, %q, %q", session, trace, span, s.session.wire, s.Trace().ID(), s.Span().ID())
		}
	})
}

func FuzzExtract(f *testing.F) {
	f.Add("t", "troupe-trace=t,troupe-span=a", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	r := newRig(f, Config{}, nil)
	f.Cleanup(func() { r.close() })
	f.Fuzz(func(t *testing.T, trace, baggage, traceparent string) {
		h := http.Header{"X-Maxim-Trace-Id": {trace}, "Baggage": {baggage}, "Traceparent": {traceparent}}
		s := FromContext(Extract(NewContext(context.Background(), r.Logger), h))
		if w := s.w3c.trace; w != "" && (!isHex(w, 32) || zero(w)) {
			t.Errorf("trace id %q", w)
		}
		if s.span.pipe != nil && s.trace.pipe == nil {
			t.Error("a span without its trace")
		}
	})
}
