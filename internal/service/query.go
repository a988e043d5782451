package service

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/project"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

const (
	// WaitTime limits how long Wait waits.
	WaitTime = 5 * time.Second
	// QueryTime limits one query: while a reader is active, SQLite cannot shrink its files.
	QueryTime = 5 * time.Second
)

// Wait waits until queries about a repository see everything that was acknowledged before
// the call, for WaitTime at most. It reports whether they still may miss some of it.
func (s *Service) Wait(ctx context.Context, repo string) (behind bool) {
	ctx, cancel := context.WithTimeout(ctx, WaitTime)
	defer cancel()
	// A closed or failing store counts as behind: the query itself reports the reason.
	h, err := s.at(ctx, repo)
	return err != nil || h.projector.waitForHead(ctx) != nil
}

// WaitIndexed waits until queries see everything that was acknowledged before the call, in
// all repositories. It returns the error of ctx if that ends first, or store.ErrClosed.
func (s *Service) WaitIndexed(ctx context.Context) error {
	for _, h := range s.shards {
		if err := h.projector.waitForHead(ctx); err != nil {
			return err
		}
	}
	return nil
}

// WaitSearchable waits until Search finds everything that was acknowledged before the call,
// in all repositories. It fails as WaitIndexed does.
func (s *Service) WaitSearchable(ctx context.Context) error {
	for _, h := range s.shards {
		if err := h.searchIndexer.waitForHead(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Rebuild empties the index and the search, derives both again from all stored lines, and
// waits for the end of that. If ctx ends first, the work continues in the background.
func (s *Service) Rebuild(ctx context.Context) error {
	for _, h := range s.shards {
		if err := errors.Join(h.projector.restart(ctx), h.searchIndexer.restart(ctx)); err != nil {
			return err
		}
	}
	return errors.Join(s.WaitIndexed(ctx), s.WaitSearchable(ctx))
}

// Repositories returns all repositories, ordered by id.
func (s *Service) Repositories(ctx context.Context) (all []store.Repository, err error) {
	for _, h := range s.shards {
		some, err := h.Log.Repositories(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b store.Repository) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// Entity returns one entity without its lines, or store.ErrNotFound.
func (s *Service) Entity(ctx context.Context, repo string, ref protocol.Ref) (fold.Entity, error) {
	h, err := s.at(ctx, repo)
	if err != nil {
		return fold.Entity{}, err
	}
	found, err := h.Index.Get(ctx, []fold.Key{fold.KeyOf(repo, ref)})
	if err != nil {
		return fold.Entity{}, err
	}
	if len(found) == 0 {
		return fold.Entity{}, store.ErrNotFound
	}
	return found[0], nil
}

// Entities returns an entity and everything below it without their lines, the entity itself
// first, or store.ErrNotFound.
func (s *Service) Entities(ctx context.Context, repo string, ref protocol.Ref) ([]fold.Entity, error) {
	h, err := s.at(ctx, repo)
	if err != nil {
		return nil, err
	}
	found, err := h.Index.Tree(ctx, fold.KeyOf(repo, ref))
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}
	return found, err
}

// TraceOf returns the trace or session that an entity belongs to, or the entity itself if it
// is one. The result is zero if the parents of the entity lead to neither.
func (s *Service) TraceOf(ctx context.Context, repo string, e fold.Entity) (protocol.Ref, error) {
	h, err := s.at(ctx, repo)
	if err != nil {
		return protocol.Ref{}, err
	}
	return project.TraceOf(ctx, h.Index, e)
}

// Tree returns an entity and everything below it, filled from their lines, with totals. It
// fails with store.ErrNotFound or store.ErrTooLarge.
func (s *Service) Tree(ctx context.Context, repo string, ref protocol.Ref) (*fold.Node, fold.Totals, error) {
	h, err := s.at(ctx, repo)
	if err != nil {
		return nil, fold.Totals{}, err
	}
	return project.Tree(ctx, h.Log, h.Index, s.files, repo, ref)
}

// Node returns one entity, filled from its lines, and these lines, oldest first. It fails
// with store.ErrNotFound or store.ErrTooLarge.
func (s *Service) Node(ctx context.Context, repo string, ref protocol.Ref) (*fold.Node, []store.Located, error) {
	h, err := s.at(ctx, repo)
	if err != nil {
		return nil, nil, err
	}
	return project.Node(ctx, h.Log, h.Index, s.files, repo, ref)
}

// Lines returns the lines about some entities of a repository in the order in which they
// were stored. It skips the first skip of them, returns at most limit, and reports whether
// there are more.
func (s *Service) Lines(ctx context.Context, repo string, keys []fold.Key, skip, limit int) (lines []store.Located, more bool, err error) {
	h, err := s.at(ctx, repo)
	if err != nil {
		return nil, false, err
	}
	at, err := h.Index.Locs(ctx, keys)
	if err != nil {
		return nil, false, err
	}
	// Sorted by place, each block of the log is decoded once.
	slices.SortFunc(at, store.Loc.Compare)
	at = at[min(skip, len(at)):]
	lines, err = h.Log.Lines(ctx, at[:min(len(at), limit)])
	return lines, len(at) > limit, err
}

// Scan returns stored lines of a repository whose numbers are above after, at most limit.
// It may return fewer, but at least one if there is one.
func (s *Service) Scan(ctx context.Context, repo string, after uint64, limit int) ([]store.Numbered, error) {
	h, err := s.at(ctx, repo)
	if err != nil {
		return nil, err
	}
	return h.Log.Scan(ctx, repo, after, limit)
}

// Passage is a line that a search found, with the text around its first match.
type Passage = project.Passage

// Search returns a page of the lines that a search finds, newest first. next is the q.After of the following page, zero on the last page.
// A page has fewer hits than q.Limit if lines were deleted meanwhile.
func (s *Service) Search(ctx context.Context, q store.SearchQuery) (found []Passage, next store.Loc, err error) {
	h, err := s.at(ctx, q.Repo)
	if err != nil {
		return nil, store.Loc{}, err
	}
	limit := q.Limit
	q.Limit++ // one more hit shows that there is another page
	hits, err := h.Search.Find(ctx, q)
	if err != nil {
		return nil, store.Loc{}, err
	}
	if len(hits) > limit {
		hits = hits[:limit]
		next = hits[limit-1].Loc
	}
	// next names the last hit rather than the last passage, which may be missing.
	found, err = project.Passages(ctx, h.Log, h.Index, s.files, hits, q)
	return found, next, err
}

// Watch returns a channel that receives a signal soon after any index has moved, and a
// function that ends this. Signals that nobody has received yet are merged.
func (s *Service) Watch() (moved <-chan struct{}, stop func()) {
	changes := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	for _, h := range s.shards {
		watching.Go(func() {
			// One goroutine for each shard forwards its moves into the channel.
			for {
				select {
				case <-h.projector.next():
					signal(changes)
				case <-h.projector.done:
					return
				case <-ctx.Done():
					return
				}
			}
		})
	}
	return changes, func() {
		cancel()
		watching.Wait()
	}
}
