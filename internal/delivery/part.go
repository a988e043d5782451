package delivery

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/google/uuid"

	"github.com/troupelog/troupe/internal/spool/seglog"
)

// part is the records that one flight sends, in their order. Its batches are numbered in
// one of two ways. Records that follow each other have their own origin and numbers. A
// part with gaps, as of some lanes only, is a sender of its own: its name follows from
// its records, and their places are their numbers. So whatever is sent again out of the
// same part, whole or cut in another way, has the numbers it had before.
type part struct {
	records []seglog.Record
	sender  string // 32 hexadecimal digits; empty where the records have their own numbers
}

// number makes the part a sender of its own if it has gaps.
func (p *part) number() {
	if consecutive(p.records) == len(p.records) {
		return
	}
	var name []byte
	for i := range p.records {
		name = append(name, p.records[i].Origin[:]...)
		name = binary.BigEndian.AppendUint64(name, p.records[i].Seq)
	}
	id := uuid.NewSHA1(uuid.UUID(p.records[0].Origin), name)
	p.sender = hex.EncodeToString(id[:])
}

// numbers returns the sender of a batch, and the number of its first record. The batch is
// a piece of the part without gaps.
func (p *part) numbers(batch []seglog.Record) (sender string, first uint64) {
	if p.sender == "" {
		return hex.EncodeToString(batch[0].Origin[:]), batch[0].Seq
	}
	place, _ := slices.BinarySearchFunc(p.records, batch[0].Seq, func(r seglog.Record, seq uint64) int { return cmp.Compare(r.Seq, seq) })
	return p.sender, uint64(place) + 1
}

// consecutive returns how many of the records at the beginning follow each other without
// a gap, 0 of none.
func consecutive(records []seglog.Record) int {
	n := min(1, len(records))
	for n < len(records) && records[n].Seq == records[n-1].Seq+1 && records[n].Origin == records[0].Origin {
		n++
	}
	return n
}
