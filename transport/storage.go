package transport

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// newStorage returns the client for upload URLs that lead elsewhere than the server. It
// has nothing from the user's settings, and checks each address it connects to, except
// where the server is on this machine: a server for development, whose storage is there
// too.
func newStorage(base *url.URL) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout}
	if !loopback(base.Hostname()) {
		dialer.Control = refuseNonpublic
	}
	return newSingleClient(newTransport(dialer, connections))
}

// destination is where an upload goes.
type destination struct {
	origin string // scheme, host and port
	client *http.Client
}

// unsafeURL says why an upload URL is not used.
type unsafeURL struct{ reason string }

// Error implements error.
func (e *unsafeURL) Error() string { return e.reason }

// destination checks an upload URL as far as its text tells, and chooses the client.
// The server's own origin gets the ordinary one: it is trusted with more than a file,
// and may be reachable only through the user's RoundTripper or a proxy.
func (h *HTTP) destination(signed string) (destination, error) {
	u, err := url.Parse(signed)
	if err != nil {
		return destination{}, &unsafeURL{"it cannot be parsed"}
	}
	d := destination{u.Scheme + "://" + u.Host, h.storage}
	switch {
	case u.Hostname() == "":
		return d, &unsafeURL{"it names no host"}
	case u.User != nil:
		return d, &unsafeURL{"it holds a user name"}
	case origin(u) == origin(h.base):
		d.client = h.client.HTTPClient
	case u.Scheme == "http" && loopback(h.base.Hostname()) && loopback(u.Hostname()):
	case u.Scheme != "https":
		return d, &unsafeURL{"it is not https"}
	case numeric(u.Hostname()):
		return d, &unsafeURL{"its host is a number that can be taken for an address"}
	}
	return d, nil
}

// origin returns the scheme, host and port of a URL in one spelling.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// unsafe returns the error for an upload URL that is not used.
func (c call) unsafe(err error) error {
	e := &Error{Op: c.op, Kind: Misconfigured, Message: "its upload URL is not safe", subject: c.subject, storage: true, unsent: true}
	if why, ok := errors.AsType[*unsafeURL](err); ok {
		e.Message += ": " + why.reason
	}
	e.because(ErrUnsafeURL)
	return e
}

// classifyStored tells what to do from one answer of the storage. What it refuses may
// be the URL as well as the file, and only the URL is new at the next attempt: every
// refusal but of the size is worth one.
func classifyStored(a answer) Kind {
	switch {
	case a.status >= 200 && a.status <= 299:
		return classifyStoredBody(a.body)
	case refused(a.status):
		return Retry
	default:
		return Classify(a.status, a.header, nil, a.err)
	}
}

// page finds the beginning of a web page, and xmlError that of the XML in which storages
// report errors.
var (
	page     = regexp.MustCompile(`(?i)^\s*<(!doctype\s+html|html|head|body|title|meta|script)\b`)
	xmlError = regexp.MustCompile(`^\s*(<\?xml[^>]*>\s*)?<Error\b`)
)

// classifyStoredBody tells what to do from the body of a 2xx of the storage. A storage
// answers a PUT with no body or with words of its own; a web page comes from something
// on the way, and a report of an error is a refusal.
func classifyStoredBody(body []byte) Kind {
	_, refusal := readObject(body)
	switch {
	case page.Match(body):
		return Misconfigured
	case refusal, xmlError.Match(body):
		return Retry
	default:
		return OK
	}
}

// refused reports whether a status says that the storage does not take the request as
// it is.
func refused(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status <= 499
}

// storageMessage is what there is to say about a failed PUT: what the operating system,
// the resolver or TLS said, which came before any content was sent. What the storage
// itself says is not shown, as it may quote the content or the URL.
func storageMessage(err error) string {
	var network *net.OpError
	var name *net.DNSError
	var unverified *tls.CertificateVerificationError
	var timeout net.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &unverified):
		return request{}.clean(unverified.Error())
	case errors.As(err, &name):
		return request{}.clean(name.Error())
	case errors.As(err, &network):
		return request{}.clean(network.Error())
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it took too long"
	}
	if fixed := known(err); fixed != nil {
		return fixed.Error()
	}
	return ""
}
