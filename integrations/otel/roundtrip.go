package troupeotel

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/transport"
)

// exporterURL is the address of a destination whose requests a roundTripper answers. Nothing
// is sent there.
const exporterURL = "http://127.0.0.1/opentelemetry"

// roundTripper gives the requests of a destination to an Exporter, as long as a destination
// cannot be given a transport.Backend.
type roundTripper struct{ backend transport.Backend }

// RoundTrip implements http.RoundTripper.
func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		defer r.Body.Close()
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	status, answer := http.StatusOK, `{"data":{}}`
	switch {
	case r.Method == http.MethodPost:
		b := transport.Batch{Body: body, Lines: bytes.Count(body, []byte("\n")) + 1, Spool: r.Header.Get(protocol.HeaderProducer)}
		var err error
		if b.First, err = strconv.ParseUint(r.Header.Get(protocol.HeaderSeq), 10, 64); err != nil {
			b.Spool = ""
		}
		if err := t.backend.Send(r.Context(), b); err != nil {
			status, answer = http.StatusServiceUnavailable, err.Error()
		}
	case strings.HasSuffix(r.URL.Path, "/upload-url"):
		answer = `{"data":{"url":"http://127.0.0.1/nowhere"}}`
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer)),
		ContentLength: int64(len(answer)), Request: r,
	}, nil
}
