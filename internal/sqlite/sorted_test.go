package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/project"
	"github.com/troupelog/troupe/internal/store"
)

// Many traces are put in order by walking along an index, few by sorting: both must tell
// the same.
func TestSortingAndWalkingAgree(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	log, err := OpenLog(ctx, filepath.Join(dir, "log.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	x, err := OpenIndex(ctx, filepath.Join(dir, "index.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	b := store.Batch{Repo: "r", First: 1}
	for i := range 100 {
		b.Lines = append(b.Lines, fmt.Appendf(nil,
			`trace{id=t%d,action=create,data={"tags":{"k":"%d"},"startTimestamp":"2026-01-01T00:00:%02dZ","endTimestamp":"2026-01-01T00:01:%02dZ"}}`,
			i, i%2, i%60, i*7%60))
	}
	if _, err := log.Append(ctx, []store.Batch{b}); err != nil {
		t.Fatal(err)
	}
	if _, err := project.Fold(ctx, log, x, nil, &project.Faults{}); err != nil {
		t.Fatal(err)
	}
	tag := store.Term{Field: store.FieldTag, Op: store.Equal, Key: "k", Value: "1"}
	for _, sort := range []store.Sort{store.Slowest, store.Costliest} {
		for _, terms := range [][]store.Term{nil, {tag}} {
			told := map[int][]string{}
			for _, sorted := range []int{1, maxSorted} {
				x.sorted = sorted
				q := store.RowQuery{Filter: store.Filter{Repo: "r", Terms: terms}, Sort: sort, Limit: 7}
				for range 20 {
					rows, err := x.Rows(ctx, q)
					if err != nil {
						t.Fatal(err)
					}
					for _, r := range rows {
						told[sorted] = append(told[sorted], r.Entity.Ref.ID)
						q.After = r.Place
					}
				}
			}
			if diff := cmp.Diff(told[maxSorted], told[1]); diff != "" || len(told[1]) != 100/(1+len(terms)) {
				t.Errorf("%s: %d rows: -sorted +walked:\n%s", sort, len(told[1]), diff)
			}
		}
	}
}
