package storetest

import (
	"context"
	"errors"
	"strings"

	"github.com/troupelog/troupe/internal/project"
	"github.com/troupelog/troupe/internal/store"
)

// counted is a store.LargeLogs that counts how often it is asked.
type counted struct {
	blobs
	asked int
}

func (c *counted) LargeLog(ctx context.Context, repo, key string) ([]byte, error) {
	c.asked++
	return c.blobs.LargeLog(ctx, repo, key)
}

// uploadOnce checks that many lines that name one upload take neither its memory nor
// its reading many times.
func uploadOnce(h *harness) {
	const references = 12
	key := h.repo + "/large-logs/u"
	line := `trace{id=t,action=add-event,data={"x":"` + strings.Repeat("x", 2<<20) + "\"}}\n"
	h.blobs[h.repo+"\n"+key] = []byte(line + line)
	c := &counted{blobs: h.blobs}
	for i := range references {
		h.append(h.batch('a', uint64(i+1), `storage{id=u,action=process-large-log,data={"key":"`+key+`"}}`))
	}
	if _, err := project.Fold(h.ctx(), h.shard.Log, h.shard.Index, c, &h.faults); err != nil {
		h.Fatal(err)
	}
	h.equal(1, c.asked)
	h.equal(2*references, h.listed()["t"].Entity.Lines)

	// A line that comes late makes all of them fold anew.
	h.append(h.batch('b', 2, `trace{id=t,action=end,data={}}`))
	h.append(h.batch('b', 1, `trace{id=t,action=end,data={}}`))
	h.settle()
	h.equal(2*references+2, h.listed()["t"].Entity.Lines)
}

// broken is a store.LargeLogs with keys that cannot be read.
type broken struct{ blobs }

func (b broken) LargeLog(ctx context.Context, repo, key string) ([]byte, error) {
	if strings.HasSuffix(key, "broken") {
		return nil, errors.New("no such sector")
	}
	return b.blobs.LargeLog(ctx, repo, key)
}

func givenUp(h *harness) {
	key := h.repo + "/large-logs/broken"
	h.append(h.batch('a', 1,
		`trace{id=t,action=create,data={"name":"t"}}`,
		`storage{id=u,action=process-large-log,data={"key":"`+key+`"}}`,
		`trace{id=t,action=end,data={}}`))
	for fails := 1; ; fails++ {
		at, err := project.Fold(h.ctx(), h.shard.Log, h.shard.Index, broken{h.blobs}, &h.faults)
		if err == nil {
			h.equal(h.head(), at)
			h.equal(6, fails) // five, and then this
			break
		}
		fault, ok := errors.AsType[*store.LineError](err)
		if !ok || fault.At.Index != 1 || fails > 10 {
			h.Fatalf("failure %d: %v", fails, err)
		}
		h.equal(fails == 5, h.faults.GivenUp(err))
	}
	h.equal("ended", h.listed()["t"].Status)

	// Building the index anew tries again, and can do it when the sector is back.
	h.blobs[h.repo+"\n"+key] = []byte(`trace{id=t,action=update,data={"name":"from the upload"}}`)
	if err := h.shard.Index.Reset(h.ctx()); err != nil {
		h.Fatal(err)
	}
	h.faults = project.Faults{}
	h.settle()
	h.equal("from the upload", h.tree("t").Name)
}
