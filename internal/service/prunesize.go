package service

import (
	"context"
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/store"
)

// exactPart sets the share of KeepBytes, 1/exactPart, that may be deleted at once on the basis
// of an estimate. A larger excess is approached from above.
const exactPart = 20

// pruneTo deletes the oldest data until at most so many bytes are left.
func (s *Service) pruneTo(ctx context.Context, bytes int64) error {
	for {
		held, err := s.held(ctx)
		if err != nil {
			return err
		}
		// Each round measures again, because the estimate of cut is rough. Rounds end: each deletes
		// at least the oldest piece.
		excess := held.total() - bytes
		if excess <= 0 {
			return nil
		}
		before, err := s.cut(ctx, held, due(excess, bytes))
		if err != nil || before.IsZero() {
			return err
		}
		if err := s.Prune(ctx, before); err != nil {
			return err
		}
	}
}

// due returns how many bytes of an excess to delete at once. It never overshoots by much,
// however wrong the estimate of cut is.
func due(excess, keep int64) int64 {
	// Half the excess at a time: an estimate that is off by a factor of two deletes nothing needed.
	if exact := keep / exactPart; excess > exact {
		return max(excess/2, exact)
	}
	return excess
}

// held is the number of bytes that deleting can free. Journals and free pages do not count:
// files that have yet to shrink are no reason to delete more.
type held struct{ log, derived, uploads int64 }

func (h held) total() int64 { return h.log + h.derived + h.uploads }

func (s *Service) held(ctx context.Context) (all held, err error) {
	for _, h := range s.shards {
		for _, part := range []struct {
			store.Space
			bytes *int64
		}{{h.Retention, &all.log}, {h.IndexPruner, &all.derived}, {h.SearchPruner, &all.derived}} {
			size, err := part.Size(ctx)
			if err != nil {
				return all, err
			}
			*part.bytes += size
		}
	}
	err = s.files.Oldest(ctx, func(_ time.Time, bytes int64) bool {
		all.uploads += bytes
		return true
	})
	return all, err
}

// piece is an upload or a block of lines, with the bytes that deleting it frees.
type piece struct {
	recv  time.Time
	bytes int64
}

// cut returns the time before which to delete in order to free about want bytes, or zero if
// nothing is left. It assumes that each byte of a line has the average amount of derived data.
func (s *Service) cut(ctx context.Context, h held, want int64) (before time.Time, err error) {
	pieces, err := s.oldest(ctx, h, want)
	if err != nil {
		return time.Time{}, err
	}
	freed := int64(0)
	for _, p := range pieces {
		if freed >= want && !p.recv.Before(before) {
			break // blocks of one batch share a time and go together
		}
		before = p.recv.Add(time.Microsecond)
		freed += p.bytes
	}
	return before, nil
}

// oldest returns the oldest pieces of each shard and of the uploads, oldest first. Each source
// contributes at least want bytes, if it has as many.
func (s *Service) oldest(ctx context.Context, h held, want int64) (pieces []piece, err error) {
	// An empty log has no share; the uploads are all there is.
	share := float64(h.log+h.derived) / float64(max(h.log, 1))
	for _, one := range s.shards {
		freed := int64(0)
		err := one.Retention.Oldest(ctx, func(recv time.Time, bytes int64) bool {
			p := piece{recv, int64(float64(bytes) * share)}
			pieces = append(pieces, p)
			freed += p.bytes
			return freed < want
		})
		if err != nil {
			return nil, err
		}
	}
	freed := int64(0)
	err = s.files.Oldest(ctx, func(stored time.Time, bytes int64) bool {
		pieces = append(pieces, piece{stored, bytes})
		freed += bytes
		return freed < want
	})
	// Lines and uploads compete by age alone.
	slices.SortStableFunc(pieces, func(a, b piece) int { return a.recv.Compare(b.recv) })
	return pieces, err
}
