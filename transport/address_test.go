package transport

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/troupelog/troupe/internal/protocol"
)

// roundTrips is an http.RoundTripper made of a function.
type roundTrips func(*http.Request) (*http.Response, error)

func (f roundTrips) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// handing returns a sender to a server on a public host that hands out a signed URL,
// and counts in puts the uploads that arrive at the server itself.
func handing(t *testing.T, signed string, puts *atomic.Int64) *HTTP {
	t.Helper()
	h, err := New(Config{
		BaseURL: "https://logs.example.com/base", RepositoryID: "repo", APIKey: canaryKey,
		RoundTripper: roundTrips(func(r *http.Request) (*http.Response, error) {
			quoted, err := json.Marshal(signed)
			body := fmt.Sprintf(`{"data":{"url":%s}}`, quoted)
			if r.Method == http.MethodPut {
				puts.Add(1)
				_, _ = io.Copy(io.Discard, r.Body)
				r.Body.Close()
				if len(r.Header.Values(protocol.HeaderKey)) != 0 {
					t.Errorf("%s has the API key", r.URL)
				}
				body = ""
			}
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body))}, err
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// resolve makes names of the form <name>.test resolve to what the table says, over a
// name server of its own.
func resolve(t *testing.T, names map[string]netip.Addr) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		query := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(query)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(nameAnswer(query[:n], names), from)
		}
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		conn.Close()
		<-served
	})
}

// nameAnswer answers a query of one question (RFC 1035, section 4): with the address
// where the table has the name and the question is for its family, and with no record
// otherwise.
func nameAnswer(query []byte, names map[string]netip.Addr) []byte {
	const head = 12
	end, labels := head, []string(nil)
	for query[end] != 0 {
		length := int(query[end])
		labels = append(labels, string(query[end+1:end+1+length]))
		end += 1 + length
	}
	question := query[head : end+5]
	family := binary.BigEndian.Uint16(query[end+1:]) // 1 is A, 28 is AAAA
	answer := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
	addr, ok := names[labels[0]]
	if !ok || addr.Is4() != (family == 1) || family != 1 && family != 28 {
		return answer
	}
	answer[7] = 1
	answer = append(answer, 0xc0, head)                               // the name: see the question
	answer = append(answer, query[end+1:end+5]...)                    // type and class
	answer = append(answer, 0, 0, 0, 0, 0, byte(len(addr.AsSlice()))) // no time to live, length
	return append(answer, addr.AsSlice()...)
}

func TestS3UnsafeUploadURLs(t *testing.T) {
	// Whatever reaches this machine is seen here.
	var connections atomic.Int64
	port, six := spy(t, &connections)
	resolve(t, map[string]netip.Addr{
		"loopback": netip.MustParseAddr("127.0.0.1"), "loopback6": netip.MustParseAddr("::1"),
		"metadata": netip.MustParseAddr("169.254.169.254"), "private": netip.MustParseAddr("10.1.2.3"),
		"local6": netip.MustParseAddr("fd00::1"), "mapped": netip.MustParseAddr("::ffff:127.0.0.1"),
		"zero": netip.MustParseAddr("0.0.0.0"), "translated": netip.MustParseAddr("64:ff9b::7f00:1"),
	})
	for _, host := range []string{
		"127.0.0.1", "127.1.2.3", "127.0.0.1.", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255",
		"192.168.1.1", "169.254.169.254", "169.254.0.1", "100.64.0.1", "100.127.255.255", "192.0.0.170", "192.0.2.1",
		"198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.255",
		"240.0.0.1", "255.255.255.255",
		"[::]", "[::1]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]",
		"[64:ff9b::127.0.0.1]", "[64:ff9b::10.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:a00:1::1]",
		"[2001::1]", "[2001:db8::1]", "[3fff::1]", "[100::1]", "[fc00::1]", "[fd00::1]", "[fd00:ec2::254]", "[fe80::1]", "[fe80::1%25lo]",
		"[fec0::1]", "[ff02::1]", "[5f00::1]", "[4000::1]",
		"2130706433", "0x7f000001", "0x7F.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "0", "0x", "1.2.3.4.5", "256.256.256.256",
		"①②⑦.⓪.⓪.①", "127。0。0。1",
		"localhost", "LOCALHOST", "loopback.test", "loopback6.test", "metadata.test", "private.test", "local6.test", "mapped.test", "zero.test", "translated.test",
	} {
		if !six && (host[0] == '[' || host == "loopback6.test" || host == "local6.test" || host == "translated.test") {
			continue // a system without IPv6 does not come to the check
		}
		refusedURL(t, "https://"+host+":"+port+"/x?"+canarySignature)
	}
	for _, signed := range []string{
		"http://storage.example.com/x", "http://127.0.0.1:" + port + "/x", "http://logs.example.com/base/x", "HTTP://storage.example.com/x",
		"file:///etc/passwd", "ftp://storage.example.com/x", "gopher://storage.example.com:70/x", "ws://storage.example.com/x",
		"unix:///var/run/docker.sock", "javascript:alert(1)", "data:,x", "https:storage.example.com", "https:///x", "https://:443/x",
		"//storage.example.com/x", "/x", "x", "storage.example.com/x", "https://lovelace:pw@storage.example.com/x",
		"https://lovelace@storage.example.com/x", "https://@storage.example.com/x", "https://lovelace@logs.example.com/base/x",
		"https://storage.example.com:port/x", "https://[::1/x", "https://storage.example.com/%zz", " https://storage.example.com/x",
		"https://storage.example.com/\x00", "https://storage.example.com\r\nHost: evil.example/x", "https://exa mple.com/",
	} {
		refusedURL(t, signed)
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections to this machine", n)
	}
}

// spy counts the connections to a port that is the same for IPv4 and, if the system
// has it, IPv6. It reports whether it has.
func spy(t *testing.T, connections *atomic.Int64) (port string, six bool) {
	t.Helper()
	four, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ = net.SplitHostPort(four.Addr().String())
	listeners := []net.Listener{four}
	if l, err := net.Listen("tcp", "[::1]:"+port); err == nil {
		listeners, six = append(listeners, l), true
	}
	for _, l := range listeners {
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				connections.Add(1)
				conn.Close()
			}
		}()
		t.Cleanup(func() { l.Close(); <-done })
	}
	return port, six
}

// refusedURL checks that an upload to a URL is refused without having been sent.
func refusedURL(t *testing.T, signed string) {
	t.Helper()
	var puts, opened, closed atomic.Int64
	err := handing(t, signed, &puts).Upload(t.Context(), text("hello", &opened, &closed))
	var e *Error
	if !errors.As(err, &e) || e.Kind != Misconfigured || !errors.Is(err, ErrUnsafeURL) || errors.Is(err, ErrUnreachable) || e.Status != 0 {
		t.Errorf("%q: got %v, want a refusal", signed, err)
		return
	}
	if puts.Load() != 0 || opened.Load() != closed.Load() {
		t.Errorf("%q: %d uploads to the server; opened %d times, closed %d times", signed, puts.Load(), opened.Load(), closed.Load())
	}
	if text := err.Error(); strings.Contains(text, "Signature") || strings.Contains(text, "lovelace") {
		t.Errorf("the error holds more than the origin: %v", err)
	}
}

func TestPublicAddressesAreAllowed(t *testing.T) {
	for _, address := range []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
		"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.1", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
		"223.255.255.255", "2606:4700::1111", "2a00:1450:4001::200e", "2001:4860:4860::8888", "2620:fe::fe", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8",
	} {
		if err := refuseNonpublic("tcp", netip.AddrPortFrom(netip.MustParseAddr(address), 443).String(), nil); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := refuseNonpublic("unix", "/var/run/docker.sock", nil); err == nil {
		t.Error("a socket is taken for a public address")
	}
}

// Each range is checked at both ends, and in each form that IPv6 has for an IPv4 address.
func TestNonpublicRangesToTheirEnds(t *testing.T) {
	for _, r := range nonpublicRanges {
		first := r.prefix.Masked().Addr()
		last := first.AsSlice()
		for i := r.prefix.Bits(); i < len(last)*8; i++ {
			last[i/8] |= 0x80 >> (i % 8)
		}
		end, _ := netip.AddrFromSlice(last)
		for _, addr := range []netip.Addr{first, end} {
			forms := []netip.Addr{addr}
			if addr.Is4() {
				four := addr.As4()
				translated := netip.MustParseAddr("64:ff9b::").As16()
				copy(translated[12:], four[:])
				forms = append(forms, netip.AddrFrom16(addr.As16()), netip.AddrFrom16(translated))
			} else {
				forms = append(forms, addr.WithZone("eth0"))
			}
			for _, form := range forms {
				if nonpublic(form) == "" {
					t.Errorf("%s, in %s, counts as public", form, r.prefix)
				}
			}
		}
	}
}

func TestUploadURLsForAServerOnThisMachine(t *testing.T) {
	h := open(t, "http://localhost:7070")
	for _, c := range []struct {
		signed string
		ok     bool
	}{
		{"http://localhost:7070/x", true},
		{"http://127.0.0.1:9000/x", true},
		{"http://[::1]:9000/x", true},
		{"https://127.0.0.1:9000/x", true},
		{"https://10.0.0.1/x", true},
		{"https://storage.example.com/x", true},
		{"http://storage.example.com/x", false},
		{"http://10.0.0.1/x", false},
		{"http://169.254.169.254/x", false},
		{"http://lovelace@127.0.0.1/x", false},
		{"file:///etc/passwd", false},
	} {
		if _, err := h.destination(c.signed); (err == nil) != c.ok {
			t.Errorf("%s: got %v", c.signed, err)
		}
	}
}

// Only the server's own origin gets the ordinary connections, in any spelling.
func TestUploadToTheOriginOfTheServer(t *testing.T) {
	for _, c := range []struct {
		base, signed string
		own          bool
	}{
		{"https://logs.example.com/a", "https://logs.example.com/b", true},
		{"https://logs.example.com", "HTTPS://LOGS.example.com:443/b", true},
		{"https://logs.example.com:8443", "https://logs.example.com:8443", true},
		{"https://10.0.0.5", "https://10.0.0.5/b", true},
		{"http://127.0.0.1:80", "http://127.0.0.1/b", true},
		{"https://logs.example.com", "https://logs.example.com:8443/b", false},
		{"https://logs.example.com", "https://logs.example.com.evil.example/b", false},
		{"https://logs.example.com", "https://storage.example.com/b", false},
		{"http://127.0.0.1:80", "https://127.0.0.1:80/b", false},
	} {
		h := open(t, c.base)
		d, err := h.destination(c.signed)
		if err != nil || (d.client == h.client.HTTPClient) != c.own || (d.client == h.storage) == c.own {
			t.Errorf("%s from %s: own connections %t, %v", c.signed, c.base, d.client == h.client.HTTPClient, err)
		}
	}
	var puts atomic.Int64
	if err := handing(t, "https://logs.example.com/x?"+canarySignature, &puts).Upload(t.Context(), plain("hello")); err != nil || puts.Load() != 1 {
		t.Errorf("%d uploads over the user's RoundTripper, %v", puts.Load(), err)
	}
}

func FuzzUploadURL(f *testing.F) {
	for _, host := range []string{
		"storage.example.com", "127.0.0.1", "[::1]", "localhost", "logs.example.com", "0x7f.1", "2130706433", "lovelace:pw@storage.example.com",
		"", ":443", "[fe80::1%25lo]", "①②⑦.⓪.⓪.①", "storage.example.com:99999", "a b", "%61.example.com",
	} {
		for _, scheme := range []string{"https://", "http://", "file://", ""} {
			f.Add(fmt.Appendf(nil, `{"data":{"url":"%s%s/x?y=z"}}`, scheme, host))
		}
	}
	for _, body := range []string{"", "null", "{}", "[]", `{"data":null}`, `{"data":[]}`, `{"data":{"url":null}}`, `{"data":{"url":1}}`, `{"data":{"url":"`, `{"url":"https://a.test"}`, `{"data":{"url":"\u0000"}}`} {
		f.Add([]byte(body))
	}
	server := roundTrips(func(*http.Request) (*http.Response, error) { return nil, errNoAnswer })
	var senders []*HTTP
	for _, base := range []string{"https://logs.example.com/base", "http://127.0.0.1:7070"} {
		h, err := New(Config{BaseURL: base, RepositoryID: "repo", APIKey: canaryKey, RoundTripper: server})
		if err != nil {
			f.Fatal(err)
		}
		senders = append(senders, h)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		signed := uploadURL(body)
		for _, h := range senders {
			d, err := h.destination(signed)
			if err != nil {
				continue
			}
			req, err := http.NewRequest(http.MethodPut, signed, nil)
			if err != nil {
				t.Fatalf("%q passes, but no request can be made: %v", signed, err)
			}
			u := req.URL
			own := origin(u) == origin(h.base)
			local := loopback(h.base.Hostname()) && loopback(u.Hostname())
			if u.User != nil || u.Hostname() == "" || u.Scheme != "https" && !own && !local || own != (d.client == h.client.HTTPClient) {
				t.Errorf("%q passes at %s", signed, h.base)
			}
			if shown, err := url.Parse(d.origin); err == nil && (shown.RawQuery != "" || shown.User != nil || shown.Path != "") {
				t.Errorf("%q shows %q", signed, d.origin)
			}
		}
	})
}
