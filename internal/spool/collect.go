package spool

import (
	"errors"
	"fmt"
	"time"

	"github.com/troupelog/troupe/internal/spool/seglog"
)

// collectBatch is the number of records read at a time.
const collectBatch = 1000

// RemoveUnnamed deletes blobs whose records were dropped. It keeps blobs that a pending
// record or a dead letter names, and blobs younger than grace, whose records may not be
// appended yet. It returns false if a later call may be able to delete more.
//
// It reads all of Uploads. Only the goroutine that reads that log may call it.
func (s *Spool) RemoveUnnamed(grace time.Duration) (done bool, err error) {
	names, younger := s.blobs.before(time.Now().Add(-grace))
	if len(names) == 0 {
		return younger == 0, nil
	}
	needed := map[string]bool{}
	if err := s.recorded(needed); err != nil {
		return false, err
	}
	if err := s.lettered(needed); err != nil {
		return false, err
	}
	if !s.InMemory() && !s.Uploads.State().Settled {
		return false, nil // after a crash, dropped records would be back and name them
	}
	for _, name := range names {
		if !needed[name] && s.blobs.remove(name) != nil {
			younger++
		}
	}
	return younger == 0, nil
}

// collect deletes the blobs that no record or letter names when the spool is opened. A
// crash left them between a blob and its record, or between the acknowledgement of a
// record and the removal of its blob. If a record or letter cannot be read, it deletes
// none.
func (s *Spool) collect() error {
	names, _ := s.blobs.before(time.Now())
	if len(names) == 0 {
		return nil
	}
	needed := map[string]bool{}
	if err := s.recorded(needed); err != nil {
		return err
	}
	s.removeOthers(names, needed)
	return nil
}

// removeDelivered deletes blobs that no pending record refers to and that the uploader had
// no time to delete. Call it after the logs are closed. While an upload is pending it leaves
// them to the next Open.
func (s *Spool) removeDelivered() {
	names, younger := s.blobs.before(time.Now())
	if len(names)+younger > 0 && drained(s.Uploads) && s.Uploads.State().Settled {
		s.removeOthers(names, map[string]bool{})
	}
}

// removeOthers removes the blobs that are not needed and that no dead letter names.
func (s *Spool) removeOthers(names []string, needed map[string]bool) {
	if s.lettered(needed) != nil {
		return // a letter that cannot be read now may name any of them
	}
	for _, name := range names {
		if !needed[name] {
			_ = s.blobs.remove(name) // else the next Open does
		}
	}
}

// recorded adds the blobs that pending records name. It reads memory before the disk: a
// record moves only in that direction, so none is missed.
func (s *Spool) recorded(needed map[string]bool) error {
	for _, item := range s.Uploads.InMemory() {
		note(needed, item.Kind, item.Data)
	}
	written := s.Uploads.State().Written
	var records []seglog.Record
	for from := s.Uploads.Next(); from <= written; from = records[len(records)-1].Seq + 1 {
		var err error
		if records, err = s.Uploads.Read(records[:0], from, collectBatch, 1<<20); err != nil {
			return fmt.Errorf("read the pending uploads: %w", err)
		}
		if len(records) == 0 {
			return nil
		}
		for _, r := range records {
			note(needed, r.Kind, r.Data)
		}
	}
	return nil
}

// lettered adds the blobs that dead letters name.
func (s *Spool) lettered(needed map[string]bool) error {
	for letter, err := range s.Letters() {
		if err != nil && !errors.Is(err, ErrDamaged) {
			return err
		}
		note(needed, letter.Kind, letter.Data)
	}
	return nil
}

// note adds the blob that a record names, if it does.
func note(needed map[string]bool, kind seglog.Kind, data []byte) {
	if kind != seglog.Attachment {
		return
	}
	if u, err := ParseUpload(data); err == nil {
		needed[u.Blob] = true
	}
}
