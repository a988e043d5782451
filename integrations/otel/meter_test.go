package troupeotel

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/logger/loggertest"
)

// collected returns the figures of a reader by name, repository and reason.
func collected(t *testing.T, r sdkmetric.Reader) map[string]float64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := r.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				points(got, m.Name, data.DataPoints)
			case metricdata.Gauge[int64]:
				points(got, m.Name, data.DataPoints)
			case metricdata.Gauge[float64]:
				points(got, m.Name, data.DataPoints)
			default:
				t.Errorf("%s is a %T", m.Name, data)
			}
		}
	}
	return got
}

func points[N int64 | float64](into map[string]float64, name string, points []metricdata.DataPoint[N]) {
	for _, p := range points {
		key := name
		for _, attr := range p.Attributes.ToSlice() {
			key += "|" + attr.Value.AsString()
		}
		into[key] = float64(p.Value)
	}
}

func TestMeterReportsEveryDestination(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }))
	defer server.Close()
	log, _ := loggertest.New(t, logger.Config{ID: "first"})
	if err := log.AddDestination(logger.Destination{ID: "second", BaseURL: server.URL, ManualFlush: true, Durability: logger.MemoryOnly}); err != nil {
		t.Fatal(err)
	}
	reader := sdkmetric.NewManualReader()
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	registration, err := Meter(log, provider.Meter("test"))
	if err != nil {
		t.Fatal(err)
	}
	log.Trace(logger.TraceConfig{ID: "t"}).End()
	log.TraceAddTag("no id", "k", "v")
	log.TraceAddTag("t", "k", "v")
	log.TraceAddAttachment("t", logger.Attachment{})

	before := collected(t, reader)
	if before["troupe.entries.pending|first"] != 4 || before["troupe.entries.delivered|first"] != 0 {
		t.Errorf("before the flush: %v", before)
	}
	if err := log.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := collected(t, reader)
	want := map[string]float64{
		"troupe.entries.accepted|first": 4, "troupe.entries.delivered|first": 4, "troupe.entries.pending|first": 0,
		"troupe.calls.rejected|attachment incomplete|first": 1, "troupe.ids.derived|first": 1, "troupe.batches|first": 1, "troupe.batches.entries|first": 4,
		"troupe.batches.entries.max|first": 4, "troupe.queue.age|first": 0, "troupe.healthy|first": 1,
		"troupe.entries.accepted|second": 4, "troupe.entries.delivered|second": 4, "troupe.batches.entries|second": 4,
	}
	got := map[string]float64{}
	for key := range want {
		if n, ok := after[key]; ok {
			got[key] = n
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\nof %v", diff, after)
	}

	if err := registration.Unregister(); err != nil {
		t.Fatal(err)
	}
	if left := collected(t, reader); len(left) != 0 {
		t.Errorf("still reported after the registration ended: %v", left)
	}
}

// Every instrument is in the table of docs/reference/metrics.md, with its unit, and no other is.
func TestEveryInstrumentIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, "|"); len(cells) > 3 && strings.HasPrefix(cells[1], " `troupe.") {
			documented = append(documented, strings.Trim(cells[1], " `")+" "+strings.Trim(cells[3], " `"))
		}
	}
	m := &listing{}
	if _, err := Meter(nil, m); err != nil {
		t.Fatal(err)
	}
	made := m.made
	slices.Sort(documented)
	slices.Sort(made)
	if diff := cmp.Diff(made, documented); diff != "" {
		t.Errorf("made but not documented, or the other way round:\n%s", diff)
	}
}

// listing is a meter that lists its instruments.
type listing struct {
	noop.Meter
	made []string
}

func (l *listing) Int64ObservableCounter(name string, o ...metric.Int64ObservableCounterOption) (metric.Int64ObservableCounter, error) {
	c := metric.NewInt64ObservableCounterConfig(o...)
	l.made = append(l.made, name+" "+c.Unit())
	return l.Meter.Int64ObservableCounter(name)
}

func (l *listing) Int64ObservableUpDownCounter(name string, o ...metric.Int64ObservableUpDownCounterOption) (metric.Int64ObservableUpDownCounter, error) {
	c := metric.NewInt64ObservableUpDownCounterConfig(o...)
	l.made = append(l.made, name+" "+c.Unit())
	return l.Meter.Int64ObservableUpDownCounter(name)
}

func (l *listing) Int64ObservableGauge(name string, o ...metric.Int64ObservableGaugeOption) (metric.Int64ObservableGauge, error) {
	c := metric.NewInt64ObservableGaugeConfig(o...)
	l.made = append(l.made, name+" "+c.Unit())
	return l.Meter.Int64ObservableGauge(name)
}

func (l *listing) Float64ObservableGauge(name string, o ...metric.Float64ObservableGaugeOption) (metric.Float64ObservableGauge, error) {
	c := metric.NewFloat64ObservableGaugeConfig(o...)
	l.made = append(l.made, name+" "+c.Unit())
	return l.Meter.Float64ObservableGauge(name)
}
