package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/project"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

// Open opens the cluster whose files are in dir, or creates it there, with the given prices.
// The suite closes a cluster before it opens the same folder again.
type Open func(ctx context.Context, dir string, prices fold.Prices) (store.Cluster, error)

// Run runs the whole suite, each case on a new cluster.
func Run(t *testing.T, open Open) {
	cases := []struct {
		name string
		run  func(*harness)
	}{
		{"a batch is stored once", batchTwice},
		{"an overlapping batch stores what is new", overlap},
		{"a gap can be filled late", lateFill},
		{"a batch without a spool is always new", noSpool},
		{"racing copies of a batch are stored once", racingCopies},
		{"many batches share commits", manyBatches},
		{"refused lines use up their numbers", refused},
		{"malformed batches are refused whole", malformedBatch},
		{"lines come back byte for byte", exactBytes},
		{"repositories do not see each other", isolation},
		{"scanning pages through a repository", scanning},
		{"reading follows the order of commits", reading},
		{"reception times grow", growingTimes},
		{"lines survive closing", reopening},
		{"a closed store says so", closedStore},
		{"dropping keeps numbers and dedupe", dropKeepsNumbers},
		{"dropping forgets senders late", dropForgetsSenders},
		{"lines are stored while others are dropped", dropUnderIngest},
		{"what is left of dropped lines is shown", dropLeavesTheRest},
		{"folding in steps equals folding anew", refoldEqual},
		{"the order of arrival does not matter", arrivalOrder},
		{"a second apply is stale", staleApply},
		{"folding resumes after a crash", resumeFolding},
		{"lists page by key while rows come in", pagingUnderInserts},
		{"a session lists its traces only", sessionTraces},
		{"odd ids and texts come back", oddTexts},
		{"parents in a circle end", circle},
		{"lists and trees agree", listsAgree},
		{"totals follow what moves", totalsMove},
		{"an upload is read once in a step", uploadOnce},
		{"a line that cannot be folded is given up", givenUp},
		{"large lines are folded from their upload", largeLine},
		{"counts tell entities and open ones", counting},
		{"what is asked for equals a recount", explorerAgrees},
		{"given traces, sessions and times are filters too", otherFilters},
		{"sessions are listed like traces", sessionRows},
		{"sorted rows page by key while rows come in", sortedPaging},
		{"roll-ups are counted once", rollupsOnce},
		{"a term that cannot be compared is refused", refusedTerms},
		{"ids are found by their beginning", findingIDs},
		{"a client's cost wins over a price", givenCosts},
		{"new prices are used for all", newPrices},
		{"what the log dropped is forgotten", forgetting},
		{"a trace is kept as long as something in it", forgettingParts},
		{"a large trace comes back whole", largeTrace},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := &harness{T: t, open: open, dir: t.TempDir(), repo: "repo", blobs: blobs{}}
			h.reopen()
			t.Cleanup(h.close)
			c.run(h)
		})
	}
}

// harness is an open store in a test.
type harness struct {
	*testing.T
	open    Open
	dir     string
	repo    string // that the case works with
	cluster store.Cluster
	shard   *store.Shard // of repo
	blobs   blobs
	faults  project.Faults
	since   store.Cursor // the lines that the case works with come after it
}

func (h *harness) ctx() context.Context { return h.Context() }

func (h *harness) reopen() { h.reopenWith(Prices) }

// reopenWith opens the cluster, which must be closed.
func (h *harness) reopenWith(prices fold.Prices) {
	h.Helper()
	var err error
	if h.cluster, err = h.open(context.Background(), h.dir, prices); err != nil {
		h.Fatal(err)
	}
	if h.shard, err = h.cluster.Shard(h.ctx(), h.repo); err != nil {
		h.Fatal(err)
	}
	if !slices.Contains(h.cluster.Shards(), h.shard) {
		h.Error("the shard of a repository is not one of the shards")
	}
}

func (h *harness) close() {
	if err := h.cluster.Close(); err != nil {
		h.Error(err)
	}
}

// blobs is a store.LargeLogs in memory, by repository and key.
type blobs map[string][]byte

func (b blobs) LargeLog(_ context.Context, repo, key string) ([]byte, error) {
	return b[repo+"\n"+key], nil
}

// start is the time of reception of the first batch.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// batch makes a batch of a sender named by a letter; first 0 means no sender.
func (h *harness) batch(sender byte, first uint64, lines ...string) store.Batch {
	b := store.Batch{Repo: h.repo, First: first, Recv: start}
	if first > 0 {
		b.Spool[0] = sender
	}
	for _, l := range lines {
		b.Lines = append(b.Lines, []byte(l))
	}
	return b
}

// numbered makes n lines that tell their numbers.
func numbered(first, n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf(`trace{id=t%d,action=create,data={}}`, first+i)
	}
	return lines
}

func (h *harness) append(b store.Batch) store.Receipt {
	h.Helper()
	receipts, err := h.shard.Log.Append(h.ctx(), []store.Batch{b})
	if err != nil {
		h.Fatal(err)
	}
	return receipts[0]
}

// wantReceipt appends a batch and checks its receipt.
func (h *harness) wantReceipt(b store.Batch, stored, duplicate int) {
	h.Helper()
	if got, want := h.append(b), (store.Receipt{Stored: stored, Duplicate: duplicate}); got != want {
		h.Errorf("receipt %+v, want %+v", got, want)
	}
}

// texts returns all lines of a repository in the order of commits.
func (h *harness) texts(repo string) []string {
	h.Helper()
	var texts []string
	for {
		some, err := h.shard.Log.Scan(h.ctx(), repo, uint64(len(texts)), 1<<20)
		if err != nil {
			h.Fatal(err)
		}
		if len(some) == 0 {
			return texts
		}
		for _, l := range some {
			texts = append(texts, string(l.Text))
			if l.Number != uint64(len(texts)) {
				h.Fatalf("line %d has number %d", len(texts), l.Number)
			}
		}
	}
}

func (h *harness) equal(want, got any) {
	h.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		h.Errorf("-want +got:\n%s", clipped(diff))
	}
}

func clipped(s string) string { return s[:min(len(s), 4000)] }

func (h *harness) head() store.Cursor {
	h.Helper()
	head, err := h.shard.Log.Head(h.ctx())
	if err != nil {
		h.Fatal(err)
	}
	return head
}

// settle folds until nothing is left.
func (h *harness) settle() {
	h.Helper()
	for {
		before, err := h.shard.Index.Cursor(h.ctx())
		if err != nil {
			h.Fatal(err)
		}
		after, err := project.Fold(h.ctx(), h.shard.Log, h.shard.Index, h.blobs, &h.faults)
		if err != nil {
			h.Fatal(err)
		}
		if after == before {
			return
		}
	}
}

// tree returns the tree of a trace.
func (h *harness) tree(id string) *fold.Node {
	h.Helper()
	node, _, err := project.Tree(h.ctx(), h.shard.Log, h.shard.Index, h.blobs, h.repo, protocol.Ref{Kind: protocol.Trace, ID: id})
	if err != nil {
		h.Fatal(err)
	}
	return node
}

// entities returns everything in the index that the repository's lines touch, by
// key.
func (h *harness) entities() map[fold.Key]fold.Entity {
	h.Helper()
	var keys []fold.Key
	for k := range fold.Fold(h.repo, h.lines()) {
		keys = append(keys, k)
	}
	found, err := h.shard.Index.Get(h.ctx(), keys)
	if err != nil {
		h.Fatal(err)
	}
	entities := map[fold.Key]fold.Entity{}
	for _, e := range found {
		entities[e.Key] = e
	}
	return entities
}

// defined returns what the repository's lines make of the entities by definition.
func (h *harness) defined() map[fold.Key]fold.Entity {
	h.Helper()
	entities := fold.Fold(h.repo, h.lines())
	for key, e := range entities {
		e.Price(Prices)
		entities[key] = e
	}
	return entities
}

// lines returns the repository's lines with their places in the order of lines.
func (h *harness) lines() []fold.Line {
	h.Helper()
	var lines []fold.Line
	for at := h.since; ; {
		blocks, next, err := h.shard.Log.Read(h.ctx(), at, 10000)
		if err != nil {
			h.Fatal(err)
		}
		if len(blocks) == 0 {
			return lines
		}
		for _, b := range blocks {
			for i, text := range b.Lines {
				if b.Repo == h.repo {
					lines = append(lines, fold.Line{Recv: b.Recv, Spool: b.Spool, Seq: b.First + uint64(i), Text: text})
				}
			}
		}
		at = next
	}
}
