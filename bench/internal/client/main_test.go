package client_test

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"
)

// The clients share the connections of the default client with the sink's.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(int) { http.DefaultClient.CloseIdleConnections() }))
}
