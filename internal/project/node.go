package project

import (
	"context"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

// Node returns one entity with everything that lines say about it, without the entities below
// it, and where these lines are, oldest first. It fails with ErrNotFound if the index does
// not know the entity, and with ErrTooLarge if its lines take more than MaxTree bytes.
func Node(ctx context.Context, log store.Log, index store.Index, blobs store.LargeLogs, repo string, ref protocol.Ref) (*fold.Node, []store.Located, error) {
	key := fold.KeyOf(repo, ref)
	entities, err := index.Get(ctx, []fold.Key{key})
	if err != nil {
		return nil, nil, err
	}
	if len(entities) == 0 {
		return nil, nil, store.ErrNotFound
	}
	at, err := index.Locs(ctx, []fold.Key{key})
	if err != nil {
		return nil, nil, err
	}
	lines, err := treeLines(ctx, log, blobs, at)
	if err != nil {
		return nil, nil, err
	}
	node, _, err := fold.Build(ctx, repo, key, entities, lines)
	if err != nil {
		return nil, nil, err
	}
	located, err := log.Lines(ctx, at)
	return node, located, err
}

// TraceOf returns the trace of an entity, or the entity itself if it is a trace or a session.
// It returns a zero Ref if its parents do not lead to one.
func TraceOf(ctx context.Context, index store.Index, e fold.Entity) (protocol.Ref, error) {
	for range maxParents {
		if e.Ref.Kind == protocol.Trace || e.Ref.Kind == protocol.Session {
			return e.Ref, nil
		}
		if e.Parent == (fold.Key{}) {
			break
		}
		found, err := index.Get(ctx, []fold.Key{e.Parent})
		if err != nil || len(found) == 0 {
			return protocol.Ref{}, err
		}
		e = found[0]
	}
	return protocol.Ref{}, nil
}
