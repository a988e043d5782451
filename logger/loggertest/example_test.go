package loggertest_test

import (
	"testing"

	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/logger/loggertest"
)

// A test of code that logs. It needs no server: the lines stay in the process.
func ExampleNew() {
	_ = func(t *testing.T) {
		log, rec := loggertest.New(t, logger.Config{})
		answer(log, "Why?") // the code under test

		rec.Logged(t, "trace", "create", map[string]any{"input": "Why?"})
		rec.AllEnded(t) // nothing was left open
		rec.NoErrors(t) // no call was rejected or suspicious
	}
}
