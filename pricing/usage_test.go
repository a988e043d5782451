package pricing_test

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"github.com/troupelog/troupe/pricing"
)

// counted returns a usage whose counts are n, 2n, 3n and so on, by reflection, so that a new
// count cannot be forgotten.
func counted(n int64) pricing.Usage {
	var u pricing.Usage
	v := reflect.ValueOf(&u).Elem()
	for i := range v.NumField() {
		v.Field(i).SetInt(n * int64(i+1))
	}
	return u
}

func TestUsageAddAndSubCoverEveryCount(t *testing.T) {
	u := counted(2)
	if u.Add(counted(3)); u != counted(5) {
		t.Errorf("the sum is %+v, want %+v", u, counted(5))
	}
	if u.Sub(counted(3)); u != counted(2) {
		t.Errorf("the difference is %+v, want %+v", u, counted(2))
	}
}

func TestUsageKeepsItsJSONNames(t *testing.T) {
	got, err := json.Marshal(counted(1))
	want := `{"input":1,"output":2,"total":3,"cached":4,"cache_write":5,"reasoning":6,"audio_input":7,"audio_output":8}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	var back pricing.Usage
	if err := json.Unmarshal(got, &back); err != nil || back != counted(1) {
		t.Errorf("read back %+v, %v", back, err)
	}
}

func TestDollars(t *testing.T) {
	for amount, want := range map[float64]pricing.USD{
		0: 0, 1: pricing.Dollar, 0.0125: 12_500_000, -0.5: -pricing.Dollar / 2, 0.1: 100_000_000,
		1e-9: 1, 4e-10: 0, 6e-10: 1, 1e300: math.MaxInt64, -1e300: math.MinInt64,
		math.Inf(1): math.MaxInt64, math.Inf(-1): math.MinInt64,
	} {
		if got := pricing.Dollars(amount); got != want {
			t.Errorf("Dollars(%v) = %d, want %d", amount, got, want)
		}
	}
	if got := pricing.Dollars(math.NaN()); got != 0 {
		t.Errorf("Dollars(NaN) = %d, want 0", got)
	}
}
