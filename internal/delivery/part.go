package delivery

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/google/uuid"

	"github.com/troupelog/troupe/internal/spool/seglog"
)

// part is the share of records that one batchSender sends, in their order. Its batches are
// numbered in one of two ways. Records without gaps keep their own origin and numbers. A part with
// gaps, such as the records of some order keys, becomes a producer: its id is derived from its
// records, and their positions are their numbers. So records that are sent again from the same
// part, whole or cut in another way, have the numbers they had before.
type part struct {
	records []seglog.Record
	sender  string // 32 hexadecimal digits; "" if the records keep their own numbers
}

// number makes the part a producer if it has gaps. The server sees a new producer for each such
// part, which costs it a few bytes until it forgets producers that are silent.
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

// numbers returns the producer of a batch and the number of its first record. The batch must be a
// piece of the part; without a producer, one without gaps.
func (p *part) numbers(batch []seglog.Record) (sender string, first uint64) {
	if p.sender == "" {
		return hex.EncodeToString(batch[0].Origin[:]), batch[0].Seq
	}
	bySeq := func(r seglog.Record, seq uint64) int { return cmp.Compare(r.Seq, seq) }
	index, _ := slices.BinarySearchFunc(p.records, batch[0].Seq, bySeq)
	return p.sender, uint64(index) + 1
}

// consecutive returns how many leading records follow each other without a gap; 0 if there are no
// records.
func consecutive(records []seglog.Record) int {
	n := min(1, len(records))
	for n < len(records) && records[n].Seq == records[n-1].Seq+1 && records[n].Origin == records[0].Origin {
		n++
	}
	return n
}
