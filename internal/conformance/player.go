package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/troupelog/troupe/logger"
)

// deadline bounds a flush: everything is in one process.
const deadline = time.Minute

// player plays the steps of one case on a separate logger.
type player struct {
	log    *logger.Logger
	server *Server
	dir    string

	handles    map[string]any // by kind; the one begun last
	evaluation *logger.Evaluation
	notes      notes
}

// played is the result of playing a case.
type played struct {
	lines []Line
	lost  []loss
	skip  string // why it was not played; the rest is then empty
}

// play plays a case against the server and returns the lines it sent. An error says
// that the machinery failed, not the case.
func play(ctx context.Context, s *Server, c *Case) (out played, err error) {
	if out.skip = unlike(c); out.skip != "" {
		return out, nil
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	log, err := logger.New(logger.Config{
		Durability: logger.MemoryOnly,
		ID:         c.repo, BaseURL: s.URL(), APIKey: "conformance", ManualFlush: true, DisableAutoEnd: true, PanicOnMisuse: c.strict(),
		OnError: func(error) {}, Slog: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, log.Close(ctx)) }()
	p := &player{log: log, server: s, dir: c.dir, handles: map[string]any{}}
	if out.skip = p.guard(func() { p.prepare(c) }); out.skip != "" {
		return out, nil
	}
	if _, err := p.sent(ctx); err != nil {
		return out, err
	}
	if out.skip = p.guard(func() { err = p.perform(ctx, c) }); out.skip != "" || err != nil {
		return out, err
	}
	out.lines, err = p.sent(ctx)
	out.lost = p.notes.lost
	for i := range out.lines {
		if out.lines[i].Repository == c.repo {
			out.lines[i].Repository = ""
		}
	}
	return out, err
}

// guard runs f and returns the reason of the skip that it panicked with, if it did.
func (p *player) guard(f func()) (reason string) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case skip:
			reason = v.reason
		case *logger.Error: // of a strict case: the call was rejected
		default:
			panic(v)
		}
	}()
	f()
	return ""
}

// strict reports whether misuse raises exceptions in the case.
func (c *Case) strict() bool {
	return strings.Contains(c.Note, "raise_exceptions=True") || strings.Contains(c.Note, "raiseExceptions=true")
}

// sent flushes and returns the lines since the last call.
func (p *player) sent(ctx context.Context) ([]Line, error) {
	if err := p.log.Flush(ctx); err != nil {
		return nil, fmt.Errorf("flushing: %w", err)
	}
	return p.server.take()
}

// prepare makes the handle that the case is played on. Its lines are not the case's.
func (p *player) prepare(c *Case) {
	if c.On == nil {
		return
	}
	trace := func() logger.Trace { return p.log.Trace(logger.TraceConfig{}) }
	switch id := c.On.ID; c.On.Kind {
	case "session":
		p.handles["session"] = p.log.Session(logger.SessionConfig{ID: id})
	case "trace":
		p.handles["trace"] = p.log.Trace(logger.TraceConfig{ID: id})
	case "span":
		p.handles["span"] = trace().AddSpan(logger.SpanConfig{ID: id})
	case "generation":
		p.handles["generation"] = trace().AddGeneration(logger.GenerationConfig{ID: id})
	case "retrieval":
		p.handles["retrieval"] = trace().AddRetrieval(logger.RetrievalConfig{ID: id})
	case "tool_call":
		p.handles["tool_call"] = trace().AddToolCall(logger.ToolCallConfig{ID: id})
	case "error":
		p.handles["error"] = trace().AddError(logger.ErrorConfig{ID: id})
	case "evaluate", "evaluate_with_evaluators":
		p.prepareEvaluation(c)
	default:
		panic(skip{skipCall})
	}
}

// prepareEvaluation makes the evaluation that the case is played on. Where an earlier
// case named the evaluators, the lines of this one still say which.
func (p *player) prepareEvaluation(c *Case) {
	call, ok := callByID(c.On.Entity + "_evaluate")
	if !ok {
		panic(skip{skipCall})
	}
	call(p, c.On.ID, arguments{})
	if c.On.Kind != "evaluate_with_evaluators" {
		return
	}
	for _, line := range c.Lines {
		p.evaluation.WithEvaluators(arguments{fields: line.object()}.names("evaluators")...)
	}
}

// perform plays the steps. Lines keep their order within a session, and within a
// trace; if no step began the entity of a call, perform waits for its lines.
func (p *player) perform(ctx context.Context, c *Case) error {
	for i, step := range c.steps {
		p.play(step)
		if len(c.steps) > 1 && !begun(c.steps[:i+1], step) {
			if err := p.log.Flush(ctx); err != nil {
				return fmt.Errorf("flushing: %w", err)
			}
		}
	}
	return nil
}

// begun reports whether the steps began the entity of a call by id.
func begun(steps []step, by step) bool {
	id, ok := by.args[by.called().entity+"_id"]
	return !ok || slices.ContainsFunc(steps, func(s step) bool {
		config, begins := s.config()
		return begins && config["id"] == id
	})
}

func (p *player) play(s step) {
	a := arguments{s.args, &p.notes}
	owner, verb, _ := strings.Cut(s.call, ".")
	switch {
	case strings.HasPrefix(s.call, "caller "):
		p.changeCallersValues(s)
	case owner == "logger":
		p.callLogger(verb, a)
	case owner == "static":
		p.callStatic(verb, a)
	case owner == "evaluate":
		p.callEvaluation(verb, a)
	case methods[verb] != nil && p.handles[owner] != nil:
		methods[verb](p, p.handles[owner], a)
	default:
		panic(skip{skipCall})
	}
}

// changeCallersValues changes the messages of the earlier steps, as a careless
// caller does once the call has returned.
func (p *player) changeCallersValues(change step) {
	for _, m := range p.notes.handed {
		if content, ok := change.args["content"]; ok {
			m["content"] = content
		}
	}
}

// callLogger plays a call of the logger itself, or one by id.
func (p *player) callLogger(verb string, a arguments) {
	switch verb {
	case "session":
		p.handles["session"] = p.log.Session(a.sessionConfig())
	case "trace":
		p.handles["trace"] = p.log.Trace(a.traceConfig())
	case "id":
		_ = p.log.ID()
	case "flush":
		// Every case ends with a flush.
	case "cleanup":
		panic(skip{skipState})
	case "add_sink":
		panic(skip{skipSink})
	default:
		call, ok := callByID(verb)
		if !ok {
			panic(skip{skipCall})
		}
		call(p, entityID(verb, a), a)
	}
}

// entityID returns the id that a call by id is addressed with. An empty one is
// refused by the logger as it is by the SDKs.
func entityID(verb string, a arguments) string {
	for _, kind := range entities {
		if strings.HasPrefix(verb, kind+"_") {
			return a.text(kind+"_id", "id")
		}
	}
	return a.text("id")
}

// callStatic plays the static form of a call by id: static.trace.add_tag_ and
// logger.trace_add_tag are the same.
func (p *player) callStatic(name string, a arguments) {
	kind, verb, _ := strings.Cut(strings.TrimSuffix(name, "_"), ".")
	id := a.text(kind+"_id", "id")
	for _, candidate := range []string{kind + "_" + verb, kind + "_add_" + verb, kind + "_set_" + verb} {
		if call, ok := callByID(candidate); ok {
			call(p, id, a)
			return
		}
	}
	panic(skip{skipCall})
}

// callEvaluation plays a call on the result of evaluate.
func (p *player) callEvaluation(verb string, a arguments) {
	switch {
	case p.evaluation == nil:
		panic(skip{skipState})
	case verb == "with_evaluators":
		p.evaluation.WithEvaluators(a.names("evaluators")...)
	case verb == "with_variables":
		p.evaluation.WithVariables(a.values("variables", "variables"), a.names("for_evaluators")...)
	default:
		panic(skip{skipCall})
	}
}
