package api

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/internal/wire"
)

// maxRejected limits the list of refused lines in an answer, in bytes, to the size of the
// largest request. A sender that gets an incomplete list has to find the other refused lines
// by sending fewer at once.
const maxRejected = protocol.MaxBody

// rejectedOverhead is the size of an entry of that list, in bytes of JSON, without its reason.
const rejectedOverhead = 40

// Ingested is the answer to a successful log request, as {"data":{…}}.
type Ingested struct {
	Accepted   int        `json:"accepted"`   // lines stored now
	Duplicates int        `json:"duplicates"` // well-formed lines whose numbers had been used before
	Refused    int        `json:"refused"`    // lines that are malformed
	Rejected   []Rejected `json:"rejected"`   // the refused lines, as many as fit into 16 MiB
}

// Rejected is a refused line.
type Rejected struct {
	Line   int    `json:"line"` // place among the lines of the body, from 0; empty lines do not count
	Reason string `json:"reason"`
}

// ingest stores the lines of a request and answers when they are on disk. A malformed line does
// not affect its neighbours: it is reported in the answer, and its sequence number is used up, so
// that a sender which repeats the request does not shift the others.
func (s *Server) ingest(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Accept-Encoding", acceptEncoding)
	w.Header().Set(protocol.HeaderOrder, protocol.OrderSeq)
	s.service.Counters().Requests.Add(1)
	// The time of reception is taken before the body is read: a slow client must not make
	// its lines look younger than they are.
	batch := store.Batch{Recv: time.Now()}
	var err error
	if batch.Repo, err = repositoryParameter(r, "id"); err != nil {
		return err
	}
	if batch.Spool, batch.First, err = sender(r.Header); err != nil {
		return err
	}
	share := share{budget: &s.memory}
	defer share.release()
	body, err := readBody(w, r, &share)
	if err != nil {
		return err
	}
	var result Ingested
	var listed int
	batch.Lines, result, listed = splitLines(body)
	// The list of refused lines may be as large as the body itself.
	if err := share.take(listed); err != nil {
		return err
	}
	if len(batch.Lines) > 0 {
		receipts, err := s.service.Append(r.Context(), []store.Batch{batch})
		if err != nil {
			return s.storageError(r, err)
		}
		// A refused line that is sent again is refused again, and not counted as a duplicate.
		result.Accepted = receipts[0].Stored
		result.Duplicates = len(batch.Lines) - result.Refused - result.Accepted
		reason := ""
		if len(result.Rejected) > 0 {
			reason = result.Rejected[0].Reason
		}
		s.service.Counters().Answered(result.Duplicates, result.Refused, reason)
	}
	s.writeJSON(w, http.StatusOK, map[string]Ingested{"data": result})
	return nil
}

// storageError returns the answer to a request whose lines could not be stored, for instance
// because the disk is full. The client keeps the lines and sends them again.
func (s *Server) storageError(r *http.Request, err error) error {
	// The request itself is wrong: sending it again would not help.
	if errors.Is(err, store.ErrBatch) {
		return err
	}
	s.logFailure(r, "storing lines failed", err)
	return &Error{"unavailable", "the lines could not be stored; send them again later"}
}

// sender returns the sender of the lines and the number of the first line, or zero values if
// the request has no such headers.
func sender(h http.Header) (spool protocol.Producer, first uint64, err error) {
	name, seq := h.Get(protocol.HeaderProducer), h.Get(protocol.HeaderSeq)
	// Maxim's own SDKs do not number their lines. Such lines are always new.
	if name == "" && seq == "" {
		return spool, 0, nil
	}
	spool, ok := protocol.ParseProducer(name)
	if !ok {
		return protocol.Producer{}, 0, badRequest(protocol.HeaderProducer + " must be 32 hexadecimal digits, not all zero")
	}
	first, err = strconv.ParseUint(seq, 10, 63)
	if err != nil || first == 0 {
		return protocol.Producer{}, 0, badRequest(protocol.HeaderSeq + " must be the number of the first line, counted from 1")
	}
	return spool, first, nil
}

// splitLines returns the lines of a body, with nil in place of malformed lines, and the result
// with those, whose list takes listed bytes. A carriage return before a newline is part of the
// newline.
func splitLines(body []byte) (lines [][]byte, result Ingested, listed int) {
	result.Rejected = []Rejected{}
	lines = make([][]byte, 0, bytes.Count(body, []byte{'\n'})+1)
	for line := range bytes.SplitSeq(body, []byte("\n")) {
		line = bytes.TrimSuffix(line, []byte("\r"))
		// Empty lines use up no number: senders count the lines of their spool.
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

// check returns the reason why a line is refused, or nil. Lines that pass can be folded later: the
// log never holds a line that the index cannot read.
func check(line []byte) error {
	if len(line) > protocol.MaxLine {
		return errLongLine
	}
	_, err := wire.Parse(line)
	return err
}
