package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"
)

// endless is a reader without an end that needs no memory.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestContentIsExactOrFailsBeforeItsLastByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "data")
		size := rapid.IntRange(1, 200).Draw(t, "size")
		if rapid.Bool().Draw(t, "as announced") {
			size = max(len(data), 1)
		}
		wrap := rapid.SampledFrom([]func(io.Reader) io.Reader{
			func(r io.Reader) io.Reader { return r },
			iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader,
			func(r io.Reader) io.Reader { return iotest.DataErrReader(iotest.OneByteReader(r)) },
		}).Draw(t, "wrap")
		c := newContent(wrap(bytes.NewReader(data)), int64(size))
		got, err := io.ReadAll(wrap(c))
		if len(data) == size {
			if err != nil || !bytes.Equal(got, data) || !c.complete() {
				t.Fatalf("got %d of %d bytes, %v", len(got), size, err)
			}
			return
		}
		if !errors.Is(err, errLength) || len(got) >= size || c.complete() || !bytes.HasPrefix(data, got) {
			t.Fatalf("content of %d bytes, announced as %d: got %d, %v", len(data), size, len(got), err)
		}
	})
}

func TestContentPassesErrorsOn(t *testing.T) {
	broken := errors.New("broken")
	for _, before := range []int{0, 3, 5} {
		c := newContent(io.MultiReader(strings.NewReader("hello"[:before]), iotest.ErrReader(broken)), 5)
		if got, err := io.ReadAll(c); !errors.Is(err, broken) || len(got) == 5 || c.complete() {
			t.Errorf("broken after %d bytes: got %q, %v", before, got, err)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, broken) {
			t.Errorf("the second read returns %v", err)
		}
	}
}

func TestUploadOfAnotherLengthStoresNothing(t *testing.T) {
	var stored atomic.Int64
	p := servePair(t, func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			stored.Add(1)
		}
	})
	h := open(t, p.server.URL)
	for _, c := range []struct{ size, real int64 }{{0, 1}, {1, 0}, {1, 2}, {5, 4}, {5, 6}, {1 << 20, 1<<20 - 1}, {1 << 20, 1<<20 + 1}, {1 << 20, 1 << 30}} {
		var closed atomic.Int64
		err := h.Upload(t.Context(), File{Key: "k", MIME: "a/b", Size: c.size, Open: func() (io.ReadCloser, error) {
			return &counted{io.LimitReader(endless{}, c.real), &closed}, nil
		}})
		if e := failure(t, err, Rejected); !errors.Is(err, ErrNoContent) || e.Status != 0 {
			t.Errorf("%d bytes announced as %d: %v", c.real, c.size, err)
		}
		if closed.Load() != 1 {
			t.Errorf("%d bytes announced as %d: closed %d times", c.real, c.size, closed.Load())
		}
	}
	if n := stored.Load(); n != 0 {
		t.Errorf("%d files of another length than announced were stored", n)
	}
}

func TestUploadWhoseSourceBreaks(t *testing.T) {
	var stored atomic.Int64
	p := servePair(t, func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			stored.Add(1)
		}
	})
	err := open(t, p.server.URL).Upload(t.Context(), File{Key: "k", Size: 1 << 20, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(io.LimitReader(endless{}, 1<<19), iotest.ErrReader(errors.New(canaryFile)))), nil
	}})
	failure(t, err, Rejected)
	if !errors.Is(err, ErrNoContent) || strings.Contains(err.Error(), "canary") || stored.Load() != 0 {
		t.Errorf("stored %d, %v", stored.Load(), err)
	}
}

// gate is a reader that stops after the first part until it is opened.
type gate struct {
	first, rest io.Reader
	opened      <-chan struct{}
}

func (g *gate) Read(p []byte) (int, error) {
	if n, err := g.first.Read(p); err == nil {
		return n, nil
	}
	<-g.opened
	return g.rest.Read(p)
}

func (*gate) Close() error { return nil }

func TestUploadStreams(t *testing.T) {
	const size, first = 64 << 20, 1 << 20
	arrived := make(chan struct{})
	var got int64
	p := servePair(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.ContentLength != size || r.TransferEncoding != nil {
			t.Errorf("length %d, transfer encoding %q", r.ContentLength, r.TransferEncoding)
		}
		n, _ := io.CopyN(io.Discard, r.Body, first)
		close(arrived)
		rest, _ := io.Copy(io.Discard, r.Body)
		got = n + rest
	})
	source := &gate{io.LimitReader(endless{}, first), io.LimitReader(endless{}, size-first), arrived}
	err := open(t, p.server.URL).Upload(t.Context(), File{Key: "k", Size: size, Open: func() (io.ReadCloser, error) { return source, nil }})
	if err != nil || got != size {
		t.Errorf("%d of %d bytes arrived, %v", got, size, err)
	}
}

func TestUploadOfAFileIsNotChunked(t *testing.T) {
	var stored []seen
	p := servePair(t, noting(&stored))
	path := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(path, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := File{Key: "k", MIME: "a/b", Size: 5, Open: func() (io.ReadCloser, error) { return os.Open(path) }}
	if err := open(t, p.server.URL).Upload(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if got := stored[0]; got.Length != 5 || got.Encoding != nil || got.Body != "hello" {
		t.Errorf("the storage saw %+v", got)
	}
}

// The storage says that it has the file before it has read it.
func TestUploadDoesNotTrustAnEarlySuccess(t *testing.T) {
	done := make(chan struct{})
	p := servePair(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		<-done
	})
	const size = 64 << 20
	err := open(t, p.server.URL).Upload(t.Context(), File{Key: "k", Size: size, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(endless{}, size)), nil
	}})
	close(done)
	if e := failure(t, err, Retry); e.Status != 200 {
		t.Errorf("got %v", err)
	}
}

func TestUploadCanceledWhileStreaming(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stored atomic.Int64
	p := servePair(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
		cancel()
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			stored.Add(1)
		}
	})
	var closed atomic.Int64
	source := &counted{&gate{io.LimitReader(endless{}, 1<<20), io.LimitReader(endless{}, 63<<20), ctx.Done()}, &closed}
	err := open(t, p.server.URL).Upload(ctx, File{Key: "k", Size: 64 << 20, Open: func() (io.ReadCloser, error) { return source, nil }})
	source.Reader = nil // a race, if anything still reads it
	failure(t, err, Canceled)
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnreachable) || closed.Load() != 1 || stored.Load() != 0 {
		t.Errorf("closed %d times, stored %d, %v", closed.Load(), stored.Load(), err)
	}
}

// watched is a reader that notes what is read after it was closed.
type watched struct {
	io.Reader
	closed, late atomic.Bool
}

func (w *watched) Read(p []byte) (int, error) {
	if w.closed.Load() {
		w.late.Store(true)
	}
	return w.Reader.Read(p)
}

func (w *watched) Close() error {
	w.closed.Store(true)
	return nil
}

// The storage refuses a file before it has read it; net/http still writes it then.
func TestContentIsReleasedWhenUploadReturns(t *testing.T) {
	p := servePair(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	h := open(t, p.server.URL)
	connections := h.storage.Transport.(bounded).RoundTripper.(*http.Transport)
	dial := connections.DialContext
	connections.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return &lateWriter{Conn: conn, closed: make(chan struct{})}, err
	}
	const size = 4 << 20
	source := &watched{Reader: io.LimitReader(endless{}, size)}
	err := h.Upload(t.Context(), File{Key: "k", Size: size, Open: func() (io.ReadCloser, error) { return source, nil }})
	failure(t, err, Retry)
	h.Close()
	if !source.closed.Load() || source.late.Load() {
		t.Errorf("closed: %t, read after that: %t", source.closed.Load(), source.late.Load())
	}
	source.Reader = nil // a race, if anything still reads it
}

func TestUploadEndsWithItsBudget(t *testing.T) {
	silent := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	stalledHead := servePair(t, silent)
	h := open(t, stalledHead.server.URL)
	h.budget = 20 * time.Millisecond
	err := h.Upload(t.Context(), plain("hello"))
	failure(t, err, Retry)
	if !errors.Is(err, ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}

	h = open(t, stalledHead.server.URL)
	h.storage.Transport.(bounded).RoundTripper.(*http.Transport).ResponseHeaderTimeout = time.Millisecond
	failure(t, h.Upload(t.Context(), plain("hello")), Retry)

	stalledServer := serve(t, silent)
	h = open(t, stalledServer.URL)
	h.budget = 20 * time.Millisecond
	failure(t, h.Upload(t.Context(), plain("hello")), Retry)
}

func TestSendingTimeGrowsWithTheSize(t *testing.T) {
	for _, c := range []struct {
		size int64
		want time.Duration
	}{
		{0, 0}, {1, 0}, {64 << 10, time.Second}, {100 << 20, 1600 * time.Second}, {1<<63 - 1, 24 * time.Hour},
	} {
		if got := sendingTime(c.size); got != c.want {
			t.Errorf("%d bytes: %v, want %v", c.size, got, c.want)
		}
	}
}

func TestUploadBrokenByTheStorage(t *testing.T) {
	for _, answer := range []string{"", "HTTP/1.1 200 OK\r\nContent-Le", "SSH-2.0-OpenSSH_9.9\r\n" + canaryFile + "\r\n"} {
		storage := raw(t, saying(answer))
		s := serve(t, answering(200, fmt.Sprintf(`{"data":{"url":%q}}`, storage.URL)))
		err := open(t, s.URL).Upload(t.Context(), plain("hello"))
		failure(t, err, Retry)
		if !errors.Is(err, ErrUnreachable) || strings.Contains(err.Error(), "canary") || storage.requests.Load() != 1 {
			t.Errorf("%q: %d requests, %v", answer, storage.requests.Load(), err)
		}
	}
	// A status alone says that a file is stored.
	storage := raw(t, saying("HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n<x"))
	s := serve(t, answering(200, fmt.Sprintf(`{"data":{"url":%q}}`, storage.URL)))
	if err := open(t, s.URL).Upload(t.Context(), plain("hello")); err != nil {
		t.Error(err)
	}
}
