package viewer

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/conversation"
	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/internal/viewer/text"
)

var sessionRoutes = []route{
	{"GET /session/{id}", (*Viewer).session},
	{"GET /sessions", (*Viewer).sessions},
}

const (
	// sessionTraces limits the traces of a session on one page.
	sessionTraces = 20
	// turnBytes limits the text shown for one turn, in bytes.
	turnBytes = 4 << 10
	// longPause is the time between two turns that is worth a remark.
	longPause = 5 * time.Minute
)

// sessionData is the data of the page of a session.
type sessionData struct {
	ID, Name, Status string
	Start            time.Time
	Tags             []pair
	Turns            []sessionTurn
	Next             string
	First, Last      bool // the page begins with the first turn, or ends with the newest
}

// sessionTurn is a trace of a session, as a part of a conversation.
type sessionTurn struct {
	Number                int // on the page
	Trace, Name           string
	Status, Took          string
	Start                 time.Time
	Said                  []exchange
	Tokens                int64
	Cost                  string
	Tools, Failed, Errors int
	Pause                 string // how long nothing happened before
	TooLarge              bool
}

// exchange is a user's message and the answer to it.
type exchange struct {
	User, Answer text.Cut
	Tools        []conversation.ToolUse
	Faults       []conversation.Fault
}

func (v *Viewer) session(w http.ResponseWriter, r *http.Request) error {
	r, repo, cancel, err := v.ready(r)
	if err != nil {
		return err
	}
	defer cancel()
	ref := fold.Ref{Kind: fold.Session, ID: r.PathValue("id")}
	key := fold.KeyOf(repo, ref)
	e, err := v.service.Entity(r.Context(), repo, ref)
	if err != nil {
		return err
	}
	after, last := r.URL.Query().Get("after"), r.URL.Query().Get("last") == "1"
	d := &sessionData{Last: last, ID: e.Ref.ID, Name: named(e.Name, e.Ref.ID), Status: e.Status(), Start: begin(&e), First: after == "" && !last}
	for name, value := range sortedPairs(e.Tags) {
		d.Tags = append(d.Tags, pair{name, value})
	}
	q := store.RowQuery{
		Filter: store.Filter{Repo: repo, Session: key, From: time.Unix(0, 0)}, Sort: store.Oldest, After: placeOf(after), Limit: sessionTraces + 1,
	}
	if last {
		q.Sort, q.After = store.Newest, store.Place{}
	}
	rows, err := v.service.Rows(r.Context(), q)
	if err != nil {
		return err
	}
	if len(rows) > sessionTraces {
		rows = rows[:sessionTraces]
		if !last {
			d.Next = placeText(rows[sessionTraces-1].Place)
		}
	}
	if last {
		slices.Reverse(rows)
	}
	var before time.Time
	for i, row := range rows {
		turn, err := v.turn(r, repo, row)
		if err != nil {
			return err
		}
		turn.Number = i + 1
		if pause := turn.Start.Sub(before); !before.IsZero() && pause > longPause {
			turn.Pause = duration(pause)
		}
		if before = row.Entity.End; before.IsZero() {
			before = turn.Start
		}
		d.Turns = append(d.Turns, *turn)
	}
	return v.render(w, r, "session", &page{Title: d.Status + " · " + d.Name, Nav: "sessions", Help: "lists", Data: d})
}

// turn returns a trace as a part of a conversation.
func (v *Viewer) turn(r *http.Request, repo string, row store.Row) (*sessionTurn, error) {
	e := row.Entity
	turn := &sessionTurn{
		Trace: "/trace/" + url.PathEscape(e.Ref.ID), Name: named(e.Name, e.Ref.ID), Status: e.Status(), Took: took(&e, time.Now()), Start: begin(&e),
		Tokens: row.Usage.Total, Cost: cost(row.Cost.Total, row.Unpriced), Tools: row.Tools, Errors: row.Errors,
	}
	n, _, err := v.service.Tree(r.Context(), repo, e.Ref)
	if errors.Is(err, store.ErrTooLarge) {
		turn.TooLarge = true
		turn.Said = []exchange{{User: text.Plain(e.First, turnBytes), Answer: text.Plain(e.Last, turnBytes)}}
		return turn, nil
	}
	if err != nil {
		return nil, err
	}
	for _, t := range conversation.Turns(n) {
		for _, tool := range t.Tools {
			turn.Failed += tool.Failed
		}
		turn.Said = append(turn.Said, exchange{text.Plain(t.User, turnBytes), text.Plain(t.Answer, turnBytes), t.Tools, t.Faults})
	}
	return turn, nil
}

// sessionsData is the data of the list of sessions.
type sessionsData struct {
	Rows  []sessionRow
	Next  string
	First bool
}

type sessionRow struct {
	Address, Name, Status, Took string
	Start                       time.Time
	Traces                      int
	Tags                        []pair
}

func (v *Viewer) sessions(w http.ResponseWriter, r *http.Request) error {
	r, repo, cancel, err := v.ready(r)
	if err != nil {
		return err
	}
	defer cancel()
	q := store.RowQuery{Filter: store.Filter{Repo: repo}, Kind: fold.Session, Limit: pageRows + 1, After: placeOf(r.URL.Query().Get("after"))}
	rows, err := v.service.Rows(r.Context(), q)
	if err != nil {
		return err
	}
	d := &sessionsData{First: q.After == (store.Place{})}
	if len(rows) > pageRows {
		rows = rows[:pageRows]
		d.Next = placeText(rows[pageRows-1].Place)
	}
	now := time.Now()
	for _, row := range rows {
		e := row.Entity
		shown := sessionRow{
			Address: "/session/" + url.PathEscape(e.Ref.ID), Name: named(e.Name, e.Ref.ID), Status: e.Status(), Took: took(&e, now), Start: begin(&e), Traces: row.Entities,
		}
		for name, value := range sortedPairs(e.Tags) {
			shown.Tags = append(shown.Tags, pair{name, value})
		}
		d.Rows = append(d.Rows, shown)
	}
	return v.render(w, r, "sessions", &page{Title: "Sessions", Nav: "sessions", Help: "lists", Data: d})
}
