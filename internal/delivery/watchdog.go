package delivery

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/troupelog/troupe/internal/spool/seglog"
)

// The activities that the watchdog looks at, as Event.Reason and Health.Stalled name them.
const (
	activitySend   = "send"
	activityUpload = "upload"
	activityCommit = "commit"
)

// Budgets of the activities. The budget of an upload is the time for the largest attachment at
// 64 KiB a second.
const (
	watchEvery   = 5 * time.Second
	sendBudget   = 2 * time.Minute
	uploadBudget = 30 * time.Minute
	commitBudget = 30 * time.Second
)

// activity records since when a goroutine has been waiting for the Backend.
type activity struct {
	mu    sync.Mutex
	since time.Time // guarded by mu; zero while idle
}

// begin records that a call of the Backend begins.
func (a *activity) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.since = time.Now()
}

// end records that the call has returned.
func (a *activity) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.since = time.Time{}
}

// begun returns when the present wait began, or zero.
func (a *activity) begun() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.since
}

// stall is a time in which an activity makes no progress.
type stall struct {
	since    time.Time
	reported bool
}

// progress records how far the committer of a log has come. It is owned by runWatchdog.
type progress struct {
	written uint64
	at      time.Time // when the committer was first seen at written with more to write; zero while idle
}

// runWatchdog reports activities that make no progress, and starts the collection of blobs, until
// ctx ends. It looks at this process's slot only: an ownerless slot has no waiting caller.
func (s *Destination) runWatchdog(ctx context.Context) {
	var logs [2]progress
	lastGC := time.Now()
	for ctx.Err() == nil {
		sleep(ctx, watchEvery, nil)
		if time.Since(lastGC) >= gcEvery {
			lastGC = time.Now()
			s.own.requestGC()
		}
		s.checkStall(activitySend, s.own.sending(), sendBudget)
		s.checkStall(activityUpload, s.own.uploading.begun(), uploadBudget)
		for i, log := range []*seglog.Log{s.own.spool.Lines, s.own.spool.Uploads} {
			logs[i].observe(log.State())
		}
		if !inMemory(s.own.spool) {
			s.checkStall(activityCommit, earlier(logs[0].at, logs[1].at), commitBudget)
		}
	}
}

// observe records whether a log has something to write and writes nothing. A full disk does not
// count, and a disk that fails reports that itself.
func (p *progress) observe(state seglog.State) {
	switch {
	case state.Appended <= max(state.Written, state.Durable), state.Full, state.Err != nil:
		p.at = time.Time{}
	case p.at.IsZero() || p.written != state.Written:
		p.at = time.Now()
	}
	p.written = state.Written
}

// earlier returns the earlier of two times, where zero means none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// checkStall reports an activity as stalled, once, when it has been busy since `since` for longer
// than its budget. A zero since means idle.
func (s *Destination) checkStall(activity string, since time.Time, budget time.Duration) {
	s.mu.Lock()
	stalled := !since.IsZero() && time.Since(since) > budget
	reported := s.stalls[activity].reported
	if stalled {
		s.stalls[activity] = stall{since, true}
	} else {
		delete(s.stalls, activity)
	}
	s.mu.Unlock()
	if stalled && !reported {
		s.report(Event{Kind: Stalled, Reason: activity, Since: since})
	}
}

// stalled returns the name of an activity that makes no progress, or "".
func (s *Destination) stalled() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	activities := make([]string, 0, len(s.stalls))
	for activity := range s.stalls {
		activities = append(activities, activity)
	}
	if len(activities) == 0 {
		return ""
	}
	return slices.Min(activities)
}
