package viewer

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/internal/service"
	"github.com/troupelog/troupe/internal/store"
)

var liveRoutes = []route{
	{"GET /live", (*Viewer).live},
	{"GET /events", (*Viewer).events},
}

const (
	// mostStreams limits the readers that follow at the same time.
	mostStreams = 64
	// streamPause is the minimum time between two polls for changes.
	streamPause = 500 * time.Millisecond
	// heartbeat is the interval of the comments that keep an idle stream open.
	heartbeat = 15 * time.Second
	// streamWrite is the deadline of one write to a reader.
	streamWrite = 10 * time.Second
	// followed is the number of newest traces that are followed.
	followed = 50
)

// LiveTrace is a trace as the stream of /events has it: each time that one changes, as
// the data of an event "trace", whose id is the number of the look.
type LiveTrace struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	SessionID  string    `json:"session_id,omitempty"`
	Status     string    `json:"status"`
	Start      time.Time `json:"start,omitzero"`
	DurationMS float64   `json:"duration_ms"` // 0 while it is open
	Entities   int       `json:"entities"`
	Open       int       `json:"open"` // entities at work below it
	Tools      int       `json:"tools"`
	Errors     int       `json:"errors"`
	Tokens     int64     `json:"tokens"`
	Last       string    `json:"last,omitempty"` // the beginning of the last text
}

func newLiveTrace(row store.Row) LiveTrace {
	e := row.Entity
	return LiveTrace{
		ID: e.Ref.ID, Name: named(e.Name, e.Ref.ID), SessionID: e.SessionID, Status: e.Status(), Start: begin(&e), DurationMS: e.DurationMS(),
		Entities: row.Entities, Open: row.Open, Tools: row.Tools, Errors: row.Errors, Tokens: row.Usage.Total, Last: row.Last,
	}
}

// liveData is the data of the page as first loaded.
type liveData struct {
	Rows   []LiveTrace
	Events string
}

func (v *Viewer) live(w http.ResponseWriter, r *http.Request) error {
	r, repo, cancel, err := v.ready(r)
	if err != nil {
		return err
	}
	defer cancel()
	rows, err := v.newest(r.Context(), repo)
	if err != nil {
		return err
	}
	p := &page{Here: r.URL, Repo: repo}
	return v.render(w, r, "live", &page{Title: "Live", Nav: "live", Help: "live", Data: liveData{rows, p.Link("/events")}})
}

// openTraces are the conditions for traces that were started and have not ended.
var openTraces = []store.Term{{Field: store.FieldStatus, Op: store.Equal, Value: "open"}}

// newest returns the traces that are followed: those that are open, and the newest.
func (v *Viewer) newest(ctx context.Context, repo string) ([]LiveTrace, error) {
	ctx, cancel := context.WithTimeout(ctx, service.QueryTime)
	defer cancel()
	rows, err := v.service.Rows(ctx, store.RowQuery{Filter: store.Filter{Repo: repo}, Limit: followed})
	if err != nil {
		return nil, err
	}
	open, err := v.service.Rows(ctx, store.RowQuery{Filter: store.Filter{Repo: repo, Terms: openTraces}, Limit: followed})
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var all []LiveTrace
	for _, row := range append(rows, open...) {
		if t := newLiveTrace(row); !seen[t.ID] {
			seen[t.ID] = true
			all = append(all, t)
		}
	}
	return all, nil
}

// streams are the readers that follow. Make them with newStreams.
type streams struct {
	open atomic.Int64

	mu    sync.Mutex
	ended chan struct{} // closed while nobody may follow; guarded by mu
}

func newStreams() *streams { return &streams{ended: make(chan struct{})} }

// end returns a channel that is closed when nobody may follow any more.
func (s *streams) end() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// Follow says whether readers may follow live, as they may at first. Those that do are cut
// off when they may not any more: a server that stops would wait for them in vain.
func (v *Viewer) Follow(allowed bool) {
	s := v.streams
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.ended:
		if allowed {
			s.ended = make(chan struct{})
		}
	default:
		if !allowed {
			close(s.ended)
		}
	}
}

// events tells a reader of every trace that changes, until it goes.
func (v *Viewer) events(w http.ResponseWriter, r *http.Request) error {
	repo, err := v.repo(r)
	if err != nil {
		return err
	}
	if v.streams.open.Add(1) > mostStreams {
		v.streams.open.Add(-1)
		return &problem{http.StatusServiceUnavailable, "too many live pages are open", "Close another window, or try again later."}
	}
	defer v.streams.open.Add(-1)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	ended := v.streams.end()
	go func() {
		select {
		case <-ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	changed, stop := v.service.Watch()
	defer stop()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	s := &stream{w: w, control: http.NewResponseController(w), told: map[string]LiveTrace{}}
	alive := time.NewTicker(heartbeat)
	defer alive.Stop()
	for look := 1; ; look++ {
		rows, err := v.newest(ctx, repo)
		if err == nil {
			err = s.tell(rows, look)
		}
		if err != nil {
			return nil //nolint:nilerr // the reader has gone, or comes again
		}
		if !waitForMore(ctx, changed, alive.C) {
			return nil
		}
	}
}

// waitForMore waits until something changed, for a moment at least; false when ctx ends.
func waitForMore(ctx context.Context, changed <-chan struct{}, alive <-chan time.Time) bool {
	select {
	case <-changed:
	case <-alive:
	case <-ctx.Done():
		return false
	}
	timer := time.NewTimer(streamPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// stream records the rows already sent to one reader.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	told    map[string]LiveTrace
}

// tell sends what differs from what the reader knows. A reader that is slower than
// streamWrite is cut off: it comes again and gets everything.
func (s *stream) tell(rows []LiveTrace, look int) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return err
	}
	current := make(map[string]LiveTrace, len(rows))
	for i := len(rows) - 1; i >= 0; i-- {
		row := rows[i]
		current[row.ID] = row
		if s.told[row.ID] == row {
			continue
		}
		data, err := json.Marshal(row)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(s.w, "event: trace\nid: %d\ndata: %s\n\n", look, data); err != nil {
			return err
		}
	}
	s.told = current
	if _, err := fmt.Fprint(s.w, ": alive\n\n"); err != nil {
		return err
	}
	return s.control.Flush()
}
