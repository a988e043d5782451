package logger

import "cmp"

// Health describes whether entries reach the server. The fields that Health shares with
// DestinationHealth describe the primary destination, as Destinations[0] does.
type Health struct {
	// OK is false while deliveries or the spool of the primary destination fail, after Close,
	// and if the server answered at the start that the repository does not exist or the key
	// is wrong.
	OK bool
	// Delivery is the error of the last attempt to deliver, nil after a success.
	Delivery error
	// Spool is the reason why entries are kept in memory though they should be on disk, nil
	// if they are not.
	Spool error
	// Full is true while the disk or MaxSpoolBytes is full.
	Full bool
	// Stalled names a stage of the delivery that makes no progress, "" if all do.
	Stalled string
	// Repository is the server's answer at the start that the repository does not exist or
	// the key is wrong. It is nil if the server confirmed both or has not answered.
	Repository error
	// Pending is the number of entries on their way.
	Pending int64
	// Closed is true once Close was called.
	Closed bool
	// Destinations describes each destination: the primary first, then in the order of
	// AddDestination.
	Destinations []DestinationHealth
}

// DestinationHealth is the health of one destination. Its fields mean the same as in
// Health, but OK looks only at the fields here.
type DestinationHealth struct {
	ID       string // the log repository
	OK       bool
	Delivery error
	Spool    error
	Full     bool
	Stalled  string
	Pending  int64
}

// Health returns the current health, zero for a nil Logger.
func (l *Logger) Health() Health {
	if l == nil {
		return Health{}
	}
	var all []DestinationHealth
	for _, d := range l.destinations.list() {
		all = append(all, d.health())
	}
	primary := &all[0]
	primary.Pending = l.Stats().Pending
	h := Health{
		Delivery: primary.Delivery, Spool: primary.Spool, Full: primary.Full, Stalled: primary.Stalled,
		Pending: primary.Pending, Closed: l.closed.Load(), Destinations: all,
	}
	if err := l.repository.Load(); err != nil {
		h.Repository = *err
	}
	h.OK = primary.OK && h.Repository == nil && !h.Closed
	return h
}

// health returns the health of the destination. Pending lacks the entries that are still
// with the actors.
func (d *destination) health() DestinationHealth {
	h, counters := d.sink.Health(), d.sink.Counters()
	s := DestinationHealth{
		ID: d.cfg.ID, Delivery: h.Err, Spool: cmp.Or(h.Spool, d.lost), Full: h.Full, Stalled: h.Stalled,
		Pending: counters.Pending(),
	}
	s.OK = s.Delivery == nil && s.Spool == nil && !s.Full && s.Stalled == ""
	return s
}
