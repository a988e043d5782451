package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/troupelog/troupe/logger"
)

// questions are the users' questions: each is a session with a follow-up.
var questions = []question{
	{"ada", "What happens to an entry when an actor panics?", "architecture.md", "(7 + 5) * 3", "Turin"},
	{"ben", "Where is the only place of back-pressure?", "architecture.md", "2 * (31 - 4) / 6", "Lyon"},
	{"cem", "How does a session passivate and come back?", "architecture.md", "100 - 58", "Izmir"},
	{"dia", "Why does the logger have a spool of its own?", "decisions/0008-own-spool.md", "2048 * 128", "Riga"},
	{"eli", "Why does every session have one ordered path?", "decisions/0002-one-ordered-path-per-root-key.md", "1 / 8", "Haifa"},
	{"fay", "Who ends what a crashed agent left open?", "architecture.md", "-3 + 45", "Cork"},
	{"gus", "What does the collector do before it answers?", "decisions/0009-collector-log-and-index.md", "32 * 1048576", "Bergen"},
	{"hua", "Why do logging calls return nothing?", "decisions/0011-calls-return-nothing.md", "6 * 7", "Xi'an"},
	{"ivo", "What is the ledger and when does it balance?", "architecture.md", "0.1 + 0.2", "Split"},
	{"jun", "How are calls of a model intercepted?", "decisions/0012-interception-at-http.md", "9 / (3 - 3)", "Kobe"},
}

// question is a user's question; the other fields are work for the other agents.
type question struct{ user, text, file, sum, city string }

// role is a kind of agent: its system prompt, and the task it derives from a question.
type role struct {
	name, system string
	task         func(q question) string
}

// roles are the agents that work on every turn, all at the same time.
var roles = []role{
	{"researcher", "You answer from the documents. Search them first.",
		func(q question) string { return "Search the documents: " + q.text }},
	{"mathematician", "You calculate with the tool, never in your head.",
		func(q question) string { return "Calculate " + q.sum }},
	{"librarian", "You know the documents by their size.",
		func(q question) string { return "How many words does " + q.file + " have?" }},
	{"timekeeper", "You tell the time.",
		func(question) string { return "What time is it in UTC?" }},
	{"forecaster", "You tell the weather, or that you cannot.",
		func(q question) string { return "What is the weather like in " + q.city + "?" }},
	{"critic", "You say in one sentence whether a question is clear. You use no tool.",
		func(q question) string { return "Is this a clear question? " + q.text }},
}

// orchestrator gives the work to agents. A session is a user's conversation, a trace
// is a turn of it, and each agent works in its span.
type orchestrator struct {
	log   *logger.Logger
	model *model
	lib   *library
	tools []tool

	working atomic.Int64 // agents that have begun and not finished
	peak    atomic.Int64 // the highest that working was
}

// run answers all questions at the same time and returns the counts of the work.
func (o *orchestrator) run(ctx context.Context, qs []question) tally {
	// The agents of all first turns wait for each other, so that they really are at
	// work at the same time, however fast the model is.
	var together sync.WaitGroup
	together.Add(len(qs) * len(roles))

	done := make([]tally, len(qs))
	var conversations sync.WaitGroup
	for i, q := range qs {
		conversations.Go(func() {
			session := o.log.Session(logger.SessionConfig{Name: q.user, Tags: map[string]string{"user": q.user}})
			defer session.End()
			done[i].add(tally{sessions: 1})
			done[i].add(o.turn(ctx, session, "question", q, &together))
			q.text = "In short: " + q.text
			done[i].add(o.turn(ctx, session, "follow-up", q, nil))
		})
	}
	conversations.Wait()
	var total tally
	for _, t := range done {
		total.add(t)
	}
	return total
}

// turn lets one agent of each role work on a question and puts their reports together.
func (o *orchestrator) turn(ctx context.Context, session logger.Session, name string, q question, together *sync.WaitGroup) tally {
	trace := session.AddTrace(logger.TraceConfig{Name: name, Input: q.text})
	defer trace.End()

	reports, done := make([]string, len(roles)), make([]tally, len(roles))
	var agents sync.WaitGroup
	for i, r := range roles {
		agents.Go(func() {
			o.begin(together)
			defer o.working.Add(-1)
			span := trace.AddSpan(logger.SpanConfig{Name: r.name, Tags: map[string]string{"role": r.name}})
			defer span.End()
			a := &agent{span: span, model: o.model, lib: o.lib, tools: o.tools, done: tally{spans: 1}}
			reports[i] = a.work(ctx, r.system, r.task(q))
			done[i] = a.done
		})
	}
	agents.Wait()
	trace.SetOutput(strings.Join(reports, "\n"))
	total := tally{traces: 1}
	for _, t := range done {
		total.add(t)
	}
	return total
}

// begin counts an agent as working; with together, all that share it begin at once.
func (o *orchestrator) begin(together *sync.WaitGroup) {
	now := o.working.Add(1)
	for peak := o.peak.Load(); now > peak && !o.peak.CompareAndSwap(peak, now); {
		peak = o.peak.Load()
	}
	if together != nil {
		together.Done()
		together.Wait()
	}
}

// tally counts the entities that agents logged.
type tally struct {
	sessions, traces, spans, generations, retrievals, toolCalls, errors int
}

func (t *tally) add(more tally) {
	t.sessions += more.sessions
	t.traces += more.traces
	t.spans += more.spans
	t.generations += more.generations
	t.retrievals += more.retrievals
	t.toolCalls += more.toolCalls
	t.errors += more.errors
}

// String returns the counts in the words of summarise.
func (t tally) String() string {
	return fmt.Sprintf("%d sessions, %d traces, %d spans, %d generations, %d retrievals, %d tool calls, %d errors",
		t.sessions, t.traces, t.spans, t.generations, t.retrievals, t.toolCalls, t.errors)
}
