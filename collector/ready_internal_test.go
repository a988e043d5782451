package collector

import (
	"context"
	"database/sql"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAFailureToStoreCountsUntilLinesAreStoredOrForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r readiness
		dir := t.TempDir()
		try := func() (folder, log error) { return tryToWrite(dir), nil }
		want := func(what string, ready bool) {
			t.Helper()
			if why := r.why(t.Context(), try); (len(why) == 0) != ready {
				t.Errorf("%s: reasons %q", what, why)
			}
		}
		want("at first", true)
		r.appended(errors.New("disk full"))
		want("after a failure", false)
		time.Sleep(time.Millisecond)
		r.appended(nil)
		want("when lines were stored after that", true)
		time.Sleep(time.Millisecond)
		r.appended(errors.New("disk full"))
		want("after another failure", false)
		// Nobody sends anything to a collector that is not ready: it has to find out itself.
		time.Sleep(recent)
		want("when the folder can be written", true)
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(probeEvery)
		want("when the folder cannot be written", false)
		r.appended(nil)
		want("when lines are stored all the same", true)
		r.set("log", "damaged")
		r.set("draining", "about to stop")
		if why := r.why(t.Context(), try); len(why) != 2 || why[0] != "about to stop" || why[1] != "damaged" {
			t.Errorf("reasons %q", why)
		}
		r.set("log", "")
		r.set("draining", "")
		want("without reasons", true)
	})
}

func TestManyWhoAskShareOneProbeASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r readiness
		tries := 0
		try := func() (folder, log error) {
			tries++
			time.Sleep(time.Millisecond)
			return nil, nil
		}
		for second := range 3 {
			var wait sync.WaitGroup
			for range 200 {
				wait.Go(func() {
					if why := r.why(t.Context(), try); why != nil {
						t.Errorf("reasons %q", why)
					}
				})
			}
			wait.Wait()
			if tries != second+1 {
				t.Errorf("%d probes when 200 had asked in each of %d seconds", tries, second+1)
			}
			time.Sleep(probeEvery)
		}
	})
}

func TestAProbeThatHangsHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r readiness
		hung := make(chan struct{})
		tries := 0
		try := func() (folder, log error) {
			tries++
			<-hung
			return nil, nil
		}
		want := func(after time.Duration) {
			t.Helper()
			began := time.Now() // of the bubble's clock
			if why := r.why(t.Context(), try); !slices.Equal(why, []string{notInTime}) || time.Since(began) != after {
				t.Errorf("reasons %q after %v, want %v", why, time.Since(began), after)
			}
		}
		want(answerTime)
		want(0)
		r.appended(nil) // lines are stored meanwhile
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		r.close(gone)
		close(hung)
		r.close(t.Context())
		if tries != 1 {
			t.Errorf("%d probes at one time", tries)
		}
		if why := r.why(t.Context(), try); !slices.Equal(why, []string{"the collector is closed"}) {
			t.Errorf("reasons %q after close", why)
		}
	})
}

// Another program may have the log open, to copy it or to look into it, and lock it.
func TestNotReadyWhileAnotherProgramLocksTheLog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	c, err := New(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	other, err := sql.Open("sqlite", filepath.Join(dir, "log.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if why := c.ready(t.Context()); !slices.Equal(why, []string{notInTime}) {
		t.Errorf("reasons %q", why)
	}
	answer := httptest.NewRecorder()
	c.Metrics().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	if !strings.Contains(answer.Body.String(), "\ntroupe_ready 0\n") {
		t.Errorf("status %d, and troupe_ready is not 0", answer.Code)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
}
