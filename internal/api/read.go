package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/service"
	"github.com/troupelog/troupe/internal/store"
)

// Rows of a page and lines of an answer: default and limit.
const (
	defaultRows, maxRows   = 50, 500
	defaultLines, maxLines = 1000, 100_000
)

// query waits until the index of the repository has caught up, and returns the context for
// the query itself. An answer that may miss acknowledged lines has protocol.HeaderBehind.
func (s *Server) query(w http.ResponseWriter, r *http.Request) (context.Context, context.CancelFunc) {
	if s.service.Wait(r.Context(), r.PathValue("repo")) {
		w.Header().Set(protocol.HeaderBehind, "true")
	}
	return context.WithTimeout(r.Context(), service.QueryTime)
}

// listRepositories answers with all repositories. It reads the log alone, so it need not wait for
// the index.
func (s *Server) listRepositories(w http.ResponseWriter, r *http.Request) error {
	repos, err := s.service.Repositories(r.Context())
	if err != nil {
		return err
	}
	page := Page[Repository]{Data: []Repository{}}
	for _, repo := range repos {
		page.Data = append(page.Data, Repository(repo))
	}
	s.writeJSON(w, http.StatusOK, page)
	return nil
}

// stats answers with the counts of a repository. One that has no lines yet has zero counts: it is
// no error to ask early.
func (s *Server) stats(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := s.query(w, r)
	defer cancel()
	repo := r.PathValue("repo")
	counts, err := s.service.Counts(ctx, repo)
	if err != nil {
		return err
	}
	repos, err := s.service.Repositories(ctx)
	if err != nil {
		return err
	}
	stats := Stats{Entities: map[string]int{}}
	// All kinds are in the answer, so that readers need not check for missing ones.
	for _, kind := range protocol.Kinds() {
		stats.Entities[kind.String()] = counts[kind].Entities
		stats.Open += counts[kind].Open
	}
	// Lines that were dropped by retention count: the number never goes down.
	for _, known := range repos {
		if known.ID == repo {
			stats.Lines = known.Lines
		}
	}
	s.writeJSON(w, http.StatusOK, stats)
	return nil
}

// tree returns the tree of the entity that the path names.
func (s *Server) tree(ctx context.Context, r *http.Request, kind protocol.Kind) (*Node, Totals, error) {
	return s.service.Tree(ctx, r.PathValue("repo"), protocol.Ref{Kind: kind, ID: r.PathValue("id")})
}

// trace answers with a trace and the whole tree below it. The service refuses trees that would not
// fit into memory.
func (s *Server) trace(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := s.query(w, r)
	defer cancel()
	node, totals, err := s.tree(ctx, r, protocol.Trace)
	if err != nil {
		return err
	}
	s.writeJSON(w, http.StatusOK, Trace{*node, totals})
	return nil
}

// session answers with a session and a page of its traces. The parameters limit and cursor apply
// to that page; the node of the session comes with every page.
func (s *Server) session(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := s.query(w, r)
	defer cancel()
	node, _, err := s.tree(ctx, r, protocol.Session)
	if err != nil {
		return err
	}
	q, err := listQuery(r, protocol.Trace)
	if err != nil {
		return err
	}
	// The tree has no traces: a session may have thousands, which come in pages.
	q.Session = fold.KeyOf(q.Repo, protocol.Ref{Kind: protocol.Session, ID: node.ID})
	rows, next, err := s.rows(ctx, q)
	if err != nil {
		return err
	}
	s.writeJSON(w, http.StatusOK, Session{*node, traceSummaries(rows), next})
	return nil
}

// lines answers with stored lines, one JSON object in each line of the answer. It reads them in
// parts, each with its own time limit, so that a long answer neither fills the memory nor keeps
// a transaction open. It does not wait for the index: the log has all acknowledged lines.
func (s *Server) lines(w http.ResponseWriter, r *http.Request) error {
	after, err := count(r, "after", 0, 1<<62, 0)
	if err != nil {
		return err
	}
	limit, err := count(r, "limit", 1, maxLines, defaultLines)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for begun := false; limit > 0; begun = true {
		ctx, cancel := context.WithTimeout(r.Context(), service.QueryTime)
		some, err := s.service.Scan(ctx, r.PathValue("repo"), after, int(limit))
		cancel()
		if err != nil && !begun {
			return err
		}
		if err != nil {
			panic(http.ErrAbortHandler) // ends the connection: the answer must not look complete
		}
		if !begun {
			w.Header().Set("Content-Type", "application/x-ndjson")
		}
		if len(some) == 0 {
			return nil
		}
		for _, l := range some {
			if err := encoder.Encode(storedLine(l)); err != nil {
				return nil // the reader has gone
			}
			after, limit = l.Number, limit-1
		}
	}
	return nil
}

// storedLine converts a line to JSON without loss: JSON strings cannot hold invalid UTF-8.
func storedLine(l store.Numbered) StoredLine {
	s := StoredLine{Seq: l.Number, Line: string(l.Text)}
	if !utf8.Valid(l.Text) {
		s.Line, s.LineBase64 = strings.ToValidUTF8(s.Line, "\uFFFD"), l.Text
	}
	return s
}
