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

// newStorage returns the client for upload URLs with another origin than the server. It takes
// nothing from the user's Config, and checks each address to which it connects, unless the server is
// on this machine: then it is for development, and its storage may be here as well.
func newStorage(base *url.URL) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout}
	if !loopback(base.Hostname()) {
		dialer.Control = refuseNonpublic
	}
	return newSingleClient(newTransport(dialer, connections))
}

// destination is the target of an upload.
type destination struct {
	origin string // scheme, host and port
	client *http.Client
}

// unsafeURL is the reason why an upload URL is not used.
type unsafeURL struct{ reason string }

// Error implements error.
func (e *unsafeURL) Error() string { return e.reason }

// destination checks the text of an upload URL and chooses the client. The origin of the server gets
// the client of Send: it is trusted with more than a file, and may be reachable only through the
// user's RoundTripper or a proxy.
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

// origin returns the scheme, host and port of a URL in one spelling, for comparison.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// unsafe returns the error for an upload URL that is not used. It is of kind Misconfigured: the
// server hands out such URLs until somebody changes its configuration.
func (c call) unsafe(err error) error {
	e := &Error{
		Op: c.op, Kind: Misconfigured, Message: "its upload URL is not safe",
		subject: c.subject, storage: true, unsent: true,
	}
	if why, ok := errors.AsType[*unsafeURL](err); ok {
		e.Message += ": " + why.reason
	}
	e.because(ErrUnsafeURL)
	return e
}

// classifyStored maps one answer of the storage to a kind. The storage may refuse the URL or the file;
// the next attempt has a new URL, so every refusal except of the size is retried.
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

// page matches the beginning of a web page, xmlError the beginning of the XML in which storages report
// errors.
var (
	page     = regexp.MustCompile(`(?i)^\s*<(!doctype\s+html|html|head|body|title|meta|script)\b`)
	xmlError = regexp.MustCompile(`^\s*(<\?xml[^>]*>\s*)?<Error\b`)
)

// classifyStoredBody maps the body of a 2xx of the storage to a kind. A storage answers a PUT with
// any body, or none. A web page comes from a proxy or a login page, and a report of an error is a
// refusal.
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

// refused reports whether a status means that the storage would refuse the same request again.
func refused(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status <= 499
}

// storageMessage returns the message for a failed PUT: of the operating system, the resolver or TLS,
// which failed before any content was sent. The answer of the storage is not shown, because it may
// quote the content or the URL.
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
