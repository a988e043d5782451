package project

import (
	"bytes"
	"context"
	"iter"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/store"
)

// MaxExpanded is how many lines one upload stands for at most; further ones do
// nothing. Clients upload single lines.
const MaxExpanded = 1024

// maxRead is how many bytes of uploads an expander remembers.
const maxRead = 64 << 20

// expander finds out what stored lines stand for: themselves, or the lines that were
// uploaded because they are large. An upload that many lines name is read once.
type expander struct {
	blobs store.LargeLogs
	given int // bytes of uploads that lines stood for, each time they did
	read  map[upload][]byte
	bytes int // of uploads in read
}

// upload names the bytes that a line was uploaded as.
type upload struct{ repo, key string }

// lines returns the lines that a stored line stands for.
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

// uploaded yields the lines of an upload in the place of the line that named it.
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
