package delivery

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/troupelog/troupe/transport"
)

// retryAction is the action that follows from an answer.
type retryAction uint8

const (
	// accepted: the server has everything.
	accepted retryAction = iota
	// retry: send the same again, after a back-off.
	retry
	// pause: send the same again, after transport.Pause. The content cannot be to blame.
	pause
	// split: send less at once, until the entry to blame is alone.
	split
	// splitSmaller: as split, and make later batches smaller.
	splitSmaller
	// sift: the server has everything except the lines it names. If it does not name all, send
	// less at once until it does.
	sift
)

// actionFor returns the action that follows from an error of a Backend; nil means accepted. An
// error that the transport did not make says nothing about the content.
func actionFor(err error) retryAction {
	if err == nil {
		return accepted
	}
	switch {
	case errors.Is(err, transport.ErrUnsafeURL):
		return pause
	case errors.Is(err, transport.ErrNoContent):
		return split // the file is to blame
	}
	failure, ok := errors.AsType[*transport.Error](err)
	if !ok {
		return retry
	}
	switch failure.Kind {
	case transport.Rejected:
		return split
	case transport.TooLarge:
		return splitSmaller
	case transport.PartlyRefused:
		return sift
	case transport.Misconfigured:
		return pause
	default:
		return retry
	}
}

// statusOf returns the HTTP status in an error, for dead letters, or 0 if there is none.
func statusOf(err error) int {
	if failure, ok := errors.AsType[*transport.Error](err); ok {
		return failure.Status
	}
	return 0
}

// isFirm reports whether a flush must not shorten the wait after a failure. A pause is firm,
// because a server that refuses the key must not be asked more than once a minute, and so is a
// time that the server asked for. Only Close makes one attempt before the end of a firm wait.
func isFirm(err error, action retryAction) bool { return action == pause || requestedWait(err) > 0 }

// requestedWait returns the wait that the server asked for, or 0.
func requestedWait(err error) time.Duration {
	if e, ok := errors.AsType[*transport.Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// waitFor returns the wait before the attempt that follows a failure; before is the number of
// failures in a row before it.
func waitFor(err error, action retryAction, before int) time.Duration {
	if action == pause {
		return transport.Pause
	}
	return transport.Backoff(before, requestedWait(err), rand.Float64)
}
