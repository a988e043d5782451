package spool

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/spool/seglog"
)

func TestAnotherProcessAdoptsWhatAKilledOneLeft(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	first, second := start(t, "writer", dir), start(t, "writer", dir)
	if first.slot != "00" || second.slot != "01" {
		t.Fatalf("slots %s and %s", first.slot, second.slot)
	}
	s := open(t, Config{Dir: dir})
	if ownerless, err := s.TakeOwnerless(); ownerless != nil || err != nil || s.Slot() != "02" {
		t.Fatalf("slot %s; the slot of a process that lives is adopted: %v, %v", s.Slot(), ownerless, err)
	}
	first.kill()
	ownerless, err := s.TakeOwnerless()
	if err != nil || ownerless == nil || ownerless.Slot() != "00" || ownerless.InMemory() {
		t.Fatalf("got %+v, %v", ownerless, err)
	}
	want := []string{"slot 00 line 0", "slot 00 line 1", "slot 00 line 2"}
	if got := pending(t, ownerless.Lines); !slices.Equal(got, want) {
		t.Errorf("lines %q, want %q", got, want)
	}
	if blob, err := ownerless.OpenBlob(someBlob); err != nil {
		t.Error(err)
	} else {
		blob.Close()
	}
	if _, err := ownerless.OpenBlob(strings.Repeat("f", blobNameDigits)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a blob that nothing names: %v", err)
	}
	for l, err := range ownerless.Letters() {
		if err != nil || string(l.Data) != "dead" || l.Status != 400 {
			t.Errorf("dead letter %+v, %v", l, err)
		}
	}
	// What an adopted upload appends to the lines goes to the same slot.
	ownerless.Lines.Ack(3)
	seq := ownerless.Lines.Append([]seglog.Item{{Kind: seglog.Line, Data: []byte("stored")}})
	if err := ownerless.Lines.Sync(t.Context(), seq); err != nil {
		t.Error(err)
	}
	ownerless.Uploads.Ack(1)
	shut(t, ownerless)

	if ownerless, err = s.TakeOwnerless(); err != nil || ownerless == nil {
		t.Fatalf("got %v, %v", ownerless, err)
	}
	if got := pending(t, ownerless.Lines); !slices.Equal(got, []string{"stored"}) || !drained(ownerless.Uploads) {
		t.Errorf("lines %q", got)
	}
	ownerless.Lines.Ack(seq)
	shut(t, ownerless)
	if ownerless, err = s.TakeOwnerless(); ownerless != nil || err != nil {
		t.Errorf("an empty slot is adopted: %v, %v", ownerless, err)
	}
}

func TestSlotsWithNothingInThemAreLeftAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	idle := start(t, "idle", dir)
	other := open(t, Config{Dir: dir, Target: "another"})
	fill(t, other, "line", 1)
	shut(t, other)
	idle.kill()
	s := open(t, Config{Dir: dir})
	if s.Slot() != "00" {
		t.Errorf("slot %s is taken, want the one that was freed by a kill", s.Slot())
	}
	if ownerless, err := s.TakeOwnerless(); ownerless != nil || err != nil {
		t.Errorf("got %v, %v", ownerless, err)
	}
}

func TestASlotThatLooksFullIsOpenedOnceWhereNothingWaits(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	s, busy := open(t, Config{Dir: dir}), open(t, Config{Dir: dir})
	fill(t, busy, "line", 5)
	busy.Lines.Ack(5)
	shut(t, busy)
	for range 2 {
		if ownerless, err := s.TakeOwnerless(); ownerless != nil || err != nil {
			t.Fatalf("got %v, %v", ownerless, err)
		}
	}
	look, err := appearance(s.target, busy.Slot())
	if err != nil || look != "" && s.changed(busy.Slot(), look) {
		t.Errorf("it would be opened again and again: %q, %v", look, err)
	}
	again, err := Open(Config{Dir: dir, Target: target})
	if err != nil || again.Slot() != busy.Slot() {
		t.Fatalf("%+v, %v", again, err)
	}
	fill(t, again, "more", 1)
	shut(t, again)
	ownerless, err := s.TakeOwnerless()
	if err != nil || ownerless == nil {
		t.Fatalf("what came later is not found: %v", err)
	}
	shut(t, ownerless)
}
