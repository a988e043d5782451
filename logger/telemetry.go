package logger

import (
	"encoding/json"
	"time"
)

// Var exposes Stats and Health of a logger as a variable of the standard library's expvar.
// Its String is a JSON object; docs/reference/metrics.md lists the members. It contains numbers,
// names of log repositories, reasons and stages, and no text of an entry or an error. It
// costs nothing until it is read. Make it with Logger.Var.
type Var struct{ log *Logger }

// Var returns the logger as an expvar.Var, for the program to publish:
//
//	expvar.Publish("troupe", log.Var())
//
// This package does not import expvar, because importing it exposes the command line of the
// process at /debug/vars of http.DefaultServeMux.
func (l *Logger) Var() Var { return Var{l} }

// counters is the form of Var.
type counters struct {
	Accepted     int64            `json:"accepted"`
	Recovered    int64            `json:"recovered"`
	Delivered    int64            `json:"delivered"`
	Pending      int64            `json:"pending"`
	Dead         int64            `json:"dead"`
	Dropped      map[string]int64 `json:"dropped"`
	Rejected     map[string]int64 `json:"rejected"`
	Suspicious   map[string]int64 `json:"suspicious"`
	Derived      int64            `json:"derived"`
	Unreported   int64            `json:"unreported"`
	PendingBytes int64            `json:"pending_bytes"`
	SpoolBytes   int64            `json:"spool_bytes"`
	Panics       int64            `json:"panics"`
	Salvaged     int64            `json:"salvaged"`
	AutoEnded    int64            `json:"auto_ended"`
	LeftOpen     int64            `json:"left_open"`
	Live         int64            `json:"live"`
	Passive      int64            `json:"passive"`
	KnownIDs     int              `json:"known_ids"`
	traffic
	state
	Closed       bool                  `json:"closed"`
	Destinations []destinationCounters `json:"destinations"`
}

// destinationCounters is an element of counters.Destinations.
type destinationCounters struct {
	Repository string           `json:"repository"`
	Accepted   int64            `json:"accepted"`
	Recovered  int64            `json:"recovered"`
	Delivered  int64            `json:"delivered"`
	Pending    int64            `json:"pending"`
	Dead       int64            `json:"dead"`
	Dropped    map[string]int64 `json:"dropped"`
	traffic
	state
}

// traffic is the part of counters that Traffic holds.
type traffic struct {
	Batches         int64   `json:"batches"`
	BatchEntries    int64   `json:"batch_entries"`
	BatchBytes      int64   `json:"batch_bytes"`
	MaxBatchEntries int64   `json:"max_batch_entries"`
	MaxBatchBytes   int64   `json:"max_batch_bytes"`
	Uploads         int64   `json:"uploads"`
	UploadBytes     int64   `json:"upload_bytes"`
	Retries         int64   `json:"retries"`
	QueueAge        float64 `json:"queue_age_seconds"`
}

// state is the part of counters that Health holds.
type state struct {
	OK         bool   `json:"ok"`
	DeliveryOK bool   `json:"delivery_ok"`
	SpoolOK    bool   `json:"spool_ok"`
	Full       bool   `json:"full"`
	Stalled    string `json:"stalled"`
}

// String implements expvar.Var. It reads the counters at the time of the call, and never fails.
func (v Var) String() string {
	s, h := v.log.Stats(), v.log.Health()
	c := counters{
		Accepted: s.Accepted, Recovered: s.Recovered, Delivered: s.Delivered, Pending: s.Pending, Dead: s.Dead,
		Dropped: counts(s.DroppedBy), Rejected: counts(s.RejectedBy), Suspicious: counts(s.Suspicious),
		Derived: s.Derived, Unreported: s.Unreported, PendingBytes: s.PendingBytes, SpoolBytes: s.SpoolBytes,
		Panics: s.Panics, Salvaged: s.Salvaged, AutoEnded: s.AutoEnded, LeftOpen: s.LeftOpen,
		Live: s.Live, Passive: s.Passive, KnownIDs: s.KnownIDs,
		traffic: s.Traffic.members(),
		state:   state{h.OK, h.Delivery == nil, h.Spool == nil, h.Full, h.Stalled},
		Closed:  h.Closed, Destinations: []destinationCounters{},
	}
	// A destination that is added between the two readings is shown the next time.
	for i := range min(len(s.Destinations), len(h.Destinations)) {
		t, g := &s.Destinations[i], &h.Destinations[i]
		c.Destinations = append(c.Destinations, destinationCounters{
			Repository: t.ID, Accepted: t.Accepted, Recovered: t.Recovered, Delivered: t.Delivered,
			Pending: t.Pending, Dead: t.Dead, Dropped: counts(t.DroppedBy), traffic: t.Traffic.members(),
			state: state{g.OK, g.Delivery == nil, g.Spool == nil, g.Full, g.Stalled},
		})
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "{}" // impossible: all members are numbers, strings and maps of them
	}
	return string(text)
}

// counts returns by, or an empty map for nil, whose JSON would be null.
func counts(by map[string]int64) map[string]int64 {
	if by == nil {
		return map[string]int64{}
	}
	return by
}

// members converts t. The age is rounded, because more digits would be noise.
func (t *Traffic) members() traffic {
	return traffic{
		Batches: t.Batches, BatchEntries: t.Entries, BatchBytes: t.Bytes,
		MaxBatchEntries: t.LargestEntries, MaxBatchBytes: t.LargestBytes,
		Uploads: t.Uploads, UploadBytes: t.UploadBytes, Retries: t.Retries,
		QueueAge: t.QueueAge.Round(time.Millisecond).Seconds(),
	}
}
