package service

import (
	"context"
	"errors"
	"time"

	"github.com/troupelog/troupe/internal/store"
)

// Append stores batches and returns one receipt for each, in their order. Batches of one
// shard are stored together or not at all. When it returns nil, the lines survive the loss
// of power, and the workers begin to index them. After an error some may be stored; a
// numbered sender can send them again without making duplicates.
func (s *Service) Append(ctx context.Context, batches []store.Batch) ([]store.Receipt, error) {
	receipts := make([]store.Receipt, len(batches))
	// An OTLP request may name several repositories, which may be in different shards.
	groups := map[*shard][]int{} // places in batches
	for i, b := range batches {
		h, err := s.at(ctx, b.Repo)
		if err != nil {
			return nil, err
		}
		groups[h] = append(groups[h], i)
	}
	// Shards in their fixed order: batches stored before a failure belong to the first shards, so
	// sending the request again stores the others.
	for _, h := range s.shards {
		places := groups[h]
		if len(places) == 0 {
			continue
		}
		group := make([]store.Batch, len(places))
		for i, place := range places {
			group[i] = batches[place]
		}
		got, err := s.appendTo(ctx, h, group)
		if err != nil {
			return nil, err
		}
		for i, place := range places {
			receipts[place] = got[i]
		}
	}
	return receipts, nil
}

// appendTo stores batches in their shard, records the result for Ready and the metrics, and wakes
// the workers. Callers wait for the log only, never for the workers.
func (s *Service) appendTo(ctx context.Context, h *shard, batches []store.Batch) ([]store.Receipt, error) {
	began := time.Now()
	receipts, err := h.Log.Append(ctx, batches)
	if err != nil {
		// A malformed batch and a client that has gone say nothing about the log.
		if !errors.Is(err, store.ErrBatch) && ctx.Err() == nil {
			s.ready.appended(err)
		}
		return nil, err
	}
	s.ready.appended(nil)
	stored := 0
	for _, r := range receipts {
		stored += r.Stored
	}
	s.counters.Accepted.Add(uint64(stored))
	s.metrics.appended(time.Since(began), stored)
	// After the commit: the followers must find the lines when they look.
	h.projector.notify()
	h.searchIndexer.notify()
	return receipts, nil
}

// AppendLocal stores lines that the collector itself makes, such as the feedback of a reader.
func (s *Service) AppendLocal(ctx context.Context, repo string, lines [][]byte) error {
	_, err := s.Append(ctx, []store.Batch{{Repo: repo, First: 1, Recv: time.Now(), Lines: lines}})
	return err
}
