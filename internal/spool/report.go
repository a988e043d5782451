package spool

import "github.com/troupelog/troupe/internal/spool/seglog"

// SlotSkipped is the kind of an event that a log does not have: the slot that
// Event.Name names cannot be used because of Event.Err, and is left as it is.
const SlotSkipped seglog.EventKind = 64

// skipped tells that a slot cannot be used.
func (c *Config) skipped(slot string, err error) {
	if c.Report != nil {
		c.Report(seglog.Event{Kind: SlotSkipped, Name: slot, Err: err})
	}
}
