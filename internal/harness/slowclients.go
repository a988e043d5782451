package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
)

const (
	slowConnections = 500
	slowPace        = time.Second // between two bytes
	bombers         = 4
	bombBytes       = 512 << 20 // when decoded
	politePace      = 10 * time.Millisecond
)

// slowClients besets a collector with connections that send a byte a second, some in the
// header and some in the body, and with bodies that are small until they are decoded. A
// client among them logs a turn every 10 ms.
func slowClients(fs *flag.FlagSet) func(*trial) error {
	d := fs.Duration("d", 30*time.Second, "how `long`")
	return func(t *trial) error {
		server, url, err := t.serveApart(filepath.Join(t.dir, "collector"))
		if err != nil {
			return err
		}
		defer func() {
			_ = server.Process.Kill() // it serves until it is killed
			_ = server.Wait()
		}()
		b := &siege{trial: t, url: url}
		if err := b.run(*d); err != nil {
			return err
		}
		t.atMost("rss_mb", megabytes(usageOf(strconv.Itoa(server.Process.Pid)).PeakRSS), 256)
		return nil
	}
}

// siege is one run of slowClients.
type siege struct {
	*trial
	url           string
	slow, refused atomic.Int64 // connections made, bombs refused
	swallowed     atomic.Int64 // bombs that were taken
	turns         histogram
	failed        int64 // requests of the polite client; its goroutine's
}

func (b *siege) run(d time.Duration) error {
	ctx, cancel := context.WithTimeout(b.ctx, d)
	defer cancel()
	var crowd sync.WaitGroup
	for i := range slowConnections {
		crowd.Go(func() {
			for ctx.Err() == nil {
				b.dawdle(ctx, i%2 == 0)
			}
		})
	}
	bombs, err := gzipBombs()
	if err != nil {
		return err
	}
	for i := range bombers {
		crowd.Go(func() { b.throw(ctx, bombs[i%len(bombs)]) })
	}
	err = b.log(ctx)
	crowd.Wait()
	if err != nil {
		return err
	}
	q := b.turns.quantiles()
	b.note("turns", q.Count)
	b.note("slow_connections", b.slow.Load())
	b.note("bombs_refused", b.refused.Load())
	b.exactly("bombs_taken", b.swallowed.Load(), 0)
	b.exactly("failed", b.failed, 0)
	b.note("ack_ms_p50", fmt.Sprintf("%.3g", q.P50.Seconds()*1000))
	b.soonEnough("ack_ms_p99", q.P99.Seconds()*1000, 200)
	stats, err := fetched(b.ctx, b.url+"/api/v1/repositories/harness/lines?limit=1&after="+strconv.FormatInt(q.Count*linesPerTurn-1, 10))
	if err != nil {
		return err
	}
	b.exactly("last_line_stored", int64(bytes.Count(stats, []byte{'\n'})), 1)
	return nil
}

// dawdle sends a request, a byte a second, until the collector disconnects or ctx ends.
func (b *siege) dawdle(ctx context.Context, inHeader bool) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		_ = pause(ctx, slowPace) // the end of ctx ends the caller's loop
		return
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	b.slow.Add(1)
	head := "POST /api/sdk/v3/log?id=slow HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	if !inHeader {
		head += "Content-Length: 1000000\r\n\r\n"
	}
	if _, err := io.WriteString(conn, head); err != nil {
		return
	}
	for pause(ctx, slowPace) == nil {
		if _, err := conn.Write([]byte("x")); err != nil {
			return
		}
	}
}

// throw posts bombs until ctx ends.
func (b *siege) throw(ctx context.Context, bomb []byte) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+"/api/sdk/v3/log?id=bombs", bytes.NewReader(bomb))
		if err != nil {
			return
		}
		req.Header.Set("Content-Encoding", "gzip")
		answer, err := client.Do(req)
		if err != nil {
			continue // refused in the middle of the body
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			b.swallowed.Add(1)
		} else {
			b.refused.Add(1)
		}
		_ = pause(ctx, 50*time.Millisecond)
	}
}

// log posts turns, one at a time, until ctx ends, every tenth over a new connection.
func (b *siege) log(ctx context.Context) error {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for n := int64(1); pause(ctx, politePace) == nil; n++ {
		if n%10 == 0 {
			client.CloseIdleConnections()
		}
		body := appendTurn(nil, n)
		start := time.Now()
		req, err := http.NewRequestWithContext(b.ctx, http.MethodPost, b.url+"/api/sdk/v3/log?id=harness", bytes.NewReader(body))
		if err != nil {
			return err
		}
		answer, err := client.Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		b.turns.add(time.Since(start))
		_ = answer.Body.Close()
		if err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			b.failed++
		}
	}
	return nil
}

// gzipBombs returns three small bodies that are large when decoded: the first declares its
// decoded size, the second declares just as much as is allowed, the third ends with a member
// that declares nothing.
func gzipBombs() ([][]byte, error) {
	honest, err := gzipBomb()
	if err != nil {
		return nil, err
	}
	lying := bytes.Clone(honest)
	binary.LittleEndian.PutUint32(lying[len(lying)-4:], protocol.MaxDecodedBody)
	var empty bytes.Buffer
	if err := gzip.NewWriter(&empty).Close(); err != nil {
		return nil, err
	}
	return [][]byte{honest, lying, append(bytes.Clone(honest), empty.Bytes()...)}, nil
}

// gzipBomb returns a small body that is large when decoded.
func gzipBomb() ([]byte, error) {
	var body bytes.Buffer
	w := gzip.NewWriter(&body)
	line := bytes.Repeat([]byte("a"), 1<<20)
	for range bombBytes / len(line) {
		if _, err := w.Write(line); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}
