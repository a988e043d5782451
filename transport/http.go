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

const (
	logPath        = "api/sdk/v3/log"
	repositoryPath = "api/sdk/v3/log-repositories"
	uploadPath     = "api/sdk/v1/log-repositories/attachments/upload-url"

	userAgent = "troupe"
)

// Batch is what one request carries.
type Batch struct {
	// Body is the lines, joined by a newline, without one at the end. Send does not
	// change it and does not read it any more once it has returned.
	Body []byte
	// Lines is how many lines Body holds.
	Lines int
	// Spool identifies the queue the lines come from: 32 hexadecimal digits, or empty
	// where they have no identity that would let a server recognise them.
	Spool string
	// First is the sequence number of the first line in Spool; the others follow it
	// without a gap. It is used only where Spool is set.
	First uint64
}

// HTTP sends batches to one log repository, and files to the storage of its server.
// Make it with New. It may be used concurrently; all fields but failing, server and
// compression are immutable after New.
type HTTP struct {
	client      *retryablehttp.Client // to the server
	storage     *http.Client          // to where the server's upload URLs lead
	base        *url.URL
	key         string
	logs        target
	repository  target
	budget      time.Duration
	failing     atomic.Bool // the last attempt to send ended with Retry
	server      knowledge
	compression compression
}

// Order is what is known of the order into which a server puts lines.
type Order int32

// The orders.
const (
	Unknown   Order = iota // the answers so far do not tell
	ByArrival              // that in which it takes the requests
	ByNumber               // that of Batch.Spool and Batch.First
)

// Order returns what the answers of the server have shown so far. Once it is ByNumber it
// stays so: an answer without the header protocol.HeaderOrder may come from a proxy on the way.
func (h *HTTP) Order() Order { return h.server.order() }

// target is one URL of the server.
type target struct {
	url   string
	shown string // the same without query, for errors
}

// New checks the settings and returns a sender for them. It does not connect. The
// error is a *ConfigError.
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

func newTarget(base *url.URL, path string, query url.Values) target {
	u := base.JoinPath(path)
	shown := u.String()
	u.RawQuery = query.Encode()
	return target{url: u.String(), shown: shown}
}

// Send delivers a batch. It returns nil when the server took all of it, and otherwise an
// *Error; that is of kind PartlyRefused where the server took some lines and refused
// others. It makes up to three requests and returns when ctx ends or after 30 seconds
// at most. The server may have stored a batch for which an error is returned, if its
// answer was lost. An empty batch is delivered without a request.
//
// The answer of a collector counts the lines. Where its counts do not add up to the lines
// of the batch, or where a server that has counted lines before sends a 2xx that does
// not, the batch is not delivered and the kind is Retry.
//
// Once the server has taken a batch and said in its answer that it takes bodies
// compressed with zstd (Accept-Encoding, RFC 9110, section 12.5.3), bodies of 1 KiB or
// more go compressed, except to a loopback host, where that only costs time. A compressed
// body that is refused is sent once more as it is, with up to three more requests, and
// only what the server says to that counts.
func (h *HTTP) Send(ctx context.Context, b Batch) error {
	if len(b.Body) == 0 {
		return nil
	}
	attempt, cancel := context.WithTimeout(ctx, h.budget)
	defer cancel()
	c := call{op: opSend, subject: fmt.Sprintf("%d lines (%d bytes) to %s", b.Lines, len(b.Body), h.logs.shown), body: b.Body}
	return h.outcome(ctx, c, h.deliver(attempt, b))
}

// deliver sends a batch, compressed if the server wants that.
//
// A refusal of a compressed body says nothing about its lines. Behind the same address
// there may be an older server too, or a proxy on the way may drop Content-Encoding or
// change the body, and what reads compressed bytes as lines finds bad ones. So the plain
// body decides. If that is taken, compression was to blame, and is given up, as after a
// 415.
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

// post makes the requests for a batch, with its body in a content coding, "" for none.
// Nobody reads the body any more when it returns.
func (h *HTTP) post(ctx context.Context, b Batch, body []byte, coding string) answer {
	source := &payload{bytes: body}
	defer source.wait()
	sent := 0
	for range nonEmpty(b.Body) {
		sent++
	}
	req, err := retryablehttp.NewRequestWithContext(withLines(ctx, sent), http.MethodPost, h.logs.url, retryablehttp.ReaderFunc(source.reader))
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

// Repository asks the server, with one request of at most 30 seconds, whether it knows
// the repository and accepts the key. It returns nil if so, and otherwise an *Error
// that is ErrNoRepository, ErrUnauthorized or ErrUnreachable where one of these is
// known to be the reason.
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

// Close releases the idle connections. Calls that are under way are not disturbed.
func (h *HTTP) Close() {
	h.client.HTTPClient.CloseIdleConnections()
	h.storage.CloseIdleConnections()
}

// Format implements fmt.Formatter, so that no verb prints the key.
func (h *HTTP) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "transport.HTTP(%s)", h.logs.shown) }

// sign says who sends.
func (h *HTTP) sign(header http.Header) {
	header.Set("User-Agent", userAgent)
	if h.key != "" {
		header.Set(protocol.HeaderKey, h.key)
	}
}

// call is what an answer belongs to.
type call struct {
	op, subject string // as in Error
	storage     bool   // as in Error
	body        []byte // what was sent, and no message may quote
}

// outcome turns an answer of the server into what the caller gets. Ctx is the caller's
// own context.
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

// failure returns the error for an answer of a kind, without a message. Ctx is the
// caller's own context: when it has ended, it is why no answer came.
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

// message is what there is to say about an answer, fit to be shown.
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
