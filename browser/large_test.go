package browser

import (
	"fmt"
	"testing"

	"github.com/troupelog/troupe/browser/internal/chrome"
)

// largeTrace returns the lines of a trace of n spans, a hundred below each of the first.
func largeTrace(n int) []string {
	lines := []string{`trace{id=large,action=create,data={"name":"large","startTimestamp":"2026-11-22T10:00:00Z"}}`}
	for i := range n {
		parent := "trace{id=large"
		if i%100 != 0 {
			parent = fmt.Sprintf("span{id=%08x-0000-4000-8000-00000000%04x", i/100*100, i/100)
		}
		lines = append(lines, fmt.Sprintf(`%s,action=add-span,data={"id":"%08x-0000-4000-8000-00000000%04x","name":"step %d","startTimestamp":"2026-11-22T10:%02d:%02d.%03dZ"}}`,
			parent, i, i/100, i, i/3600%60, i/60%60, i%1000))
	}
	return lines
}

// A trace of 5,000 nodes is a few rows of elements at any time; the keys reach all of it,
// and the focus is on the row that was chosen.
func TestLargeTracesStaySmallInTheBrowser(t *testing.T) {
	if err := served.Post(t.Context(), "large", largeTrace(5000)); err != nil {
		t.Fatal(err)
	}
	tab := open(t, chrome.View{Width: 1440, Height: 900})
	if err := tab.Go("/trace/large?repo=large"); err != nil {
		t.Fatal(err)
	}
	if err := tab.Wait(`document.querySelector('[data-tree]').dataset.ready === 'true'`); err != nil {
		t.Fatal(err)
	}
	count := func() int {
		n, err := chrome.Eval[int](tab, `document.querySelectorAll('*').length`)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(); n > 1500 {
		t.Errorf("%d elements", n)
	}
	if _, err := chrome.Eval[bool](tab, `document.querySelector('[role=row]').focus(), true`); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := tab.Press("j"); err != nil {
			t.Fatal(err)
		}
	}
	at, err := chrome.Eval[string](tab, `document.activeElement.getAttribute('aria-rowindex') + ' ' + document.activeElement.getAttribute('aria-selected')`)
	if err != nil || at != "101 true" {
		t.Errorf("after 100 steps the focus is at %q, %v", at, err)
	}
	if _, err := chrome.Eval[bool](tab, `document.querySelector('[data-find]').value = 'step 4999', document.querySelector('[data-find]').dispatchEvent(new Event('input')), true`); err != nil {
		t.Fatal(err)
	}
	if found, err := chrome.Eval[string](tab, `document.querySelector('[data-found]').textContent`); err != nil || found != "1 of 5001" {
		t.Errorf("find says %q, %v", found, err)
	}
	if n := count(); n > 1500 {
		t.Errorf("%d elements after moving about", n)
	}
	if size := len(mustGet(t, "/trace/large/nodes?repo=large")); size > 1<<20 {
		t.Errorf("the skeleton has %d bytes", size)
	}
	for _, fault := range tab.Faults() {
		t.Error(fault)
	}
}

// A row that scripts draw says what is odd about where it stands, as the server's does,
// whatever row its elements stood for before.
func TestRowsNameAnomalies(t *testing.T) {
	lines := append(largeTrace(300), `trace{id=large,action=add-span,data={"id":"early","name":"early","startTimestamp":"2026-11-22T09:59:59.5Z"}}`)
	if err := served.Post(t.Context(), "odd", lines); err != nil {
		t.Fatal(err)
	}
	tab := open(t, chrome.View{Width: 1440, Height: 900})
	if err := tab.Go("/trace/large?repo=odd"); err != nil {
		t.Fatal(err)
	}
	if err := tab.Wait(`document.querySelector('[data-tree]').dataset.ready === 'true'`); err != nil {
		t.Fatal(err)
	}
	marks := `[...document.querySelectorAll('[data-tree] .warn')].filter(e => !e.hidden).map(e => e.closest('.row').querySelector('.title').textContent + ': ' + e.textContent).join()`
	const want = "early: ⏲ 500 ms before its parent"
	if got, err := chrome.Eval[string](tab, marks); err != nil || got != want {
		t.Errorf("the first rows say %q, %v; want %q", got, err, want)
	}
	if _, err := chrome.Eval[bool](tab, `document.querySelector('[data-tree]').scrollTop = 5000, true`); err != nil {
		t.Fatal(err)
	}
	if err := tab.Wait(`!document.querySelector('[data-i="1"]')`); err != nil {
		t.Fatal(err)
	}
	if got, err := chrome.Eval[string](tab, marks); err != nil || got != "" {
		t.Errorf("rows further down say %q, %v", got, err)
	}
	for _, fault := range tab.Faults() {
		t.Error(fault)
	}
}

func mustGet(t *testing.T, path string) []byte {
	t.Helper()
	text, err := served.Get(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
