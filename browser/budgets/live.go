package main

import (
	"context"
	"fmt"
	"time"

	"github.com/troupelog/troupe/browser/internal/chrome"
)

// lag measures how far the search index is behind at 5,000 lines a second.
func (b *budgets) lag(ctx context.Context) error {
	const rate, seconds = 5000, 5
	tick := time.NewTicker(time.Second / 10)
	defer tick.Stop()
	next := 10_000_000
	for range seconds * 10 {
		var lines []string
		for range rate / 100 {
			lines = append(lines, linesAt(next, time.Now())...)
			next++
		}
		if err := b.site.Post(ctx, repo, lines); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	word := fmt.Sprint("lagword", time.Now().UnixNano())
	if err := b.site.Post(ctx, repo, []string{fmt.Sprintf(`trace{id=%s,action=create,data={"name":"lag","input":"%s"}}`, word, word)}); err != nil {
		return err
	}
	start := time.Now()
	if err := b.found(ctx, word); err != nil {
		return err
	}
	b.atMost("search index behind, at 5,000 lines/s", time.Since(start).Seconds(), 5, "s")
	return nil
}

// following measures the live page at 500 lines a second.
func (b *budgets) following(ctx context.Context) error {
	tab, err := b.browser.Open(b.site.URL, desktop)
	if err != nil {
		return err
	}
	defer tab.Close()
	if err := tab.Go("/live?repo=" + repo); err != nil {
		return err
	}
	if _, err := chrome.Eval[bool](tab, `(() => {
		window.slowest = 0;
		let before = performance.now();
		const frame = now => { window.slowest = Math.max(window.slowest, now - before); before = now; requestAnimationFrame(frame); };
		requestAnimationFrame(frame);
		return true;
	})()`); err != nil {
		return err
	}
	first, err := heap(tab)
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Second / 10)
	defer tick.Stop()
	next, posted := 20_000_000, 0
	for end := time.Now().Add(b.live); time.Now().Before(end); {
		var lines []string
		for range 5 {
			lines = append(lines, linesAt(next, time.Now())...)
			next++
		}
		if err := b.site.Post(ctx, repo, lines); err != nil {
			return err
		}
		posted += len(lines)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	slowest, err := chrome.Eval[float64](tab, `window.slowest`)
	if err != nil {
		return err
	}
	if _, err := chrome.Eval[bool](tab, `typeof gc === 'function' ? (gc(), true) : false`); err != nil {
		return err
	}
	last, err := heap(tab)
	if err != nil {
		return err
	}
	seen, err := chrome.Eval[string](tab, `document.querySelector('[data-state]').textContent + ', the first row is ' + document.querySelector('[data-live] a').textContent +
		', ' + document.querySelectorAll('[data-live] tr').length + ' rows, newer: ' + document.querySelector('[data-new]').textContent`)
	if err != nil {
		return err
	}
	fmt.Printf("live: %d lines in %v; %s\n", posted, b.live, seen)
	b.atMost("live, 500 lines/s: the longest frame", slowest, 100, "ms")
	b.atMost("live, 500 lines/s: memory of scripts grew by", last-first, 10, "MB")
	return b.held(tab, "live", 3000, 60)
}
