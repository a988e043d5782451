package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"github.com/troupelog/troupe/collector"
)

// fuzzed is a collector that all inputs of a fuzz target share. It is called without a
// connection between, so that what panics is seen and what is slow is not the network.
type fuzzed struct {
	*collector.Collector
	outside string // the folder around the collector's own
}

func newFuzzed(f *testing.F) *fuzzed {
	outside := f.TempDir()
	c, err := collector.New(collector.Config{Dir: filepath.Join(outside, "collector")})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			f.Error(err)
		}
	})
	return &fuzzed{c, outside}
}

// answer returns the answer to a request, which must not be a failure of the collector.
func (c *fuzzed) answer(t *testing.T, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	if w.Code >= http.StatusInternalServerError {
		t.Fatalf("%s %s is answered %d: %s", r.Method, r.URL.Path, w.Code, w.Body)
	}
	return w
}

// stored returns the lines of a repository behind a number, and the number of the last.
func (c *fuzzed) stored(t *testing.T, repo string, after uint64) (lines []string, last uint64) {
	t.Helper()
	path := fmt.Sprintf("/api/v1/repositories/%s/lines?limit=100000&after=%d", repo, after)
	w := c.answer(t, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	decoder := json.NewDecoder(w.Body)
	for last = after; decoder.More(); {
		var l collector.StoredLine
		if err := decoder.Decode(&l); err != nil {
			t.Fatal(err)
		}
		if last = l.Seq; l.LineBase64 != nil {
			l.Line = string(l.LineBase64)
		}
		lines = append(lines, l.Line)
	}
	return lines, last
}

func pack(f *testing.F, text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		f.Fatal(err)
	}
	if err := z.Close(); err != nil {
		f.Fatal(err)
	}
	return b.Bytes()
}

// FuzzIngestBody checks that no body makes the collector fail, and that it stores as many
// lines as it says, each a line of the body.
func FuzzIngestBody(f *testing.F) {
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{
		"", "\n", "\r\n\r\n", created, created + "\n" + ended, created + "\r\n" + ended + "\r\n", created + "\nnonsense\n\n" + ended,
		created[:len(created)-1], "trace{id=t,action=end,data={\"a\":}}", "trace{id=\xff,action=end,data=\"\xff\u2028\"}", "trace{id=t,action=,data=null}",
		"storage{id=u,action=process-large-log,data={\"key\":\"repo/large-logs/u\"}}", "session{id=s,action=add-trace,data={\"id\":\"s\"}}",
		strings.Repeat("x\n", 200), strings.Repeat(ended+"\n", 50), "trace{id=" + strings.Repeat("i", 5000) + ",action=end,data={}}", "\x00\x1f\x8b",
	} {
		whole := pack(f, text)
		for _, body := range [][]byte{[]byte(text), whole, whole[:len(whole)-5], append(whole[:len(whole):len(whole)], whole...)} {
			f.Add(body, "")
			f.Add(body, "gzip")
		}
		framed := encoder.EncodeAll([]byte(text), nil)
		for _, body := range [][]byte{framed, framed[:len(framed)-5], append(framed[:len(framed):len(framed)], framed...)} {
			f.Add(body, "")
			f.Add(body, "zstd")
		}
		f.Add(whole, "br")
	}
	c, last := newFuzzed(f), uint64(0)
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/sdk/v3/log?id=repo", bytes.NewReader(body))
		r.Header.Set("Content-Encoding", encoding)
		w := c.answer(t, r)
		var lines []string
		lines, last = c.stored(t, "repo", last)
		if w.Code != http.StatusOK {
			if len(lines) > 0 {
				t.Fatalf("answered %d, and %d lines are stored", w.Code, len(lines))
			}
			return
		}
		var answer struct{ Data collector.Ingested }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		if got := answer.Data; got.Accepted != len(lines) || got.Duplicates != 0 {
			t.Fatalf("%+v, and %d lines are stored", got, len(lines))
		}
		if encoding != "gzip" && encoding != "zstd" {
			wantInOrder(t, string(body), lines)
		}
	})
}

// wantInOrder checks that lines are lines of a body, in its order.
func wantInOrder(t *testing.T, body string, lines []string) {
	t.Helper()
	for sent := range strings.SplitSeq(body, "\n") {
		if len(lines) > 0 && strings.TrimSuffix(sent, "\r") == lines[0] {
			lines = lines[1:]
		}
	}
	if len(lines) > 0 {
		t.Fatalf("%q was stored, and is no line of the body, or not in its place", lines[0])
	}
}

// FuzzAttachmentKey checks that whatever key and type a file is uploaded with, it comes
// back under its key, and that nothing is written outside the collector's folder.
func FuzzAttachmentKey(f *testing.F) {
	for _, key := range []string{
		"", "repo/", "repo/trace/t/files/original/a", "repo/../../escape", "../escape", "repo/../../../../../../tmp/escape", "/etc/passwd",
		"repo/\x00", "repo/a\nb", "repo/a+b c%2F;&=#?", "repo/\xff\xfe", "repo/é\u2028", `repo\..\..\escape`, "repo/CON", "repo/large-logs/u",
		"repo/large-logs/../x", "repo/" + strings.Repeat("k", 2043), "repo/" + strings.Repeat("k", 2044), "repo/%2e%2e/%2e%2e/x", "repo/.part",
	} {
		for _, mime := range []string{"", "text/plain", "image/svg+xml;charset=utf-8", "text/html\r\nX-Injected: 1", "\xff/\x00", strings.Repeat("m", 2049)} {
			f.Add(key, mime)
		}
	}
	c := newFuzzed(f)
	const content = "content"
	f.Fuzz(func(t *testing.T, key, mime string) {
		query := url.Values{"key": {key}, "mimeType": {mime}, "size": {fmt.Sprint(len(content))}}
		w := c.answer(t, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/sdk/v1/log-repositories/attachments/upload-url?"+query.Encode(), nil))
		repo, _, ok := strings.Cut(key, "/")
		if fits := ok && !slices.Contains([]string{"", ".", ".."}, repo) && len(repo) <= 256 && len(key) <= 2048 && len(mime) <= 2048; fits != (w.Code == http.StatusOK) {
			t.Fatalf("a URL for a key of %d bytes and a type of %d: %d, %s", len(key), len(mime), w.Code, w.Body)
		}
		if w.Code == http.StatusOK {
			c.upload(t, w, key, content)
		}
		c.wantNothingOutside(t)
	})
}

// upload stores content at the URL of an answer and gets it back.
func (c *fuzzed) upload(t *testing.T, signed *httptest.ResponseRecorder, key, content string) {
	t.Helper()
	var answer struct{ Data struct{ URL string } }
	if err := json.Unmarshal(signed.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	w := c.answer(t, httptest.NewRequestWithContext(t.Context(), http.MethodPut, answer.Data.URL, strings.NewReader(content)))
	if w.Code != http.StatusOK {
		t.Fatalf("PUT is answered %d: %s", w.Code, w.Body)
	}
	w = c.answer(t, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/repositories/repo/attachments?"+url.Values{"key": {key}}.Encode(), nil))
	// JSON cannot hold any bytes, so a key that is not UTF-8 need not be found again.
	if found := strings.HasPrefix(key, "repo/"); utf8.ValidString(key) && found != (w.Code == http.StatusOK && w.Body.String() == content) {
		t.Fatalf("GET of %q is answered %d: %s", key, w.Code, w.Body)
	}
	if got := w.Header(); got.Get("X-Injected") != "" || w.Code == http.StatusOK && got.Get("Content-Disposition") != "attachment" {
		t.Fatalf("headers %v", got)
	}
}

// wantNothingOutside checks that all files are the collector's: those it opened with, and
// attachments under names that it made up, which it removes: else each input would find
// those of all inputs before it.
func (c *fuzzed) wantNothingOutside(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(c.outside, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(c.outside, path)
		if err != nil {
			return err
		}
		switch name = filepath.ToSlash(name); {
		case d.IsDir() && (name == "." || name == "collector" || name == "collector/blobs"):
		case ownFile.MatchString(name):
		case ownBlob.MatchString(name):
			return os.Remove(path)
		default:
			t.Errorf("there is %s", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The files of a collector.
var (
	ownFile = regexp.MustCompile(`^collector/(lock|secret|(log|index)\.db(-wal|-shm|-journal)?)$`)
	ownBlob = regexp.MustCompile(`^collector/blobs/[0-9a-f]{64}$`)
)
