package sqlite_test

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/sqlite"
	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/internal/storetest"
)

// checks is how many cases a property is tried with, unless -rapid.checks says it: each
// stores and folds many times.
const checks = "25"

func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		if err := flag.Set("rapid.checks", checks); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

func open(ctx context.Context, dir string, prices fold.Prices) (store.Cluster, error) {
	return sqlite.Open(ctx, dir, prices, slog.New(slog.DiscardHandler))
}

// openParts opens a log and an index without a cluster.
func openParts(ctx context.Context, dir string) (*sqlite.Log, *sqlite.Index, error) {
	log, err := sqlite.OpenLog(ctx, filepath.Join(dir, "log.db"))
	if err != nil {
		return nil, nil, err
	}
	index, err := sqlite.OpenIndex(ctx, filepath.Join(dir, "index.db"), nil)
	if err != nil {
		return nil, nil, errors.Join(err, log.Close())
	}
	return log, index, nil
}

func TestStore(t *testing.T) { storetest.Run(t, open) }
