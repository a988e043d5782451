package e2e

import (
	"errors"
	"net/http"
	"sync/atomic"
)

// lossy makes requests and loses some of the answers, as a network does that fails after
// the server has stored what it was sent.
type lossy struct {
	every   int64 // which answers are lost
	answers atomic.Int64
	gone    atomic.Int64
}

func (l *lossy) lost() int64 { return l.gone.Load() }

// RoundTrip implements http.RoundTripper.
func (l *lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || l.answers.Add(1)%l.every != 0 {
		return resp, err
	}
	_ = resp.Body.Close() // it is lost
	l.gone.Add(1)
	return nil, errors.New("the answer was lost")
}

// CloseIdleConnections ends what DefaultTransport keeps.
func (l *lossy) CloseIdleConnections() { http.DefaultClient.CloseIdleConnections() }
