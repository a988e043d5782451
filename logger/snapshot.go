package logger

import (
	"context"
	"time"

	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/pricing"
)

// Snapshot is the live state of a session or trace, as far as this process knows it.
type Snapshot struct {
	Entity  string // session or trace
	ID      string // as it was given to the handle
	Ended   bool
	Entries int64       // entries logged for it and below it
	Begun   Counts      // entities begun below it
	Open    []EntityRef // not ended, oldest first: traces of a session, or all entities of a trace; with their ids in lines, see the package documentation

	Failures int           // logged errors and failed results
	Usage    pricing.Usage // sum of the results of generations
	Cost     pricing.USD   // sum of the logged costs
	First    time.Time     // first call, zero if there was none
	Last     time.Time     // last call
}

// Counts are numbers of entities by kind.
type Counts struct {
	Traces, Spans, Generations, Retrievals, ToolCalls, Errors int
}

// EntityRef names an entity.
type EntityRef struct{ Entity, ID string }

// snapshot asks the actor that owns the entity's route for its state.
func (e entity) snapshot(ctx context.Context) (Snapshot, error) {
	if e.pipe == nil {
		return Snapshot{}, &Error{Reason: ErrUnknownEntity, Detail: "the handle is zero"}
	}
	ctx = orBackground(ctx)
	s, err := e.pipe.actors.Snapshot(ctx, e.route)
	if err != nil {
		reason := err
		if ctx.Err() == nil {
			reason = ErrUnknownEntity
			if e.pipe.closed.Load() {
				reason = ErrClosed
			}
		}
		return Snapshot{}, &Error{Reason: reason, Entity: e.ref.Entity.String(), ID: e.ref.ID}
	}
	snapshot := snapshotOf(s)
	if s.Owner == e.ref {
		snapshot.ID = e.ID()
	}
	return snapshot, nil
}

// snapshotOf converts the state that an actor reports.
func snapshotOf(m messages.Snapshot) Snapshot {
	s := Snapshot{
		Entity: m.Owner.Entity.String(), ID: m.Owner.ID, Ended: m.Ended, Entries: m.Entries,
		Begun: Counts{
			Traces: int(m.Begun[messages.Trace]), Spans: int(m.Begun[messages.Span]),
			Generations: int(m.Begun[messages.Generation]), Retrievals: int(m.Begun[messages.Retrieval]),
			ToolCalls: int(m.Begun[messages.ToolCall]), Errors: int(m.Begun[messages.Error]),
		},
		Failures: int(m.Failures),
	}
	if m.Cost != nil {
		s.Usage, s.Cost = m.Cost.Usage, m.Cost.USD
	}
	if m.First != 0 {
		s.First, s.Last = time.UnixMicro(m.First), time.UnixMicro(m.Last)
	}
	for _, c := range m.Children {
		s.Open = append(s.Open, EntityRef{c.Entity.String(), c.ID})
	}
	return s
}
