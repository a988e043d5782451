package sqlite_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/project"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

func TestFoldingGoesOnBehindADamagedBlock(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	log, index, err := openParts(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	defer index.Close()
	for i, line := range []string{`trace{id=t,action=create,data={}}`, `trace{id=lost,action=create,data={}}`, `trace{id=u,action=create,data={}}`} {
		batch := store.Batch{Repo: "r", Spool: protocol.Producer{1}, First: uint64(10*i + 10), Lines: [][]byte{[]byte(line)}}
		if _, err := log.Append(ctx, []store.Batch{batch}); err != nil {
			t.Fatal(err)
		}
	}
	damage(t, filepath.Join(dir, "log.db"), `UPDATE blocks SET z = x'00010203' WHERE bno = 2`)

	var faults project.Faults
	settle := func() (fails int) {
		t.Helper()
		for {
			before, err := index.Cursor(ctx)
			if err != nil {
				t.Fatal(err)
			}
			after, err := project.Fold(ctx, log, index, nil, &faults)
			if err == nil && after == before {
				return fails
			}
			if err == nil {
				continue
			}
			fault, ok := errors.AsType[*store.LineError](err)
			if fails++; !ok || fault.At.Index != store.WholeBlock || fails > 10 {
				t.Fatalf("failure %d: %v", fails, err)
			}
		}
	}
	if fails := settle(); fails != 5 {
		t.Errorf("folding failed %d times, want 5", fails)
	}
	counts, err := index.Counts(ctx, "r")
	if err != nil || counts[protocol.Trace].Entities != 2 {
		t.Errorf("%d traces are in the index (%v), want 2", counts[protocol.Trace].Entities, err)
	}

	// A block that is damaged after it was folded does not stop a trace from being
	// folded anew without it.
	damage(t, filepath.Join(dir, "log.db"), `UPDATE blocks SET z = x'00010203' WHERE bno = 1`)
	late := store.Batch{Repo: "r", Spool: protocol.Producer{1}, First: 1, Lines: [][]byte{[]byte(`trace{id=t,action=end,data={}}`)}}
	if _, err := log.Append(ctx, []store.Batch{late}); err != nil {
		t.Fatal(err)
	}
	if fails := settle(); fails != 5 {
		t.Errorf("folding failed %d times, want 5", fails)
	}
	got, err := index.Get(ctx, []fold.Key{fold.KeyOf("r", protocol.Ref{Kind: protocol.Trace, ID: "t"})})
	if err != nil || len(got) != 1 || got[0].Status() != "ended" {
		t.Errorf("%+v, %v", got, err)
	}
}

// damage changes a database file behind the store's back.
func damage(t *testing.T, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}

func TestAColumnOfAnotherTypeIsDamageAndIsNotQuoted(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	log, index, err := openParts(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	defer index.Close()
	if _, err := log.Append(ctx, []store.Batch{{Repo: "r", First: 1, Lines: [][]byte{[]byte(`trace{id=t,action=create,data={}}`)}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := project.Fold(ctx, log, index, nil, &project.Faults{}); err != nil {
		t.Fatal(err)
	}
	damage(t, filepath.Join(dir, "index.db"), `UPDATE tops SET at = 'secret prompt'`)
	_, err = index.Rows(ctx, store.RowQuery{Filter: store.Filter{Repo: "r"}, Limit: 1})
	damaged, ok := errors.AsType[*store.DamagedError](err)
	if !ok || damaged.File != "index.db" || strings.Contains(err.Error(), "secret") || !index.Damaged() {
		t.Fatalf("%v, want a DamagedError that quotes nothing", err)
	}
	aside, err := index.Renew(ctx)
	if err != nil || filepath.Base(aside) != "index.db.damaged" || index.Damaged() {
		t.Fatalf("%q, %v", aside, err)
	}
	if _, err := project.Fold(ctx, log, index, nil, &project.Faults{}); err != nil {
		t.Fatal(err)
	}
	if rows, err := index.Rows(ctx, store.RowQuery{Filter: store.Filter{Repo: "r"}, Limit: 2}); err != nil || len(rows) != 1 {
		t.Errorf("%d traces are in the index that was built anew, %v", len(rows), err)
	}
}
