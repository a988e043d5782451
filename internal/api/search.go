package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/query"
	"github.com/troupelog/troupe/internal/store"
)

// SearchHit is a line that a search found. Answers list them newest first. A line that was
// deleted since it was indexed is left out, so a page may be shorter than its limit.
type SearchHit struct {
	Line     uint64    `json:"line"` // its number in the repository
	Received time.Time `json:"received"`
	Kind     string    `json:"kind"` // kind of the entity that the line is about
	ID       string    `json:"id"`
	Name     string    `json:"name,omitempty"`
	Trace    string    `json:"trace,omitempty"`   // id of its trace
	Session  string    `json:"session,omitempty"` // id of its session, if it has no trace
	Field    string    `json:"field"`             // field with the first match
	Text     string    `json:"text"`              // text around the first match, at most 240 bytes
	Marks    [][2]int  `json:"marks"`             // byte ranges of the matches in Text
}

// searchLines answers a search for words, phrases and excluded words. Conditions are refused,
// as are queries without a word.
func (s *Server) searchLines(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := s.query(w, r)
	defer cancel()
	limit, err := count(r, "limit", 1, maxRows, defaultRows)
	if err != nil {
		return err
	}
	// A condition would filter traces, but the answer lists lines. Ignoring it would return
	// lines of traces that the reader has excluded.
	asked := query.Parse(r.URL.Query().Get("q"))
	if !asked.Text() || len(asked.Terms)+len(asked.Bad) > 0 {
		return badRequest("the parameter q must hold words or \"phrases\", and no conditions")
	}
	q := store.SearchQuery{Repo: r.PathValue("repo"), Words: asked.Words, Phrases: asked.Phrases, Not: asked.Not, Limit: int(limit)}
	if q.After, err = searchCursor(parameter(r, "cursor")); err != nil {
		return err
	}
	found, next, err := s.service.Search(ctx, q)
	if err != nil {
		return err
	}
	page := Page[SearchHit]{Data: []SearchHit{}}
	// Blocks are numbered from 1, so the zero Loc is no place.
	if next != (store.Loc{}) {
		page.Next = strconv.FormatInt(next.Block, 10) + "." + strconv.Itoa(next.Index)
	}
	for _, p := range found {
		hit := SearchHit{Line: p.Number, Received: p.Recv, Kind: p.Ref.Kind.String(), ID: p.Ref.ID, Name: p.Name, Field: p.Role, Text: p.Text, Marks: p.Marks}
		// An entity whose parents are unknown has neither a trace nor a session.
		switch p.Trace.Kind {
		case protocol.Trace:
			hit.Trace = p.Trace.ID
		case protocol.Session:
			hit.Session = p.Trace.ID
		}
		page.Data = append(page.Data, hit)
	}
	s.writeJSON(w, http.StatusOK, page)
	return nil
}

// searchCursor decodes the cursor of a page: the place of the last hit of the page before.
func searchCursor(text string) (store.Loc, error) {
	if text == "" {
		return store.Loc{}, nil
	}
	block, index, _ := strings.Cut(text, ".")
	b, err := strconv.ParseInt(block, 10, 64)
	i, err2 := strconv.Atoi(index)
	if err != nil || err2 != nil || b < 0 || i < 0 {
		return store.Loc{}, badRequest("the parameter cursor must be the next of the page before")
	}
	return store.Loc{Block: b, Index: i}, nil
}
