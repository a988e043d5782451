package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/harness/arrivals"
	"github.com/troupelog/troupe/internal/harness/chaos"
)

// answerCase is a way in which something between a program and its collector answers.
type answerCase struct {
	name     string
	mix      chaos.Mix
	inFlight int
	posts    int64 // at most so many may come while the case lasts; 0: any number
}

// answerCases: the first ones never let a request through while they last.
func answerCases() []answerCase {
	always := func(f chaos.Fault) chaos.Mix { return chaos.Mix{f: 1} }
	often := func(f chaos.Fault) chaos.Mix { return chaos.Mix{f: 0.3} }
	return []answerCase{
		{name: "portal", mix: always(chaos.Portal)},
		{name: "no-content", mix: always(chaos.NoContent)},
		{name: "empty", mix: always(chaos.Empty)},
		{name: "word", mix: always(chaos.Word)},
		{name: "null", mix: always(chaos.Null)},
		{name: "nothing-accepted", mix: always(chaos.NothingAccepted)},
		// The logger asks when it starts to send, and once more when it is closed.
		{name: "long-wait", mix: always(chaos.LongWait), posts: 3},
		{name: "portal-sometimes", mix: often(chaos.Portal)},
		{name: "error-member", mix: often(chaos.ErrorMember)},
		{name: "errors-member", mix: often(chaos.ErrorsMember)},
		{name: "too-large", mix: often(chaos.Large)},
		{name: "headless", mix: often(chaos.Headless), inFlight: 8},
		{name: "headless-and-cut", mix: chaos.Mix{chaos.Headless: 0.2, chaos.ResetAfter: 0.1, chaos.HalfAnswer: 0.1, chaos.Refuse: 0.1}, inFlight: 8},
		{name: "replay", mix: often(chaos.Replay), inFlight: 4},
		{name: "cut", mix: chaos.Mix{chaos.ResetAfter: 0.3, chaos.HalfAnswer: 0.3}},
	}
}

// answers logs to a collector behind a proxy that lies, closes the logger while it does,
// and lets the next process deliver the rest through a proxy that is honest again.
func (a *attackTrial) answers() error {
	lasting := 8 * time.Second
	if a.short {
		lasting = 2 * time.Second
	}
	cases := answerCases()
	return a.each(len(cases), func(i int, rnd *rand.Rand) error {
		if err := a.answer(cases[i], rnd, lasting); err != nil {
			return fmt.Errorf("%s: %w", cases[i].name, err)
		}
		return nil
	})
}

func (a *attackTrial) answer(c answerCase, rnd *rand.Rand, lasting time.Duration) (err error) {
	store, err := collector.New(collector.Config{Dir: filepath.Join(a.dir, "collector-"+c.name)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(context.WithoutCancel(a.ctx))) }()
	server, err := chaos.Start(store, rnd)
	if err != nil {
		return err
	}
	defer server.Down()
	server.Inject(c.mix)

	const parts = 8
	j := job{
		URL: server.URL(), Spool: filepath.Join(a.dir, "spool-"+c.name), Name: c.name, FlushInterval: 5 * time.Millisecond,
		InFlight: c.inFlight, Sessions: parts, Streams: streams(parts, parts, streamJob{Size: 300, Rate: 250}),
	}
	first, err := a.under(j, lasting)
	if err != nil {
		return err
	}
	if posts := server.Count().Posts; c.posts > 0 && posts > c.posts {
		a.miss("%s: %d posts while the server asks to wait, want at most %d", c.name, posts, c.posts)
	}
	if c.mix[chaos.LongWait] == 1 {
		a.note("posts_against_wait", server.Count().Posts)
	}
	server.Inject(nil)
	j.Name += "next"
	j.Sessions, j.Streams = 0, nil
	p, err := a.launch(j)
	if err != nil {
		return err
	}
	if err := p.awaitReady(); err != nil {
		p.kill()
		return err
	}
	next, err := a.finish(p, drainTime)
	if err != nil {
		return err
	}
	tally := arrivals.NewTally()
	if err := stored(a.ctx, server.URL(), tally); err != nil {
		return err
	}
	o := account(tally, first, next)
	if c.inFlight > 1 {
		// Batches that overtake one another are stored as they come; their numbers order them,
		// and readers see that order.
		o.doubled -= tally.Count().Disorder
	}
	if o.dead == 0 {
		if err := a.shown(server.URL(), first); err != nil {
			return err
		}
	}
	a.add("answers/"+c.name, o)
	return nil
}

// shown checks that a reader sees the newest entry of each session, not an older state.
func (a *attackTrial) shown(url string, r report) error {
	for stream, count := range r.Streams {
		at := strings.LastIndexByte(stream, 'p') // there is a stream for each session
		session := stream[:at] + "s" + stream[at+1:]
		text, err := fetched(a.ctx, url+"/api/v1/repositories/"+repository+"/sessions/"+session)
		if err != nil {
			return err
		}
		var entity struct{ Tags map[string]string }
		if err := json.Unmarshal(text, &entity); err != nil {
			return fmt.Errorf("session %s: %w", session, err)
		}
		stamp, err := arrivals.ParseStamp(session, entity.Tags[arrivals.TagKey])
		if err != nil || stamp.Index != count-1 {
			a.miss("session %s shows entry %d of %d: %v", session, stamp.Index, count, err)
		}
	}
	return nil
}

// under logs for a while under the faults of a case, flushes in vain and closes.
func (a *attackTrial) under(j job, lasting time.Duration) (report, error) {
	p, err := a.launch(j)
	if err != nil {
		return report{}, err
	}
	if err := errors.Join(p.awaitReady(), pause(a.ctx, lasting)); err != nil {
		p.kill()
		return report{}, err
	}
	for _, command := range []string{cmdStop, cmdFlush} {
		if _, err := p.ask(command, 2*time.Second); err != nil {
			p.kill()
			return report{}, err
		}
	}
	end, err := p.ask(cmdClose, 3*time.Second)
	if err != nil {
		p.kill()
		return report{}, err
	}
	return end, errors.Join(p.end(), a.crash(p))
}
