package ledger_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/ledger"
)

func TestAdmitRefusesEntriesAboveTheLimit(t *testing.T) {
	l := ledger.New(1000)
	if _, err := l.Admit(1001, time.Hour); !errors.Is(err, ledger.ErrTooLarge) {
		t.Fatalf("Admit over the limit = %v, want ErrTooLarge", err)
	}
	if a := l.Read(); a.Accepted != 0 || a.Bytes != 0 {
		t.Fatalf("a refused entry was accounted: %+v", a)
	}
}

func TestAdmitWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ledger.New(2 * 100)
		first, _ := l.Admit(100, 0)
		if _, err := l.Admit(100, 0); err != nil {
			t.Fatal(err)
		}
		admitted := make(chan error, 1)
		go func() {
			_, err := l.Admit(100, time.Minute)
			admitted <- err
		}()
		synctest.Wait()
		select {
		case err := <-admitted:
			t.Fatalf("Admit returned %v before there was room", err)
		default:
		}
		settle(l, first, 100)
		if err := <-admitted; err != nil {
			t.Fatalf("Admit after room came free = %v", err)
		}
	})
}

// A disk that is busy for seconds is no reason to reject what did not wait for it.
func TestACallIsRejectedOnlyAfterItsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ledger.New(100)
		epoch, _ := l.Admit(100, 0)
		for n := range 4 {
			start := time.Now()
			if _, err := l.Admit(100, time.Second); !errors.Is(err, ledger.ErrFull) || time.Since(start) != time.Second {
				t.Fatalf("call %d = %v after %v, want ErrFull after 1s", n, err, time.Since(start))
			}
		}
		go func() {
			time.Sleep(time.Second / 2)
			settle(l, epoch, 100)
		}()
		if _, err := l.Admit(100, time.Second); err != nil {
			t.Fatalf("Admit = %v, want it to wait for the release", err)
		}
	})
}

func TestNobodyWaitsAtAStandstill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ledger.New(100)
		epoch, _ := l.Admit(100, 0)
		refuse := func(wait, want time.Duration) {
			t.Helper()
			start := time.Now()
			if _, err := l.Admit(100, wait); !errors.Is(err, ledger.ErrFull) {
				t.Fatalf("Admit = %v, want ErrFull", err)
			}
			if waited := time.Since(start); waited != want {
				t.Fatalf("a call waited %v, want %v", waited, want)
			}
		}
		for range 5 {
			refuse(time.Second, time.Second)
		}
		for range 100 {
			refuse(time.Second, 0)
		}
		refuse(time.Minute, time.Minute) // it has not been still for so long
		refuse(time.Minute, 0)
		settle(l, epoch, 100)
		epoch, err := l.Admit(100, 0)
		if err != nil {
			t.Fatalf("Admit after a release = %v", err)
		}
		refuse(time.Second, time.Second)
		settle(l, epoch, 100)
	})
}

// Others take the room that a call waits for: that is movement.
func TestMovementIsNoStandstill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ledger.New(100)
		small, _ := l.Admit(10, 0)
		if _, err := l.Admit(90, 0); err != nil {
			t.Fatal(err)
		}
		for n := range 20 {
			go func() {
				time.Sleep(time.Second / 2)
				settle(l, small, 10)
				small, _ = l.Admit(10, 0)
			}()
			start := time.Now()
			if _, err := l.Admit(50, time.Second); !errors.Is(err, ledger.ErrFull) || time.Since(start) != time.Second {
				t.Fatalf("call %d = %v after %v, want ErrFull after 1s", n, err, time.Since(start))
			}
			synctest.Wait()
		}
	})
}

func TestBarrierCoversEarlierEpochsAndNotLaterEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ledger.New(1 << 20)
		a, _ := l.Admit(1, 0)
		first := l.Barrier()
		b, _ := l.Admit(1, 0)
		second := l.Barrier()
		if _, err := l.Admit(1, 0); err != nil { // later: neither waits for it
			t.Fatal(err)
		}
		done := make(chan string, 2)
		go func() { _ = first(t.Context()); done <- "first" }()
		go func() { _ = second(t.Context()); done <- "second" }()
		settle(l, b, 1)
		synctest.Wait()
		if len(done) != 0 {
			t.Fatalf("the %s barrier did not wait for an earlier entry", <-done)
		}
		settle(l, a, 1)
		synctest.Wait()
		if len(done) != 2 {
			t.Fatalf("%d of 2 barriers passed", len(done))
		}
	})
}

func TestBarrierEndsWithItsContext(t *testing.T) {
	l := ledger.New(1 << 20)
	if _, err := l.Admit(1, 0); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Barrier()(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("barrier = %v, want context.Canceled", err)
	}
}

func TestCloseRefusesCallersButNotTheLogger(t *testing.T) {
	l := ledger.New(1 << 20)
	epoch, _ := l.Admit(1, 0)
	wait := l.Close()
	if _, err := l.Admit(1, 0); !errors.Is(err, ledger.ErrClosed) {
		t.Fatalf("Admit after Close = %v, want ErrClosed", err)
	}
	own, err := l.AdmitOwn(1)
	if err != nil {
		t.Fatalf("AdmitOwn after Close = %v", err)
	}
	settle(l, epoch, 1)
	if err := wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, sealed := l.Close(), l.Seal()
	if _, err := l.AdmitOwn(1); !errors.Is(err, ledger.ErrClosed) {
		t.Fatalf("AdmitOwn after Seal = %v, want ErrClosed", err)
	}
	settle(l, own, 1)
	for name, wait := range map[string]func(context.Context) error{"a second Close": again, "Seal": sealed, "Barrier": l.Barrier()} {
		if err := wait(t.Context()); err != nil {
			t.Fatalf("%s = %v", name, err)
		}
	}
	if a := l.Read(); a.Handed != a.Accepted || a.Bytes != 0 || a.Accepted != 2 {
		t.Fatalf("account after all was handed over: %+v", a)
	}
}

// Entries of the logger itself take part of the room, and wait for more elsewhere.
func TestEntriesOfTheLoggerLeaveRoomForCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ledger.New(800)
		large, err := l.AdmitOwn(1000)
		if err != nil {
			t.Fatalf("AdmitOwn into an empty ledger = %v", err)
		}
		settle(l, large, 1000)
		var own uint64
		for range 3 {
			if own, err = l.AdmitOwn(100); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.AdmitOwn(100); !errors.Is(err, ledger.ErrFull) {
			t.Fatalf("AdmitOwn over its share = %v, want ErrFull", err)
		}
		if _, err := l.Admit(500, 0); err != nil {
			t.Fatalf("Admit beside own entries = %v", err)
		}
		ready := make(chan error, 1)
		go func() { ready <- l.AwaitOwn(t.Context(), 100) }()
		settle(l, own, 100)
		synctest.Wait()
		if len(ready) != 0 {
			t.Fatal("AwaitOwn returned before there was room")
		}
		l.Release(500)
		if err := <-ready; err != nil {
			t.Fatalf("AwaitOwn = %v", err)
		}
		if _, err := l.AdmitOwn(100); err != nil {
			t.Fatalf("AdmitOwn after a release = %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.AwaitOwn(ctx, 700); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("AwaitOwn = %v, want the end of its context", err)
		}
		go func() { ready <- l.AwaitOwn(t.Context(), 700) }()
		synctest.Wait()
		l.Seal()
		if err := <-ready; err != nil {
			t.Fatalf("AwaitOwn behind Seal = %v, want it to let AdmitOwn say so", err)
		}
	})
}

// A million own entries after Close are accounted in linear time: they share an epoch.
func TestEntriesAfterCloseShareAnEpoch(t *testing.T) {
	l := ledger.New(1 << 40)
	if err := l.Close()(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, _ := l.AdmitOwn(1)
	second, _ := l.AdmitOwn(1)
	if first != second {
		t.Errorf("own entries are in the epochs %d and %d", first, second)
	}
	l.Handed(first, 2)
	if err := l.Seal()(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// settle hands one entry over and gives its room back.
func settle(l *ledger.Ledger, epoch uint64, size int64) {
	l.Handed(epoch, 1)
	l.Release(size)
}

// The account balances whatever happens in whatever order.
func TestCountersBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := ledger.New(20_000)
		type entry struct {
			epoch uint64
			size  int64
		}
		var pending []entry
		var accepted, bytes int64
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 5:
				size := rapid.Int64Range(0, 3000).Draw(t, "own size")
				if epoch, err := l.AdmitOwn(size); err == nil {
					pending = append(pending, entry{epoch, size})
					accepted++
					bytes += size
				}
			case 6:
				if rapid.IntRange(0, 20).Draw(t, "close") == 0 {
					l.Close()
				}
			case 0, 1:
				size := rapid.Int64Range(0, 3000).Draw(t, "size")
				if epoch, err := l.Admit(size, 0); err == nil {
					pending = append(pending, entry{epoch, size})
					accepted++
					bytes += size
				}
			case 2:
				l.Barrier()
			default:
				if len(pending) == 0 {
					continue
				}
				e := pending[0]
				pending = pending[1:]
				settle(l, e.epoch, e.size)
				bytes -= e.size
			}
		}
		want := ledger.Counters{Accepted: accepted, Handed: accepted - int64(len(pending)), Bytes: bytes}
		if got := l.Read(); got != want {
			t.Fatalf("account %+v, want %+v", got, want)
		}
		wait := l.Barrier()
		for _, e := range pending {
			settle(l, e.epoch, e.size)
		}
		want = ledger.Counters{Accepted: accepted, Handed: accepted}
		if got := l.Read(); got != want {
			t.Fatalf("account %+v after everything was handed over, want %+v", got, want)
		}
		if err := wait(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := l.Barrier()(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := l.Seal()(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAnEndedContextDoesNotFailASettledBarrier(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l := ledger.New(1 << 20)
	for range 100 {
		epoch, _ := l.Admit(1, 0)
		wait := l.Barrier()
		settle(l, epoch, 1)
		if err := wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// Room for one is not lost to another that asks for more than there is.
func TestALargeEntryDoesNotCrowdOutSmallOnes(t *testing.T) {
	l := ledger.New(1 << 20)
	if _, err := l.Admit(600<<10, 0); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := l.Admit(600<<10, 0); err == nil {
					t.Error("600 KiB were admitted twice under 1 MiB")
					return
				}
			}
		}
	})
	for range 1000 {
		epoch, err := l.Admit(1000, 0)
		if err != nil {
			t.Errorf("a small entry was refused: %v", err)
			break
		}
		settle(l, epoch, 1000)
	}
	close(stop)
	asking.Wait()
}

func TestConcurrentUse(t *testing.T) {
	const callers, each = 8, 2000
	l := ledger.New(50 * 10)
	entries := make(chan uint64, 50)
	var settled sync.WaitGroup
	settled.Go(func() {
		for epoch := range entries {
			settle(l, epoch, 10)
		}
	})
	var calling sync.WaitGroup
	for range callers {
		calling.Go(func() {
			for i := range each {
				epoch, err := l.Admit(10, time.Minute)
				if err != nil {
					t.Errorf("Admit = %v", err)
					return
				}
				entries <- epoch
				if i%500 == 0 {
					if err := l.Barrier()(t.Context()); err != nil {
						t.Errorf("barrier = %v", err)
					}
				}
			}
		})
	}
	calling.Wait()
	if err := l.Close()(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(entries)
	settled.Wait()
	if a := l.Read(); a.Accepted != callers*each || a.Handed != callers*each || a.Bytes != 0 {
		t.Fatalf("account %+v, want %d accepted and handed over", a, callers*each)
	}
}
