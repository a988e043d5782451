package seglog

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

func TestWaitsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, err := Open(Config{FS: vfs.NewMem()})
		if err != nil {
			t.Fatal(err)
		}
		last := l.Append(numbered(1, 3))
		results := make(chan error, 3)
		go func() { results <- l.WaitAcked(t.Context(), 2) }()
		synctest.Wait()
		l.Ack(1)
		synctest.Wait()
		if len(results) > 0 {
			t.Error("WaitAcked(2) ended with Ack(1)")
		}
		l.Ack(2)
		if err := <-results; err != nil {
			t.Error(err)
		}
		cause := errors.New("cause")
		ctx, stop := context.WithCancelCause(t.Context())
		go func() { results <- l.WaitAcked(ctx, last) }()
		synctest.Wait()
		stop(cause)
		if err := <-results; !errors.Is(err, cause) {
			t.Errorf("%v, want the cause of the context", err)
		}
		go func() { results <- l.WaitAcked(t.Context(), last) }()
		synctest.Wait()
		closeLog(t, l)
		if err := <-results; !errors.Is(err, ErrClosed) {
			t.Errorf("%v, want ErrClosed", err)
		}
		if err := l.Sync(t.Context(), last); err != nil {
			t.Errorf("Sync of what is durable after Close: %v", err)
		}
		if _, err := l.Read(nil, 1, 1, 1); !errors.Is(err, ErrClosed) {
			t.Errorf("Read after Close: %v", err)
		}
		if l.Append(numbered(4, 1)); l.State().Dropped["closed"] != 1 {
			t.Errorf("state: %+v", l.State())
		}
	})
}

// TestPolicies checks when records can be read and when they are durable.
func TestPolicies(t *testing.T) {
	t.Parallel()
	for _, policy := range []Policy{Group, Interval, None} {
		synctest.Test(t, func(t *testing.T) {
			l, err := Open(Config{FS: vfs.NewMem(), Policy: policy, Every: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			l.Append(numbered(1, 1))
			time.Sleep(time.Second)
			s := l.State()
			if s.Written != 1 || s.MemoryBytes != 0 || (s.Durable == 1) != (policy == Group) {
				t.Errorf("policy %d after a second: %+v", policy, s)
			}
			time.Sleep(time.Minute)
			if s := l.State(); (s.Durable == 1) != (policy != None) {
				t.Errorf("policy %d after a minute: %+v", policy, s)
			}
			syncLog(t, l, 1)
			closeLog(t, l)
		})
	}
}
