package api_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/protocol"
)

func entries(t *testing.T) int {
	t.Helper()
	found, err := os.ReadDir(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

// signed asks for a URL to upload to, in the way of the SDKs: nothing escaped.
func (s *server) signed(key, mime string, size int) string {
	s.Helper()
	var answer struct{ Data struct{ URL string } }
	s.get(fmt.Sprintf("/api/sdk/v1/log-repositories/attachments/upload-url?key=%s&mimeType=%s&size=%d",
		strings.ReplaceAll(key, " ", "%20"), mime, size), &answer)
	return answer.Data.URL
}

func (s *server) attachmentOf(repo, key string) (int, string) {
	s.Helper()
	return s.do("GET", "/api/v1/repositories/"+repo+"/attachments?key="+url.QueryEscape(key), nil)
}

func TestUploadedFilesComeBack(t *testing.T) {
	s := start(t, collector.Config{APIKey: "k"})
	for _, key := range []string{"r/trace/t1/files/original/a1", "r/trace/t 1/files/original/a+1;x", "r/../../escape"} {
		target := s.signed(key, "image/svg+xml;charset=utf-8", 5)
		s.key = "" // a signed URL needs no key
		if status, text := s.do("PUT", target, strings.NewReader("hello")); status != http.StatusOK || text != "" {
			t.Fatalf("status %d: %s", status, text)
		}
		s.key = "k"
		if status, text := s.attachmentOf("r", key); status != http.StatusOK || text != "hello" {
			t.Errorf("%s: status %d: %s", key, status, text)
		}
		status, text := s.attachmentOf("other", key)
		s.wantError(status, text, http.StatusNotFound, "not_found")
	}
	status, text := s.attachmentOf("r", "r/unknown")
	s.wantError(status, text, http.StatusNotFound, "not_found")
}

func TestAttachmentsAreDownloads(t *testing.T) {
	s := start(t, collector.Config{})
	s.do("PUT", s.signed("r/page", "text/html", 20), strings.NewReader("<script></script>"))
	r, err := http.Get(s.url + "/api/v1/repositories/r/attachments?key=r/page")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		t.Fatal(err)
	}
	h := r.Header
	equal(t, []string{"text/html", "attachment", "nosniff", "default-src 'none'; sandbox"},
		[]string{h.Get("Content-Type"), h.Get("Content-Disposition"), h.Get("X-Content-Type-Options"), h.Get("Content-Security-Policy")})
}

func TestChangedSignedURLsAreRefused(t *testing.T) {
	s := start(t, collector.Config{})
	good := s.signed("r/a", "text/plain", 5)
	change := func(name, value string) string {
		u, err := url.Parse(good)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	for name, target := range map[string]string{
		"key": change("key", "r/b"), "type": change("mimeType", "text/html"), "size": change("size", "50"),
		"expiry": change("expires", "99999999999"), "signature": change("signature", strings.Repeat("0", 64)),
		"no signature": change("signature", ""), "nothing": s.url + "/api/sdk/v1/uploads",
	} {
		status, text := s.do("PUT", target, strings.NewReader("hello"))
		s.wantError(status, text, http.StatusForbidden, "forbidden")
		if status, _ := s.attachmentOf("r", "r/a"); status != http.StatusNotFound {
			t.Errorf("%s changed: something was stored", name)
		}
	}
	if status, _ := s.do("GET", good, nil); status == http.StatusOK {
		t.Error("a URL signed for PUT was taken for GET")
	}
	other := start(t, collector.Config{})
	status, text := s.do("PUT", strings.Replace(good, s.url, other.url, 1), strings.NewReader("hello"))
	s.wantError(status, text, http.StatusForbidden, "forbidden")
}

func TestUploadsKeepToTheirSize(t *testing.T) {
	dir := t.TempDir()
	s := start(t, collector.Config{Dir: dir})
	status, text := s.do("PUT", s.signed("r/a", "text/plain", 5), strings.NewReader("hello!"))
	s.wantError(status, text, http.StatusRequestEntityTooLarge, "too_large")
	files, err := os.ReadDir(filepath.Join(dir, "blobs"))
	if err != nil || len(files) != 0 {
		t.Errorf("%d files are left behind (%v)", len(files), err)
	}
	for _, query := range []string{"key=r/a&mimeType=a/b&size=-1", "key=r/a&mimeType=a/b", "key=&mimeType=a/b&size=1"} {
		status, text = s.do("GET", "/api/sdk/v1/log-repositories/attachments/upload-url?"+query, nil)
		s.wantError(status, text, http.StatusBadRequest, "bad_request")
	}
	status, text = s.do("GET", fmt.Sprint("/api/sdk/v1/log-repositories/attachments/upload-url?key=r/large-logs/a&mimeType=a/b&size=", protocol.MaxDecodedBody+1), nil)
	s.wantError(status, text, http.StatusRequestEntityTooLarge, "too_large")
}

func TestLargeLogsAreFoldedFromTheirUpload(t *testing.T) {
	s := start(t, collector.Config{})
	large := `trace{id=t1,action=update,data={"input":"` + strings.Repeat("x", 1<<20) + `"}}`
	if status, text := s.do("PUT", s.signed("r/large-logs/u1", "text/plain", len(large)), strings.NewReader(large)); status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
	stub := `storage{id=u1,action=process-large-log,data={"key":"r/large-logs/u1"}}`
	s.post("r", created+"\n"+stub+"\n"+ended)
	s.post("other", stub) // the key of another repository
	var got collector.Trace
	s.get("/api/v1/repositories/r/traces/t1", &got)
	equal(t, []any{1<<20 + 2, "ended", 3}, []any{len(got.Input), got.Status, got.Lines})
	equal(t, []string{created, stub, ended}, s.lines("r"))
	status, text := s.do("GET", "/api/v1/repositories/other/traces/t1", nil)
	s.wantError(status, text, http.StatusNotFound, "not_found")
}
