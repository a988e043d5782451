package service

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are the Prometheus metrics of a service. They are safe for concurrent use.
type metrics struct {
	registry      *prometheus.Registry
	appendSeconds prometheus.Histogram
	appendLines   prometheus.Histogram
}

// newMetrics returns the metrics of a service. Gauges and counters that the service keeps
// itself are read when somebody asks for them.
func newMetrics(s *Service) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		appendSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "troupe_append_seconds", Help: "Time to store the lines of a request, or of a part of a large OTLP request.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}),
		appendLines: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "troupe_append_lines", Help: "Lines stored at once, without duplicates and refused lines.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 8),
		}),
	}
	m.registry.MustRegister(
		m.appendSeconds, m.appendLines,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	const lines = "Lines that were stored (accepted), stored before (duplicate), or malformed (refused); of OTLP, " +
		"spans are refused. Failed requests count only what they stored."
	m.count("troupe_lines_total", lines, prometheus.Labels{"result": "accepted"}, &s.counters.Accepted)
	m.count("troupe_lines_total", lines, prometheus.Labels{"result": "duplicate"}, &s.counters.Duplicates)
	m.count("troupe_lines_total", lines, prometheus.Labels{"result": "refused"}, &s.counters.Rejected)
	m.count("troupe_wrong_keys_total", "Requests of programs with a wrong API key, or without one.", nil, &s.counters.Unauthorized)
	m.count("troupe_upload_bytes_total", "Bytes of uploaded files.", nil, &s.counters.Uploaded)
	m.follow("fold", s, func(h *shard) *follower { return h.projector })
	m.follow("search", s, func(h *shard) *follower { return h.searchIndexer })
	// A scrape probes the storage at most once a second, as /readyz does.
	m.gauge("troupe_ready", "1 if /readyz answers 200, else 0.", nil, func() float64 {
		if len(s.Ready(context.Background())) > 0 {
			return 0
		}
		return 1
	})
	return m
}

// follow adds the metrics of a job, over all shards.
func (m *metrics) follow(job string, s *Service, worker func(*shard) *follower) {
	labels := prometheus.Labels{"job": job}
	m.gauge("troupe_behind_blocks", "Stored blocks that the job has not reached. NaN if the log cannot be read.", labels, func() (sum float64) {
		for _, h := range s.shards {
			sum += behindBlocks(worker(h))
		}
		return sum
	})
	m.gauge("troupe_behind_seconds", "Age of the oldest block that the job has not reached. NaN if the log cannot be read.", labels, func() (age float64) {
		for _, h := range s.shards {
			age = max(age, behindSeconds(worker(h))) // NaN wins
		}
		return age
	})
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "troupe_faults_total", Help: "Lines that the job left out because it kept failing at them.", ConstLabels: labels,
	}, func() (sum float64) {
		for _, h := range s.shards {
			sum += float64(worker(h).given.Load())
		}
		return sum
	}))
}

// behindBlocks returns follower.behind within probeTime, NaN if it fails.
func behindBlocks(f *follower) float64 {
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	n, err := f.behind(ctx)
	if err != nil {
		return math.NaN()
	}
	return float64(n)
}

// behindSeconds returns follower.delay within probeTime.
func behindSeconds(f *follower) float64 {
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	return f.delay(ctx)
}

// appended counts lines that were stored at once.
func (m *metrics) appended(took time.Duration, stored int) {
	m.appendSeconds.Observe(took.Seconds())
	m.appendLines.Observe(float64(stored))
}

// count adds a metric for a number that grows.
func (m *metrics) count(name, help string, labels prometheus.Labels, n *atomic.Uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels},
		func() float64 { return float64(n.Load()) }))
}

// gauge adds a metric for a number that goes up and down.
func (m *metrics) gauge(name, help string, labels prometheus.Labels, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, value))
}
