package troupeotel

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/troupelog/troupe/logger"
)

// Attributes of the metrics.
const (
	repositoryKey = attribute.Key("troupe.repository") // the log repository of a destination
	reasonKey     = attribute.Key("troupe.reason")
)

// Meter makes the counters of a logger observable; see logger.Stats, and docs/reference/metrics.md for the
// instruments. The counters are read whenever the meter's reader collects, and never in between.
// Unregister the result to stop that. It returns the first error of the meter.
func Meter(l *logger.Logger, m metric.Meter) (metric.Registration, error) {
	b := builder{meter: m}
	totals, traffic := newTotals(&b), newTraffic(&b)
	if b.err != nil {
		return nil, b.err
	}
	return m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s, h := l.Stats(), l.Health()
		totals.observe(o, l.ID(), &s, h.OK)
		traffic.observe(o, l.ID(), &s.Traffic)
		// The first is the primary, which the totals describe. One may have been added in between.
		for i := 1; i < min(len(s.Destinations), len(h.Destinations)); i++ {
			d := &s.Destinations[i]
			totals.observeDestination(o, d, h.Destinations[i].OK)
			traffic.observe(o, d.ID, &d.Traffic)
		}
		return nil
	}, b.made...)
}

// builder makes instruments until one cannot be made.
type builder struct {
	meter metric.Meter
	made  []metric.Observable
	err   error
}

func (b *builder) counter(name, unit, description string) metric.Int64ObservableCounter {
	c, err := b.meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	return kept(b, c, err)
}

func (b *builder) gauge(name, unit, description string) metric.Int64ObservableGauge {
	g, err := b.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	return kept(b, g, err)
}

func (b *builder) seconds(name, description string) metric.Float64ObservableGauge {
	g, err := b.meter.Float64ObservableGauge(name, metric.WithUnit("s"), metric.WithDescription(description))
	return kept(b, g, err)
}

func (b *builder) upDown(name, unit, description string) metric.Int64ObservableUpDownCounter {
	c, err := b.meter.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	return kept(b, c, err)
}

func kept[T metric.Observable](b *builder, made T, err error) T {
	if err != nil && b.err == nil {
		b.err = err
	}
	b.made = append(b.made, made)
	return made
}

// totals holds the instruments for the outcomes of entries and calls.
type totals struct {
	accepted, recovered, delivered, dead, dropped    metric.Int64ObservableCounter
	rejected, suspicious, derived, panics, autoEnded metric.Int64ObservableCounter
	pending, actors, memory, disk                    metric.Int64ObservableUpDownCounter
	healthy, leftOpen                                metric.Int64ObservableGauge
}

func newTotals(b *builder) *totals {
	return &totals{
		accepted:   b.counter("troupe.entries.accepted", "{entry}", "Entries taken from calls."),
		recovered:  b.counter("troupe.entries.recovered", "{entry}", "Entries that earlier processes left in the spool."),
		delivered:  b.counter("troupe.entries.delivered", "{entry}", "Entries that the server acknowledged."),
		dead:       b.counter("troupe.entries.dead", "{entry}", "Entries that the server refused for good."),
		dropped:    b.counter("troupe.entries.dropped", "{entry}", "Entries that were given up."),
		pending:    b.upDown("troupe.entries.pending", "{entry}", "Entries on their way."),
		rejected:   b.counter("troupe.calls.rejected", "{call}", "Calls that were not accepted."),
		suspicious: b.counter("troupe.calls.suspicious", "{call}", "Accepted calls that are probably a mistake."),
		derived:    b.counter("troupe.ids.derived", "{call}", "Calls with an id that was replaced by a safe one."),
		panics:     b.counter("troupe.panics", "{panic}", "Contained panics."),
		autoEnded:  b.counter("troupe.auto_ended", "{entity}", "Entities ended because nobody else did."),
		leftOpen:   b.gauge("troupe.left_open", "{entity}", "Entities that Close had no time to end."),
		actors:     b.upDown("troupe.actors", "{actor}", "Sessions and traces in memory."),
		memory:     b.upDown("troupe.memory", "By", "Memory of entries that are not on disk or delivered."),
		disk:       b.upDown("troupe.spool", "By", "Disk space of the spool."),
		healthy:    b.gauge("troupe.healthy", "1", "1 if entries reach the server, else 0."),
	}
}

func (t *totals) observe(o metric.Observer, repository string, s *logger.Stats, ok bool) {
	of := metric.WithAttributeSet(attribute.NewSet(repositoryKey.String(repository)))
	o.ObserveInt64(t.accepted, s.Accepted, of)
	o.ObserveInt64(t.recovered, s.Recovered, of)
	o.ObserveInt64(t.delivered, s.Delivered, of)
	o.ObserveInt64(t.dead, s.Dead, of)
	o.ObserveInt64(t.pending, s.Pending, of)
	byReason(o, t.dropped, repository, s.DroppedBy)
	byReason(o, t.rejected, repository, s.RejectedBy)
	byReason(o, t.suspicious, repository, s.Suspicious)
	o.ObserveInt64(t.derived, s.Derived, of)
	o.ObserveInt64(t.panics, s.Panics, of)
	o.ObserveInt64(t.autoEnded, s.AutoEnded, of)
	o.ObserveInt64(t.leftOpen, s.LeftOpen, of)
	o.ObserveInt64(t.actors, s.Live, of)
	o.ObserveInt64(t.memory, s.PendingBytes, of)
	o.ObserveInt64(t.disk, s.SpoolBytes, of)
	o.ObserveInt64(t.healthy, number(ok), of)
}

func (t *totals) observeDestination(o metric.Observer, s *logger.DestinationStats, ok bool) {
	of := metric.WithAttributeSet(attribute.NewSet(repositoryKey.String(s.ID)))
	o.ObserveInt64(t.accepted, s.Accepted, of)
	o.ObserveInt64(t.recovered, s.Recovered, of)
	o.ObserveInt64(t.delivered, s.Delivered, of)
	o.ObserveInt64(t.dead, s.Dead, of)
	o.ObserveInt64(t.pending, s.Pending, of)
	byReason(o, t.dropped, s.ID, s.DroppedBy)
	o.ObserveInt64(t.healthy, number(ok), of)
}

func byReason(o metric.Observer, c metric.Int64ObservableCounter, repository string, counts map[string]int64) {
	for reason, n := range counts {
		o.ObserveInt64(c, n, metric.WithAttributes(repositoryKey.String(repository), reasonKey.String(reason)))
	}
}

func number(ok bool) int64 {
	if ok {
		return 1
	}
	return 0
}

// traffic holds the instruments for the batches and uploads of a destination.
type traffic struct {
	batches, entries, bytes, uploads, uploaded, retries metric.Int64ObservableCounter
	largestEntries, largestBytes                        metric.Int64ObservableGauge
	age                                                 metric.Float64ObservableGauge
}

func newTraffic(b *builder) *traffic {
	return &traffic{
		batches:        b.counter("troupe.batches", "{batch}", "Batches that the server took."),
		entries:        b.counter("troupe.batches.entries", "{entry}", "Entries in these batches."),
		bytes:          b.counter("troupe.batches.size", "By", "Bytes of these batches, before compression."),
		largestEntries: b.gauge("troupe.batches.entries.max", "{entry}", "Entries of the largest batch."),
		largestBytes:   b.gauge("troupe.batches.size.max", "By", "Bytes of the largest batch."),
		uploads:        b.counter("troupe.uploads", "{upload}", "Attachments and large lines that were stored."),
		uploaded:       b.counter("troupe.uploads.size", "By", "Bytes of these uploads."),
		retries:        b.counter("troupe.retries", "{attempt}", "Attempts that failed and are repeated."),
		age:            b.seconds("troupe.queue.age", "Age of the oldest pending entry."),
	}
}

func (t *traffic) observe(o metric.Observer, repository string, s *logger.Traffic) {
	of := metric.WithAttributeSet(attribute.NewSet(repositoryKey.String(repository)))
	o.ObserveInt64(t.batches, s.Batches, of)
	o.ObserveInt64(t.entries, s.Entries, of)
	o.ObserveInt64(t.bytes, s.Bytes, of)
	o.ObserveInt64(t.largestEntries, s.LargestEntries, of)
	o.ObserveInt64(t.largestBytes, s.LargestBytes, of)
	o.ObserveInt64(t.uploads, s.Uploads, of)
	o.ObserveInt64(t.uploaded, s.UploadBytes, of)
	o.ObserveInt64(t.retries, s.Retries, of)
	o.ObserveFloat64(t.age, s.QueueAge.Seconds(), of)
}
