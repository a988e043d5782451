package chaos

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// Fault is a fault that is injected into a request.
type Fault uint8

// The faults.
const (
	// None lets the request through.
	None Fault = iota
	// Refuse answers 500, 502 or 503; the request is not processed.
	Refuse
	// Throttle answers 429 with Retry-After: 1; the request is not processed.
	Throttle
	// ResetBefore resets the connection; the request is not processed.
	ResetBefore
	// ResetAfter processes the request and resets the connection instead of an answer.
	ResetAfter
	// HalfAnswer processes the request and breaks off within the answer.
	HalfAnswer
	// Slow waits up to 200 ms and then lets the request through.
	Slow
	// Stall takes the request and never answers; it is not processed.
	Stall
	// Trickle takes the body at 100 KiB/s and never answers.
	Trickle

	// Portal answers 200 with the HTML of a captive portal; the request is not processed.
	Portal
	// NoContent answers 204; the request is not processed.
	NoContent
	// Empty answers 200 without a body; the request is not processed.
	Empty
	// Word answers 200 with the text OK; the request is not processed.
	Word
	// Null answers 200 with the JSON value null; the request is not processed.
	Null
	// NothingAccepted answers 200 and says that no line was accepted; the request is not
	// processed.
	NothingAccepted
	// ErrorMember answers 200 with {"error":{…}}; the request is not processed.
	ErrorMember
	// ErrorsMember answers 200 with {"errors":[…],"success":false}; the request is not
	// processed.
	ErrorsMember
	// LongWait answers 429 with a Retry-After of 10⁹ seconds; the request is not processed.
	LongWait
	// Large answers 413 to bodies of more than one line; those are not processed.
	Large
	// Headless processes the request and takes Troupe's headers out of the answer, as a proxy
	// may that knows only some.
	Headless
	// Replay processes the request twice and answers once.
	Replay
)

// said are the answers of the faults that are nothing but an answer.
var said = map[Fault]struct {
	status     int
	kind, body string
}{
	Portal:          {http.StatusOK, "text/html; charset=utf-8", "<!DOCTYPE html><title>Welcome</title><p>Sign in to use this network.</p>"},
	NoContent:       {http.StatusNoContent, "", ""},
	Empty:           {http.StatusOK, "", ""},
	Word:            {http.StatusOK, "text/plain", "OK"},
	Null:            {http.StatusOK, "application/json", "null"},
	NothingAccepted: {http.StatusOK, "application/json", `{"data":{"accepted":0,"duplicates":0,"refused":0,"rejected":[]}}`},
	ErrorMember:     {http.StatusOK, "application/json", `{"error":{"message":"no"}}`},
	ErrorsMember:    {http.StatusOK, "application/json", `{"errors":["no"],"success":false}`},
	LongWait:        {http.StatusTooManyRequests, "text/plain", "later"},
}

// slowest limits the time that Slow waits.
const slowest = 200 * time.Millisecond

// Mix gives the probability of each fault; the rest up to 1 is the probability of None.
type Mix map[Fault]float64

// draw returns a fault.
func (m Mix) draw(rnd *rand.Rand) Fault {
	at := rnd.Float64()
	for _, fault := range m.faults() {
		if at -= m[fault]; at < 0 {
			return fault
		}
	}
	return None
}

// faults returns the faults of a mix in their order, so that a seed means something.
func (m Mix) faults() []Fault {
	var all []Fault
	for fault := range m {
		all = append(all, fault)
	}
	slices.Sort(all)
	return all
}
