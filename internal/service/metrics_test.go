package service

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/troupelog/troupe/internal/store"
)

// unreadableLog is a log whose blocks cannot be read, nor, without a head, its end.
type unreadableLog struct {
	store.Log
	head store.Cursor // 0: it cannot be read
}

var errUnreadable = errors.New("disk failed")

func (l unreadableLog) Head(context.Context) (store.Cursor, error) {
	if l.head == 0 {
		return 0, errUnreadable
	}
	return l.head, nil
}

func (unreadableLog) Read(context.Context, store.Cursor, int) ([]store.Block, store.Cursor, error) {
	return nil, 0, errUnreadable
}

func TestAJobIsNotSaidToBeUpToDateWhenTheLogCannotBeRead(t *testing.T) {
	f := &follower{log: unreadableLog{}}
	if behind, delay := behindBlocks(f), behindSeconds(f); !math.IsNaN(behind) || !math.IsNaN(delay) {
		t.Errorf("%v blocks and %v seconds behind, want NaN", behind, delay)
	}
	f.log = unreadableLog{head: 7}
	if behind, delay := behindBlocks(f), behindSeconds(f); behind != 7 || !math.IsNaN(delay) {
		t.Errorf("%v blocks and %v seconds behind, want 7 and NaN", behind, delay)
	}
}
