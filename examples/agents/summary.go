package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/troupelog/troupe/collector"
)

// summarise prints the content of the collector at a repository's URL: a row for each
// session, and the counts of everything.
func summarise(ctx context.Context, out io.Writer, url string) error {
	sessions, err := get[collector.Page[collector.SessionSummary]](ctx, url+"/sessions?limit=500")
	if err != nil {
		return err
	}
	slices.SortFunc(sessions.Data, func(a, b collector.SessionSummary) int { return strings.Compare(a.Name, b.Name) })
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(table, "session\tstate\tturns\tentities\terrors\ttokens\t")
	for _, s := range sessions.Data {
		session, err := get[collector.Session](ctx, url+"/sessions/"+s.ID)
		if err != nil {
			return err
		}
		entities, failures, tokens := 0, 0, int64(0)
		for _, t := range session.Traces {
			entities += t.Entities
			failures += t.Errors
			tokens += t.Usage.Total
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%d\t\n", s.Name, s.Status, s.Traces, entities, failures, tokens)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	stats, err := get[collector.Stats](ctx, url+"/stats")
	if err != nil {
		return err
	}
	n := stats.Entities
	has := tally{n["session"], n["trace"], n["span"], n["generation"], n["retrieval"], n["tool_call"], n["error"]}
	_, err = fmt.Fprintf(out, "\nthe collector has: %v; %d of them open; %d lines\n", has, stats.Open, stats.Lines)
	return err
}

// get reads a JSON answer of the collector.
func get[T any](ctx context.Context, url string) (answer T, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return answer, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return answer, fmt.Errorf("the collector answered %s", resp.Status)
	}
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer, err
}
