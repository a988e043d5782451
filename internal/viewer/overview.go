package viewer

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/service"
	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/pricing"
)

var overviewRoutes = []route{{"GET /{$}", (*Viewer).overview}}

// shortList limits each list of traces on the overview.
const shortList = 5

// overviewData is the data of the overview.
type overviewData struct {
	Spans                         []spanStats
	Models                        []modelStats
	Slowest, Costliest, Bad, Open []listRow
	Empty                         bool
	About                         service.About
}

// spanStats are the totals of a period.
type spanStats struct {
	Name                  string
	Traces, Errors, Calls int
	P50, P95              string
	Tokens                int64
	Cost                  string
}

// modelStats are the totals of a model over a week.
type modelStats struct {
	Model         string
	Calls, Errors int
	Usage         pricing.Usage
	Cost          pricing.Cost
	Unpriced      int
	Share         int // of the cost of the most expensive model, in thousandths
}

func (v *Viewer) overview(w http.ResponseWriter, r *http.Request) error {
	r, repo, cancel, err := v.ready(r)
	if err != nil {
		return err
	}
	defer cancel()
	d := &overviewData{About: v.service.About(r.Context())}
	if d.Empty, err = v.unknown(r, repo); err != nil {
		return err
	}
	now := time.Now().UTC()
	tomorrow := now.Truncate(24 * time.Hour).Add(24 * time.Hour)
	buckets, err := v.service.Rollups(r.Context(), store.RollupQuery{Repo: repo, From: tomorrow.Add(-7 * 24 * time.Hour), To: tomorrow, Daily: true})
	if err != nil {
		return err
	}
	today := slices.DeleteFunc(slices.Clone(buckets), func(b store.Rollup) bool { return b.Start.Before(tomorrow.Add(-24 * time.Hour)) })
	d.Spans = []spanStats{statsOf("Today (UTC)", today), statsOf("7 days", buckets)}
	d.Models = modelsOf(buckets)
	week := store.Filter{Repo: repo, From: now.Add(-7 * 24 * time.Hour)}
	bad := week
	bad.Terms = []store.Term{{Field: store.FieldStatus, Op: store.Equal, Value: "error"}}
	for _, list := range []struct {
		rows *[]listRow
		q    store.RowQuery
	}{
		{&d.Slowest, store.RowQuery{Filter: week, Sort: store.Slowest, Limit: shortList}},
		{&d.Costliest, store.RowQuery{Filter: week, Sort: store.Costliest, Limit: shortList}},
		{&d.Bad, store.RowQuery{Filter: bad, Limit: shortList}},
	} {
		rows, err := v.service.Rows(r.Context(), list.q)
		if err != nil {
			return err
		}
		*list.rows = listRows(rows, now)
	}
	open, err := v.service.Rows(r.Context(), store.RowQuery{Filter: store.Filter{Repo: repo, Terms: openTraces}, Limit: shortList})
	if err != nil {
		return err
	}
	d.Open = listRows(open, now)
	return v.render(w, r, "overview", &page{Title: "Overview", Nav: "overview", Data: d})
}

func listRows(rows []store.Row, now time.Time) []listRow {
	var all []listRow
	for _, row := range rows {
		all = append(all, newListRow(row, now))
	}
	return all
}

// statsOf adds up roll-ups.
func statsOf(name string, buckets []store.Rollup) spanStats {
	s := spanStats{Name: name}
	var durations [40]int
	var spent pricing.Cost
	unpriced := 0
	for _, b := range buckets {
		switch b.Kind {
		case fold.Trace:
			s.Traces, s.Errors = s.Traces+b.Count, s.Errors+b.Errors
			for i, n := range b.Durations {
				durations[i] += n
			}
		case fold.Generation:
			s.Calls += b.Count
			s.Tokens += b.Usage.Total
			spent.Add(b.Cost)
			unpriced += b.Unpriced
		}
	}
	s.P50, s.P95 = percentile(durations, 50), percentile(durations, 95)
	s.Cost = cost(spent.Total, unpriced)
	return s
}

// percentile reads a percentile from counts by powers of two of microseconds: the middle
// of the power that it is in. "" if nothing is counted.
func percentile(counts [40]int, p int) string {
	sum := 0
	for _, n := range counts {
		sum += n
	}
	if sum == 0 {
		return ""
	}
	rank := (sum*p + 99) / 100
	for i, n := range counts {
		if rank -= n; rank <= 0 {
			low := int64(1) << i
			return "about " + duration(time.Duration(low+low/2)*time.Microsecond)
		}
	}
	return ""
}

// modelsOf adds up roll-ups by model, the most expensive first.
func modelsOf(buckets []store.Rollup) []modelStats {
	by := map[string]*modelStats{}
	for _, b := range buckets {
		if b.Kind != fold.Generation {
			continue
		}
		m := by[b.Model]
		if m == nil {
			m = &modelStats{Model: b.Model}
			by[b.Model] = m
		}
		m.Calls, m.Errors, m.Unpriced = m.Calls+b.Count, m.Errors+b.Errors, m.Unpriced+b.Unpriced
		m.Usage.Add(b.Usage)
		m.Cost.Add(b.Cost)
	}
	var all []modelStats
	for _, m := range by {
		all = append(all, *m)
	}
	slices.SortFunc(all, func(a, b modelStats) int {
		return cmp.Or(cmp.Compare(b.Cost.Total, a.Cost.Total), cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Model, b.Model))
	})
	if len(all) > 0 && all[0].Cost.Total > 0 {
		for i := range all {
			all[i].Share = int(float64(all[i].Cost.Total) / float64(all[0].Cost.Total) * 1000)
		}
	}
	return all
}
