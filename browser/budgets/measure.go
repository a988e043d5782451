package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/troupelog/troupe/browser/internal/chrome"
)

// asked returns the time of the server for 99 answers, as the 95th percentile, and their size in bytes.
func (b *budgets) asked(ctx context.Context, path string) (p95 time.Duration, size int, err error) {
	var took []time.Duration
	for range 99 {
		start := time.Now()
		if size, err = b.answer(ctx, path); err != nil {
			return 0, 0, err
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return took[94], size, nil
}

// answer gets a page as a browser does, and returns its bytes as they come.
func (b *budgets) answer(ctx context.Context, path string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.site.URL+path, http.NoBody)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	counted := &counter{from: resp.Body}
	var body io.Reader = counted
	if resp.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(counted); err != nil {
			return 0, errors.Join(err, resp.Body.Close())
		}
	}
	_, err = io.Copy(io.Discard, body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	return counted.n, nil
}

type counter struct {
	from io.Reader
	n    int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += n
	return n, err
}

// usable opens a trace, and returns when its whole tree could be used, in milliseconds
// since the browser was asked to open it.
func (b *budgets) usable(path string) (*chrome.Tab, float64, error) {
	tab, err := b.browser.Open(b.site.URL, desktop)
	if err != nil {
		return nil, 0, err
	}
	if err := tab.Go("/about"); err != nil { // the browser is warm, the page is not
		tab.Close()
		return nil, 0, err
	}
	if err := tab.Go(path); err != nil {
		tab.Close()
		return nil, 0, err
	}
	if err := tab.Wait(`document.querySelector('[data-tree]').dataset.ready === 'true'`); err != nil {
		tab.Close()
		return nil, 0, err
	}
	at, err := chrome.Eval[float64](tab, `performance.getEntriesByName('tree')[0].startTime`)
	if err != nil {
		tab.Close()
	}
	return tab, at, err
}

// heap returns the megabytes that the scripts of a page hold.
func heap(tab *chrome.Tab) (float64, error) {
	bytes, err := chrome.Eval[float64](tab, `performance.memory.usedJSHeapSize`)
	return bytes / 1e6, err
}

func elements(tab *chrome.Tab) (float64, error) {
	return chrome.Eval[float64](tab, `document.querySelectorAll('*').length`)
}
