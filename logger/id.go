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

// tagGivenID is the tag that holds an id as the caller gave it, if the line carries its safe
// form.
const tagGivenID = "troupe.id"

// identity is the id of an entity: wire is the id in lines, which always satisfies
// protocol.ValidID, and given the id from the caller, nil if it equals wire.
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

// identify returns the identity of a new entity or attachment: a new id if id is empty, and
// the safe form of an id that a line cannot hold.
func (p *pipeline) identify(kind, id string) identity {
	if id == "" {
		return identity{wire: newID()}
	}
	return p.known(kind, id)
}

// known returns the identity of an entity that a call names by its id. It replaces an empty
// id by a new one, so that entries below it are not lost.
func (p *pipeline) known(kind, id string) identity {
	if protocol.ValidID(id) {
		return identity{wire: id}
	}
	if p.cfg.PanicOnMisuse {
		p.reject(&Error{Reason: ErrInvalidID, Entity: kind, Entries: 1,
			Detail: brief.Quote(id) + " is not 1 to 1,024 of A-Z a-z 0-9 _ -; " +
				"leave the id of a new entity empty to get a generated one"})
	}
	return p.derive(kind, id)
}

// derive returns the safe identity for an id that a line cannot hold. It is counted in
// Stats.Derived and reported at most once a minute, because the ids of one source are
// usually alike.
func (p *pipeline) derive(kind, id string) identity {
	safe := identity{wire: protocol.SafeID(id), given: &id}
	detail := "given as " + brief.Quote(id) + ", which a line cannot hold; " +
		"it is logged under this safe id and found by either. " +
		"Ids of 1 to 1,024 of A-Z a-z 0-9 _ - stay as they are"
	if id == "" {
		safe = identity{wire: newID()}
		detail = "the given id is empty; the call is logged under this new one"
	}
	p.derived.count.Add(1)
	if p.derived.due(time.Now()) {
		p.report.tell(&Error{Reason: ErrInvalidID, Entity: kind, ID: safe.wire, Kept: true, Entries: 1, Detail: detail})
	}
	return safe
}

// derivedIDs counts ids that were replaced by safe ones. It is safe for concurrent use.
type derivedIDs struct {
	count    atomic.Int64
	reported atomic.Pointer[time.Time] // time of the last report, nil before the first
}

// due reports whether one must be reported now, and records the time.
func (d *derivedIDs) due(now time.Time) bool {
	last := d.reported.Load()
	if last != nil && now.Sub(*last) < warnEvery {
		return false
	}
	return d.reported.CompareAndSwap(last, &now)
}

// entityOf returns the entity with an identity. If this process does not know it, the entity
// becomes a separate root: its entries are ordered among themselves only.
func (p *pipeline) entityOf(kind messages.Entity, id identity) entity {
	ref := messages.Ref{Entity: kind, ID: id.wire}
	if kind != messages.Session {
		if route := p.actors.Lookup(ref); route != nil {
			return entity{p, ref, route, id.given}
		}
	}
	return entity{p, ref, routeTo(ref, messages.Ref{}, id.given, nil), id.given}
}

// routeTo returns the route to a root and a trace below it. It keeps the ids that the caller
// gave, which snapshots and scopes return.
func routeTo(root, trace messages.Ref, givenRoot, givenTrace *string) *messages.Route {
	route := messages.NewRoute(root, trace)
	if givenRoot != nil || givenTrace != nil {
		route.Given = &messages.Given{Root: givenRoot, Trace: givenTrace}
	}
	return route
}

// identity returns the identity of the entity, zero for a zero handle.
func (e entity) identity() identity { return identity{e.ref.ID, e.given} }

// session returns the session that the entity is known to belong to, zero for none.
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

// owner returns the session, trace or foreign entity whose actor holds the state of e.
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

// tagged returns the tags of the line that begins an entity: the caller's tags and, if the
// line carries a safe id, the id as it was given. It never changes the caller's map.
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

// original returns an id as the text of a tag: it replaces invalid UTF-8 by U+FFFD and cuts
// the text to protocol.MaxID bytes, between characters.
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
