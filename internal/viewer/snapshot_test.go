package viewer_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// The tree JSON of a large trace is that of its page, once; then, and for other traces, it
// is what is there.
func TestTheSkeletonIsThatOfThePage(t *testing.T) {
	lines := []string{`trace{id=t1,action=create,data={"name":"many"}}`, `trace{id=t2,action=create,data={"name":"other"}}`}
	for i := range 600 {
		lines = append(lines, fmt.Sprintf(`trace{id=t1,action=add-span,data={"id":"s%d","name":"before %d"}}`, i, i))
	}
	s := open(t, lines...)
	body := s.want("/trace/t1")
	_, rest, ok := strings.Cut(body, `data-tree="`)
	if !ok {
		t.Fatal("the page has no tree")
	}
	nodes, _, _ := strings.Cut(rest, `"`)
	nodes = strings.ReplaceAll(nodes, "&amp;", "&")
	if !strings.Contains(nodes, "snapshot=") {
		t.Fatalf("no snapshot in %s", nodes)
	}
	s.log(`trace{id=t1,action=add-span,data={"id":"new","name":"after"}}`)
	other := strings.Replace(nodes, "/t1/", "/t2/", 1)
	if status, body := s.get(other); status != http.StatusOK || strings.Contains(body, "before") || !strings.Contains(body, "other") {
		t.Errorf("another trace is answered %d with %.80s", status, body)
	}
	if status, body := s.get(nodes); status != http.StatusOK || !strings.Contains(body, "before 599") || strings.Contains(body, "after") {
		t.Errorf("answered %d, not what the page has: %.80s", status, body)
	}
	if status, body := s.get(nodes); status != http.StatusOK || !strings.Contains(body, "after") {
		t.Errorf("a second time answered %d, not what is there: %.80s", status, body)
	}
}
