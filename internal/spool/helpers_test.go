package spool

import (
	"context"
	"crypto/cipher"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/internal/spool/vfs"
)

const target = "https://logs.example.com\nrepository"

// patience is how long a test waits for what happens at once.
const patience = 20 * time.Second

// open opens a spool that is closed when the test ends.
func open(t testing.TB, c Config) *Spool {
	t.Helper()
	if c.Target == "" {
		c.Target = target
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s) })
	return s
}

func shut(t testing.TB, s *Spool) {
	t.Helper()
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// fill appends n lines and waits until they are durable.
func fill(t testing.TB, s *Spool, prefix string, n int) {
	t.Helper()
	var items []seglog.Item
	for i := range n {
		items = append(items, seglog.Item{Kind: seglog.Line, Data: fmt.Appendf(nil, "%s-%d", prefix, i)})
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Lines.Sync(ctx, s.Lines.Append(items)); err != nil {
		t.Fatalf("%v, because of %v", err, s.Lines.State().Err)
	}
}

// attach stores a blob and the record that names it.
func attach(t testing.TB, s *Spool, blob, text string) uint64 {
	t.Helper()
	size, err := s.PutBlob(blob, strings.NewReader(text), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SyncBlob(blob); err != nil {
		t.Fatal(err)
	}
	u := Upload{Blob: blob, Size: size, MIME: "text/plain", Key: "r/" + blob, Line: []byte("the line of " + blob)}
	seq := s.Uploads.Append([]seglog.Item{{Kind: seglog.Attachment, Data: AppendUpload(nil, &u)}})
	if err := s.Uploads.Sync(t.Context(), seq); err != nil {
		t.Fatal(err)
	}
	return seq
}

// pending reads everything that waits in a log.
func pending(t testing.TB, l *seglog.Log) []string {
	t.Helper()
	var all []string
	for from := l.Next(); ; {
		records, err := l.Read(nil, from, 100, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 {
			return all
		}
		for _, r := range records {
			all = append(all, string(r.Data))
			from = r.Seq + 1
		}
	}
}

// grep fails if a file below dir holds text.
func grep(t testing.TB, dir, text string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), text) {
			t.Errorf("%s holds %q", path, text)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// folderStore opens the blobs in a folder.
func folderStore(t testing.TB, folder vfs.FS, aead cipher.AEAD, limit int64) *folderBlobs {
	t.Helper()
	b, err := openBlobs(folder, aead, limit)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
