package viewer

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/query"
	"github.com/troupelog/troupe/internal/service"
	"github.com/troupelog/troupe/internal/store"
)

var searchRoutes = []route{{"GET /search", (*Viewer).search}}

// searchData is the data of the search page.
type searchData struct {
	Query      string
	Pieces     []queryPiece
	Bad        []query.BadTerm
	Groups     []hitGroup
	Hits       int
	Next       string
	Asked      bool
	Behind     int64
	SearchedTo time.Time
	Wider      string
}

// hitGroup is the hits in one trace or session.
type hitGroup struct {
	Address, Kind, ID string
	Hits              []service.Passage
}

func (v *Viewer) search(w http.ResponseWriter, r *http.Request) error {
	r, repo, cancel, err := v.ready(r)
	if err != nil {
		return err
	}
	defer cancel()
	asked := r.URL.Query().Get("q")
	parsed := query.Parse(asked)
	d := &searchData{Query: asked, Bad: parsed.Bad, Pieces: pieces(asked, parsed.Bad), Asked: parsed.Text()}
	a := v.service.About(r.Context())
	d.Behind, d.SearchedTo = a.Unsearched, a.SearchedTo
	if d.Asked {
		if err := v.find(r, repo, parsed, d); err != nil {
			return err
		}
	}
	if d.Hits == 0 {
		if n := len(parsed.Words); n > 1 {
			d.Wider = query.Query{Words: parsed.Words[:n-1], Phrases: parsed.Phrases, Not: parsed.Not}.String()
		}
	}
	return v.render(w, r, "search", &page{Title: "Search", Nav: "search", Help: "search", Data: d})
}

// find fills in the hits, grouped by the trace that they are in. Terms narrow the traces.
func (v *Viewer) find(r *http.Request, repo string, parsed query.Query, d *searchData) error {
	q := store.SearchQuery{Repo: repo, Words: parsed.Words, Phrases: parsed.Phrases, Not: parsed.Not, After: locOf(r.URL.Query().Get("after")), Limit: pageRows}
	passages, next, err := v.service.Search(r.Context(), q)
	if err != nil {
		return err
	}
	if next != (store.Loc{}) {
		d.Next = strconv.FormatInt(next.Block, 10) + "." + strconv.Itoa(next.Index)
	}
	wanted, err := v.narrowed(r, repo, parsed, passages)
	if err != nil {
		return err
	}
	groups := map[fold.Ref]int{}
	for _, p := range passages {
		if wanted != nil && !wanted[fold.KeyOf(repo, p.Trace)] {
			continue
		}
		at, ok := groups[p.Trace]
		if !ok {
			at = len(d.Groups)
			groups[p.Trace] = at
			group := hitGroup{Address: "/traces", Kind: "no trace", ID: p.Trace.ID}
			if p.Trace.Kind != fold.Unknown {
				group.Kind, group.Address = kindName(p.Trace.Kind), "/"+p.Trace.Kind.String()+"/"+url.PathEscape(p.Trace.ID)
			}
			d.Groups = append(d.Groups, group)
		}
		d.Groups[at].Hits = append(d.Groups[at].Hits, p)
		d.Hits++
	}
	return nil
}

// narrowed returns the traces of passages that meet the terms of a query, nil if it has
// none.
func (v *Viewer) narrowed(r *http.Request, repo string, parsed query.Query, passages []service.Passage) (map[fold.Key]bool, error) {
	if len(parsed.Terms) == 0 {
		return nil, nil
	}
	keys := []fold.Key{}
	for _, p := range passages {
		keys = append(keys, fold.KeyOf(repo, p.Trace))
	}
	rows, err := v.service.Rows(r.Context(), store.RowQuery{Filter: store.Filter{Repo: repo, Terms: parsed.Terms, Among: keys}, Limit: len(keys) + 1})
	wanted := map[fold.Key]bool{}
	for _, row := range rows {
		wanted[row.Entity.Key] = true
	}
	return wanted, err
}

// locOf reads the place of a hit as the parameter after has it.
func locOf(text string) store.Loc {
	block, index, _ := strings.Cut(text, ".")
	b, err := strconv.ParseInt(block, 10, 64)
	i, err2 := strconv.Atoi(index)
	if err != nil || err2 != nil || b < 0 || i < 0 {
		return store.Loc{}
	}
	return store.Loc{Block: b, Index: i}
}
