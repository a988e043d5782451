package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// uploadRate is the slowest rate, in bytes per second, at which an upload comes to its end.
const uploadRate = 64 << 10

// File is what Upload stores.
type File struct {
	// Key names the file in the server's storage. Any text: it is escaped in requests.
	Key string
	// MIME is the media type of the content, which the storage notes: printable ASCII.
	MIME string
	// Size is the length of the content in bytes; it may be 0.
	Size int64
	// Open returns a new reader of the content, which must yield exactly Size bytes.
	// Upload calls it once, reads from another goroutine and closes the reader before
	// it returns.
	Open func() (io.ReadCloser, error)
}

// Upload stores a file. It returns nil when the storage has all of it, and otherwise an
// *Error. It is one attempt: it asks the server for a new signed URL, with up to three
// requests in 30 seconds, and sends the content there with one PUT, which may take 30
// seconds and as long as its Size takes at 64 KiB/s. The content is never held in
// memory.
//
// The URL must be https and lead to a public address, see ErrUnsafeURL; with a base URL
// on a loopback host it may lead anywhere, and be http to a loopback host. A URL at the
// origin of the base URL is always used, over the connections of Send. All others are
// requested over connections of their own, which take nothing from Config: no key, no
// RoundTripper, no proxy. Redirects are not followed.
//
// A refusal by the storage is of kind Retry, because a new URL can help: see
// ErrStorageRefused. Upload returns when ctx ends, as soon as a Read of the content
// that is under way has returned.
func (h *HTTP) Upload(ctx context.Context, f File) error {
	c := call{op: opUpload, subject: fmt.Sprintf("%d bytes", f.Size)}
	if why := f.unfit(); why != "" {
		return &Error{Op: c.op, Kind: Rejected, Message: why, subject: c.subject, unsent: true}
	}
	source, err := f.Open()
	if err != nil {
		return c.unreadable(ctx, err)
	}
	defer source.Close()
	body := newContent(source, f.Size)
	if f.Size == 0 {
		if err := body.end(nil); err != nil {
			return c.unreadable(ctx, err)
		}
	}
	signed, err := h.signedURL(ctx, f)
	if err != nil {
		return err
	}
	return h.put(ctx, signed, f.MIME, body)
}

// unfit says why a file cannot be sent, whatever its content.
func (f File) unfit() string {
	switch {
	case f.Size < 0:
		return "its size is negative"
	case strings.ContainsFunc(f.MIME, func(r rune) bool { return r < ' ' || r > '~' }):
		return "its MIME type has a line break or another character that a header cannot have"
	default:
		return ""
	}
}

// unreadable returns the error for content that cannot be had. Only a failure that the
// system calls temporary, such as too many open files, is worth another attempt.
func (c call) unreadable(ctx context.Context, err error) error {
	kind := Rejected
	if errno, ok := errors.AsType[syscall.Errno](err); ok && errno.Temporary() || ctx.Err() != nil {
		kind = Retry
	}
	e := c.failure(ctx, answer{err: err}, kind)
	e.unsent = e.Kind != Canceled
	e.Message = contentMessage(err)
	if kind == Rejected {
		e.because(ErrNoContent)
	}
	return e
}

// contentMessage is the text of an error about content, as far as it can hold none of it.
func contentMessage(err error) string {
	if errors.Is(err, errLength) {
		return err.Error()
	}
	if fixed := known(err); fixed != nil {
		return fixed.Error()
	}
	return "the content cannot be read"
}

// signedURL asks the server where to put a file.
func (h *HTTP) signedURL(ctx context.Context, f File) (string, error) {
	attempt, cancel := context.WithTimeout(ctx, h.budget)
	defer cancel()
	query := url.Values{"key": {f.Key}, "mimeType": {f.MIME}, "size": {strconv.FormatInt(f.Size, 10)}}
	to := newTarget(h.base, uploadPath, query)
	c := call{op: opUpload, subject: fmt.Sprintf("%d bytes by %s", f.Size, to.shown), body: []byte(f.Key + "\n" + query.Encode())}
	req, err := retryablehttp.NewRequestWithContext(attempt, http.MethodGet, to.url, nil)
	if err != nil {
		return "", h.outcome(ctx, c, answer{err: err})
	}
	h.sign(req.Header)
	a := answerOf(h.client.Do(req)) //nolint:bodyclose // bounded has read and closed it
	if err := h.outcome(ctx, c, a); err != nil {
		return "", err
	}
	signed := uploadURL(a.body)
	if signed == "" {
		return "", &Error{Op: c.op, Status: a.status, Kind: Misconfigured, subject: c.subject, Message: "the answer holds no upload URL"}
	}
	return signed, nil
}

// uploadURL returns the URL in an answer of the form {"data":{"url":"…"}}, "" if there
// is none.
func uploadURL(body []byte) string {
	var found struct {
		Data struct {
			URL string `json:"url"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &found) != nil {
		return ""
	}
	return found.Data.URL
}

// put sends the content to a signed URL.
func (h *HTTP) put(ctx context.Context, signed, mime string, body *content) error {
	c := call{op: opUpload, subject: fmt.Sprintf("%d bytes", body.size), storage: true}
	to, err := h.destination(signed)
	if err != nil {
		return c.unsafe(err)
	}
	c.subject += " to " + request{key: h.key}.clean(to.origin)
	attempt, cancel := context.WithTimeout(ctx, h.budget+sendingTime(body.size))
	defer cancel()
	req, err := http.NewRequestWithContext(attempt, http.MethodPut, signed, body)
	if err != nil {
		return c.stored(ctx, answer{err: err}, body)
	}
	req.ContentLength = body.size
	if body.size == 0 {
		req.Body = http.NoBody // with any other, a length of 0 means that it is not known
		body.release()
	}
	req.Header.Set("User-Agent", userAgent)
	if mime != "" {
		req.Header.Set("Content-Type", mime)
	}
	a := answerOf(to.client.Do(req)) //nolint:bodyclose // bounded has read and closed it
	body.wait()
	return c.stored(ctx, a, body)
}

// sendingTime is how long the content may take to be sent.
func sendingTime(size int64) time.Duration {
	const longest = int64(24 * time.Hour / time.Second) // no file that is stored takes so long
	return time.Duration(min(size/uploadRate, longest)) * time.Second
}

// stored turns an answer of the storage into what the caller gets. The content is not
// read any more.
func (c call) stored(ctx context.Context, a answer, body *content) error {
	if body.err != nil {
		return c.unreadable(ctx, body.err)
	}
	if _, ok := errors.AsType[*unsafeURL](a.err); ok {
		return c.unsafe(a.err)
	}
	kind, message := classifyStored(a), storageMessage(a.err)
	taken := a.status >= 200 && a.status <= 299
	refusal := refused(a.status)
	switch {
	case kind == OK && body.complete():
		return nil
	case kind == OK:
		kind, message = Retry, "the answer came before the whole content was sent"
	case taken && kind == Misconfigured:
		message = "the answer is a web page, not that of a storage"
	case taken:
		refusal, message = true, "the answer reports an error"
	}
	e := c.failure(ctx, a, kind)
	e.Message = message
	switch {
	case e.Kind == Canceled:
	case a.status == 0:
		e.because(ErrUnreachable)
	case refusal:
		e.because(ErrStorageRefused)
	}
	return e
}
