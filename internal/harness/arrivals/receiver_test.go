package arrivals

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

type rig struct {
	t *testing.T
	*Receiver
	url string
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, Receiver: NewReceiver()}
	server := httptest.NewServer(r)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// do makes a request and returns status and body.
func (r *rig) do(method, url, body string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

func (r *rig) post(lines ...string) int {
	r.t.Helper()
	status, _ := r.do("POST", r.url+"/api/sdk/v3/log?id=r", strings.Join(lines, "\n"))
	return status
}

// upload stores a content as a client does.
func (r *rig) upload(key, content string) {
	r.t.Helper()
	query := url.Values{"key": {key}, "mimeType": {"text/plain"}, "size": {"1"}}
	_, text := r.do("GET", r.url+"/api/sdk/v1/log-repositories/attachments/upload-url?"+query.Encode(), "")
	var answer struct{ Data struct{ URL string } }
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		r.t.Fatal(err)
	}
	if status, _ := r.do("PUT", answer.Data.URL, content); status != http.StatusOK {
		r.t.Fatalf("PUT: %d", status)
	}
}

func (r *rig) want(want Count) {
	r.t.Helper()
	if diff := gocmp.Diff(want, r.Count()); diff != "" {
		r.t.Error(diff)
	}
}

func TestReceiverCountsTheLinesOfARequest(t *testing.T) {
	r := newRig(t)
	lines := entries(3)
	if status := r.post(append(lines, lines[0])...); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	r.want(Count{Lines: 4, Entries: 3, Duplicates: 1})
}

func TestReceiverCountsNothingThatItRefuses(t *testing.T) {
	r := newRig(t)
	r.Judge(func(lines [][]byte) (int, string) { return http.StatusBadRequest, "no" })
	if status := r.post(entries(3)...); status != http.StatusBadRequest {
		t.Errorf("status %d, want 400", status)
	}
	r.want(Count{})
	r.Judge(nil)
	r.post(entries(3)...)
	r.want(Count{Lines: 3, Entries: 3})
}

func TestReceiverDemandsTheContentOfAnAttachment(t *testing.T) {
	attachment := func(i int, key string) string {
		return fmt.Sprintf(`session{id=s,action=add-attachment,data={"id":"a","name":"%s","key":"%s"}}`, Stamp{"a", i}.Text("s", 0), key)
	}
	r := newRig(t)
	r.upload("r/0", Stamp{"a", 0}.Text("s", 1000))
	r.upload("r/1", Stamp{"a", 1}.Text("s", 1000)[:999])
	r.upload("r/2", Stamp{"a", 5}.Text("s", 1000))
	r.post(attachment(0, "r/0"), attachment(1, "r/1"), attachment(2, "r/2"), attachment(3, "r/3"))
	r.want(Count{Lines: 1, Entries: 1, Wrong: 3})
}

// Attachments come when their content is stored, in any order.
func TestAttachmentsHaveNoOrder(t *testing.T) {
	r := newRig(t)
	for _, i := range []int{1, 0} {
		key := fmt.Sprint("r/", i)
		r.upload(key, Stamp{"a", i}.Text("s", 10))
		r.post(fmt.Sprintf(`session{id=s,action=add-attachment,data={"name":"%s","key":"%s"}}`, Stamp{"a", i}.Text("s", 0), key))
	}
	r.want(Count{Lines: 2, Entries: 2})
}

func TestReceiverReadsLargeLines(t *testing.T) {
	r := newRig(t)
	lines := entries(3)
	r.upload("r/large-logs/1", lines[1])
	r.post(lines[0], `storage{id=1,action=process-large-log,data={"key":"r/large-logs/1"}}`, lines[2])
	r.want(Count{Lines: 3, Entries: 3})
	r.post(`storage{id=2,action=process-large-log,data={"key":"r/large-logs/2"}}`)
	r.want(Count{Lines: 3, Entries: 3, Wrong: 1})
}
