package logger

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

type panicMarshaler struct{}

func (panicMarshaler) MarshalJSON() ([]byte, error) { panic("SECRET") }

// Bad input gives a clear typed error, and everything around it is delivered.
func TestBadInputIsToldAndNothingElseIsLost(t *testing.T) {
	cycle := map[string]any{"SECRET": 1}
	cycle["self"] = cycle
	tests := map[string]struct {
		call func(l *Logger, trace Trace)
		want map[error]int
		sent []string // parts of a line that must still be sent, by prefix
	}{
		"invalid id of a session": {
			call: func(l *Logger, _ Trace) { l.Session(SessionConfig{ID: "an id\n"}).AddTag("a", "b") },
			want: map[error]int{ErrInvalidID: 1},
			sent: []string{`session an-id-naj5jed55ox6cnxj create {"tags":{"troupe.id":"an id\n"}`, `session an-id-naj5jed55ox6cnxj update {"tags":{"a":"b"}}`},
		},
		"invalid id of a call by id": {
			call: func(l *Logger, _ Trace) { l.TraceAddTag("id}", "a", "b") },
			want: map[error]int{ErrInvalidID: 1},
			sent: []string{`trace id-inylj4vzisqxffdk update {"tags":{"a":"b"}}`},
		},
		"invalid id of a child": {
			call: func(_ *Logger, tr Trace) { tr.AddSpan(SpanConfig{ID: "id,"}).AddSpan(SpanConfig{ID: "below"}).End() },
			want: map[error]int{ErrInvalidID: 1},
			sent: []string{`trace t add-span {"id":"id-`, `"tags":{"troupe.id":"id,"}`, `add-span {"id":"below"`, "span below end"},
		},
		"invalid session of a trace": {
			call: func(l *Logger, _ Trace) { l.Trace(TraceConfig{ID: "t2", SessionID: "an id\n"}) },
			want: map[error]int{ErrInvalidID: 1},
			sent: []string{"trace t2 create", `"sessionId":"an-id-naj5jed55ox6cnxj"`},
		},
		"channel": {
			call: func(_ *Logger, tr Trace) { tr.SetInput(make(chan int)) },
			want: map[error]int{ErrUnencodable: 1},
		},
		"cycle among metadata": {
			call: func(_ *Logger, tr Trace) { tr.AddMetadata(map[string]any{"bad": cycle, "good": "kept"}) },
			want: map[error]int{ErrUnencodable: 1},
			sent: []string{`trace t update {"metadata":{"good":"kept"}}`},
		},
		"nothing but bad metadata": {
			call: func(_ *Logger, tr Trace) { tr.AddMetadata(map[string]any{"bad": cycle}) },
			want: map[error]int{ErrUnencodable: 2},
		},
		"NaN": {
			call: func(_ *Logger, tr Trace) {
				tr.AddMetric("m", math.NaN())
				tr.AddFeedback(Feedback{Score: math.Inf(1)})
				tr.AddFeedback(Feedback{Score: math.Inf(1), Comment: "kept"})
			},
			want: map[error]int{ErrUnencodable: 3},
			sent: []string{`trace t add-feedback {"comment":"kept"}`},
		},
		"a marshaller that panics, in a result": {
			call: func(_ *Logger, tr Trace) {
				tr.AddGeneration(GenerationConfig{ID: "g"}).Result(map[string]any{"x": panicMarshaler{}})
			},
			want: map[error]int{ErrUnencodable: 1},
			sent: []string{"trace t add-generation", "generation g end"},
		},
		"a message that cannot be encoded": {
			call: func(_ *Logger, tr Trace) {
				tr.AddGeneration(GenerationConfig{ID: "g", Model: "m", Messages: []Message{
					{Role: "user", Content: func() {}}, {Role: "user", Content: "kept"}, MessageOf(json.RawMessage(`{"SECRET"`)),
				}, ModelParameters: map[string]any{"bad": math.NaN(), "t": 0.5, "nil": nil}})
			},
			want: map[error]int{ErrUnencodable: 3},
			sent: []string{`"messages":[{"role":"user","content":"kept"}],"modelParameters":{"t":"0.5"},"id":"g"}`},
		},
		"a tool's arguments": {
			call: func(_ *Logger, tr Trace) {
				tr.AddToolCall(ToolCallConfig{ID: "c", Name: "f", Args: make(chan int)}).Result(make(chan int))
			},
			want: map[error]int{ErrUnencodable: 2},
			sent: []string{`"name":"f"`, "tool_call c end"},
		},
		"documents": {
			call: func(_ *Logger, tr Trace) { tr.AddRetrieval(RetrievalConfig{ID: "r"}).Output([]any{make(chan int)}) },
			want: map[error]int{ErrUnencodable: 1},
			sent: []string{"retrieval r end"},
		},
		"100 MB": {
			call: func(_ *Logger, tr Trace) { tr.SetOutput(strings.Repeat("x", 100<<20)) },
			want: map[error]int{ErrTooLarge: 1},
			sent: []string{`xx…[104,792,064 bytes left out]…xx`},
		},
		"invalid UTF-8": {
			call: func(_ *Logger, tr Trace) { tr.SetOutput("a\xffb") },
			sent: []string{`trace t update {"output":"a\ufffdb"}`},
		},
		"newlines and braces": {
			call: func(_ *Logger, tr Trace) { tr.AddTag("k", "}\n{id=x,action=end,data={}}\u2028") },
			sent: []string{`trace t update {"tags":{"k":"}\n{id=x,action=end,data={}}\u2028"}}`},
		},
		"ended": {
			call: func(_ *Logger, tr Trace) {
				s := tr.AddSpan(SpanConfig{ID: "s"})
				s.End()
				s.End()
				s.AddTag("late", "x")
			},
			want: map[error]int{ErrEnded: 2},
			sent: []string{`span s update {"tags":{"late":"x"}}`},
		},
		"duplicate id": {
			call: func(l *Logger, _ Trace) { l.Trace(TraceConfig{ID: "t"}) },
			want: map[error]int{ErrDuplicateID: 1},
		},
		"a result of unknown form": {
			call: func(_ *Logger, tr Trace) { tr.AddGeneration(GenerationConfig{ID: "g"}).Result("SECRET") },
			want: map[error]int{ErrUnknownResult: 1},
			sent: []string{`generation g result {"result":"SECRET"}`, "generation g end"},
		},
		"a file that is not there": {
			call: func(_ *Logger, tr Trace) { tr.AddAttachment(FileAttachment("/nowhere/at/all")) },
			want: map[error]int{ErrAttachment: 1},
		},
		"an attachment of nothing": {
			call: func(_ *Logger, tr Trace) { tr.AddAttachment(Attachment{}) },
			want: map[error]int{ErrAttachment: 1},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Config{MaxBytes: 256 << 20}, nil)
			trace := r.Trace(TraceConfig{ID: "t"})
			trace.AddTag("before", "1")
			test.call(r.Logger, trace)
			trace.AddTag("after", "1")
			lines := r.flushed()
			for _, want := range append(test.sent, `trace t update {"tags":{"before":"1"}}`, `trace t update {"tags":{"after":"1"}}`) {
				if !has(lines, "", want) {
					t.Errorf("no line with %s in\n%s", want, strings.Join(lines, "\n"))
				}
			}
			got := reasons(t, r.close())
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty(), cmpopts.EquateErrors()); diff != "" && !maps.Equal(test.want, got) {
				t.Errorf("errors %v, want %v", got, test.want)
			}
		})
	}
}

func TestRaiseExceptionsPanicsOnTheCallersGoroutine(t *testing.T) {
	r := newRig(t, Config{PanicOnMisuse: true}, nil)
	defer r.close()
	defer func() {
		err, ok := recover().(*Error)
		if !ok || !errors.Is(err, ErrInvalidID) {
			t.Errorf("panicked with %v, want an *Error with ErrInvalidID", err)
		}
	}()
	r.Session(SessionConfig{ID: "not valid"})
	t.Error("did not panic")
}

func TestACallAfterCloseIsRejected(t *testing.T) {
	r := newRig(t, Config{}, nil)
	trace := r.Trace(TraceConfig{})
	r.close()
	trace.AddTag("a", "b")
	r.Session(SessionConfig{}).AddTag("a", "b")
	if got := reasons(t, r.errs); got[ErrClosed] != 2 || r.Stats().RejectedBy[ErrClosed.Error()] != 2 {
		t.Errorf("errors %v, stats %v: want two rejected as closed", got, r.Stats().RejectedBy)
	}
	if _, err := trace.Snapshot(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Snapshot after Close = %v, want ErrClosed", err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Errorf("a second Close = %v", err)
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Errorf("Flush after Close = %v", err)
	}
}

// TestZeroHandlesAreInert calls every method of every zero handle, and of a nil Logger and
// Evaluation. None may panic, and handles that they return must be inert too.
func TestZeroHandlesAreInert(t *testing.T) {
	calls := 0
	for _, h := range []any{
		(*Logger)(nil), (*Evaluation)(nil), &Evaluation{},
		Session{}, Trace{}, Span{}, Generation{}, Retrieval{}, ToolCall{}, LoggedError{}, Scope{},
	} {
		v := reflect.ValueOf(h)
		for i := range v.NumMethod() {
			name := v.Type().Method(i).Name
			for _, out := range v.Method(i).Call(zeroArguments(t, v.Method(i).Type())) {
				if out.Kind() == reflect.Pointer && out.IsNil() {
					continue
				}
				if id := out.MethodByName("ID"); id.IsValid() && id.Call(nil)[0].String() != "" {
					t.Errorf("%T.%s returned a handle with an id", h, name)
				}
			}
			calls++
		}
	}
	if calls < 200 {
		t.Errorf("only %d methods were called", calls)
	}
}

// zeroArguments returns arguments for a function: a context, and zero values.
func zeroArguments(t *testing.T, function reflect.Type) []reflect.Value {
	var args []reflect.Value
	for i := range function.NumIn() {
		switch in := function.In(i); {
		case in == reflect.TypeFor[context.Context]():
			args = append(args, reflect.ValueOf(t.Context()))
		case !function.IsVariadic() || i < function.NumIn()-1:
			args = append(args, reflect.Zero(in))
		}
	}
	return args
}

func TestABadConfigIsATypedErrorThatNamesTheField(t *testing.T) {
	for _, test := range []struct {
		field string
		c     Config
	}{
		{"ID", Config{}},
		{"BaseURL", Config{ID: "r", BaseURL: "://SECRET"}},
		{"BaseURL", Config{ID: "r", BaseURL: "ftp://host"}},
		{"BaseURL", Config{ID: "r", APIKey: "k", BaseURL: "http://example.com"}},
		{"BaseURL", Config{ID: "r", BaseURL: "http://user:SECRET@127.0.0.1"}},
		{"APIKey", Config{ID: "r", BaseURL: "https://example.com"}},
		{"APIKey", Config{ID: "r", APIKey: "SECRET\n", BaseURL: "https://example.com"}},
		{"FlushInterval", Config{ID: "r", BaseURL: "http://127.0.0.1", FlushInterval: -1}},
		{"MaxBytes", Config{ID: "r", BaseURL: "http://127.0.0.1", MaxBytes: -1}},
		{"IdleAfter", Config{ID: "r", BaseURL: "http://127.0.0.1", IdleAfter: -1}},
		{"AutoEndAfter", Config{ID: "r", BaseURL: "http://127.0.0.1", AutoEndAfter: -1}},
	} {
		for _, key := range []string{EnvAPIKey, EnvRepoID, EnvBaseURL, EnvAllowInsecure} {
			t.Setenv(key, "")
		}
		l, err := New(test.c)
		var bad *ConfigError
		if !errors.As(err, &bad) || bad.Field != test.field || l != nil {
			t.Errorf("New = %v, %v; want a *ConfigError about %s", l, err, test.field)
			continue
		}
		if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("the error holds the value: %v", err)
		}
	}
}
