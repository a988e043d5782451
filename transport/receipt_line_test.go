package transport

import (
	"testing"
)

// A refused line that an answer lists without its place is one to be found, not line 0.
func TestARefusalWithoutALineNamesNone(t *testing.T) {
	r, found, err := readReceipt([]byte(`{"data":{"accepted":1,"refused":1,"rejected":[{"index":1,"reason":"x"}]}}`))
	if err != nil || !found {
		t.Fatal(found, err)
	}
	if c := r.count(2); c.wrong != "" || c.refused != 1 || len(c.named) != 0 {
		t.Errorf("%+v, want one refused line that is not named", c)
	}
}
