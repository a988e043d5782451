package logger

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/oversize"
	"github.com/troupelog/troupe/internal/wire"
)

// cutsOf returns what the lines of an entity say was cut.
func cutsOf(t *testing.T, lines []string) (cuts []oversize.Cut) {
	t.Helper()
	for _, line := range lines {
		_, rest, ok := strings.Cut(line, `"troupe.cut":`)
		if !ok {
			continue
		}
		var mark string
		var some []oversize.Cut
		if err := json.NewDecoder(strings.NewReader(rest)).Decode(&mark); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(mark), &some); err != nil {
			t.Fatal(err)
		}
		cuts = append(cuts, some...)
	}
	return cuts
}

// everything returns the lines so far, those that were uploaded among them.
func (r *rig) everything() []string {
	lines := r.flushed()
	r.sink.mu.Lock()
	defer r.sink.mu.Unlock()
	for key, content := range r.sink.uploads {
		line, err := wire.Parse(content)
		if err != nil {
			r.t.Errorf("%s is no line: %v", key, err)
		}
		lines = append(lines, line.Entity+" "+line.ID+" "+line.Action+" "+string(line.Data))
	}
	return lines
}

// Whichever value is over the limit, the entity is there with its small values, and the
// value keeps its beginning and end.
func TestAnOversizedValueIsCutAndItsEntityIsLogged(t *testing.T) {
	long := "begin " + strings.Repeat("words ", 10<<20/6) + "end"
	type record struct {
		Text string `json:"text"`
		Note string `json:"note"`
	}
	for name, test := range map[string]struct {
		log  func(tr Trace)
		want string // the beginning of the line
		path string
		also []string
	}{
		"input": {func(tr Trace) { tr.SetInput(long) }, "trace t update", "input", nil},
		"input at the start": {func(tr Trace) {
			tr.pipe.logger.Trace(TraceConfig{ID: "t2", Name: "named", Input: map[string]any{"q": long, "k": "v"}, Tags: map[string]string{"a": "b"}})
		}, "trace t2 create", "input.q", []string{`"name":"named"`, `"startTimestamp"`, `"a":"b"`, `"k":"v"`}},
		"struct":       {func(tr Trace) { tr.SetOutput(&record{long, "short"}) }, "trace t update", "output.text", []string{`"note":"short"`}},
		"span input":   {func(tr Trace) { tr.AddSpan(SpanConfig{ID: "s"}).SetInput(long) }, "span s update", "input.value", nil},
		"tag":          {func(tr Trace) { tr.AddTag("k", long) }, "trace t update", "tags.k", nil},
		"metadata":     {func(tr Trace) { tr.AddMetadata(map[string]any{"k": long, "x": 1}) }, "trace t update", "metadata.k", []string{`"x":"1"`}},
		"JSON there":   {func(tr Trace) { tr.AddMetadata(map[string]any{"k": record{long, "n"}}) }, "trace t update", "metadata.k.text", nil},
		"event":        {func(tr Trace) { tr.AddEvent(EventConfig{ID: "e", Name: "n", Metadata: map[string]any{"k": long}}) }, "trace t add-event", "metadata.k", []string{`"name":"n"`}},
		"feedback":     {func(tr Trace) { tr.AddFeedback(Feedback{Score: 1, Comment: long}) }, "trace t add-feedback", "comment", []string{`"score":1`}},
		"error":        {func(tr Trace) { tr.AddError(ErrorConfig{ID: "x", Message: long, Code: "42"}) }, "trace t add-error", "message", []string{`"code":"42"`, `"id":"x"`}},
		"arguments":    {func(tr Trace) { tr.AddToolCall(ToolCallConfig{ID: "c", Name: "n", Args: long}) }, "trace t add-tool-call", "args", []string{`"name":"n"`, `"id":"c"`}},
		"tool result":  {func(tr Trace) { tr.AddToolCall(ToolCallConfig{ID: "c"}).Result(long) }, "tool_call c result", "result", nil},
		"tool failure": {func(tr Trace) { tr.AddToolCall(ToolCallConfig{ID: "c"}).Error(Failure{Message: long, Code: "9"}) }, "tool_call c error", "error.message", []string{`"code":"9"`}},
		"document":     {func(tr Trace) { tr.AddRetrieval(RetrievalConfig{ID: "r"}).Output([]string{"one", long}) }, "retrieval r update", "docs[1]", []string{`"one"`}},
		"one message": {func(tr Trace) {
			tr.AddGeneration(GenerationConfig{ID: "g", Model: "m", Messages: []Message{{Role: "user", Content: long}, {Role: "user", Content: "short"}}})
		}, "trace t add-generation", "messages[0].content", []string{`"model":"m"`, `"short"`, `"id":"g"`}},
		"whole message": {func(tr Trace) {
			tr.AddGeneration(GenerationConfig{ID: "g"}).AddMessage(MessageOf(map[string]any{"role": "user", "content": long}))
		}, "generation g update", "messages[0].content", []string{`"role":"user"`}},
		"parameter": {func(tr Trace) {
			tr.AddGeneration(GenerationConfig{ID: "g", Model: "m", ModelParameters: map[string]any{"p": long}})
		}, "trace t add-generation", "modelParameters.p", []string{`"model":"m"`}},
		"result": {func(tr Trace) { tr.AddGeneration(GenerationConfig{ID: "g"}).Result(chatCompletion(long)) }, "generation g result", "result.choices[0].message.content", []string{`"prompt_tokens":120`}},
		"SDK result": {func(tr Trace) {
			tr.AddGeneration(GenerationConfig{ID: "g"}).Result(answeredOf(t, chatCompletion(long)))
		}, "generation g result", "result.choices[0].message.content", []string{`"prompt_tokens":120`}},
		"variables": {func(tr Trace) { tr.Evaluate().WithVariables(map[string]any{"v": long}, "e") }, "trace t evaluate", "variables.v", []string{`"evaluators":["e"]`}},
		"end": {func(tr Trace) {
			tr.AddSpan(SpanConfig{ID: "s"}).EndWith(EndConfig{Data: map[string]any{"output": long}})
		}, "span s end", "output", []string{`"endTimestamp"`}},
		"name":         {func(tr Trace) { tr.AddSpan(SpanConfig{ID: "s", Name: long}) }, "trace t add-span", "name", []string{`"id":"s"`}},
		"many escapes": {func(tr Trace) { tr.SetInput("begin " + strings.Repeat("\x01", 3<<20) + "end") }, "trace t update", "input", nil},
		"raw JSON":     {func(tr Trace) { tr.SetInput(json.RawMessage(`{"a":"` + long + `"}`)) }, "trace t update", "input.a", nil},
		"two of 5 MB":  {func(tr Trace) { tr.SetInput([]string{long[:5<<20], "end", long[5<<20:]}) }, "trace t update", "input[2]", nil},
		"attachment tag": {func(tr Trace) {
			a := URLAttachment("http://x/y")
			a.Tags = map[string]string{"k": long}
			tr.AddAttachment(a)
		}, "trace t add-attachment", "tags.k", []string{`"url":"http://x/y"`, `"key":"repo/trace/t/files/original/`}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Config{MaxBytes: 256 << 20}, nil)
			tr := r.Trace(TraceConfig{ID: "t"})
			test.log(tr)
			tr.End()
			lines := r.everything()
			if !has(lines, test.want, append(test.also, `begin`, `end`, ` bytes left out]`, `"troupe.cut":`)...) || !has(lines, "trace t end") {
				for _, l := range lines {
					t.Logf("%.200s … %s", l, l[max(0, len(l)-300):])
				}
				t.Errorf("no line %s with %v", test.want, test.also)
			}
			cuts := cutsOf(t, lines)
			if len(cuts) != 1 || cuts[0].Path != test.path || cuts[0].Bytes < 5<<20 || cuts[0].Kept > 64<<10 || cuts[0].Kept < 62<<10 {
				t.Errorf("cut %v, want one at %s", cuts, test.path)
			}
			if stats := r.Stats(); stats.Rejected != 0 || stats.Suspicious[ErrTooLarge.Error()] != 1 {
				t.Errorf("rejected %v, doubtful %v", stats.RejectedBy, stats.Suspicious)
			}
			errs := r.close()
			var e *Error
			if len(errs) != 1 || !errors.As(errs[0], &e) || !e.Kept || !errors.Is(e, ErrTooLarge) {
				t.Errorf("told %v, want one ErrTooLarge that is kept", errs)
			}
		})
	}
}

// Of messages that together are too many, the newest four are whole.
func TestTheNewestMessagesSurvive(t *testing.T) {
	for name, size := range map[string]int{"a little over": 100 << 10, "far over": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Config{MaxBytes: 256 << 20}, nil)
			list := []Message{{Role: "system", Content: "be kind"}}
			for i := range 100 {
				list = append(list, Message{Role: "user", Content: strings.Repeat(fmt.Sprint(i, " "), size/3)})
			}
			r.Trace(TraceConfig{ID: "t"}).AddGeneration(GenerationConfig{ID: "g", Model: "m", Messages: list})
			lines := r.everything()
			r.close()
			want := []string{"be kind", `"model":"m"`, "troupe.cut"}
			for i := 97; i < 101; i++ {
				want = append(want, list[i].Content.(string))
			}
			if !has(lines, "trace t add-generation", want...) {
				t.Error("the newest messages are not whole")
			}
		})
	}
}

// A picture of a hand-made message that is too large for its place says what it was.
func TestAnOversizedPictureSaysWhatItWas(t *testing.T) {
	raw := make([]byte, 9<<20)
	for i := range raw {
		raw[i] = byte(rand.Uint32())
	}
	copy(raw, "\x89PNG\r\n\x1a\n")
	for name, v := range map[string]any{
		"base64": base64.StdEncoding.EncodeToString(raw), "bytes": map[string]any{"image": raw},
		"URI": map[string]any{"url": "data:image/png;base64," + base64.StdEncoding.EncodeToString(raw)},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Config{MaxBytes: 256 << 20}, nil)
			r.Trace(TraceConfig{ID: "t"}).SetInput(v)
			if lines := r.everything(); !has(lines, "trace t update", "[image/png, 9.4 MB, sha256 ", "left out]") {
				t.Errorf("logged %.300q", lines[len(lines)-1])
			}
			r.close()
		})
	}
}

// What is omitted was not cut, and secrets are masked in what is left of a cut text.
func TestCutTextsAreMaskedAndOmitted(t *testing.T) {
	long := strings.Repeat("SECRET words ", 1<<20)
	r := newRig(t, Config{MaxBytes: 256 << 20, OmitContent: true}, nil)
	r.Trace(TraceConfig{ID: "t"}).SetInput(long)
	if lines := r.everything(); !has(lines, `trace t update {"input":"[omitted]"}`) {
		t.Errorf("logged %.300q", lines)
	}
	if errs := r.close(); len(errs) > 0 {
		t.Errorf("told %v", errs)
	}
	r = newRig(t, Config{MaxBytes: 256 << 20, Mask: func(s string) string { return strings.ReplaceAll(s, "SECRET", "*") }}, nil)
	r.Trace(TraceConfig{ID: "t"}).SetInput(long)
	if lines := r.everything(); !has(lines, "trace t update", "* words", "troupe.cut") || strings.Contains(fmt.Sprint(lines), "SECRET") {
		t.Error("the cut text is not masked")
	}
	r.close()
}

// A small Config.MaxBytes cuts more, and refuses nothing.
func TestASmallMaxBytesCutsMore(t *testing.T) {
	r := newRig(t, Config{MaxBytes: 1 << 20}, nil)
	r.Trace(TraceConfig{ID: "t"}).SetInput(strings.Repeat("words ", 500_000))
	if lines := r.everything(); !has(lines, "trace t update", "bytes left out]") || r.Stats().Rejected != 0 {
		t.Errorf("rejected %v", r.Stats().RejectedBy)
	}
	r.close()
}

// What a call with a text of 100 MB costs its caller, and one with the 64 KiB that are
// kept of it.
func BenchmarkOversized(b *testing.B) {
	for _, size := range []int{64 << 10, 100 << 20} {
		text := strings.Repeat("words ", size/6)
		for name, v := range map[string]any{"text": text, "member": map[string]any{"text": text, "n": 1}} {
			b.Run(fmt.Sprintf("%s=%dKiB", name, size>>10), func(b *testing.B) {
				r := benchRig(b, Config{})
				tr := r.Trace(TraceConfig{})
				for b.Loop() {
					tr.SetOutput(v)
					b.StopTimer()
					if err := r.Flush(b.Context()); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
			})
		}
	}
}

// A text of 100 MB costs its caller no more memory than twenty times what is kept.
func TestAnOversizedTextIsNotCopied(t *testing.T) {
	r := newRig(t, Config{MaxBytes: 256 << 20}, nil)
	tr := r.Trace(TraceConfig{})
	text := strings.Repeat("words ", 100<<20/6)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	tr.SetOutput(text)
	tr.SetOutput(map[string]any{"text": text})
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("two calls allocated %d KiB", used>>10)
	}
	r.close()
}
