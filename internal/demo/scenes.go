package demo

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"time"

	"github.com/troupelog/troupe/logger"
)

// begin starts a trace of a session.
func (s *stage) begin(session logger.Session, name, input string, tags map[string]string) logger.Trace {
	return s.log.Trace(logger.TraceConfig{Name: name, SessionID: session.ID(), Input: input, Tags: tags, StartTime: s.clock})
}

// end ends a trace with its output.
func (s *stage) end(trace logger.Trace, output string) {
	trace.SetOutput(output)
	trace.EndWith(logger.EndConfig{EndTime: s.wait(20 * time.Millisecond)})
}

// support is a customer who changes a flight: several turns, tools, feedback.
func support(s *stage) {
	user := pick(s, "mia_li_3668", "noah_ito_3850", "olivia_gonzalez_2305", "amelia_davis_8890")
	session := s.log.Session(logger.SessionConfig{Name: "change a booking", StartTime: s.clock, Tags: map[string]string{"agent": "support"}})
	session.AddMetadata(map[string]any{"user": user, "plan": pick(s, "gold", "silver", "regular"), "channel": "chat"})
	tags := map[string]string{"env": pick(s, "prod", "prod", "staging"), "release": "2026.11"}
	messages := []logger.Message{{Role: "system", Content: "You are an airline agent. Look a booking up before you change it. Say what a change costs before you make it, and ask for a yes."}}
	model := pick(s, "gpt-4o", "gpt-4o-mini")

	say := func(text string) logger.Trace {
		messages = append(messages, logger.Message{Role: "user", Content: text})
		return s.begin(session, "turn", text, tags)
	}
	trace := say("Hi, I need to move my trip to Denver to the 21st. My user id is " + user + ".")
	look := logger.MessageToolCall{ID: "call_look", Name: "get_reservation", Arguments: fmt.Sprintf(`{"user_id":%q,"destination":"DEN"}`, user)}
	messages = s.ask(trace, "openai", model, messages, answer{calls: []logger.MessageToolCall{look}, in: 412, out: 31, took: 700 * time.Millisecond})
	messages = append(messages, s.use(trace, look, `{"reservation_id":"4WQ150","flights":[{"number":"HAT083","date":"2026-11-18"}],"cabin":"economy","paid":284}`, 120*time.Millisecond))
	reply := "I found 4WQ150, HAT083 on the 18th. On the 21st HAT094 leaves at 09:40. The change costs $42. Shall I make it?"
	messages = s.ask(trace, "openai", model, messages, answer{text: reply, in: 530, out: 48, cached: 384, took: 900 * time.Millisecond})
	s.end(trace, reply)

	s.wait(40 * time.Second)
	trace = say("Yes please, and keep my seat if you can.")
	change := logger.MessageToolCall{ID: "call_change", Name: "update_flight", Arguments: `{"reservation_id":"4WQ150","flight":"HAT094","date":"2026-11-21","seat":{"keep":true}}`}
	messages = s.ask(trace, "openai", model, messages, answer{calls: []logger.MessageToolCall{change}, in: 612, out: 40, cached: 512, took: 800 * time.Millisecond})
	if s.chance(25) {
		t := trace.AddToolCall(logger.ToolCallConfig{Name: change.Name, Args: change.Arguments, StartTime: s.clock})
		t.Fail(logger.Failure{Message: "the reservation system timed out after 2 s", Code: "504", Type: "timeout"})
		t.EndWith(logger.EndConfig{EndTime: s.wait(2 * time.Second)})
		messages = append(messages, logger.Message{Role: "tool", ToolCallID: change.ID, Content: `{"error":"timeout"}`})
		reply = "I am sorry, the booking system does not answer. Nothing was changed or charged. I will try again in a minute."
	} else {
		messages = append(messages, s.use(trace, change, `{"ok":true,"charged":42,"seat":"14C"}`, 340*time.Millisecond))
		reply = "Done: HAT094 on the 21st at 09:40, seat 14C. You were charged $42."
	}
	s.ask(trace, "openai", model, messages, answer{text: reply, in: 720, out: 35, cached: 640, took: 600 * time.Millisecond})
	s.end(trace, reply)
	trace.AddFeedback(logger.Feedback{Score: pick(s, 1.0, 1.0, -1.0), Comment: pick(s, "quick, thank you", "had to ask twice", "")})
	session.EndWith(logger.EndConfig{EndTime: s.clock})
}

// research answers a question from documents.
func research(s *stage) {
	question := pick(s, "How long may an entry wait on disk?", "Which roles can approve a refund?", "What changed in the retention policy in October?")
	session := s.log.Session(logger.SessionConfig{Name: "ask the handbook", StartTime: s.clock, Tags: map[string]string{"agent": "research"}})
	trace := s.begin(session, "question", question, map[string]string{"env": "prod"})
	rewrite := trace.AddSpan(logger.SpanConfig{Name: "rewrite the question", StartTime: s.clock})
	s.ask(rewrite, "google", "gemini-2.0-flash", []logger.Message{{Role: "user", Content: "Rewrite for search: " + question}}, answer{text: strings.ToLower(strings.Trim(question, "?")), in: 64, out: 14, took: 250 * time.Millisecond})
	rewrite.EndWith(logger.EndConfig{EndTime: s.clock})
	r := trace.AddRetrieval(logger.RetrievalConfig{Name: "handbook", StartTime: s.clock})
	r.SetInput(question)
	r.AddMetric("documents", 3)
	docs := []any{
		map[string]any{"title": "Delivery", "score": 0.91, "text": "Entries wait on disk for at most 72 hours. After that they are dropped and counted as too old."},
		map[string]any{"title": "Refunds", "score": 0.84, "text": "A refund above $500 is approved by a team lead; above $5,000 by finance."},
		map[string]any{"title": "Retention", "score": 0.78, "text": "Since 1 October logs are kept for 30 days in place of 90."},
	}
	r.SetOutput(docs)
	r.EndWith(logger.EndConfig{EndTime: s.wait(90 * time.Millisecond)})
	reply := pick(s, "At most 72 hours; then it is dropped and counted. [1]", "Team leads above $500, finance above $5,000. [2]", "Since 1 October it is 30 days in place of 90. [3]")
	s.ask(trace, "anthropic", "claude-sonnet-4-20250514", []logger.Message{
		{Role: "system", Content: "Answer from the passages only, and name them."},
		{Role: "user", Content: question},
	}, answer{text: reply, in: 1840, out: 46, cached: 1200, took: 1300 * time.Millisecond})
	s.end(trace, reply)
	session.EndWith(logger.EndConfig{EndTime: s.clock})
}

// coding is an orchestrator with two workers. One of them fails and is asked again.
func coding(s *stage) {
	session := s.log.Session(logger.SessionConfig{Name: "fix the flaky test", StartTime: s.clock, Tags: map[string]string{"agent": "coder"}})
	trace := s.begin(session, "task", "TestRetry fails once in fifty runs. Find out why and mend it.", map[string]string{"env": "dev"})
	s.ask(trace, "openai", "o4-mini", []logger.Message{{Role: "user", Content: "Plan: TestRetry fails once in fifty runs."}},
		answer{text: "1. Read the test. 2. Run it with the race detector. 3. Propose a change.", in: 220, out: 410, reasoning: 352, took: 4 * time.Second})
	for worker := range 2 {
		span := trace.AddSpan(logger.SpanConfig{Name: fmt.Sprintf("worker %d", worker+1), StartTime: s.clock})
		span.AddMetadata(map[string]any{"role": pick(s, "reader", "runner")})
		for range 6 {
			read := logger.MessageToolCall{ID: "call_read", Name: "read_file", Arguments: fmt.Sprintf(`{"path":"internal/retry/retry_test.go","from":%d,"lines":40}`, s.random.IntN(300))}
			s.use(span, read, "func TestRetry(t *testing.T) {\n\tdeadline := time.Now().Add(50 * time.Millisecond)\n\t…\n}", 8*time.Millisecond)
		}
		run := span.AddToolCall(logger.ToolCallConfig{Name: "run_tests", Args: `{"package":"./internal/retry","race":true,"count":50}`, StartTime: s.clock})
		if worker == 0 {
			run.Fail(logger.Failure{Message: "exit status 1: retry_test.go:41: waited 50.3ms, want at most 50ms", Type: "exit"})
			run.EndWith(logger.EndConfig{EndTime: s.wait(9 * time.Second)})
		} else {
			run.Result("ok  internal/retry 2.1s")
			run.EndWith(logger.EndConfig{EndTime: s.wait(7 * time.Second)})
		}
		s.ask(span, "anthropic", "claude-sonnet-4-20250514", []logger.Message{{Role: "user", Content: "What does this tell?"}},
			answer{text: "```go\nsynctest.Test(t, func(t *testing.T) { … })\n```\nThe deadline is of the wall clock. Use a bubble, then time is exact.", in: 5400, out: 310, cached: 4096, took: 3 * time.Second})
		span.AddEvent(logger.EventConfig{Name: "patch written", Time: s.clock, Metadata: map[string]any{"files": 1, "lines": 12}})
		span.EndWith(logger.EndConfig{EndTime: s.clock})
	}
	s.end(trace, "The test measured wall-clock time. It runs in a bubble now; 500 runs passed.")
	session.EndWith(logger.EndConfig{EndTime: s.clock})
}

// describePicture sends a picture to a model.
func describePicture(s *stage) {
	session := s.log.Session(logger.SessionConfig{Name: "describe a picture", StartTime: s.clock, Tags: map[string]string{"agent": "vision"}})
	trace := s.begin(session, "describe", "What is in this picture?", map[string]string{"env": "prod"})
	picture := logger.DataAttachment(gradient(s))
	picture.Name, picture.MIMEType = "chart.png", "image/png"
	trace.AddAttachment(picture)
	reply := "A square that goes from blue to orange, with a thin white grid."
	s.ask(trace, "google", "gemini-2.0-flash", []logger.Message{{Role: "user", Content: []any{
		map[string]any{"type": "text", "text": "What is in this picture?"},
		map[string]any{"type": "image_url", "image_url": map[string]any{"url": "https://example.com/chart.png"}},
	}}}, answer{text: reply, in: 1290, out: 19, took: 1100 * time.Millisecond})
	s.end(trace, reply)
	session.EndWith(logger.EndConfig{EndTime: s.clock})
}

// gradient returns a small picture as PNG.
func gradient(s *stage) []byte {
	const size = 96
	picture := image.NewRGBA(image.Rect(0, 0, size, size))
	shift := s.random.IntN(size)
	for y := range size {
		for x := range size {
			c := color.RGBA{uint8(2 * (x + shift) % 256), uint8(40 + y), uint8(255 - 2*x), 255}
			if x%16 == 0 || y%16 == 0 {
				c = color.RGBA{255, 255, 255, 255}
			}
			picture.SetRGBA(x, y, c)
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		return nil // a buffer takes everything
	}
	return file.Bytes()
}

// translate speaks several languages.
func translate(s *stage) {
	text := pick(s, "请把我的航班改到星期五。", "أريد تغيير موعد رحلتي إلى يوم الجمعة.", "金曜日の便に変更してください。", "Змініть, будь ласка, мій рейс на п’ятницю.")
	session := s.log.Session(logger.SessionConfig{Name: "translate", StartTime: s.clock, Tags: map[string]string{"agent": "translator"}})
	trace := s.begin(session, "translate", text, map[string]string{"env": "prod"})
	reply := "Please change my flight to Friday."
	s.ask(trace, "openai", "gpt-4o-mini", []logger.Message{
		{Role: "system", Content: "Translate to English."}, {Role: "user", Content: text},
	}, answer{text: reply, in: 38, out: 9, took: 400 * time.Millisecond})
	s.end(trace, reply)
	session.EndWith(logger.EndConfig{EndTime: s.clock})
}

// overloaded is a model that refuses, and another that takes over.
func overloaded(s *stage) {
	session := s.log.Session(logger.SessionConfig{Name: "summarise", StartTime: s.clock, Tags: map[string]string{"agent": "summary"}})
	trace := s.begin(session, "summarise", "Summarise the incident of Tuesday in three sentences.", map[string]string{"env": "prod"})
	question := []logger.Message{{Role: "user", Content: "Summarise the incident of Tuesday in three sentences."}}
	g := trace.AddGeneration(logger.GenerationConfig{Name: "answer", Provider: "openai", Model: "gpt-4o", Messages: question, StartTime: s.clock})
	g.Fail(logger.Failure{Message: "Rate limit reached for requests. Try again in 12 s.", Code: "429", Type: "rate_limit_exceeded"})
	g.EndWith(logger.EndConfig{EndTime: s.wait(300 * time.Millisecond)})
	trace.AddError(logger.ErrorConfig{Name: "fallback", Message: "gpt-4o refused; using the model of our own", Code: "429", Type: "fallback", StartTime: s.clock})
	reply := "A certificate expired at 09:12. Checkout failed for 14 minutes. It is renewed by a job now, which pages two weeks ahead."
	s.ask(trace, "self-hosted", "acme-summary-7b", question, answer{text: reply, in: 2900, out: 61, took: 2 * time.Second})
	s.end(trace, reply)
	session.EndWith(logger.EndConfig{EndTime: s.clock})
}

// nightlyReport is a long chain of identical steps outside sessions.
func nightlyReport(s *stage) {
	trace := s.log.Trace(logger.TraceConfig{Name: "nightly report", StartTime: s.clock, Tags: map[string]string{"env": "prod", "job": "report"}})
	trace.AddMetadata(map[string]any{"rows": 9007199254740993, "region": "eu-west"})
	for i := range 24 {
		search := trace.AddToolCall(logger.ToolCallConfig{Name: "query", Args: fmt.Sprintf(`{"sql":"SELECT count(*) FROM orders WHERE hour = %d","limit":1}`, i), StartTime: s.clock})
		search.Result(fmt.Sprintf(`{"count":%d}`, 100+s.random.IntN(900)))
		search.EndWith(logger.EndConfig{EndTime: s.wait(60 * time.Millisecond)})
	}
	reply := "Orders rose by 4 % against last week; the peak was at 18:00."
	s.ask(trace, "mistral", "mistral-large-latest", []logger.Message{{Role: "user", Content: "Write the report."}}, answer{text: reply, in: 1500, out: 120, took: 2500 * time.Millisecond})
	s.end(trace, reply)
}

// unfinished is still at work when the demo ends: neither the trace nor its last span has an end.
func unfinished(s *stage) {
	session := s.log.Session(logger.SessionConfig{Name: "plan the offsite", StartTime: s.clock, Tags: map[string]string{"agent": "planner"}})
	trace := s.begin(session, "plan", "Find a place for 40 people near Porto in March.", map[string]string{"env": "dev"})
	search := logger.MessageToolCall{ID: "call_search", Name: "search_venues", Arguments: `{"near":"Porto","people":40,"month":"2027-03"}`}
	s.ask(trace, "openai", "gpt-4o", []logger.Message{{Role: "user", Content: "Find a place for 40 people near Porto in March."}},
		answer{calls: []logger.MessageToolCall{search}, in: 120, out: 28, took: 800 * time.Millisecond})
	trace.AddToolCall(logger.ToolCallConfig{Name: search.Name, Args: search.Arguments, StartTime: s.clock}).HandOver()
	trace.HandOver()
	session.HandOver()
}
