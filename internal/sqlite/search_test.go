package sqlite_test

import (
	"context"
	"testing"

	"github.com/troupelog/troupe/internal/sqlite"
	"github.com/troupelog/troupe/internal/storetest"
)

func TestSearch(t *testing.T) {
	storetest.RunSearch(t, func(ctx context.Context, dir string) (storetest.Search, error) {
		return sqlite.OpenSearch(ctx, dir)
	})
}
