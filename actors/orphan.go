package actors

import (
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// endedByIdle is the ended_by of an entity that nobody wrote to for too long.
const endedByIdle = "idle"

// end emits the end of an entity that its caller left open.
func (s *System) end(route *messages.Route, ref messages.Ref, reason string, at time.Time) {
	e := wire.NewEncoder()
	e.Begin(ref.Entity.String(), ref.ID, messages.End.String())
	e.Time("endTimestamp", at)
	e.Name("metadata")
	e.Open('{')
	e.String("ended_by", reason)
	e.Close('}')
	line := e.Finish()
	e.Release()
	s.orphans.Add(1)
	c := messages.NewCommand()
	*c = messages.Command{Route: route, Target: ref, Action: messages.End, At: time.Now().UnixNano()}
	c.Entry = messages.Entry{Line: line, Lane: route.Lane}
	c.Entry.Epoch = s.cfg.Ledger.AdmitOwn(c.Entry.Cost())
	if s.cfg.Sampled {
		c.Entry.Of = c
	}
	s.sup.Send(s.writer, &c.Entry)
}
