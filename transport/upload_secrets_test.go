package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/troupelog/troupe/internal/protocol"
)

const canaryName = "repo/trace/canary-trace-ada/files/original/a-1"

// secretFile is a file whose key and content are secret.
func secretFile() File {
	f := plain(canaryFile)
	f.Key = canaryName
	return f
}

// repeating answers with all that it knows of a request.
func repeating(status int, format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.NewReplacer(
			"KEY", r.Header.Get(protocol.HeaderKey), "URI", r.RequestURI, "QUERY", r.URL.RawQuery,
			"NAME", r.URL.Query().Get("key"), "CONTENT", string(body), "SIGNED", "https://storage.example.com/x?"+canarySignature,
		).Replace(format))
	}
}

func TestS1UploadErrorsHoldNoSecrets(t *testing.T) {
	var errs []error
	upload := func(h *HTTP) { errs = append(errs, h.Upload(t.Context(), secretFile())) }
	storages := func(handler http.HandlerFunc) { upload(open(t, servePair(t, handler).server.URL)) }
	servers := func(handler http.HandlerFunc) { upload(open(t, serve(t, handler).URL)) }
	for _, format := range []string{
		"KEY", "URI", "QUERY", "NAME", "CONTENT", "SIGNED", "use QUERY for CONTENT", "\x00NAME\nCONTENT",
		`{"error":{"message":"KEY URI CONTENT"}}`, `{"error":"NAME"}`, `{"message":"QUERY"}`, `{"error":{"message":"SIGNED"}}`,
		"<Error><StringToSign>QUERY CONTENT</StringToSign></Error>", strings.Repeat("x ", 115) + "KEYNAMEQUERY",
	} {
		for _, status := range []int{302, 400, 401, 403, 404, 408, 413, 429, 500, 503} {
			storages(repeating(status, format))
			servers(repeating(status, format))
		}
		servers(repeating(200, format))
		servers(repeating(200, `{"error":{"message":"`+format+`"}}`))
		upload(open(t, serve(t, answering(200, `{"data":{"url":"`+format+`"}}`)).URL))
	}
	for _, said := range []string{
		"garbage " + canaryFile + " " + canarySignature, "HTTP/1.1 " + canaryFile + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nnot a header, " + canaryFile + canarySignature + "\r\n\r\n",
		"HTTP/1.1 302 Found\r\nLocation: http://[::" + canarySignature + "\r\n\r\n",
	} {
		storage := raw(t, saying(said))
		upload(open(t, serve(t, answering(200, fmt.Sprintf(`{"data":{"url":"%s/x?%s"}}`, storage.URL, canarySignature))).URL))
	}
	for _, signed := range []string{
		"http://%sada:pw@127.0.0.1:1/x?%s", "http://%s127.0.0.1:1/x?%s", "https://%s" + canaryKey + ".example.com:1/x?%s", "ftp://%sx/%s", "http://[%s%s",
		"http://%sstorage.example.com/%s", "%s/x?%s",
	} {
		h := open(t, serve(t, answering(200, fmt.Sprintf(`{"data":{"url":%q}}`, fmt.Sprintf(signed, "", canarySignature)))).URL)
		h.storage.Transport.(bounded).RoundTripper.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
			return nil, fmt.Errorf("dial https://user:%s@host/x?%s with %s", canaryKey, canarySignature, canaryFile)
		}
		upload(h)
	}
	h := open(t, servePair(t, answering(200, "")).server.URL)
	for _, f := range []File{
		{Key: canaryName, Size: 1, Open: func() (io.ReadCloser, error) {
			return nil, &fs.PathError{Op: "open", Path: canaryName, Err: fmt.Errorf("%s %w", canaryFile, fs.ErrNotExist)}
		}},
		{Key: canaryName, Size: 100, Open: secretFile().Open},
		{Key: canaryName, Size: 10, Open: secretFile().Open},
		{Key: canaryName, MIME: canaryFile + "\n", Open: secretFile().Open},
	} {
		errs = append(errs, h.Upload(t.Context(), f))
	}

	for i, err := range errs {
		if err == nil {
			t.Errorf("upload %d succeeded", i)
			continue
		}
		for _, shown := range everyForm(err) {
			for _, secret := range []string{
				canaryKey, canaryKey[:15], "canary0signature", "X-Goog", "patient", "Ada Nym", "canary-trace", "trace-ada", "size=", "mimeType=", "ada:pw",
			} {
				if strings.Contains(shown, secret) {
					t.Errorf("%q is shown: %s", secret, shown)
				}
			}
		}
	}
	if len(errs) < 300 {
		t.Errorf("only %d errors were examined", len(errs))
	}
}

func TestUploadErrorText(t *testing.T) {
	// With the addresses of the two servers by name.
	at := func(p *pair, err error) string {
		return strings.NewReplacer(p.server.URL, "URL", p.storage.URL, "STORAGE").Replace(err.Error())
	}
	const ask = "transport: upload 5 bytes by URL/api/sdk/v1/log-repositories/attachments/upload-url: "
	for _, c := range []struct {
		status int
		body   string
		want   string
	}{
		{500, "", "status 500"},
		{413, `{"error":{"message":"files of more than 100 bytes are not stored"}}`, "status 413 (files of more than 100 bytes are not stored): a file of this size is not stored"},
		{400, "", "status 400: do not try this file again"},
		{401, "", "status 401: check the API key and what its account may do"},
		{404, "", "status 404: check the base URL and the repository id"},
		{200, "{}", "status 200 (the answer holds no upload URL): check the base URL and any proxy on the way"},
		{200, "", "status 200 (the answer is empty, and a JSON object is due): check the base URL and any proxy on the way"},
		{200, "<html><title>Sign in", "status 200 (the answer is a web page: Sign in): check the base URL and any proxy on the way"},
		{200, "https://storage/canary?signature=1", "status 200 (the answer is no JSON object): check the base URL and any proxy on the way"},
	} {
		s := serve(t, answering(c.status, c.body))
		err := open(t, s.URL).Upload(t.Context(), plain("hello"))
		if got := at(&pair{server: s, storage: s}, err); got != ask+c.want {
			t.Errorf("\n got %s\nwant %s", got, ask+c.want)
		}
	}
	const put = "transport: upload 5 bytes to STORAGE: "
	for _, c := range []struct {
		handler http.HandlerFunc
		want    string
	}{
		{answering(403, "SignatureDoesNotMatch"), "status 403"},
		{answering(429, "", "Retry-After", "7"), "status 429: it asks to wait 7s"},
		{answering(302, ""), "status 302: check which storage the server hands out URLs of"},
		{answering(413, ""), "status 413: a file of this size is not stored"},
	} {
		p := servePair(t, c.handler)
		if got := at(p, open(t, p.server.URL).Upload(t.Context(), plain("hello"))); got != put+c.want {
			t.Errorf("\n got %s\nwant %s", got, put+c.want)
		}
	}
	p := servePair(t, answering(200, ""))
	f := plain("hello")
	f.Size = 7
	const short = "transport: upload 7 bytes to STORAGE: not sent (the content has another length than announced: it has 5 bytes): do not try this file again"
	if got := at(p, open(t, p.server.URL).Upload(t.Context(), f)); got != short {
		t.Errorf("\n got %s\nwant %s", got, short)
	}
	var puts atomic.Int64
	const unsafe = "transport: upload 5 bytes to https://10.0.0.1: not sent (its upload URL is not safe: it leads to a private address): check which storage the server hands out URLs of"
	if got := handing(t, "https://10.0.0.1/x?"+canarySignature, &puts).Upload(t.Context(), plain("hello")); got == nil || got.Error() != unsafe {
		t.Errorf("\n got %v\nwant %s", got, unsafe)
	}
}

func TestStorageMessage(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443}, Err: syscall.ECONNREFUSED}
	unknown := &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "storage.example.com", IsNotFound: true}}
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{refused, "dial tcp 192.0.2.1:443: connection refused"},
		{unknown, "lookup storage.example.com: no such host"},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, "tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{context.DeadlineExceeded, "it took too long"},
		{context.Canceled, "context canceled"},
		{io.ErrUnexpectedEOF, "unexpected EOF"},
		{syscall.EPIPE, "broken pipe"},
		{errors.New(`malformed HTTP response "` + canaryFile + `"`), ""},
	} {
		wrapped := c.err
		if wrapped != nil {
			wrapped = &url.Error{Op: "Put", URL: "https://storage.example.com/x?" + canarySignature, Err: wrapped}
		}
		if got := storageMessage(wrapped); got != c.want {
			t.Errorf("%v: got %q, want %q", c.err, got, c.want)
		}
	}
}
