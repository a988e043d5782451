package service

import (
	"context"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/query"
	"github.com/troupelog/troupe/internal/store"
)

// searchHits limits the hits of a text search that Filter looks at.
const searchHits = 500

// Rows returns one page of a list of traces or sessions.
func (s *Service) Rows(ctx context.Context, q store.RowQuery) ([]store.Row, error) {
	h, err := s.at(ctx, q.Repo)
	if err != nil {
		return nil, err
	}
	return h.Lists.Rows(ctx, q)
}

// Counts returns the number of entities of a repository by kind.
func (s *Service) Counts(ctx context.Context, repo string) (map[protocol.Kind]store.Count, error) {
	h, err := s.at(ctx, repo)
	if err != nil {
		return nil, err
	}
	return h.Lists.Counts(ctx, repo)
}

// Facets returns the most frequent values of some fields in a list of traces, at most limit
// of each.
func (s *Service) Facets(ctx context.Context, f store.Filter, fields []store.Field, limit int) (map[store.Field][]store.Facet, error) {
	h, err := s.at(ctx, f.Repo)
	if err != nil {
		return nil, err
	}
	return h.Lists.Facets(ctx, f, fields, limit)
}

// Rollups returns the sums of a time range by hour or day and model.
func (s *Service) Rollups(ctx context.Context, q store.RollupQuery) ([]store.Rollup, error) {
	h, err := s.at(ctx, q.Repo)
	if err != nil {
		return nil, err
	}
	return h.Lists.Rollups(ctx, q)
}

// Find returns entities whose id is prefix or begins with it, at most limit.
func (s *Service) Find(ctx context.Context, repo, prefix string, limit int) ([]fold.Entity, error) {
	h, err := s.at(ctx, repo)
	if err != nil {
		return nil, err
	}
	return h.Lists.Find(ctx, repo, prefix, limit)
}

// Filter returns a filter for the traces of a repository that match a query. Words and
// phrases match the traces with the newest hits of a text search, at most searchHits. It
// fails with store.ErrQuery if there are too many words.
func (s *Service) Filter(ctx context.Context, repo string, q query.Query) (store.Filter, error) {
	f := store.Filter{Repo: repo, Terms: q.Terms}
	// Without words, exclusions such as -draft have nothing to exclude from.
	if !q.Text() {
		return f, nil
	}
	f.Among = []fold.Key{} // not nil: no hit means no trace
	found, _, err := s.Search(ctx, store.SearchQuery{Repo: repo, Words: q.Words, Phrases: q.Phrases, Not: q.Not, Limit: searchHits})
	if err != nil {
		return f, err
	}
	seen := map[fold.Key]bool{}
	// Several hits may be in one trace.
	for _, p := range found {
		if key := fold.KeyOf(repo, p.Trace); p.Trace.Kind == protocol.Trace && !seen[key] {
			seen[key] = true
			f.Among = append(f.Among, key)
		}
	}
	return f, nil
}

// Histogram counts the traces of a filter in n equal parts of [f.From, f.To), which must both
// be set, and returns the length of a part. If the filter has a time range of days and no
// other condition, the counts come from roll-ups: all traces count, and parts are whole hours,
// so there may be fewer. Otherwise the newest store.MaxCounted traces count.
func (s *Service) Histogram(ctx context.Context, f store.Filter, n int) ([]store.Bar, time.Duration, error) {
	h, err := s.at(ctx, f.Repo)
	if err != nil {
		return nil, 0, err
	}
	width := f.To.Sub(f.From) / time.Duration(n)
	if len(f.Terms) > 0 || f.Among != nil || f.Session != (fold.Key{}) || width < time.Hour {
		found, err := h.Lists.Histogram(ctx, f, n)
		return found, width, err
	}
	// Roll-ups count by the hour, so bars must begin and end with whole hours.
	width = (width + time.Hour - 1).Truncate(time.Hour)
	from, to := f.From.UTC().Truncate(time.Hour), f.To.UTC().Add(time.Hour-1).Truncate(time.Hour)
	rollups, err := h.Lists.Rollups(ctx, store.RollupQuery{Repo: f.Repo, From: from, To: to})
	if err != nil {
		return nil, 0, err
	}
	var found []store.Bar
	for at := from; at.Before(to); at = at.Add(width) {
		found = append(found, store.Bar{From: at})
	}
	for _, r := range rollups {
		if i := int(r.Start.Sub(from) / width); r.Kind == protocol.Trace && i >= 0 && i < len(found) {
			found[i].Traces += r.Count
			found[i].Errors += r.Errors
		}
	}
	return found, width, nil
}
