package seglogtest

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
)

// TestPowerLoss is R2. SEGLOG_POWER_TRIALS is how many trials it makes.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	trials := 1000
	if n, err := strconv.Atoi(os.Getenv("SEGLOG_POWER_TRIALS")); err == nil {
		trials = n
	} else if testing.Short() || underRace {
		trials = 100
	}
	first := rand.Uint64() >> 1
	t.Logf("seeds from %d", first)
	for i := range trials {
		synctest.Test(t, func(t *testing.T) {
			if err := PowerLossTrial(first + uint64(i)); err != nil {
				t.Error(err)
			}
		})
		if t.Failed() {
			return
		}
	}
}
