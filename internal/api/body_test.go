package api_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/protocol"
)

// zstded returns a text as one frame.
func zstded(t *testing.T, text string, options ...zstd.EOption) string {
	t.Helper()
	encoder, err := zstd.NewWriter(nil, options...)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoder.EncodeAll([]byte(text), nil))
}

// postZstd sends a compressed body and returns the answer.
func (s *server) postZstd(body string) (int, string) {
	s.Helper()
	return s.do("POST", logPath, strings.NewReader(body), "Content-Encoding", "zstd")
}

func TestBodiesMayBeCompressedWithZstd(t *testing.T) {
	s := start(t, collector.Config{})
	lines := make([]string, 500)
	for i := range lines {
		lines[i] = fmt.Sprintf(`trace{id=t%d,action=create,data={"name":"%s"}}`, i, strings.Repeat("a name ", i%50))
	}
	text := strings.Join(lines, "\n")
	equal(t, collector.Ingested{Accepted: len(lines)}, s.post("plain", text))
	equal(t, lines, s.lines("plain"))
	two := zstded(t, text[:len(text)/2]) + zstded(t, text[len(text)/2:])
	for repo, body := range map[string]string{
		"fastest":  zstded(t, text, zstd.WithEncoderLevel(zstd.SpeedFastest)),
		"best":     zstded(t, text, zstd.WithEncoderLevel(zstd.SpeedBestCompression)),
		"streamed": zstded(t, text, zstd.WithSingleSegment(false), zstd.WithWindowSize(8<<20)),
		"frames":   two,
	} {
		equal(t, collector.Ingested{Accepted: len(lines)}, s.post(repo, body, "Content-Encoding", "zstd"))
		equal(t, lines, s.lines(repo))
	}
	equal(t, collector.Ingested{}, s.post("empty", zstded(t, ""), "Content-Encoding", "zstd"))
}

func TestZstdBodiesAtOneTime(t *testing.T) {
	s := start(t, collector.Config{})
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			line := fmt.Sprintf(`trace{id=t%d,action=create,data={"name":"%s"}}`, i, strings.Repeat("x", 10_000))
			if status, text := s.do("POST", fmt.Sprintf("/api/sdk/v3/log?id=r%d", i), strings.NewReader(zstded(t, line)), "Content-Encoding", "zstd"); status != http.StatusOK {
				t.Errorf("status %d: %s", status, text)
			}
			equal(t, []string{line}, s.lines(fmt.Sprintf("r%d", i)))
		})
	}
	group.Wait()
}

func TestDamagedZstdBodiesAreRefused(t *testing.T) {
	s := start(t, collector.Config{})
	whole := zstded(t, created+"\n"+ended)
	damaged := map[string]string{"nothing": "", "plain": created, "gzip": zipped(t, strings.NewReader(created)).String(), "cut second frame": whole + whole[:3]}
	for end := 1; end < len(whole); end++ {
		damaged[fmt.Sprintf("its first %d bytes", end)] = whole[:end]
	}
	flipped := []byte(whole)
	flipped[len(flipped)-1] ^= 1 // the checksum
	damaged["checksum"] = string(flipped)
	for name, body := range damaged {
		t.Run(name, func(t *testing.T) {
			s := &server{t, s.Collector, s.url, ""}
			status, text := s.postZstd(body)
			s.wantError(status, text, http.StatusBadRequest, "bad_request")
		})
	}
	equal(t, []string{}, s.lines("r"))
}

// zstdFrame returns a frame of blocks of 128 KiB of one byte each, which take 4 bytes
// (RFC 8878, section 3.1.1). Its window is as large as given, and it says a content size
// only if one is given.
func zstdFrame(blocks, windowLog int, size uint64) string {
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, byte(windowLog-10) << 3}
	if size > 0 {
		frame[4] = 3 << 6
		frame = binary.LittleEndian.AppendUint64(frame, size)
	}
	for i := range blocks {
		const rle, length = 1 << 1, 128 << 10
		head := uint32(rle | length<<3)
		if i == blocks-1 {
			head |= 1
		}
		frame = append(frame, byte(head), byte(head>>8), byte(head>>16), 'x')
	}
	return string(frame)
}

func TestZstdBombsAreRefused(t *testing.T) {
	s := start(t, collector.Config{})
	const most = protocol.MaxDecodedBody / (128 << 10)
	for name, bomb := range map[string]string{
		"blocks":          zstdFrame(most+1, 23, 0),
		"frames":          strings.Repeat(zstdFrame(1, 17, 0), most+1),
		"announced":       zstdFrame(most+1, 23, protocol.MaxDecodedBody+128<<10),
		"only announced":  zstdFrame(1, 23, 1<<62),
		"more than comes": strings.Repeat("x", protocol.MaxBody+1),
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{t, s.Collector, s.url, ""}
			status, text := s.postZstd(bomb)
			s.wantError(status, text, http.StatusRequestEntityTooLarge, "too_large")
		})
	}
	// Without a length beforehand.
	status, text := s.do("POST", logPath, io.MultiReader(strings.NewReader(zstdFrame(1, 17, 0)), io.LimitReader(endless('x'), protocol.MaxBody)), "Content-Encoding", "zstd")
	s.wantError(status, text, http.StatusRequestEntityTooLarge, "too_large")
	// A body of exactly the largest size is one line, which is too long.
	got := s.post("r", zstdFrame(most, 23, 0), "Content-Encoding", "zstd")
	equal(t, []int{0, 1}, []int{got.Accepted, got.Refused})
}

func TestZstdWindowsAreBounded(t *testing.T) {
	s := start(t, collector.Config{})
	for name, body := range map[string]string{
		"window":         zstdFrame(1, 24, 0),
		"single segment": zstded(t, strings.Repeat("x", 9<<20), zstd.WithSingleSegment(true), zstd.WithWindowSize(16<<20)),
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{t, s.Collector, s.url, ""}
			status, text := s.postZstd(body)
			s.wantError(status, text, http.StatusBadRequest, "bad_request")
			if !strings.Contains(text, "window") {
				t.Errorf("the answer does not say why: %s", text)
			}
		})
	}
}

func TestBodiesThatLostTheirEncodingAreRefused(t *testing.T) {
	s := start(t, collector.Config{})
	const spool = "000102030405060708090a0b0c0d0e0f"
	for _, packed := range []string{zstded(t, created), zipped(t, strings.NewReader(created)).String()} {
		for _, encoding := range []string{"", "identity"} {
			status, text := s.do("POST", logPath, strings.NewReader(packed), "Content-Encoding", encoding, protocol.HeaderProducer, spool, protocol.HeaderSeq, "1")
			s.wantError(status, text, http.StatusBadRequest, "bad_request")
		}
	}
	// Its number is still free.
	equal(t, collector.Ingested{Accepted: 1}, s.post("r", created, protocol.HeaderProducer, spool, protocol.HeaderSeq, "1"))
}

func TestAnswersNameTheContentCodings(t *testing.T) {
	s := start(t, collector.Config{})
	for _, c := range []struct {
		path, body, encoding string
		status               int
	}{
		{logPath, created, "", http.StatusOK},
		{logPath, zstded(t, created), "zstd", http.StatusOK},
		{logPath, "", "gzip", http.StatusBadRequest},
		{"/api/sdk/v3/log", created, "", http.StatusBadRequest},
		{logPath, zstdFrame(1, 23, 1<<40), "zstd", http.StatusRequestEntityTooLarge},
		{logPath, created, "br", http.StatusUnsupportedMediaType},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+c.path, bytes.NewReader([]byte(c.body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Encoding", c.encoding)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		equal(t, []string{"zstd, gzip"}, answer.Header.Values("Accept-Encoding"))
		if answer.StatusCode != c.status {
			t.Errorf("status %d, want %d: %s", answer.StatusCode, c.status, text)
		}
		if named := strings.Contains(string(text), "zstd or gzip"); named != (c.status == http.StatusUnsupportedMediaType) {
			t.Errorf("status %d says %s", c.status, text)
		}
	}
}
