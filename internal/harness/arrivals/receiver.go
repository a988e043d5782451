package arrivals

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"sync"

	"github.com/troupelog/troupe/internal/wire"
)

// Receiver is a server of the log protocol without deduplication: it stores nothing and
// counts everything in its Tally. A line that needs an uploaded file is wrong if the
// file is not there or not the right one. It may be used concurrently.
type Receiver struct {
	*Tally
	mux http.ServeMux

	mu      sync.Mutex
	uploads map[string]string // guarded by mu; contents by key
	verdict Verdict           // guarded by mu
}

// Verdict looks at the lines of a request before they are counted. With a status other
// than 0 that is the answer, with the body, and nothing is counted. It may be called
// concurrently.
type Verdict func(lines [][]byte) (status int, body string)

// NewReceiver returns a receiver with an empty tally.
func NewReceiver() *Receiver {
	r := &Receiver{Tally: NewTally(), uploads: map[string]string{}}
	r.mux.HandleFunc("POST /api/sdk/v3/log", r.log)
	r.mux.HandleFunc("GET /api/sdk/v3/log-repositories", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":{"exists":true}}`)
	})
	r.mux.HandleFunc("GET /api/sdk/v1/log-repositories/attachments/upload-url", r.uploadURL)
	r.mux.HandleFunc("PUT /put", r.put)
	return r
}

// Judge sets the verdict on further requests; nil takes everything.
func (r *Receiver) Judge(v Verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verdict = v
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.mux.ServeHTTP(w, req) }

func (r *Receiver) log(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone, and takes nothing for delivered
	}
	lines := bytes.Split(body, []byte{'\n'})
	r.mu.Lock()
	verdict := r.verdict
	r.mu.Unlock()
	if verdict != nil {
		if status, answer := verdict(lines); status != 0 {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, answer)
			return
		}
	}
	for _, line := range lines {
		r.take(line)
	}
	_, _ = io.WriteString(w, `{"data":{"success":true}}`)
}

// take counts a line and looks after the file that it needs.
func (r *Receiver) take(line []byte) {
	parsed, err := wire.Parse(line)
	if err != nil {
		r.Line(line) // which counts it as wrong
		return
	}
	switch parsed.Action {
	case "process-large-log":
		content, ok := r.upload(parsed.Data)
		if !ok {
			r.Wrong()
			return
		}
		r.Line([]byte(content))
	case "add-attachment":
		if !r.belongs(&parsed) {
			r.Wrong()
			return
		}
		r.Line(line)
	default:
		r.Line(line)
	}
}

// belongs reports whether the content of an attachment is there and is its own: both
// carry the same stamp.
func (r *Receiver) belongs(line *wire.Line) bool {
	content, ok := r.upload(line.Data)
	if !ok {
		return false
	}
	name, _ := stampOf(line)
	want, err := ParseStamp(line.ID, name)
	got, contentErr := ParseStamp(line.ID, content)
	return err == nil && contentErr == nil && got == want
}

// upload returns the content that a line names.
func (r *Receiver) upload(data []byte) (string, bool) {
	var named struct{ Key string }
	if json.Unmarshal(data, &named) != nil {
		return "", false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	content, ok := r.uploads[named.Key]
	return content, ok
}

func (r *Receiver) uploadURL(w http.ResponseWriter, req *http.Request) {
	query := url.Values{"key": {req.URL.Query().Get("key")}}
	answer, err := json.Marshal(map[string]any{"data": map[string]string{"url": "http://" + req.Host + "/put?" + query.Encode()}})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(answer)
}

func (r *Receiver) put(w http.ResponseWriter, req *http.Request) {
	content, err := io.ReadAll(req.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.uploads[req.URL.Query().Get("key")] = string(content)
	w.WriteHeader(http.StatusOK)
}
