package project

import (
	"bytes"
	"context"
	"iter"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/store"
)

// MaxExpanded limits the lines that one upload expands to; further lines are ignored. Clients upload single lines.
const MaxExpanded = 1024

// maxRead limits the bytes of uploads that an expander caches.
const maxRead = 64 << 20

// expander replaces a stored line that names an upload with the uploaded lines, and keeps
// all others. An upload named by many lines is read once, while it is cached.
type expander struct {
	blobs store.LargeLogs
	given int // bytes of uploads returned, counted each time
	read  map[upload][]byte
	bytes int // of uploads in read
}

// upload identifies the uploaded content of a line.
type upload struct{ repo, key string }

// lines returns the lines that a stored line expands to. Errors are *store.LineError.
func (x *expander) lines(ctx context.Context, l store.Located) (iter.Seq[fold.Line], error) {
	line := fold.Line{Recv: l.Recv, Spool: l.Spool, Seq: l.Seq, Text: l.Text}
	key, large := fold.LargeLog(l.Text)
	if !large || x.blobs == nil {
		return func(yield func(fold.Line) bool) { yield(line) }, nil
	}
	content, err := x.content(ctx, upload{l.Repo, key})
	if err != nil {
		return nil, &store.LineError{At: l.Loc, Err: err}
	}
	x.given += len(content)
	return uploaded(line, content), nil
}

// uploaded yields the lines of an upload, numbered by Sub, in place of the line naming it.
func uploaded(line fold.Line, content []byte) iter.Seq[fold.Line] {
	return func(yield func(fold.Line) bool) {
		line.Sub = 0
		for text := range bytes.SplitSeq(content, []byte("\n")) {
			text = bytes.TrimSuffix(text, []byte("\r"))
			if len(text) == 0 {
				continue
			}
			if line.Text = text; line.Sub == MaxExpanded || !yield(line) {
				return
			}
			line.Sub++
		}
	}
}

func (x *expander) content(ctx context.Context, u upload) ([]byte, error) {
	if content, ok := x.read[u]; ok {
		return content, nil
	}
	content, err := x.blobs.LargeLog(ctx, u.repo, u.key)
	if err != nil {
		return nil, err
	}
	if x.read == nil || x.bytes+len(content) > maxRead {
		x.read, x.bytes = map[upload][]byte{}, 0
	}
	x.read[u] = content
	x.bytes += len(content)
	return content, nil
}
