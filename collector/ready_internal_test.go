package collector

import (
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestAFailureToStoreCountsUntilLinesAreStoredOrForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r readiness
		dir := t.TempDir()
		want := func(what string, ready bool) {
			t.Helper()
			if why := r.why(dir); (len(why) == 0) != ready {
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
		if why := r.why(dir); len(why) != 2 || why[0] != "about to stop" || why[1] != "damaged" {
			t.Errorf("reasons %q", why)
		}
		r.set("log", "")
		r.set("draining", "")
		want("without reasons", true)
	})
}
