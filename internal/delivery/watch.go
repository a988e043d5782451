package delivery

import (
	"context"
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/spool/seglog"
)

// The stages that are watched.
const (
	stageSend   = "send"
	stageUpload = "upload"
	stageCommit = "commit"
)

// How long a stage may be at one thing. An upload is given the time that the largest
// attachment takes at 64 KiB a second.
const (
	watchEvery   = 5 * time.Second
	sendBudget   = 2 * time.Minute
	uploadBudget = 30 * time.Minute
	commitBudget = 30 * time.Second
)

// episode is a time in which a stage makes no progress.
type episode struct {
	since time.Time
	told  bool
}

// progress is how far a log has come.
type progress struct {
	written uint64
	at      time.Time // when it was first seen there
}

// watch reports stages that make no progress, until ctx ends, and has the blobs of what
// was dropped removed.
func (s *Sink) watch(ctx context.Context) {
	var logs [2]progress
	tidy := time.Now()
	for ctx.Err() == nil {
		sleep(ctx, watchEvery, nil)
		if time.Since(tidy) >= tidyEvery {
			tidy = time.Now()
			s.own.untidy()
		}
		s.watched(stageSend, s.own.sending(), sendBudget)
		s.watched(stageUpload, s.own.uploading.begun(), uploadBudget)
		for i, log := range []*seglog.Log{s.own.spool.Lines, s.own.spool.Uploads} {
			logs[i].look(log.State())
		}
		if !inMemory(s.own.spool) {
			s.watched(stageCommit, earlier(logs[0].at, logs[1].at), commitBudget)
		}
	}
}

// look notes since when there is something to write and nothing is written; a full
// disk is no such time, and one that fails says so itself.
func (p *progress) look(state seglog.State) {
	switch {
	case state.Appended <= max(state.Written, state.Durable), state.Full, state.Err != nil:
		p.at = time.Time{}
	case p.at.IsZero() || p.written != state.Written:
		p.at = time.Now()
	}
	p.written = state.Written
}

// earlier returns the earlier of two times; zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// watched judges a stage that is at one thing since a time; zero is at nothing. A stall
// is reported once.
func (s *Sink) watched(stage string, since time.Time, budget time.Duration) {
	s.mu.Lock()
	stalled := !since.IsZero() && time.Since(since) > budget
	told := s.stalls[stage].told
	if stalled {
		s.stalls[stage] = episode{since, true}
	} else {
		delete(s.stalls, stage)
	}
	s.mu.Unlock()
	if stalled && !told {
		s.report(Event{Kind: Stalled, Reason: stage, Since: since})
	}
}

// stalled returns the name of a stage that makes no progress.
func (s *Sink) stalled() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	stages := make([]string, 0, len(s.stalls))
	for stage := range s.stalls {
		stages = append(stages, stage)
	}
	if len(stages) == 0 {
		return ""
	}
	return slices.Min(stages)
}
