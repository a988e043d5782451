package collector

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/troupelog/troupe/internal/store"
)

// metrics are what the collector counts for Prometheus. They are safe for concurrent use.
type metrics struct {
	registry      *prometheus.Registry
	appendSeconds prometheus.Histogram
	appendLines   prometheus.Histogram
	answers       *prometheus.CounterVec
}

// newMetrics returns the metrics of a collector. Those that others count are read when
// somebody asks for them.
func newMetrics(c *Collector) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		appendSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "troupe_append_seconds", Help: "Time that storing lines at once took: those of a request, or of a part of a large OTLP request.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}),
		appendLines: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "troupe_append_lines", Help: "Lines that were stored at once, without those that had been stored before or were refused.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 8),
		}),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "troupe_http_answers_total", Help: "Answers by route and status. Addresses that are no route count as none.",
		}, []string{"route", "status"}),
	}
	m.registry.MustRegister(
		m.appendSeconds, m.appendLines, m.answers,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	const lines = "Lines that were stored now (accepted), had been stored before (duplicate), or were malformed (refused); of OTLP, spans are refused. Requests that fail count what they stored only."
	m.count("troupe_lines_total", lines, prometheus.Labels{"result": "accepted"}, &c.counts.accepted)
	m.count("troupe_lines_total", lines, prometheus.Labels{"result": "duplicate"}, &c.counts.duplicates)
	m.count("troupe_lines_total", lines, prometheus.Labels{"result": "refused"}, &c.counts.rejected)
	m.count("troupe_wrong_keys_total", "Requests of programs with a wrong API key, or without one.", nil, &c.counts.unauthorized)
	m.count("troupe_upload_bytes_total", "Bytes of files that were uploaded.", nil, &c.counts.uploaded)
	for job, follower := range map[string]func() *follower{
		"fold": func() *follower { return c.folder }, "search": func() *follower { return &c.seeker.follower },
	} {
		labels := prometheus.Labels{"job": job}
		m.gauge("troupe_behind_blocks", "Blocks that are stored and that the job has not come to yet. NaN if the log cannot be read.", labels, func() float64 {
			return follower().behind()
		})
		m.gauge("troupe_behind_seconds", "Time since the oldest of these was received. NaN if the log cannot be read.", labels, func() float64 {
			return follower().delay()
		})
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "troupe_faults_total", Help: "Lines that the job left out after it failed at them.", ConstLabels: labels,
		}, func() float64 { return float64(follower().left.Load()) }))
	}
	m.gauge("troupe_ready", "1 if /readyz answers 200, else 0.", nil, func() float64 {
		if len(c.ready(context.Background())) > 0 {
			return 0
		}
		return 1
	})
	return m
}

// count makes a metric of a number that grows.
func (m *metrics) count(name, help string, labels prometheus.Labels, n *atomic.Uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels},
		func() float64 { return float64(n.Load()) }))
}

// gauge makes a metric of a number that goes up and down.
func (m *metrics) gauge(name, help string, labels prometheus.Labels, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, value))
}

// answered counts an answer. route is the pattern of the mux: "/" is what no other matches.
func (m *metrics) answered(route string, status int) {
	if route == "" || route == "/" {
		route = "none"
	}
	m.answers.WithLabelValues(route, strconv.Itoa(status)).Inc()
}

// Metrics answers with the collector's metrics in the text format of Prometheus. It asks
// for no key: serve it where only those who may read them can connect. With the key they
// are at /metrics, too.
func (c *Collector) Metrics() http.Handler {
	return promhttp.HandlerFor(c.metrics.registry, promhttp.HandlerOpts{})
}

// behind returns how many blocks are stored and not followed yet, NaN if the log cannot be
// read.
func (f *follower) behind() float64 {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	head, err := f.log.Head(ctx)
	if err != nil {
		return math.NaN()
	}
	return float64(max(0, int64(head-f.cursor())))
}

// delay returns how many seconds ago the first block was received that is not followed yet,
// 0 if there is none, NaN if the log cannot be read.
func (f *follower) delay() float64 {
	if n := f.behind(); n == 0 || math.IsNaN(n) {
		return n
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	blocks, _, err := f.log.Read(ctx, f.cursor(), 1)
	switch {
	case err != nil:
		return math.NaN()
	case len(blocks) == 0: // it was followed, or dropped, meanwhile
		return 0
	}
	return max(0, time.Since(blocks[0].Recv).Seconds())
}

// observedLog is the log with what the collector wants to know of every attempt to store.
type observedLog struct {
	store.Log
	c *Collector
}

// Append implements store.Log.
func (l observedLog) Append(ctx context.Context, batches []store.Batch) ([]store.Receipt, error) {
	began := time.Now()
	receipts, err := l.Log.Append(ctx, batches)
	if err != nil {
		// A batch that is wrong and a client that has gone say nothing about the log.
		if !errors.Is(err, store.ErrBatch) && ctx.Err() == nil {
			l.c.readiness.appended(err)
		}
		return receipts, err
	}
	l.c.readiness.appended(nil)
	l.c.metrics.appendSeconds.Observe(time.Since(began).Seconds())
	stored := 0
	for _, r := range receipts {
		stored += r.Stored
	}
	l.c.counts.accepted.Add(uint64(stored))
	l.c.metrics.appendLines.Observe(float64(stored))
	return receipts, nil
}

// LongestWrites returns those of the log, where it knows them.
func (l observedLog) LongestWrites() (add, forget time.Duration) {
	if log, ok := l.Log.(interface {
		LongestWrites() (add, forget time.Duration)
	}); ok {
		return log.LongestWrites()
	}
	return 0, 0
}
