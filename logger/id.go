package logger

import (
	"maps"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/troupelog/troupe/internal/brief"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/messages"
)

// tagGivenID is the tag that holds an id as the caller gave it, where the line carries a
// safe id in its place.
const tagGivenID = "troupe.id"

// identity is the id of an entity: the one that lines carry, which always satisfies
// protocol.ValidID, and the one that the caller gave, nil if it is the same.
type identity struct {
	wire  string
	given *string
}

// String returns the id as the caller gave it, "" for the zero identity.
func (i identity) String() string {
	if i.given != nil {
		return *i.given
	}
	return i.wire
}

// identify returns the identity of an entity of a kind that is begun, or of an attachment: a new id for an empty one,
// and the safe form of one that cannot stand in a line.
func (p *pipeline) identify(kind, id string) identity {
	if id == "" {
		return identity{wire: newID()}
	}
	return p.known(kind, id)
}

// known returns the identity of an entity that a call names by its id. An empty id gets
// a new one, so that nothing that is logged below it is lost.
func (p *pipeline) known(kind, id string) identity {
	if protocol.ValidID(id) {
		return identity{wire: id}
	}
	if p.cfg.PanicOnMisuse {
		p.reject(&Error{Reason: ErrInvalidID, Entity: kind, Entries: 1,
			Detail: brief.Quote(id) + " is not 1 to 1,024 of A-Z a-z 0-9 _ -; to begin something, leave the id empty to have one made"})
	}
	return p.derive(kind, id)
}

// derive returns the safe identity in the place of an id that cannot stand in a line. It
// is counted in Stats.Derived, and reported at most once a minute: ids of one kind of
// source are usually all alike.
func (p *pipeline) derive(kind, id string) identity {
	safe := identity{wire: protocol.SafeID(id), given: &id}
	detail := "given as " + brief.Quote(id) + ", which cannot stand in a line; it is logged under this safe id and found by either. " +
		"Ids of 1 to 1,024 of A-Z a-z 0-9 _ - stay as they are"
	if id == "" {
		safe = identity{wire: newID()}
		detail = "the id that was given is empty; what the call logs goes under this new one"
	}
	p.derived.count.Add(1)
	if p.derived.due(time.Now()) {
		p.report.tell(&Error{Reason: ErrInvalidID, Entity: kind, ID: safe.wire, Kept: true, Entries: 1, Detail: detail})
	}
	return safe
}

// derivedIDs counts the ids that were replaced by safe ones. It is safe for concurrent use.
type derivedIDs struct {
	count atomic.Int64
	told  atomic.Pointer[time.Time] // when one was reported last, nil before the first
}

// due reports whether one is to be reported now, and remembers it.
func (d *derivedIDs) due(now time.Time) bool {
	last := d.told.Load()
	if last != nil && now.Sub(*last) < warnEvery {
		return false
	}
	return d.told.CompareAndSwap(last, &now)
}

// entityOf returns the entity with an identity.
func (p *pipeline) entityOf(kind messages.Entity, id identity) entity {
	ref := messages.Ref{Entity: kind, ID: id.wire}
	if kind != messages.Session {
		if route := p.actors.Lookup(ref); route != nil {
			return entity{p, ref, route, id.given}
		}
	}
	return entity{p, ref, routeTo(ref, messages.Ref{}, id.given, nil), id.given}
}

// routeTo returns the route to a root and a trace below it, which remembers the ids that
// the caller gave.
func routeTo(root, trace messages.Ref, givenRoot, givenTrace *string) *messages.Route {
	route := messages.NewRoute(root, trace)
	if givenRoot != nil || givenTrace != nil {
		route.Given = &messages.Given{Root: givenRoot, Trace: givenTrace}
	}
	return route
}

// identity returns the identity of the entity, zero for an inert handle.
func (e entity) identity() identity { return identity{e.ref.ID, e.given} }

// session returns the session that the entity is known to be part of, zero for none.
func (e entity) session() identity {
	if e.route.Root.Entity != messages.Session {
		return identity{}
	}
	id := identity{wire: e.route.Root.ID}
	if g := e.route.Given; g != nil {
		id.given = g.Root
	}
	return id
}

// owner returns the session, trace or foreign entity whose actor keeps the entity's state.
func (e entity) owner() entity {
	owner := entity{pipe: e.pipe, ref: e.route.Owner(), route: e.route}
	if g := e.route.Given; g != nil {
		owner.given = g.Root
		if owner.ref == e.route.Trace {
			owner.given = g.Trace
		}
	}
	return owner
}

// tagged returns the tags of the line that begins an entity: those of the caller, and the
// id as it was given if the line carries another. The caller's map is not changed.
func (i identity) tagged(tags map[string]string) map[string]string {
	if i.given == nil {
		return tags
	}
	tags = maps.Clone(tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[tagGivenID] = original(*i.given)
	return tags
}

// original returns the text of an id for a tag: U+FFFD for each byte that is not UTF-8,
// cut to protocol.MaxID bytes between characters.
func original(id string) string {
	var b strings.Builder
	for _, r := range id {
		if b.Len()+utf8.RuneLen(r) > protocol.MaxID {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
