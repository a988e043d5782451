package transport

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/troupelog/troupe/internal/protocol"
)

// Paths of the Maxim log protocol, and the name under which this client appears in logs of servers.
const (
	logPath        = "api/sdk/v3/log"
	repositoryPath = "api/sdk/v3/log-repositories"
	uploadPath     = "api/sdk/v1/log-repositories/attachments/upload-url"

	userAgent = "troupe"
)

// Batch is the content of one request.
type Batch struct {
	// Body holds the lines, separated by newlines, without a newline at the end. Send neither
	// changes it nor reads it after it has returned.
	Body []byte
	// Lines is the number of lines in Body.
	Lines int
	// Spool identifies the producer of the lines: 32 hexadecimal digits, or "" if the lines have no
	// numbers by which a server could recognise them.
	Spool string
	// First is the sequence number of the first line in Spool; the others follow without a gap.
	// It is ignored if Spool is empty.
	First uint64
}

// HTTP sends batches to one log repository, and files to the storage of its server. Make one with
// New. It may be used concurrently: failing, server and compression are safe for that, and all other
// fields are immutable after New.
type HTTP struct {
	client      *retryablehttp.Client // to the server
	storage     *http.Client          // to other origins, for uploads
	base        *url.URL
	key         string
	logs        target
	repository  target
	budget      time.Duration
	failing     atomic.Bool // the last attempt to send ended with Retry
	server      knowledge
	compression compression
}

// Order is the order into which a backend puts lines that are sent concurrently.
type Order int32

// The orders.
const (
	Unknown   Order = iota // not known yet
	ByArrival              // the order in which it accepts requests
	ByNumber               // the order of the numbers, by Batch.Spool and Batch.First
)

// Order returns the order that the answers of the server have shown so far. Once it is ByNumber it
// stays so: an answer without the header protocol.HeaderOrder may come from a proxy.
func (h *HTTP) Order() Order { return h.server.order() }

// target is one URL of the server. The query is kept out of errors: it identifies the repository or
// a file.
type target struct {
	url   string
	shown string // the same without query, for errors
}

// New checks the Config and returns an HTTP for it. It does not connect. The error is a
// *ConfigError.
func New(c Config) (*HTTP, error) {
	base, err := c.endpoint()
	if err != nil {
		return nil, err
	}
	connections := c.RoundTripper
	if connections == nil {
		connections = newServerTransport(base.Scheme, c.InFlight)
	}
	h := &HTTP{
		storage:    newStorage(base),
		base:       base,
		key:        c.APIKey,
		logs:       newTarget(base, logPath, url.Values{"id": {c.RepositoryID}}),
		repository: newTarget(base, repositoryPath, url.Values{"loggerId": {c.RepositoryID}}),
		budget:     attemptBudget,
	}
	h.client = newClient(connections, &h.failing)
	h.compression.pointless = loopback(base.Hostname())
	return h, nil
}

// newTarget returns the URL of a path of the server with a query.
func newTarget(base *url.URL, path string, query url.Values) target {
	u := base.JoinPath(path)
	shown := u.String()
	u.RawQuery = query.Encode()
	return target{url: u.String(), shown: shown}
}

// Send delivers a batch. It returns nil if the server accepted all lines, and otherwise an *Error. Its
// kind is PartlyRefused if the server accepted some lines and refused others. Send makes up to three
// requests, and returns when ctx ends or after 30 seconds. The server may have stored a batch for
// which an error is returned, if its answer was lost. An empty batch needs no request.
//
// A collector counts the lines in its answer. If the counts do not add up to the lines of the
// batch, or if a server that has counted lines before sends a 2xx without counts, the batch is not
// delivered and the kind is Retry.
//
// Once the server has accepted a batch and announced in its answer that it accepts bodies
// compressed with zstd (Accept-Encoding, RFC 9110, section 12.5.3), bodies of 1 KiB or more are
// compressed, except for a loopback host, where that only costs time. A compressed body that is
// refused is sent once more uncompressed, with up to three more requests, and only the answer to
// those counts.
func (h *HTTP) Send(ctx context.Context, b Batch) error {
	if len(b.Body) == 0 {
		return nil
	}
	attempt, cancel := context.WithTimeout(ctx, h.budget)
	defer cancel()
	subject := fmt.Sprintf("%d lines (%d bytes) to %s", b.Lines, len(b.Body), h.logs.shown)
	c := call{op: opSend, subject: subject, body: b.Body}
	return h.outcome(ctx, c, h.deliver(attempt, b))
}

// deliver sends a batch, compressed if the server accepts that.
//
// The refusal of a compressed body says nothing about its lines: the answer may come from an older
// server behind the same address, or a proxy may have dropped Content-Encoding or changed the body,
// so that somebody read compressed bytes as lines. The uncompressed body decides. If it is
// accepted, compression was to blame and is withdrawn, as after a 415.
func (h *HTTP) deliver(ctx context.Context, b Batch) answer {
	packed, compressed := h.compression.pack(b.Body)
	if compressed {
		a := h.post(ctx, b, packed, codingZstd)
		h.compression.release(packed)
		if a.kind() != Rejected && a.lines.wrong == "" {
			return a
		}
		if a.status == http.StatusUnsupportedMediaType {
			h.compression.withdraw()
		}
	}
	a := h.post(ctx, b, b.Body, "")
	switch kind := a.kind(); {
	case kind != OK && kind != PartlyRefused:
	case compressed:
		h.compression.withdraw()
	default:
		h.compression.learn(a.header)
	}
	return a
}

// post makes the requests for a batch, with its body in a content coding, or "" for none. Nobody
// reads the body after it has returned.
func (h *HTTP) post(ctx context.Context, b Batch, body []byte, coding string) answer {
	source := &payload{bytes: body}
	defer source.wait()
	sent := 0
	for range nonEmpty(b.Body) {
		sent++
	}
	read := retryablehttp.ReaderFunc(source.reader)
	req, err := retryablehttp.NewRequestWithContext(withLines(ctx, sent), http.MethodPost, h.logs.url, read)
	if err != nil {
		return answer{err: err}
	}
	h.sign(req.Header)
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	if coding != "" {
		req.Header.Set("Content-Encoding", coding)
	}
	if b.Spool != "" {
		req.Header.Set(protocol.HeaderProducer, b.Spool)
		req.Header.Set(protocol.HeaderSeq, strconv.FormatUint(b.First, 10))
	}
	a := answerOf(h.client.Do(req)) //nolint:bodyclose // bounded has read and closed it
	a.lines = h.countLines(a, sent)
	return a
}

// Repository asks the server, with one request of at most 30 seconds, whether it knows the
// repository and accepts the key. It returns nil if it does, and otherwise an *Error, which matches
// ErrNoRepository, ErrUnauthorized or ErrUnreachable if that is the reason.
func (h *HTTP) Repository(ctx context.Context) error {
	attempt, cancel := context.WithTimeout(ctx, h.budget)
	defer cancel()
	c := call{op: opRepository, subject: "check at " + h.repository.shown}
	req, err := http.NewRequestWithContext(attempt, http.MethodGet, h.repository.url, nil)
	if err != nil {
		return h.outcome(ctx, c, answer{err: err})
	}
	h.sign(req.Header)
	return h.outcome(ctx, c, answerOf(h.client.HTTPClient.Do(req))) //nolint:bodyclose // bounded has read and closed it
}

// Close releases the idle connections. Calls that are under way go on, and later calls make new
// connections.
func (h *HTTP) Close() {
	h.client.HTTPClient.CloseIdleConnections()
	h.storage.CloseIdleConnections()
}

// Format implements fmt.Formatter, so that no verb prints the key.
func (h *HTTP) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "transport.HTTP(%s)", h.logs.shown) }

// sign adds the headers that identify the client. Only requests to the origin of the base URL are
// signed.
func (h *HTTP) sign(header http.Header) {
	header.Set("User-Agent", userAgent)
	if h.key != "" {
		header.Set(protocol.HeaderKey, h.key)
	}
}

// call describes the call to which an answer belongs, for its error.
type call struct {
	op, subject string // as in Error
	storage     bool   // as in Error
	body        []byte // the payload, which no message may quote
}

// outcome returns the error of a call for an answer of the server, or nil. ctx is the caller's
// context, without the limit of the attempt.
func (h *HTTP) outcome(ctx context.Context, c call, a answer) error {
	kind := a.kind()
	if c.op == opSend {
		h.failing.Store(kind == Retry)
	}
	if kind == OK {
		return nil
	}
	e := c.failure(ctx, a, kind)
	if e.Message = h.message(c, a); kind == PartlyRefused {
		e.name(h.key, c.body, a.lines)
		return e
	}
	if kind == Rejected && c.op == opRepository {
		e.Kind = Misconfigured // no line can be to blame
	}
	if e.Kind != Canceled {
		e.because(reason(c.op, a.status, kind == Rejected))
	}
	return e
}

// failure returns the error for an answer of a kind, without a message. ctx is the caller's context:
// if it has ended, it is the reason why there was no answer.
func (c call) failure(ctx context.Context, a answer, kind Kind) *Error {
	e := &Error{Op: c.op, Status: a.status, Kind: kind, subject: c.subject, storage: c.storage}
	if a.err != nil && kind == Retry && ctx.Err() != nil {
		e.Kind, a.err = Canceled, ctx.Err()
	}
	if e.Kind == Throttled {
		e.RetryAfter, _ = RetryAfter(a.header, time.Now())
	}
	e.because(known(a.err))
	return e
}

// message returns the message for an answer, cleaned.
func (h *HTTP) message(c call, a answer) string {
	if a.lines.wrong != "" {
		return a.lines.wrong
	}
	text := serverMessage(a.body)
	switch {
	case a.kind() == Misconfigured && a.status >= 200 && a.status <= 299:
		text = noObject(a.body, c.op != opUpload) // it could be a signed URL
	case text == "" && a.err != nil:
		text = failureMessage(a.err)
	}
	return request{key: h.key, body: c.body}.clean(text)
}
