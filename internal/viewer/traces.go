package viewer

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/troupelog/troupe/internal/query"
	"github.com/troupelog/troupe/internal/store"
)

var tracesRoutes = []route{{"GET /traces", (*Viewer).traces}}

const (
	// pageRows is the number of traces on a page.
	pageRows = 50
	// facetValues limits the values offered for a field.
	facetValues = 8
	// bars is the number of bars in the histogram.
	bars = 60
)

// tracesData is the data of the list of traces.
type tracesData struct {
	Query     string
	Pieces    []queryPiece // the query, with its invalid parts marked
	Bad       []query.BadTerm
	From, To  string
	Sort      store.Sort
	Rows      []listRow
	Next      string
	First     bool
	Facets    []facetGroup
	Histogram []histogramBar
	Range     string
	Empty     bool         // the repository has no lines
	Wider     []widerQuery // where nothing matches
	Columns   []column
	Address   string
}

// queryPiece is a part of a query as it was typed.
type queryPiece struct {
	Text, Reason string // a reason if it is bad
}

// listRow is a trace in the list.
type listRow struct {
	store.Row
	Status, Name, Took, Address, SessionID string
	Ref                                    string // as in refString
	Tags                                   []pair
}

// widerQuery is a query without one of its conditions.
type widerQuery struct{ Without, Href, Found string }

// facetGroup is values of a field, each a link.
type facetGroup struct {
	Name   string
	Values []facetValue
}

type facetValue struct {
	Text, Href string
	Traces     int
	On         bool
}

// histogramBar is a part of the histogram.
type histogramBar struct {
	X, Height, Errors int
	Href, Label       string
}

func (v *Viewer) traces(w http.ResponseWriter, r *http.Request) error {
	r, repo, cancel, err := v.ready(r)
	if err != nil {
		return err
	}
	defer cancel()
	now := time.Now()
	values := r.URL.Query()
	text := values.Get("q")
	parsed := query.Parse(text)
	d := &tracesData{
		Query: text, Bad: parsed.Bad, Pieces: pieces(text, parsed.Bad), From: values.Get("from"), To: values.Get("to"),
		Sort: sortOf(values.Get("sort")), First: values.Get("after") == "",
	}
	if d.Empty, err = v.unknown(r, repo); err != nil {
		return err
	}
	d.Address = v.service.Address()
	q := store.RowQuery{Sort: d.Sort, Limit: pageRows + 1, After: placeOf(values.Get("after"))}
	if q.Filter, err = v.service.Filter(r.Context(), repo, parsed); err != nil {
		return err
	}
	q.From, _ = query.Time(d.From, now) // other texts mean no limit
	q.To, _ = query.Time(d.To, now)
	switch d.Sort {
	case store.Newest:
	case store.Oldest, store.Slowest, store.Costliest:
		if q.From.IsZero() {
			q.From = time.Unix(0, 0)
		}
	default:
		d.Sort, q.Sort = store.Newest, store.Newest
	}
	if err := v.fillRows(r, d, q, now); err != nil {
		return err
	}
	if err := v.fillFacets(r, d, q.Filter, parsed, now); err != nil {
		return err
	}
	if len(d.Rows) == 0 {
		if err := v.fillWider(r, d, q, parsed); err != nil {
			return err
		}
	}
	d.Columns = prefsOf(r).columns()
	return v.render(w, r, "traces", &page{Title: "Traces", Nav: "traces", Help: "lists", Data: d})
}

// sortOf returns the order in a parameter, which old links give by the former name of Costliest.
func sortOf(text string) store.Sort {
	if text == "dearest" {
		return store.Costliest
	}
	return store.Sort(text)
}

// unknown reports whether nothing was logged to a repository.
func (v *Viewer) unknown(r *http.Request, repo string) (bool, error) {
	repos, err := v.service.Repositories(r.Context())
	for _, known := range repos {
		if known.ID == repo {
			return false, err
		}
	}
	return true, err
}

func (v *Viewer) fillRows(r *http.Request, d *tracesData, q store.RowQuery, now time.Time) error {
	rows, err := v.service.Rows(r.Context(), q)
	if errors.Is(err, store.ErrTerm) {
		d.Bad = append(d.Bad, query.BadTerm{Reason: err.Error()})
		return nil
	}
	if err != nil {
		return err
	}
	if len(rows) > pageRows {
		rows = rows[:pageRows]
		d.Next = placeText(rows[pageRows-1].Place)
	}
	for _, row := range rows {
		d.Rows = append(d.Rows, newListRow(row, now))
	}
	return nil
}

func newListRow(row store.Row, now time.Time) listRow {
	e := row.Entity
	shown := listRow{Row: row, Status: e.Status(), Name: named(e.Name, e.Ref.ID), Took: took(&e, now), SessionID: e.SessionID, Address: "/trace/" + url.PathEscape(e.Ref.ID), Ref: refString(e.Ref)}
	for name, value := range sortedPairs(e.Tags) {
		if len(shown.Tags) < 4 {
			shown.Tags = append(shown.Tags, pair{name, value})
		}
	}
	return shown
}

// facetFields are the fields whose values are offered.
var facetFields = []store.Field{store.FieldStatus, store.FieldModel, store.FieldTool, store.FieldTag}

// fillFacets fills in the facets and the histogram of the list.
func (v *Viewer) fillFacets(r *http.Request, d *tracesData, f store.Filter, q query.Query, now time.Time) error {
	if d.Empty {
		return nil
	}
	p := &page{Here: r.URL}
	found, err := v.service.Facets(r.Context(), f, facetFields, facetValues)
	if errors.Is(err, store.ErrTerm) {
		return nil // the list says so
	}
	if err != nil {
		return err
	}
	for _, field := range facetFields {
		group := facetGroup{Name: string(field)}
		for _, value := range found[field] {
			term := store.Term{Field: field, Key: value.Key, Op: store.Equal, Value: value.Value}
			narrowed := q.With(term)
			shown := facetValue{Text: value.Value, Traces: value.Traces, On: len(narrowed.Terms) == len(q.Terms)}
			if value.Key != "" {
				shown.Text = value.Key + "=" + value.Value
			}
			shown.Href = p.With("q", narrowed.String(), "after", "")
			group.Values = append(group.Values, shown)
		}
		if len(group.Values) > 0 {
			d.Facets = append(d.Facets, group)
		}
	}
	return v.fillHistogram(r, d, f, now)
}

func (v *Viewer) fillHistogram(r *http.Request, d *tracesData, f store.Filter, now time.Time) error {
	if f.To.IsZero() {
		f.To = now
	}
	if f.From.IsZero() || f.From.Equal(time.Unix(0, 0)) {
		f.From = f.To.Add(-7 * 24 * time.Hour)
	}
	d.Range = timestamp(f.From) + " to " + timestamp(f.To)
	if !f.From.Before(f.To) {
		return nil
	}
	found, width, err := v.service.Histogram(r.Context(), f, bars)
	if err != nil {
		return err
	}
	most := 1
	for _, b := range found {
		most = max(most, b.Traces)
	}
	p := &page{Here: r.URL}
	for i, b := range found {
		d.Histogram = append(d.Histogram, histogramBar{
			X: i * 10, Height: (b.Traces*40 + most - 1) / most, Errors: (b.Errors*40 + most - 1) / most,
			Href:  p.With("from", b.From.UTC().Format(time.RFC3339), "to", b.From.Add(width).UTC().Format(time.RFC3339), "after", ""),
			Label: fmt.Sprintf("%s: %s, %s", timestamp(b.From), plural(b.Traces, "trace"), plural(b.Errors, "error")),
		})
	}
	return nil
}

// pieces splits a query into its valid and invalid parts.
func pieces(text string, bad []query.BadTerm) []queryPiece {
	var all []queryPiece
	at := 0
	for _, b := range bad {
		if b.From < at || b.To > len(text) {
			continue
		}
		if b.From > at {
			all = append(all, queryPiece{Text: text[at:b.From]})
		}
		all = append(all, queryPiece{text[b.From:b.To], b.Reason})
		at = b.To
	}
	if at < len(text) {
		all = append(all, queryPiece{Text: text[at:]})
	}
	return all
}

// mostWider is how many wider queries are tried, and widerRows how many of their traces are
// counted.
const mostWider, widerRows = 5, 100

// fillWider fills in the traces that would match without one of the conditions.
func (v *Viewer) fillWider(r *http.Request, d *tracesData, q store.RowQuery, parsed query.Query) error {
	p := &page{Here: r.URL}
	q.After, q.Limit, q.Sort = store.Place{}, widerRows, store.Newest
	for _, w := range wider(parsed)[:min(mostWider, len(wider(parsed)))] {
		f, err := v.service.Filter(r.Context(), q.Repo, w.query)
		if err != nil {
			return err
		}
		q.Terms, q.Among = f.Terms, f.Among
		rows, err := v.service.Rows(r.Context(), q)
		if errors.Is(err, store.ErrTerm) {
			continue // the list says so
		}
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			found := plural(len(rows), "trace")
			if len(rows) == widerRows {
				found = count(widerRows) + " traces or more"
			}
			d.Wider = append(d.Wider, widerQuery{w.without, p.With("q", w.query.String(), "after", ""), found})
		}
	}
	return nil
}

// less is a query without a condition.
type less struct {
	without string
	query   query.Query
}

// wider returns a query without each of its conditions.
func wider(q query.Query) []less {
	var all []less
	for i := range q.Terms {
		w, only := q, query.Query{Terms: q.Terms[i : i+1]}
		w.Terms = slices.Concat(q.Terms[:i], q.Terms[i+1:])
		all = append(all, less{only.String(), w})
	}
	if q.Text() {
		w, only := q, q
		w.Words, w.Phrases, w.Not = nil, nil, nil
		only.Terms = nil
		all = append(all, less{only.String(), w})
	}
	return all
}

// placeText is the place of a row as a parameter, and placeOf its inverse.
func placeText(p store.Place) string {
	return strconv.FormatInt(p.By, 36) + "." + base64.RawURLEncoding.EncodeToString(p.Key[:])
}

func placeOf(text string) (p store.Place) {
	var key string
	for i := range len(text) {
		if text[i] == '.' {
			by, err := strconv.ParseInt(text[:i], 36, 64)
			if err != nil {
				return store.Place{}
			}
			p.By, key = by, text[i+1:]
			break
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil || len(raw) != len(p.Key) {
		return store.Place{}
	}
	copy(p.Key[:], raw)
	return p
}
