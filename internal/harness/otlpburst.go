package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/troupelog/troupe/internal/protocol"
)

// Bounds while a collector takes one large body.
const (
	burstAckMS  = 250 // 99 % of the posts of another client
	burstMB     = 128 // over the memory of an idle collector
	burstSpans  = 100_000
	burstMargin = 64 << 10 // bytes that a body has less than it may have
)

// burst is a body that is posted at once.
type burst struct {
	name, path, contentType string
	headers                 map[string]string
	body                    []byte // as it is before compression
	repo                    string
	entities                int64 // that become of it
}

// otlpBurst posts the largest bodies that a collector takes, each to a separate collector,
// while another client logs a turn every 10 ms, and measures how long that one waits and
// the memory of the collector until all is folded.
func otlpBurst(fs *flag.FlagSet) func(*trial) error {
	only := fs.String("only", "", "the `body` to post: proto, json, lines, anonymous, upload; all if empty")
	return func(t *trial) error {
		for _, make := range []func() burst{protoBurst, jsonBurst, lineBurst, anonymousBurst, uploadBurst} {
			b := make()
			if *only != "" && *only != b.name {
				continue
			}
			if err := t.takeBurst(b); err != nil {
				return fmt.Errorf("%s: %w", b.name, err)
			}
		}
		return nil
	}
}

// takeBurst posts one body.
func (t *trial) takeBurst(b burst) error {
	server, address, err := t.serveApart(filepath.Join(t.dir, b.name))
	if err != nil {
		return err
	}
	defer func() {
		_ = server.Process.Kill() // it serves until it is killed
		_ = server.Wait()
	}()
	pid := strconv.Itoa(server.Process.Pid)
	s := &siege{trial: t, url: address}
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	var polite sync.WaitGroup
	var failed error
	polite.Go(func() { failed = s.log(ctx) })
	if err := pause(t.ctx, 2*time.Second); err != nil { // the other client is at its pace
		return err
	}
	idle := usageOf(pid).RSS
	_ = os.WriteFile("/proc/"+pid+"/clear_refs", []byte("5"), 0) // from here on the peak counts, where the system can
	s.turns = histogram{}
	start := time.Now()
	err = t.postBurst(address, b)
	answered := time.Since(start)
	if err == nil {
		err = t.awaitEntities(address, b)
	}
	cancel()
	polite.Wait()
	q := s.turns.quantiles()
	t.note(b.name+"_body_mb", fmt.Sprintf("%.3g", megabytes(int64(len(b.body)))))
	t.note(b.name+"_answered_s", fmt.Sprintf("%.3g", answered.Seconds()))
	t.note(b.name+"_folded_s", fmt.Sprintf("%.3g", time.Since(start).Seconds()))
	t.note(b.name+"_cpu_s", fmt.Sprintf("%.3g", cpuOf(pid).Seconds()))
	t.note(b.name+"_other_ms_p50", ms(q.P50))
	t.soonEnough(b.name+"_other_ms_p99", q.P99.Seconds()*1000, burstAckMS)
	t.note(b.name+"_other_ms_max", ms(q.Max))
	t.exactly(b.name+"_other_failed", s.failed, 0)
	t.note(b.name+"_idle_mb", int(megabytes(idle)))
	t.atMost(b.name+"_over_idle_mb", megabytes(usageOf(pid).PeakRSS-idle), burstMB)
	return errors.Join(err, failed)
}

// postBurst posts the body with gzip, and for an upload the line that refers to it.
func (t *trial) postBurst(address string, b burst) error {
	path, body, headers := b.path, packed(b.body), map[string]string{"Content-Encoding": "gzip", "Content-Type": b.contentType}
	for name, value := range b.headers {
		headers[name] = value
	}
	if b.name != "upload" {
		return t.request(http.MethodPost, address+path, body, headers)
	}
	key := b.repo + "/large-logs/1"
	query := url.Values{"key": {key}, "mimeType": {"text/plain"}, "size": {strconv.Itoa(len(b.body))}}
	answer, err := fetched(t.ctx, address+"/api/sdk/v1/log-repositories/attachments/upload-url?"+query.Encode())
	if err != nil {
		return err
	}
	var signed struct{ Data struct{ URL string } }
	if err := json.Unmarshal(answer, &signed); err != nil {
		return err
	}
	if err := t.request(http.MethodPut, signed.Data.URL, b.body, map[string]string{"Content-Type": "text/plain"}); err != nil {
		return err
	}
	line := fmt.Sprintf(`storage{id=1,action=process-large-log,data={"key":%q}}`, key)
	return t.request(http.MethodPost, address+path, []byte(line), nil)
}

func (t *trial) request(method, address string, body []byte, headers map[string]string) error {
	req, err := http.NewRequestWithContext(t.ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK || bytes.Contains(text, []byte("partial")) {
		return fmt.Errorf("the collector answered %s %.200s", answer.Status, text)
	}
	return nil
}

// awaitEntities waits until all of a body is folded.
func (t *trial) awaitEntities(address string, b burst) error {
	for {
		answer, err := fetched(t.ctx, address+"/api/v1/repositories/"+b.repo+"/stats")
		if err != nil {
			return err
		}
		var stats struct{ Entities map[string]int64 }
		if err := json.Unmarshal(answer, &stats); err != nil {
			return err
		}
		sum := int64(0)
		for _, n := range stats.Entities {
			sum += n
		}
		if sum == b.entities {
			return nil
		}
		if sum > b.entities {
			return fmt.Errorf("%d entities, want %d", sum, b.entities)
		}
		if err := pause(t.ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// packed returns a body with gzip.
func packed(body []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(body) // a buffer takes all
	_ = w.Close()
	return out.Bytes()
}

const burstTrace = "0123456789abcdef" // 16 bytes

// protoBurst is the smallest spans that there are.
func protoBurst() burst {
	var scoped []byte
	for i := range burstSpans {
		span := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), []byte(burstTrace))
		id := binary.BigEndian.AppendUint64(nil, uint64(i+1))
		span = protowire.AppendBytes(protowire.AppendTag(span, 2, protowire.BytesType), id)
		scoped = protowire.AppendBytes(protowire.AppendTag(scoped, 2, protowire.BytesType), span)
	}
	resource := protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), scoped)
	body := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), resource)
	return burst{
		name: "proto", path: "/v1/traces", contentType: "application/x-protobuf", body: body, repo: "burst",
		headers: map[string]string{protocol.HeaderRepository: "burst"}, entities: burstSpans + 1,
	}
}

// jsonBurst is a request of the largest size, of spans that hang below one another.
func jsonBurst() burst {
	body := []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[`)
	n := 0
	for ; len(body) < protocol.MaxDecodedBody-burstMargin; n++ {
		if n > 0 {
			body = append(body, ',')
		}
		body = fmt.Appendf(body, `{"traceId":"%x","spanId":"%016x","parentSpanId":"%016x","name":"chat","startTimeUnixNano":"%d","endTimeUnixNano":"%d",`+
			`"attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}}]}`,
			burstTrace, n+1, n/100, 1_700_000_000_000_000_000+n, 1_700_000_001_000_000_000+n)
	}
	return burst{
		name: "json", path: "/v1/traces", contentType: "application/json", body: append(body, "]}]}]}"...), repo: "burst",
		headers: map[string]string{protocol.HeaderRepository: "burst"}, entities: int64(n) + 1,
	}
}

// lineBurst is a body of the largest size, of short lines that are numbered.
func lineBurst() burst {
	b := anonymousBurst()
	b.name, b.headers = "lines", map[string]string{protocol.HeaderProducer: fmt.Sprintf("%032x", 1), protocol.HeaderSeq: "1"}
	return b
}

// anonymousBurst is the same without numbers.
func anonymousBurst() burst {
	var body []byte
	n := 0
	for ; len(body) < protocol.MaxDecodedBody-burstMargin; n++ {
		body = fmt.Appendf(body, "trace{id=%x,action=end,data={}}\n", n)
	}
	return burst{name: "anonymous", path: "/api/sdk/v3/log?id=burst", body: body, repo: "burst", entities: int64(n)}
}

// uploadBurst is the largest upload of lines.
func uploadBurst() burst {
	const lines = 1024
	var body []byte
	text := bytes.Repeat([]byte("words "), protocol.MaxDecodedBody/lines/6-20)
	for i := range lines {
		body = fmt.Appendf(body, "trace{id=t%d,action=create,data={\"input\":\"%s\"}}\n", i, text)
	}
	return burst{name: "upload", path: "/api/sdk/v3/log?id=burst", body: body, repo: "burst", entities: lines}
}
