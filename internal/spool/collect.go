package spool

import (
	"errors"
	"fmt"

	"github.com/troupelog/troupe/internal/spool/seglog"
)

// collectBatch is how many records are read at a time.
const collectBatch = 1000

// collect removes the blobs that nothing names: a crash came between a blob and its
// record, or between the record's ack and the removal of its blob. What a dead letter
// names stays with it. Without certainty about the records nothing is removed.
func (s *Spool) collect() error {
	stored, ok := s.blobs.(*folderBlobs)
	if !ok {
		return nil
	}
	names, err := stored.names()
	if err != nil || len(names) == 0 {
		return err
	}
	needed := map[string]bool{}
	if err := s.recorded(needed); err != nil {
		return err
	}
	if err := s.lettered(needed); err != nil {
		return nil //nolint:nilerr // a letter that cannot be read now may name any of them
	}
	for _, name := range names {
		if !needed[name] {
			_ = stored.remove(name) // else the next Open does
		}
	}
	return nil
}

// recorded adds the blobs that unacked records name.
func (s *Spool) recorded(needed map[string]bool) error {
	var records []seglog.Record
	for from := s.Uploads.Next(); ; from = records[len(records)-1].Seq + 1 {
		var err error
		if records, err = s.Uploads.Read(records[:0], from, collectBatch, 1<<20); err != nil {
			return fmt.Errorf("what waits to be uploaded: %w", err)
		}
		if len(records) == 0 {
			return nil
		}
		for _, r := range records {
			note(needed, r.Kind, r.Data)
		}
	}
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
