package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupelog/troupe/internal/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opened is a Service on a folder, with the parts of its only shard at hand.
type opened struct {
	*Service
	*shard
	dir string
}

// open opens the service of a folder. A nil logger discards.
func open(dir string, logger *slog.Logger) (*opened, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	ctx := context.Background()
	cluster, err := sqlite.Open(ctx, dir, nil, logger)
	if err != nil {
		return nil, err
	}
	s, err := New(ctx, Config{Store: cluster, Location: dir, Logger: logger})
	if err != nil {
		return nil, errors.Join(err, cluster.Close())
	}
	return &opened{s, s.shards[0], dir}, nil
}

// filePath returns the path of an upload.
func (o *opened) filePath(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(o.dir, "blobs", hex.EncodeToString(sum[:]))
}

// bytesOf returns the size of the files in a folder, not below it, whose names match.
func bytesOf(dir, pattern string) (sum int64) {
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // files that vanish have no size
		}
		if entry.IsDir() && path != dir {
			return fs.SkipDir
		}
		if ok, _ := filepath.Match(pattern, entry.Name()); ok && !entry.IsDir() {
			if info, err := entry.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil
	})
	return sum
}
