package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"github.com/openai/openai-go/v3"

	"github.com/troupelog/troupe/bench/internal/measure"
	"github.com/troupelog/troupe/bench/internal/sink"
	"github.com/troupelog/troupe/bench/internal/workload"
	"github.com/troupelog/troupe/logger"
)

// troupe is the logger of this project, with its defaults.
type troupe struct {
	log      *logger.Logger
	text     workload.Turn
	response *openai.ChatCompletion
	sessions []logger.Session // empty: turns have no session
	live     []logger.Trace   // one open in each session, whose handle its agent holds
}

func newTroupe(_ context.Context, spec Spec) (peer, error) {
	return startTroupe(spec, logger.Config{SpoolDir: filepath.Join(spec.Dir, "spool"), RequireDurable: true})
}

// newTroupeFar is the logger as it is set up for a server that is far away.
func newTroupeFar(_ context.Context, spec Spec) (peer, error) {
	return startTroupe(spec, logger.Config{SpoolDir: filepath.Join(spec.Dir, "spool"), RequireDurable: true, InFlight: 8})
}

func newTroupeMemory(_ context.Context, spec Spec) (peer, error) {
	return startTroupe(spec, logger.Config{Durability: logger.MemoryOnly})
}

func startTroupe(spec Spec, c logger.Config) (peer, error) {
	response := new(openai.ChatCompletion)
	if err := json.Unmarshal([]byte(spec.Turn.Response), response); err != nil {
		return nil, fmt.Errorf("the response of the workload: %w", err)
	}
	c.ID, c.APIKey, c.BaseURL = "bench", rand.Text(), spec.SinkURL
	log, err := logger.New(c)
	if err != nil {
		return nil, err
	}
	return &troupe{log: log, text: spec.Turn, response: response}, nil
}

func (t *troupe) turn(m *measure.Meter, number int) {
	config := logger.TraceConfig{Name: t.text.Name}
	if len(t.sessions) > 0 {
		config.SessionID = t.sessions[number%len(t.sessions)].ID()
	}
	m.Begin()
	trace := t.log.Trace(config)
	m.End()

	m.Begin()
	generation := trace.AddGeneration(logger.GenerationConfig{
		Provider: t.text.Provider, Model: t.text.Model,
		Messages:        []logger.Message{{Role: "system", Content: t.text.System}, {Role: "user", Content: t.text.User}},
		ModelParameters: map[string]any{"temperature": t.text.Temperature},
	})
	m.End()

	m.Begin()
	generation.Result(t.response)
	m.End()

	m.Begin()
	tool := trace.AddToolCall(logger.ToolCallConfig{Name: t.text.Tool, Args: t.text.ToolArgs})
	m.End()

	m.Begin()
	tool.Result(t.text.ToolResult)
	m.End()

	m.Begin()
	trace.SetOutput(t.text.Answer)
	m.End()

	m.Begin()
	trace.End()
	m.End()
}

func (t *troupe) deliver(ctx context.Context) error {
	if len(t.sessions) > 0 {
		return t.log.Flush(ctx) // Close would end the sessions
	}
	return t.log.Close(ctx)
}

func (t *troupe) refused() map[string]int64 { return t.log.Stats().RejectedBy }

func (t *troupe) close(ctx context.Context) error { return t.log.Close(ctx) }

// linesPerSession is the number of lines of a live session and its trace.
const linesPerSession = 2

// holdSessions creates the sessions of a spec with an open trace in each, waits until
// they are delivered, and fills in their cost.
func holdSessions(ctx context.Context, p peer, spec Spec, f *measure.Figures) error {
	t, able := p.(*troupe)
	if !able {
		return errors.New("client: only Troupe has live sessions")
	}
	began := time.Now()
	for range spec.Sessions {
		session := t.log.Session(logger.SessionConfig{})
		t.sessions = append(t.sessions, session)
		t.live = append(t.live, session.AddTrace(logger.TraceConfig{Name: t.text.Name}))
	}
	f.CreateSeconds = time.Since(began).Seconds()
	if err := t.log.Flush(ctx); err != nil {
		return fmt.Errorf("client: deliver the live sessions: %w", err)
	}
	counts, err := sink.Fetch(ctx, spec.SinkURL)
	if err != nil {
		return err
	}
	if want := int64(spec.Sessions * linesPerSession); counts.Lines != want {
		return fmt.Errorf("client: %d live sessions are %d lines at the sink, not %d", spec.Sessions, counts.Lines, want)
	}
	runtime.GC() // garbage of the creation is not a cost of live sessions; it is in the peak
	now, _, err := measure.Memory()
	if err != nil {
		return err
	}
	f.LiveMB = float64(now) / 1e6
	return sink.Reset(ctx, spec.SinkURL)
}
