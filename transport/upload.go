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

// uploadRate is the slowest rate, in bytes per second, at which an upload is not interrupted.
const uploadRate = 64 << 10

// File is a file for Upload.
type File struct {
	// Key names the file in the storage of the server. It may be any text; requests escape it.
	Key string
	// MIME is the media type of the content, for the storage. It must be printable ASCII.
	MIME string
	// Size is the length of the content in bytes; it may be 0.
	Size int64
	// Open returns a new reader of the content, which must yield exactly Size bytes. Upload calls
	// it once, reads on another goroutine, and closes the reader before it returns.
	Open func() (io.ReadCloser, error)
}

// Upload stores a file. It returns nil if the storage has all of it, and otherwise an *Error. It
// makes one attempt: it asks the server for a new signed URL, with up to three requests in 30
// seconds, and sends the content there with one PUT. The PUT may take 30 seconds plus the time for
// Size at 64 KiB/s. The whole content is never in memory.
//
// The URL must be https and lead to a public address, see ErrUnsafeURL. If the base URL is on a
// loopback host, the URL may lead anywhere, and may be http to a loopback host. A URL at the origin
// of the base URL is always used, with the connections of Send. All others use separate
// connections, which take nothing from Config: no key, no RoundTripper, no proxy. Redirects are not
// followed.
//
// A refusal by the storage is of kind Retry, because a new URL can help: see ErrStorageRefused. When
// ctx ends, Upload returns as soon as a Read of the content that is under way has returned.
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

// unfit returns the reason why a file cannot be sent whatever its content, or "". It is checked
// before any request is made.
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

// unreadable returns the error for content that cannot be read. It is retried only if the system
// calls the failure temporary, such as too many open files.
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

// contentMessage returns the text of an error about content, unless the text could contain a part
// of the content.
func contentMessage(err error) string {
	if errors.Is(err, errLength) {
		return err.Error()
	}
	if fixed := known(err); fixed != nil {
		return fixed.Error()
	}
	return "the content cannot be read"
}

// signedURL asks the server for the URL to which a file must be sent. The URL is a secret: whoever
// has it may write the file.
func (h *HTTP) signedURL(ctx context.Context, f File) (string, error) {
	attempt, cancel := context.WithTimeout(ctx, h.budget)
	defer cancel()
	query := url.Values{"key": {f.Key}, "mimeType": {f.MIME}, "size": {strconv.FormatInt(f.Size, 10)}}
	to := newTarget(h.base, uploadPath, query)
	subject := fmt.Sprintf("%d bytes by %s", f.Size, to.shown)
	c := call{op: opUpload, subject: subject, body: []byte(f.Key + "\n" + query.Encode())}
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
		return "", &Error{
			Op: c.op, Status: a.status, Kind: Misconfigured,
			Message: "the answer holds no upload URL", subject: c.subject,
		}
	}
	return signed, nil
}

// uploadURL returns the URL in an answer of the form {"data":{"url":"…"}}, or "" if there is none.
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
		req.Body = http.NoBody // with another body, a length of 0 means that the length is unknown
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

// sendingTime returns the time that the content may take at uploadRate.
func sendingTime(size int64) time.Duration {
	const longest = int64(24 * time.Hour / time.Second) // enough for any file, and no overflow
	return time.Duration(min(size/uploadRate, longest)) * time.Second
}

// stored returns the error of Upload for an answer of the storage, or nil. The reader of the content
// must be done.
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
		message = "the answer is a web page, not the answer of a storage"
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
