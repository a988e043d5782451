package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupelog/troupe/collector/sqlite"
	"github.com/troupelog/troupe/collector/store"
	"github.com/troupelog/troupe/collector/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(ctx context.Context, dir string) (store.Log, store.Index, error) {
	log, err := sqlite.OpenLog(ctx, filepath.Join(dir, "log.db"))
	if err != nil {
		return nil, nil, err
	}
	index, err := sqlite.OpenIndex(ctx, filepath.Join(dir, "index.db"))
	if err != nil {
		return nil, nil, errors.Join(err, log.Close())
	}
	return log, index, nil
}

func TestStore(t *testing.T) { storetest.Run(t, open) }
