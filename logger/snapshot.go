package logger

import (
	"context"
	"time"

	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/pricing"
)

// Snapshot is the live state of a session or trace, as far as this process knows it.
type Snapshot struct {
	// Entity is session or trace.
	Entity string
	// ID is the id as it was given to the handle.
	ID string
	// Ended reports whether the entity has been ended, by the program or for it.
	Ended bool
	// Entries is the number of entries logged for the entity and below it, by this process.
	Entries int64
	// Begun counts the entities that were begun below it.
	Begun Counts
	// Open lists the entities that have not ended, the oldest first: the traces of a session,
	// or all entities of a trace. Their ids are in the form that lines carry, see the package
	// documentation.
	Open []EntityRef

	// Failures counts logged errors and failed results.
	Failures int
	// Usage is the sum of the token counts of all results of generations.
	Usage pricing.Usage
	// Cost is the sum of all logged costs: from AddCost and from Config.Prices.
	Cost pricing.USD
	// First and Last are the times of the first and the last call, zero if there was none.
	First, Last time.Time
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
