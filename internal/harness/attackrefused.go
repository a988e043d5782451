package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"time"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/harness/arrivals"
	"github.com/troupelog/troupe/internal/harness/chaos"
)

// pickyServer simulates a newer collector that refuses lines which an older client takes
// for good: it spoils them before a collector of today sees them. Its answer lists so many
// of the refused ones as listed says.
type pickyServer struct {
	inner  http.Handler
	listed int
}

// ServeHTTP implements http.Handler.
func (s *pickyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		s.inner.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	lines := bytes.Split(body, []byte{'\n'})
	for i, line := range lines {
		if spoiled(line) {
			lines[i] = []byte("refused")
		}
	}
	inner := r.Clone(r.Context())
	inner.Body = io.NopCloser(bytes.NewReader(bytes.Join(lines, []byte{'\n'})))
	inner.ContentLength = -1
	answer := httptest.NewRecorder()
	s.inner.ServeHTTP(answer, inner)
	for key, values := range answer.Header() {
		if key != "Accept-Encoding" && key != "Content-Length" { // bodies come as they are
			w.Header()[key] = values
		}
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(s.cut(answer.Body.Bytes())) //nolint:gosec // JSON for a logger, which may have gone
}

// cut shortens the list of refused lines in an answer.
func (s *pickyServer) cut(answer []byte) []byte {
	var said struct {
		Data collector.Ingested `json:"data"`
	}
	if json.Unmarshal(answer, &said) != nil || len(said.Data.Rejected) <= s.listed {
		return answer
	}
	said.Data.Rejected = said.Data.Rejected[:s.listed]
	text, err := json.Marshal(said)
	if err != nil {
		panic(err) // an answer has a JSON form
	}
	return text
}

// spoiled chooses about every tenth stamped line, always the same ones.
func spoiled(line []byte) bool {
	if !bytes.Contains(line, []byte(`"`+arrivals.TagKey+`":`)) {
		return false
	}
	h := fnv.New32a()
	_, _ = h.Write(line)
	return h.Sum32()%10 == 0
}

// refusedLines logs to servers that refuse lines inside a 200, and list all, some or none
// of them.
func (a *attackTrial) refusedLines() error {
	cases := map[string]int{"all-listed": 1 << 30, "three-listed": 3, "none-listed": 0}
	names := slices.Sorted(maps.Keys(cases))
	return a.each(len(names), func(i int, rnd *rand.Rand) error {
		if err := a.refused(names[i], cases[names[i]], rnd); err != nil {
			return fmt.Errorf("%s: %w", names[i], err)
		}
		return nil
	})
}

func (a *attackTrial) refused(name string, listed int, rnd *rand.Rand) (err error) {
	store, err := collector.New(collector.Config{Dir: filepath.Join(a.dir, "collector-"+name)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(context.WithoutCancel(a.ctx))) }()
	server, err := chaos.Start(&pickyServer{store, listed}, rnd)
	if err != nil {
		return err
	}
	defer server.Down()
	const parts = 8
	count := 400
	if a.short {
		count = 50
	}
	p, err := a.launch(job{
		URL: server.URL(), Spool: filepath.Join(a.dir, "spool-"+name), Name: name, FlushInterval: 50 * time.Millisecond,
		Sessions: parts, Streams: streams(parts, parts, streamJob{Size: 300, Count: count}),
	})
	if err != nil {
		return err
	}
	if err := p.awaitReady(); err != nil {
		p.kill()
		return err
	}
	if _, err := p.ask(cmdFinish, drainTime); err != nil {
		p.kill()
		return err
	}
	end, err := a.finish(p, drainTime)
	if err != nil {
		return err
	}
	tally := arrivals.NewTally()
	if err := stored(a.ctx, server.URL(), tally); err != nil {
		return err
	}
	if end.Stats.Dead > 0 && len(end.Errors) == 0 {
		a.miss("refused/%s: %d entries are dead, and OnError was not called", name, end.Stats.Dead)
	}
	a.add("refused/"+name, account(tally, end))
	return nil
}
