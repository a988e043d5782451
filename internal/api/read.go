package api

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/service"
	"github.com/troupelog/troupe/internal/store"
)

// Rows of a page and lines of an answer: default and limit.
const (
	defaultRows, maxRows   = 50, 500
	defaultLines, maxLines = 1000, 100_000
)

// HeaderBehind is set to true in an answer that may miss lines which were acknowledged before
// its request, because the index did not catch up within service.WaitTime.
const HeaderBehind = "X-Troupe-Behind"

// query waits until the index of the repository has caught up, and returns the context for
// the query itself.
func (s *Server) query(w http.ResponseWriter, r *http.Request) (context.Context, context.CancelFunc) {
	if s.service.Wait(r.Context(), r.PathValue("repo")) {
		w.Header().Set(HeaderBehind, "true")
	}
	return context.WithTimeout(r.Context(), service.QueryTime)
}

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
	for _, kind := range fold.Kinds() {
		stats.Entities[kind.String()] = counts[kind].Entities
		stats.Open += counts[kind].Open
	}
	for _, known := range repos {
		if known.ID == repo {
			stats.Lines = known.Lines
		}
	}
	s.writeJSON(w, http.StatusOK, stats)
	return nil
}

// list returns a page of rows and the cursor of the next page, "" on the last one.
func (s *Server) list(ctx context.Context, r *http.Request, q store.Query) ([]store.Row, string, error) {
	limit, err := count(r, "limit", 1, maxRows, defaultRows)
	if err != nil {
		return nil, "", err
	}
	if q.After, err = decodeCursor(parameter(r, "cursor")); err != nil {
		return nil, "", err
	}
	q.Repo, q.Limit = r.PathValue("repo"), int(limit)+1 // one more row shows that there is a next page
	rows, err := s.service.List(ctx, q)
	if err != nil || len(rows) < q.Limit {
		return rows, "", err
	}
	rows = rows[:limit]
	return rows, encodeCursor(rows[limit-1].Position), nil
}

func (s *Server) listTraces(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := s.query(w, r)
	defer cancel()
	rows, next, err := s.list(ctx, r, store.Query{Kind: fold.Trace})
	if err != nil {
		return err
	}
	s.writeJSON(w, http.StatusOK, Page[TraceSummary]{traceSummaries(rows), next})
	return nil
}

func (s *Server) listSessions(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := s.query(w, r)
	defer cancel()
	rows, next, err := s.list(ctx, r, store.Query{Kind: fold.Session})
	if err != nil {
		return err
	}
	page := Page[SessionSummary]{[]SessionSummary{}, next}
	for _, row := range rows {
		e := row.Entity
		page.Data = append(page.Data, SessionSummary{
			ID: e.Ref.ID, Name: e.Name, Status: e.Status(), Start: e.Start, End: e.End,
			DurationMS: e.DurationMS(), SkewMS: e.SkewMS(), Tags: e.Tags, Traces: row.Children,
		})
	}
	s.writeJSON(w, http.StatusOK, page)
	return nil
}

func traceSummaries(rows []store.Row) []TraceSummary {
	summaries := make([]TraceSummary, 0, len(rows))
	for _, row := range rows {
		e := row.Entity
		summaries = append(summaries, TraceSummary{
			ID: e.Ref.ID, Name: e.Name, SessionID: e.SessionID, Status: e.Status(), Start: e.Start, End: e.End,
			DurationMS: e.DurationMS(), SkewMS: e.SkewMS(), Tags: e.Tags, Usage: row.Usage, Cost: row.Cost,
			Entities: row.Children, Errors: row.Errors,
		})
	}
	return summaries
}

// tree returns the tree of the entity that the path names.
func (s *Server) tree(ctx context.Context, r *http.Request, kind fold.Kind) (*Node, Totals, error) {
	return s.service.Tree(ctx, r.PathValue("repo"), fold.Ref{Kind: kind, ID: r.PathValue("id")})
}

func (s *Server) trace(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := s.query(w, r)
	defer cancel()
	node, totals, err := s.tree(ctx, r, fold.Trace)
	if err != nil {
		return err
	}
	s.writeJSON(w, http.StatusOK, Trace{*node, totals})
	return nil
}

func (s *Server) session(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := s.query(w, r)
	defer cancel()
	node, _, err := s.tree(ctx, r, fold.Session)
	if err != nil {
		return err
	}
	key := fold.KeyOf(r.PathValue("repo"), fold.Ref{Kind: fold.Session, ID: node.ID})
	rows, next, err := s.list(ctx, r, store.Query{Kind: fold.Trace, Session: key})
	if err != nil {
		return err
	}
	s.writeJSON(w, http.StatusOK, Session{*node, traceSummaries(rows), next})
	return nil
}

// lines answers with stored lines, one JSON object in each line of the answer.
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

func storedLine(l store.Numbered) StoredLine {
	s := StoredLine{Seq: l.Number, Line: string(l.Text)}
	if !utf8.Valid(l.Text) {
		s.Line, s.LineBase64 = strings.ToValidUTF8(s.Line, "\uFFFD"), l.Text
	}
	return s
}

// encodeCursor returns the cursor for a position: 8 bytes of microseconds and the key.
func encodeCursor(p store.Position) string {
	buf := binary.BigEndian.AppendUint64(nil, uint64(p.At.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(buf, p.Key[:]...))
}

func decodeCursor(s string) (p store.Position, err error) {
	if s == "" {
		return p, nil
	}
	buf, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(buf) != 8+len(p.Key) {
		return p, badRequest("the parameter cursor must be the next of the page before")
	}
	p.At = time.UnixMicro(int64(binary.BigEndian.Uint64(buf))).UTC()
	p.Key = fold.Key(buf[8:])
	return p, nil
}
