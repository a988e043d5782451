package service

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestAFailureToStoreCountsUntilLinesAreStoredOrForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r readiness
		dir := t.TempDir()
		try := func() (storage, log error) { return os.WriteFile(filepath.Join(dir, "probe"), nil, 0o600), nil }
		want := func(what string, ready bool) {
			t.Helper()
			if why := r.reasons(t.Context(), try); (len(why) == 0) != ready {
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
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(probeEvery)
		want("when the folder cannot be written", false)
		r.appended(nil)
		want("when lines are stored all the same", true)
		r.set("log", "damaged")
		r.set("draining", "about to stop")
		if why := r.reasons(t.Context(), try); len(why) != 2 || why[0] != "about to stop" || why[1] != "damaged" {
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
					if why := r.reasons(t.Context(), try); why != nil {
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
			if why := r.reasons(t.Context(), try); !slices.Equal(why, []string{notInTime}) || time.Since(began) != after {
				t.Errorf("reasons %q after %v, want %v", why, time.Since(began), after)
			}
		}
		want(probeTime)
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
		if why := r.reasons(t.Context(), try); !slices.Equal(why, []string{"the collector is closed"}) {
			t.Errorf("reasons %q after close", why)
		}
	})
}

// Another program may have the log open, to copy it or to look into it, and lock it.
func TestNotReadyWhileAnotherProgramLocksTheLog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	c, err := open(dir, nil)
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
	if why := c.Ready(t.Context()); !slices.Equal(why, []string{notInTime}) {
		t.Errorf("reasons %q", why)
	}
	if ready := gauge(t, c.Registry(), "troupe_ready"); ready != 0 {
		t.Errorf("troupe_ready is %v, want 0", ready)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
}

// gauge returns the value of a metric without labels.
func gauge(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name && len(family.GetMetric()) == 1 {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}
