package store

import (
	"bytes"
	"context"

	"github.com/troupelog/troupe/collector/fold"
)

// expand returns what a stored line stands for: itself, or the lines that were
// uploaded because they are large.
func expand(ctx context.Context, blobs Blobs, l Located) ([]fold.Line, error) {
	line := fold.Line{Recv: l.Recv, Spool: l.Spool, Seq: l.Seq, Text: l.Text}
	key, large := fold.LargeLog(l.Text)
	if !large || blobs == nil {
		return []fold.Line{line}, nil
	}
	content, err := blobs.LargeLog(ctx, l.Repo, key)
	if err != nil {
		return nil, err
	}
	var lines []fold.Line
	for text := range bytes.SplitSeq(content, []byte("\n")) {
		if len(text) > 0 {
			line.Sub, line.Text = len(lines), text
			lines = append(lines, line)
		}
	}
	return lines, nil
}
