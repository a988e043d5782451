package collector

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/internal/wire"
)

// maxRejected is how long the list of refused lines in an answer may be, in bytes: as
// long as the largest body of a request. A sender that is given no list of all its
// refused lines has to find them by sending less at once.
const maxRejected = protocol.MaxBody

// rejectedOverhead is what an entry of the list takes in JSON beside its reason, in bytes.
const rejectedOverhead = 40

// Ingested answers a log request that was stored, as {"data":{…}}.
type Ingested struct {
	Accepted   int        `json:"accepted"`   // lines stored now
	Duplicates int        `json:"duplicates"` // well-formed lines whose numbers had been used before
	Refused    int        `json:"refused"`    // lines that are malformed
	Rejected   []Rejected `json:"rejected"`   // the refused lines: all that fit into 16 MiB
}

// Rejected tells why a line was refused.
type Rejected struct {
	Line   int    `json:"line"` // its place among the body's lines, from 0; empty lines do not count
	Reason string `json:"reason"`
}

// ingest stores the lines of a request and answers when they are on disk.
func (c *Collector) ingest(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Accept-Encoding", acceptEncoding)
	w.Header().Set(protocol.HeaderOrder, protocol.OrderSeq)
	c.counts.requests.Add(1)
	batch := store.Batch{Recv: time.Now()}
	var err error
	if batch.Repo, err = repositoryParameter(r, "id"); err != nil {
		return err
	}
	if batch.Spool, batch.First, err = sender(r.Header); err != nil {
		return err
	}
	share := share{budget: &c.memory}
	defer share.release()
	body, err := readBody(w, r, &share)
	if err != nil {
		return err
	}
	var result Ingested
	var listed int
	batch.Lines, result, listed = takeApart(body)
	if err := share.take(listed); err != nil {
		return err
	}
	if len(batch.Lines) > 0 {
		receipts, err := c.log.Append(r.Context(), []store.Batch{batch})
		if err != nil {
			return c.storageError(r, err)
		}
		// A refused line that comes again is refused again, and counts once.
		result.Accepted = receipts[0].Stored
		result.Duplicates = len(batch.Lines) - result.Refused - result.Accepted
		c.counts.answered(result.Duplicates, result.Refused)
		if len(result.Rejected) > 0 {
			c.counts.last.Store(result.Rejected[0].Reason)
		}
		c.folder.notify()
		c.seeker.notify()
	}
	c.writeJSON(w, http.StatusOK, map[string]Ingested{"data": result})
	return nil
}

// storageError says that lines could not be stored now, for instance because the
// disk is full: the client keeps them and tries again.
func (c *Collector) storageError(r *http.Request, err error) error {
	if errors.Is(err, store.ErrBatch) {
		return err
	}
	c.logFailure(r, "storing lines failed", err)
	return &Error{"unavailable", "the lines could not be stored; send them again later"}
}

// sender returns who sent the lines and the number of the first one, if it says.
func sender(h http.Header) (spool store.Spool, first uint64, err error) {
	name, seq := h.Get(protocol.HeaderProducer), h.Get(protocol.HeaderSeq)
	if name == "" && seq == "" {
		return spool, 0, nil
	}
	id, err := hex.DecodeString(name)
	if err != nil || len(id) != len(spool) || store.Spool(id) == (store.Spool{}) {
		return spool, 0, badRequest(protocol.HeaderProducer + " must be 32 hexadecimal digits, not all zero")
	}
	first, err = strconv.ParseUint(seq, 10, 63)
	if err != nil || first == 0 {
		return spool, 0, badRequest(protocol.HeaderSeq + " must be the number of the first line, counted from 1")
	}
	return store.Spool(id), first, nil
}

// takeApart returns a body's lines, nil in place of malformed ones, and what is to
// be said about those, with the bytes that this takes. A carriage return before a newline
// is part of the newline.
func takeApart(body []byte) (lines [][]byte, result Ingested, listed int) {
	result.Rejected = []Rejected{}
	lines = make([][]byte, 0, bytes.Count(body, []byte{'\n'})+1)
	for line := range bytes.SplitSeq(body, []byte("\n")) {
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			continue
		}
		if err := check(line); err != nil {
			result.Refused++
			reason := err.Error()
			if listed += len(reason) + rejectedOverhead; listed <= maxRejected {
				result.Rejected = append(result.Rejected, Rejected{len(lines), reason})
			}
			line = nil
		}
		lines = append(lines, line)
	}
	return lines, result, min(listed, maxRejected)
}

var errLongLine = errors.New("the line is longer than " + strconv.Itoa(protocol.MaxLine) + " bytes")

func check(line []byte) error {
	if len(line) > protocol.MaxLine {
		return errLongLine
	}
	_, err := wire.Parse(line)
	return err
}
