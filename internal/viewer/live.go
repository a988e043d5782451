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
	// streamPause is the least time between two queries of a stream.
	streamPause = 500 * time.Millisecond
	// heartbeat is the longest time between two writes, so that proxies keep the connection.
	heartbeat = 15 * time.Second
	// streamWrite limits the time of a write to a slow reader.
	streamWrite = 10 * time.Second
	// followed limits the newest traces, and the open ones, that a stream follows.
	followed = 50
)

// LiveTrace is a trace in the stream of /events. Each time it changes, it is the data of an event
// "trace", whose id counts the queries of the stream.
type LiveTrace struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	SessionID  string    `json:"session_id,omitempty"`
	Status     string    `json:"status"`
	Start      time.Time `json:"start,omitzero"`
	DurationMS float64   `json:"duration_ms"` // 0 while it is open
	Entities   int       `json:"entities"`
	Open       int       `json:"open"` // open entities below it
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

// liveData is the content of the page before the first event.
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

// newest returns the traces that are followed: the newest ones and the open ones, each once.
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

// streams keeps track of the readers that follow. Make it with newStreams.
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

// Follow allows or forbids live streams, which are allowed at first. Forbidding ends those that
// are open: a server that stops would wait for them in vain.
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

// events streams the traces that change to a reader, until the reader goes.
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
	s := &stream{w: w, control: http.NewResponseController(w), known: map[string]LiveTrace{}}
	alive := time.NewTicker(heartbeat)
	defer alive.Stop()
	for look := 1; ; look++ {
		rows, err := v.newest(ctx, repo)
		if err == nil {
			err = s.send(rows, look)
		}
		if err != nil {
			return nil //nolint:nilerr // the reader has gone, or comes again
		}
		if !waitForMore(ctx, changed, alive.C) {
			return nil
		}
	}
}

// waitForMore waits until something changed, but at least streamPause. It returns false when ctx
// ends.
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

// stream is the connection to one reader, with the traces as the reader knows them. It belongs to
// the goroutine of its request.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	known   map[string]LiveTrace
}

// send sends the traces that differ from those that the reader knows. A reader slower than
// streamWrite is disconnected; it connects again and gets all traces.
func (s *stream) send(rows []LiveTrace, look int) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return err
	}
	current := make(map[string]LiveTrace, len(rows))
	for i := len(rows) - 1; i >= 0; i-- {
		row := rows[i]
		current[row.ID] = row
		if s.known[row.ID] == row {
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
	s.known = current
	if _, err := fmt.Fprint(s.w, ": alive\n\n"); err != nil {
		return err
	}
	return s.control.Flush()
}
