package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
)

// statusKind is the answer table, for every status without a body or header.
// A 2xx is a delivery only with a JSON object.
func statusKind(status int) Kind {
	switch status {
	case 408, 425:
		return Retry
	case 429:
		return Throttled
	case 413:
		return TooLarge
	case 401, 402, 403, 404, 405, 407, 410:
		return Misconfigured
	}
	switch status / 100 {
	case 4:
		return Rejected
	case 1, 2, 3:
		return Misconfigured
	default:
		return Retry
	}
}

func TestClassifyEveryStatus(t *testing.T) {
	for status := 100; status <= 999; status++ {
		if got, want := Classify(status, nil, nil, nil), statusKind(status); got != want {
			t.Errorf("status %d: got %v, want %v", status, got, want)
		}
	}
}

func TestClassifyRetryAfter(t *testing.T) {
	for _, c := range []struct {
		status int
		value  string
		want   Kind
	}{
		{429, "", Throttled},
		{429, "3", Throttled},
		{429, "junk", Throttled},
		{503, "", Retry},
		{503, "3", Throttled},
		{503, "0", Throttled},
		{503, "junk", Retry},
		{503, "-5", Retry},
		{503, "Fri, 31 Dec 1999 23:59:59 GMT", Throttled},
		{500, "3", Retry},
		{401, "3", Misconfigured},
		{413, "3", TooLarge},
		{200, "3", Misconfigured},
	} {
		if got := Classify(c.status, http.Header{"Retry-After": {c.value}}, nil, nil); got != c.want {
			t.Errorf("%d with Retry-After %q: got %v, want %v", c.status, c.value, got, c.want)
		}
	}
}

var bodies2xx = []struct {
	body string
	want Kind
}{
	{`{}`, OK},
	{" {} \n", OK},
	{`{"data":{}}`, OK},
	{`{"data":{"error":"nested"}}`, OK},
	{`{"data":{"success":false,"errors":[1]}}`, OK},
	{`{"error":null}`, OK},
	{`{"error":false,"data":1}`, OK},
	{`{"errors":[],"success":true}`, OK},
	{`{"errors":0,"success":true}`, OK},
	{`{"errors":[ ]}`, OK},
	{`{"errors":null}`, OK},
	{`{"errors":{}}`, OK},
	{`{"errors":""}`, OK},
	{`{"success":null}`, OK},
	{`{"Error":"another name"}`, OK},
	{`{"data":"error"}`, OK},

	{``, Misconfigured},
	{" \r\n", Misconfigured},
	{`OK`, Misconfigured},
	{`null`, Misconfigured},
	{`true`, Misconfigured},
	{`200`, Misconfigured},
	{`[]`, Misconfigured},
	{`[{"error":"x"}]`, Misconfigured},
	{`"error"`, Misconfigured},
	{`<html>error</html>`, Misconfigured},
	{`<!DOCTYPE html><title>Sign in</title>`, Misconfigured},
	{`{}<html>`, Misconfigured},
	{`{}{}`, Misconfigured},
	{`{"data":`, Misconfigured},
	{`{"data":1`, Misconfigured},
	{`{"data" 1,"error":"x"}`, Misconfigured},
	{`{"a":` + strings.Repeat("[", 20000), Misconfigured},
	{"\xff\xfe{", Misconfigured},

	{`{"error":"x"}`, Rejected},
	{`{"error":{"message":"x"}}`, Rejected},
	{`{"error":{}}`, Rejected},
	{`{"error":true}`, Rejected},
	{`{"error":0}`, Rejected},
	{`{"error":""}`, Rejected},
	{`{"error":[]}`, Rejected},
	{" \r\n\t{ \"error\" : \"x\" }", Rejected},
	{`{"\u0065rror":"x"}`, Rejected},
	{`{"data":{"a":[1,2]},"error":"x"}`, Rejected},
	{`{"error":null,"error":"x"}`, Rejected},
	{`{"error":"cut of`, Rejected},
	{`{"error":{"message":"cut`, Rejected},
	{`{"errors":["x"],"success":false}`, Rejected},
	{`{"errors":[{"message":"x"}]}`, Rejected},
	{`{"errors":"x"}`, Rejected},
	{`{"errors":{"line":["x"]}}`, Rejected},
	{`{"errors":["cut`, Rejected},
	{`{"success":false}`, Rejected},
	{`{"data":{},"success":false}`, Rejected},
}

func TestClassifyBodyOf2xx(t *testing.T) {
	for _, c := range bodies2xx {
		for _, status := range []int{200, 201, 202, 204, 299} {
			if got := Classify(status, nil, []byte(c.body), nil); got != c.want {
				t.Errorf("%d %.40q: got %v, want %v", status, c.body, got, c.want)
			}
		}
	}
}

func TestClassifyBrokenBody(t *testing.T) {
	broken := io.ErrUnexpectedEOF
	for _, c := range []struct {
		status int
		body   string
		want   Kind
	}{
		{200, "", Retry},
		{200, `{"data":`, Retry},
		{200, `<html>`, Retry},
		{200, `{"error":`, Rejected},
		{400, "", Rejected},
		{401, "", Misconfigured},
		{413, "", TooLarge},
		{429, "", Throttled},
		{500, "", Retry},
	} {
		if got := Classify(c.status, nil, []byte(c.body), broken); got != c.want {
			t.Errorf("%d %q and a broken body: got %v, want %v", c.status, c.body, got, c.want)
		}
	}
}

func TestClassifyFailure(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Kind
	}{
		{nil, Retry},
		{io.EOF, Retry},
		{io.ErrUnexpectedEOF, Retry},
		{context.DeadlineExceeded, Retry},
		{os.ErrDeadlineExceeded, Retry},
		{errors.New("anything else"), Retry},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, Retry},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, Retry},
		{&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}, Retry},
		{context.Canceled, Canceled},
		{fmt.Errorf("wrapped: %w", context.Canceled), Canceled},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, Misconfigured},
		{&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}, Misconfigured},
		{http.ErrSchemeMismatch, Misconfigured},
	} {
		for _, err := range []error{c.err, &url.Error{Op: "Post", URL: "https://x", Err: c.err}} {
			if got := Classify(0, nil, nil, err); got != c.want {
				t.Errorf("%v: got %v, want %v", err, got, c.want)
			}
		}
	}
}

func TestKindNames(t *testing.T) {
	seen := map[string]Kind{}
	for k := OK; k <= PartlyRefused; k++ {
		name := k.String()
		if other, ok := seen[name]; ok || name == "" || name == "unknown" {
			t.Errorf("kind %d is called %q, as is kind %d", k, name, other)
		}
		seen[name] = k
	}
	if got := (PartlyRefused + 1).String(); got != "unknown" {
		t.Errorf("a kind that does not exist is called %q", got)
	}
}

func FuzzClassify(f *testing.F) {
	for _, c := range bodies2xx {
		f.Add(200, "", []byte(c.body))
		f.Add(503, c.body, []byte(c.body))
	}
	for _, status := range []int{-1, 0, 100, 199, 301, 400, 401, 408, 413, 425, 429, 500, 599, 999} {
		for _, after := range []string{"-1", "7", "99999999999999999999", "Wed, 21 Oct 2026 07:28:00 GMT"} {
			f.Add(status, after, []byte(`{"error":{"message":"key `+canaryKey+` in `+canaryBody+`"}}`))
		}
	}
	f.Fuzz(func(t *testing.T, status int, retryAfter string, body []byte) {
		header := http.Header{"Retry-After": {retryAfter}}
		kind := Classify(status, header, body, nil)
		delivered := status >= 200 && status <= 299
		if kind == OK && !delivered {
			t.Errorf("status %d counts as delivered", status)
		}
		if delivered && kind != OK && kind != Rejected && kind != Misconfigured {
			t.Errorf("status %d is %v", status, kind)
		}
		if kind == OK && !json.Valid(body) {
			t.Errorf("%q counts as a delivery", body)
		}
		if kind == Canceled {
			t.Errorf("status %d counts as canceled", status)
		}
		for _, text := range []string{serverMessage(body), noObject(body, true)} {
			checkFit(t, request{key: canaryKey, body: []byte(canaryBody)}.clean(text))
		}
	})
}

// checkFit checks that a message from outside is fit to be shown.
func checkFit(t *testing.T, short string) {
	t.Helper()
	if len(short) > maxMessage || strings.Contains(short, canaryKey) || strings.Contains(short, "\n") {
		t.Errorf("unfit message %q", short)
	}
}
