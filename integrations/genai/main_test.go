package troupegenai_test

import (
	"testing"

	"go.uber.org/goleak"
)

// The SDK's way of authenticating brings OpenCensus, which starts a goroutine when it is
// linked in, and never ends it.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}
