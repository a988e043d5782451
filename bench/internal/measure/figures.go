package measure

// Figures holds the results of one run of one client. A client writes it as one line of JSON.
type Figures struct {
	Client  string `json:"client"`
	Version string `json:"version"`
	Turns   int    `json:"turns"`

	Caller float64 `json:"callerMicros"` // microseconds inside calls per turn
	P50    float64 `json:"p50Micros"`    // of a single call
	P99    float64 `json:"p99Micros"`    // of a single call
	Max    float64 `json:"maxMicros"`    // of a single call

	TurnsPerSecond float64 `json:"turnsPerSecond"` // from the first call until all is delivered
	CPU            float64 `json:"cpuMicros"`      // microseconds per turn, of the client's process
	PeakMB         float64 `json:"peakMB"`         // highest resident memory, in 10^6 bytes
	BytesPerTurn   float64 `json:"bytesPerTurn"`   // of request bodies, as sent

	Expected int64            `json:"expected"` // lines, spans or events
	Counted  int64            `json:"counted"`  // of these, at the sink
	Refused  map[string]int64 `json:"refused,omitempty"`
	Failure  string           `json:"failure,omitempty"` // error text of the client at the end

	TimerNanos float64 `json:"timerNanos"` // nanoseconds that timing adds to each call

	// With live sessions only.
	CreateSeconds float64 `json:"createSeconds,omitempty"` // to create them all and a trace in each
	LiveMB        float64 `json:"liveMB,omitempty"`        // resident memory with all of them alive, after a garbage collection
}

// Lost is the percentage of the logged entries that are not at the sink. It is
// negative if the sink received more than was logged.
func (f Figures) Lost() float64 {
	if f.Expected == 0 {
		return 0
	}
	return 100 * float64(f.Expected-f.Counted) / float64(f.Expected)
}
