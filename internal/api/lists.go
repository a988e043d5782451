package api

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/query"
	"github.com/troupelog/troupe/internal/store"
)

// Values of a field and bars of a histogram: default and limit.
const (
	defaultValues, maxValues = 8, 100
	defaultBars, maxBars     = 60, 500
)

// histogramRange is the time that a histogram without the parameter from shows.
const histogramRange = 7 * 24 * time.Hour

// facetFields are the fields whose values facets lists.
var facetFields = []store.Field{
	store.FieldStatus, store.FieldModel, store.FieldTool, store.FieldName, store.FieldTag, store.FieldSession, store.FieldHas,
}

// sorts maps the parameter sort to orders.
var sorts = map[string]store.Sort{
	"": store.Newest, "newest": store.Newest, "oldest": store.Oldest, "slowest": store.Slowest, "cost": store.Costliest,
}

// listTraces answers with a page of the traces that match the parameters.
func (s *Server) listTraces(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := s.query(w, r)
	defer cancel()
	rows, next, err := s.filtered(ctx, r, protocol.Trace)
	if err != nil {
		return err
	}
	s.writeJSON(w, http.StatusOK, Page[TraceSummary]{traceSummaries(rows), next})
	return nil
}

// listSessions answers with a page of the sessions that match the parameters.
func (s *Server) listSessions(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := s.query(w, r)
	defer cancel()
	rows, next, err := s.filtered(ctx, r, protocol.Session)
	if err != nil {
		return err
	}
	page := Page[SessionSummary]{[]SessionSummary{}, next}
	for _, row := range rows {
		e := row.Entity
		page.Data = append(page.Data, SessionSummary{
			ID: e.Ref.ID, Name: e.Name, Status: e.Status(), Start: e.Start, End: e.End,
			DurationMS: e.DurationMS(), SkewMS: e.SkewMS(), Tags: e.Tags, Traces: row.Entities,
		})
	}
	s.writeJSON(w, http.StatusOK, page)
	return nil
}

// traceSummaries converts rows. Errors counts entities of the kind error, as the totals of a tree
// do; pages also count failed model and tool calls.
func traceSummaries(rows []store.Row) []TraceSummary {
	summaries := make([]TraceSummary, 0, len(rows))
	for _, row := range rows {
		e := row.Entity
		summaries = append(summaries, TraceSummary{
			ID: e.Ref.ID, Name: e.Name, SessionID: e.SessionID, Status: e.Status(), Start: e.Start, End: e.End,
			DurationMS: e.DurationMS(), SkewMS: e.SkewMS(), Tags: e.Tags, Usage: row.Usage, Cost: row.Cost,
			Entities: row.Entities, Errors: row.ErrorEntities,
		})
	}
	return summaries
}

// facets answers with the most frequent values of the fields of matching traces.
func (s *Server) facets(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := s.query(w, r)
	defer cancel()
	limit, err := count(r, "limit", 1, maxValues, defaultValues)
	if err != nil {
		return err
	}
	f, err := s.filter(ctx, r, protocol.Trace, time.Now())
	if err != nil {
		return err
	}
	found, err := s.service.Facets(ctx, f, facetFields, int(limit))
	if err != nil {
		return err
	}
	page := Page[Facet]{Data: []Facet{}}
	for _, field := range facetFields {
		// Fields without a value are listed, too, so that readers find all fields.
		facet := Facet{Field: string(field), Values: []FacetValue{}}
		for _, v := range found[field] {
			facet.Values = append(facet.Values, FacetValue(v))
		}
		page.Data = append(page.Data, facet)
	}
	s.writeJSON(w, http.StatusOK, page)
	return nil
}

// histogram answers with the number of matching traces over time.
func (s *Server) histogram(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := s.query(w, r)
	defer cancel()
	bars, err := count(r, "bars", 1, maxBars, defaultBars)
	if err != nil {
		return err
	}
	// One time for both ends of the range.
	now := time.Now()
	f, err := s.filter(ctx, r, protocol.Trace, now)
	if err != nil {
		return err
	}
	if f.To.IsZero() {
		f.To = now
	}
	if f.From.IsZero() {
		f.From = f.To.Add(-histogramRange)
	}
	// An empty range is a mistake of the caller, not a histogram without bars.
	if !f.From.Before(f.To) {
		return badRequest("the parameter from must be before the parameter to")
	}
	found, width, err := s.service.Histogram(ctx, f, int(bars))
	if err != nil {
		return err
	}
	h := Histogram{Seconds: width.Seconds(), Data: []Bar{}}
	for _, b := range found {
		h.Data = append(h.Data, Bar{From: b.From.UTC(), Traces: b.Traces, Errors: b.Errors})
	}
	s.writeJSON(w, http.StatusOK, h)
	return nil
}

// filtered returns the page of rows that a request asks for, and the cursor of the next page,
// "" on the last one.
func (s *Server) filtered(ctx context.Context, r *http.Request, kind protocol.Kind) ([]store.Row, string, error) {
	q, err := listQuery(r, kind)
	if err != nil {
		return nil, "", err
	}
	if q.Filter, err = s.filter(ctx, r, kind, time.Now()); err != nil {
		return nil, "", err
	}
	var ok bool
	if q.Sort, ok = sorts[parameter(r, "sort")]; !ok {
		return nil, "", badRequest("the parameter sort must be newest, oldest, slowest or cost")
	}
	// Orders other than by newest need a lower bound.
	if q.Sort != store.Newest && q.From.IsZero() {
		q.From = time.Unix(0, 0)
	}
	return s.rows(ctx, q)
}

// listQuery returns the query for a page of a list without conditions.
func listQuery(r *http.Request, kind protocol.Kind) (q store.RowQuery, err error) {
	limit, err := count(r, "limit", 1, maxRows, defaultRows)
	if err != nil {
		return q, err
	}
	q = store.RowQuery{Filter: store.Filter{Repo: r.PathValue("repo")}, Kind: kind, Limit: int(limit)}
	q.After, err = decodeCursor(parameter(r, "cursor"))
	return q, err
}

// rows returns the rows of a page and the cursor of the next page, "" on the last one.
func (s *Server) rows(ctx context.Context, q store.RowQuery) ([]store.Row, string, error) {
	// The extra row is never shown: it may come again as the first of the next page.
	limit := q.Limit
	q.Limit++ // one more row shows that there is a next page
	rows, err := s.service.Rows(ctx, q)
	if err != nil || len(rows) <= limit {
		return rows, "", err
	}
	return rows[:limit], encodeCursor(rows[limit-1].Place), nil
}

// filter returns the conditions in the parameters q, from and to. The query must be understood
// whole: an answer to a part of it would mislead a program.
func (s *Server) filter(ctx context.Context, r *http.Request, kind protocol.Kind, now time.Time) (f store.Filter, err error) {
	asked := query.Parse(r.URL.Query().Get("q"))
	// Pages show which part they do not understand and list the rest. A program cannot see that.
	if len(asked.Bad) > 0 {
		return f, badRequest("the parameter q cannot be understood: " + asked.Bad[0].Reason)
	}
	// A text search finds traces. Sessions have no text.
	if kind == protocol.Session && asked.Text() {
		return f, badRequest("the parameter q must hold conditions only: sessions cannot be searched for words")
	}
	if f, err = s.service.Filter(ctx, r.PathValue("repo"), asked); err != nil {
		return f, err
	}
	if f.From, err = timeParameter(r, "from", now); err != nil {
		return f, err
	}
	f.To, err = timeParameter(r, "to", now)
	return f, err
}

// timeParameter returns a parameter that is a time: RFC 3339, a date in UTC, or an age such as
// 24h. It returns zero if the parameter is absent.
func timeParameter(r *http.Request, name string, now time.Time) (time.Time, error) {
	text := strings.ReplaceAll(parameter(r, name), " ", "+") // a + that was not escaped
	// An absent bound is no bound.
	if text == "" {
		return time.Time{}, nil
	}
	if t, ok := query.Time(text, now); ok {
		return t, nil
	}
	return time.Time{}, badRequest("the parameter " + name + " must be a time such as 2026-01-31T12:00:00Z, a date, or an age such as 24h")
}

// encodeCursor returns the cursor for the row behind a place: 8 bytes of the value sorted by,
// which is microseconds since 1970 unless the parameter sort says otherwise, and the key.
func encodeCursor(p store.Place) string {
	buf := binary.BigEndian.AppendUint64(nil, uint64(p.By))
	return base64.RawURLEncoding.EncodeToString(append(buf, p.Key[:]...))
}

// decodeCursor is the inverse of encodeCursor. "" is the first page. A cursor stays valid when rows
// are inserted or deleted, because it names a place and not a number of rows.
func decodeCursor(text string) (p store.Place, err error) {
	if text == "" {
		return p, nil
	}
	buf, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(buf) != 8+len(p.Key) {
		return p, badRequest("the parameter cursor must be the next of the page before")
	}
	return store.Place{By: int64(binary.BigEndian.Uint64(buf)), Key: fold.Key(buf[8:])}, nil
}
