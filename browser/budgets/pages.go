package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/troupelog/troupe/browser/internal/chrome"
)

// pages are the addresses of pages, with the budget of the server's 95th percentile in
// milliseconds.
var pages = []struct {
	name, path string
	server     float64
}{
	{"traces", "/traces?repo=" + repo, 50},
	{"traces, filtered", "/traces?repo=" + repo + "&q=model:gpt-4o", 50},
	{"trace", "/trace/turn-0000100?repo=" + repo, 60},
	{"session", "/session/s-10?repo=" + repo, 100},
	{"session of 10,000 turns", "/session/long?repo=" + repo, 100},
	{"its newest turns", "/session/long?last=1&repo=" + repo, 200},
	{"search, a word that one line has", "/search?repo=" + repo + "&q=" + needle, 50},
	{"search, a phrase", "/search?repo=" + repo + `&q=%22parcel+100+is%22`, 50},
	{"search, a common word", "/search?repo=" + repo + "&q=parcel", 100},
	{"overview", "/?repo=" + repo, 100},
	{"live", "/live?repo=" + repo, 100},
	{"settings", "/settings?repo=" + repo, 100},
	{"help", "/help?repo=" + repo, 100},
}

// servers measures the time of the server for a page, and its size.
func (b *budgets) servers(ctx context.Context) error {
	for _, p := range pages {
		took, size, err := b.asked(ctx, p.path)
		if err != nil {
			return err
		}
		b.atMost("server p95: "+p.name, ms(took), p.server, "ms")
		b.atMost("HTML, compressed: "+p.name, float64(size)/1024, 60, "KiB")
	}
	return nil
}

// paints measures when a page shows something, against the smallest page in the same run.
func (b *budgets) paints(context.Context) error {
	about, err := b.paint("/about?repo=" + repo)
	if err != nil {
		return err
	}
	b.atMost("first paint: about", about, 400, "ms")
	for _, p := range pages {
		got, err := b.paint(p.path)
		if err != nil {
			return err
		}
		b.atMost("first paint: "+p.name, got, 400, "ms")
		b.atMost("… against about", got/about, 1.5, "×")
	}
	return nil
}

// paint is the median of when a page shows something, in milliseconds, of five tabs.
func (b *budgets) paint(path string) (float64, error) {
	var took []float64
	for range 5 {
		at, err := b.paintOnce(path)
		if err != nil {
			return 0, err
		}
		took = append(took, at)
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

func (b *budgets) paintOnce(path string) (float64, error) {
	tab, err := b.browser.Open(b.site.URL, desktop)
	if err != nil {
		return 0, err
	}
	defer tab.Close()
	if err := tab.Go(path); err != nil {
		return 0, err
	}
	if n := tab.Requests(); n > 6 {
		return 0, fmt.Errorf("%s makes %d requests, at most 6 are allowed", path, n)
	}
	const script = `new Promise(found => new PerformanceObserver(list => found(list.getEntriesByName('first-contentful-paint')[0].startTime)).observe({type: 'paint', buffered: true}))`
	return chrome.Eval[float64](tab, script)
}

// largeTrace measures a trace of 5,000 nodes.
func (b *budgets) largeTrace(ctx context.Context) (err error) {
	size, err := b.answer(ctx, "/trace/large/nodes?repo="+repo)
	if err != nil {
		return err
	}
	b.atMost("5,000 nodes: skeleton, compressed", float64(size)/1024, 100, "KiB")
	tab, took, err := b.usable("/trace/large?repo=" + repo)
	if err != nil {
		return err
	}
	defer tab.Close()
	b.atMost("5,000 nodes: usable", took, 400, "ms")
	slow, err := chrome.Eval[float64](tab, `(async () => {
		const grid = document.querySelector('[data-tree]'), frame = () => new Promise(requestAnimationFrame);
		let slow = 0, before = await frame();
		for (let i = 1; i <= 60; i++) {
			grid.scrollTop = grid.scrollHeight * i / 60;
			const now = await frame();
			if (now - before > 50) slow++;
			before = now;
		}
		return slow;
	})()`)
	if err != nil {
		return err
	}
	b.atMost("5,000 nodes: over 50 ms while scrolling", slow, 0, "frames")
	step, err := chrome.Eval[float64](tab, `(() => {
		const grid = document.querySelector('[data-tree]'), took = [];
		grid.scrollTop = 0;
		grid.querySelector('[role=row]').focus();
		for (let i = 0; i < 100; i++) {
			const start = performance.now();
			document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'j', bubbles: true}));
			grid.getBoundingClientRect();
			took.push(performance.now() - start);
		}
		return took.sort((a, b) => a - b)[50];
	})()`)
	if err != nil {
		return err
	}
	b.atMost("5,000 nodes: a step down, median", step, 16, "ms")
	return b.held(tab, "5,000 nodes", 1500, 30)
}

// held measures the nodes and the memory of a page.
func (b *budgets) held(tab *chrome.Tab, what string, nodes, megabytes float64) error {
	n, err := elements(tab)
	mb, err2 := heap(tab)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	b.atMost(what+": elements", n, nodes, "")
	b.atMost(what+": memory of scripts", mb, megabytes, "MB")
	for _, fault := range tab.Faults() {
		return errors.New(what + ": " + fault)
	}
	return nil
}

// hugeTrace measures a trace of 50,000 nodes.
func (b *budgets) hugeTrace(context.Context) error {
	tab, took, err := b.usable("/trace/huge?repo=" + repo)
	if err != nil {
		return err
	}
	defer tab.Close()
	b.atMost("50,000 nodes: usable", took, 1500, "ms")
	return b.held(tab, "50,000 nodes", 1500, 80)
}

// longSession measures the page of a session of 10,000 turns in the browser.
func (b *budgets) longSession(context.Context) error {
	tab, err := b.browser.Open(b.site.URL, desktop)
	if err != nil {
		return err
	}
	defer tab.Close()
	if err := tab.Go("/session/long?last=1&repo=" + repo); err != nil {
		return err
	}
	return b.held(tab, "10,000 turns, at the end", 3000, 60)
}

// largeValues measures model calls with much in them.
func (b *budgets) largeValues(ctx context.Context) error {
	for name, path := range map[string]string{"200 messages": "many", "a text of 5 MB": "five"} {
		took, _, err := b.asked(ctx, "/trace/"+path+"?repo="+repo+"&node=generation:"+path+"-g")
		if err != nil {
			return err
		}
		b.atMost("server p95: "+name, ms(took), 300, "ms")
	}
	return nil
}

// comparisons measures the time of comparisons.
func (b *budgets) comparisons(ctx context.Context) error {
	for name, path := range map[string]string{
		"two traces of 2,000 nodes": "a=left&b=right", "two texts of 64 KiB": "a=generation:text-a-g&b=generation:text-b-g",
	} {
		took, _, err := b.asked(ctx, "/diff?repo="+repo+"&"+path)
		if err != nil {
			return err
		}
		b.atMost("server p95: comparing "+name, ms(took), 200, "ms")
	}
	return nil
}
