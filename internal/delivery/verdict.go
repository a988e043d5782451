package delivery

import (
	"errors"

	"github.com/troupelog/troupe/transport"
)

// remedy is what to do about an answer.
type remedy uint8

const (
	// settled: the server has it.
	settled remedy = iota
	// again: the same once more, after a back-off.
	again
	// suspend: the same once more, after a pause. Nothing that is sent can be to blame.
	suspend
	// divide: less at once, until what is to blame stands alone.
	divide
	// shrink: as divide, and smaller batches from now on.
	shrink
	// sift: the server has it but for what it names; where it does not name all, less at
	// once until it does.
	sift
)

// remedyFor says what to do about the error of a Client; nil is success. An error that
// the transport did not make says nothing about what was sent.
func remedyFor(err error) remedy {
	if err == nil {
		return settled
	}
	switch {
	case errors.Is(err, transport.ErrUnsafeURL):
		return suspend
	case errors.Is(err, transport.ErrNoContent):
		return divide // it is the file
	}
	failure, ok := errors.AsType[*transport.Error](err)
	if !ok {
		return again
	}
	switch failure.Kind {
	case transport.Rejected:
		return divide
	case transport.TooLarge:
		return shrink
	case transport.PartlyRefused:
		return sift
	case transport.Misconfigured:
		return suspend
	default:
		return again
	}
}

// statusOf returns the HTTP status that an error tells of, 0 if none.
func statusOf(err error) int {
	if failure, ok := errors.AsType[*transport.Error](err); ok {
		return failure.Status
	}
	return 0
}
