package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/troupelog/troupe/browser/internal/chrome"
	"github.com/troupelog/troupe/browser/internal/site"
)

// The program and the browser that all tests use.
var (
	served *site.Site
	chrom  *chrome.Browser
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	var err error
	if served, err = site.Start(ctx, ".."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := served.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	if err = served.Run(ctx, "demo", "--rounds", "3"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if chrom, err = chrome.Start(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer chrom.Close()
	return m.Run()
}

// ids returns the ids of entities in the demo by the names of their traces or sessions.
func ids(t *testing.T, kind string) map[string]string {
	t.Helper()
	resp, err := http.Get(served.URL + "/api/v1/repositories/demo/" + kind + "?limit=500")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var page struct{ Data []struct{ ID, Name string } }
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil {
		t.Fatal(err)
	}
	by := map[string]string{}
	for _, row := range page.Data {
		by[row.Name] = row.ID
	}
	return by
}

// pages returns the addresses of all pages, by name, with something on each.
func pages(t *testing.T) map[string]string {
	t.Helper()
	traces, sessions := ids(t, "traces"), ids(t, "sessions")
	trace := func(name, rest string) string { return "/trace/" + url.PathEscape(traces[name]) + "?repo=demo" + rest }
	return map[string]string{
		"overview":         "/?repo=demo",
		"traces":           "/traces?repo=demo",
		"traces, filtered": "/traces?repo=demo&q=status:error",
		"traces, none":     "/traces?repo=demo&q=model:none-such",
		"traces, bad term": "/traces?repo=demo&q=dur:>soon",
		"traces, empty":    "/traces?repo=nothing-here",
		"trace":            trace("task", ""),
		"trace, chat":      trace("task", "&view=chat"),
		"trace, raw":       trace("task", "&view=raw"),
		"trace, picture":   trace("describe", ""),
		"trace, open":      trace("plan", ""),
		"trace, grouped":   trace("nightly report", ""),
		"trace, unknown":   "/trace/no-such-trace?repo=demo",
		"session":          "/session/" + url.PathEscape(sessions["change a booking"]) + "?repo=demo",
		"live":             "/live?repo=demo",
		"search":           "/search?repo=demo&q=Denver",
		"search, none":     "/search?repo=demo&q=nonesuchword",
		"line":             "/line/1?repo=demo",
		"diff of traces":   "/diff?repo=demo&a=" + url.QueryEscape(traces["turn"]) + "&b=" + url.QueryEscape(traces["question"]),
		"settings":         "/settings?repo=demo",
		"about":            "/about?repo=demo",
		"help":             "/help?repo=demo",
	}
}

// open opens a tab that is closed at the end of the test.
func open(t *testing.T, v chrome.View) *chrome.Tab {
	t.Helper()
	tab, err := chrom.Open(served.URL, v)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.Close)
	return tab
}
