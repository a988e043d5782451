package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/cli"
	"github.com/troupelog/troupe/logger"
)

// What no one may be told. Of the queries of signed URLs, the names of parameters are
// searched for, and the signatures that were seen.
const (
	canaryKey     = "canary-key-4f1c9a"
	canaryPrompt  = "canary-prompt-my-passport-is-C01X00T47"
	canaryContent = "canary-content-of-a-patient-file"
	canaryQuery   = "canary-query-77aa01"
)

// fault answers a request in the collector's stead, or reports false.
type fault func(w http.ResponseWriter, r *http.Request, body string) bool

// betrayer is a collector behind a server that fails, and that then says all it knows.
type betrayer struct {
	*httptest.Server
	fails fault

	mu         sync.Mutex
	signatures []string // guarded by mu; of the signed URLs that were used
	betrayals  int      // guarded by mu; answers by the fault
}

func newBetrayer(t *testing.T, fails fault, log io.Writer) *betrayer {
	c, err := collector.New(collector.Config{
		Dir: t.TempDir(), APIKey: canaryKey,
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	b := &betrayer{fails: fails}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.answer(c, w, r) }))
	t.Cleanup(func() {
		b.Close()
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *betrayer) answer(c *collector.Collector, w http.ResponseWriter, r *http.Request) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return // the logger has gone
	}
	if signature := r.URL.Query().Get("signature"); signature != "" {
		b.mu.Lock()
		b.signatures = append(b.signatures, signature)
		b.mu.Unlock()
	}
	body := string(sent)
	if unzip, err := gzip.NewReader(bytes.NewReader(sent)); err == nil {
		if plain, err := io.ReadAll(unzip); err == nil {
			body = string(plain)
		}
	}
	if b.fails(w, r, body) {
		b.mu.Lock()
		b.betrayals++
		b.mu.Unlock()
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(sent))
	c.ServeHTTP(w, r)
}

// seen returns the signatures of the URLs that were used, and how often the fault answered.
func (b *betrayer) seen() (signatures []string, betrayals int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.signatures, b.betrayals
}

// betray answers with all that is known of a request.
func betray(w http.ResponseWriter, r *http.Request, body string, status int) bool {
	text, err := json.Marshal(fmt.Sprintf("key %s at %s: %s", r.Header.Get("x-maxim-api-key"), r.RequestURI, body))
	if err != nil {
		panic(err)
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"error":{"message":%s}}`, text) // the logger may have gone
	return true
}

// failures are the ways of a betrayer. Those that refuse one part of the traffic let the
// rest through.
func failures() map[string]fault {
	always := func(status int) fault {
		return func(w http.ResponseWriter, r *http.Request, body string) bool { return betray(w, r, body, status) }
	}
	return map[string]fault{
		"none":         func(http.ResponseWriter, *http.Request, string) bool { return false },
		"unauthorized": always(http.StatusUnauthorized),
		"broken":       always(http.StatusInternalServerError),
		"reset": func(w http.ResponseWriter, _ *http.Request, _ string) bool {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			_ = conn.(*net.TCPConn).SetLinger(0) // the close resets
			_ = conn.Close()
			return true
		},
		"elsewhere": func(w http.ResponseWriter, r *http.Request, _ string) bool {
			w.Header().Set("Location", "http://"+canaryKey+".invalid"+r.RequestURI+"&"+canaryQuery)
			w.WriteHeader(http.StatusTemporaryRedirect)
			return true
		},
		"refused upload": func(w http.ResponseWriter, r *http.Request, body string) bool {
			return r.Method == http.MethodPut && betray(w, r, body, http.StatusForbidden)
		},
		"unsafe upload": func(w http.ResponseWriter, r *http.Request, _ string) bool {
			if !strings.HasSuffix(r.URL.Path, "/upload-url") {
				return false
			}
			_, _ = io.WriteString(w, `{"data":{"url":"http://storage.invalid/x?signature=`+canaryQuery+`"}}`)
			return true
		},
		"poison": func(w http.ResponseWriter, r *http.Request, body string) bool {
			return strings.HasSuffix(r.URL.Path, "/log") && strings.Contains(body, "poison") && betray(w, r, body, http.StatusBadRequest)
		},
	}
}

// told collects what a logger says, by whatever way.
type told struct {
	mu    sync.Mutex
	texts []string // guarded by mu
}

// Write implements io.Writer, for log handlers.
func (o *told) Write(p []byte) (int, error) {
	o.add(string(p))
	return len(p), nil
}

func (o *told) add(texts ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.texts = append(o.texts, texts...)
}

// value adds the ways in which a value can be printed.
func (o *told) value(v any) { o.add(fmt.Sprintf("%v|%+v|%#v|%q", v, v, v, v)) }

// err adds an error and all that it wraps.
func (o *told) err(err error) {
	if err == nil {
		return
	}
	o.value(err)
	o.add(err.Error())
	switch wrapper := err.(type) { //nolint:errorlint // each layer is looked at for itself
	case interface{ Unwrap() error }:
		o.err(wrapper.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range wrapper.Unwrap() {
			o.err(inner)
		}
	}
}

// panicked adds what a call panics with.
func (o *told) panicked(call func()) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			o.err(p)
		default:
			o.value(p)
		}
	}()
	call()
}

// all returns the texts so far.
func (o *told) all() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.texts, "\n")
}

// bad is a value whose encoding panics, or fails if it is empty.
type bad string

// MarshalJSON implements json.Marshaler.
func (b bad) MarshalJSON() ([]byte, error) {
	if b == "" {
		return nil, errors.New(canaryPrompt)
	}
	panic(string(b))
}

// maskOrPanic is a mask that fails on one text, with the text.
func maskOrPanic(text string) string {
	if strings.Contains(text, "unmaskable") {
		panic("cannot mask " + text)
	}
	return text
}

// confide makes a logger's calls, good and bad, with secrets in all of them.
func confide(t *testing.T, l *logger.Logger, o *told) {
	locked := filepath.Join(t.TempDir(), "locked")
	if err := os.WriteFile(locked, []byte(canaryContent), 0); err != nil {
		t.Fatal(err)
	}
	trace := l.Trace(logger.TraceConfig{ID: "t", Input: canaryPrompt})
	for _, call := range []func(){
		func() { trace.AddAttachment(logger.DataAttachment([]byte(canaryContent))) },
		func() { trace.AddAttachment(logger.FileAttachment(locked)) },
		func() { trace.AddAttachment(logger.FileAttachment(filepath.Dir(locked))) },
		func() { trace.AddAttachment(logger.FileAttachment(locked + "/none")) },
		func() { trace.AddMetadata(map[string]any{"poison": canaryPrompt}) },
		func() { trace.AddMetadata(map[string]any{"panics": bad(canaryPrompt)}) },
		func() { trace.AddMetadata(map[string]any{"fails": bad("")}) },
		func() { trace.AddTag("unmaskable", "unmaskable "+canaryPrompt) },
		func() { l.Trace(logger.TraceConfig{ID: "what is odd / " + strings.Repeat("x", 64) + canaryPrompt}) },
		func() {
			gen := trace.AddGeneration(logger.GenerationConfig{ID: "g", Messages: []logger.Message{{Role: "user", Content: canaryPrompt}}})
			gen.Result(completion(canaryPrompt))
			gen.Result(json.RawMessage(`{"unknown":"` + canaryPrompt + `"}`))
			gen.Result(json.RawMessage(`{"broken":"` + canaryPrompt))
		},
		func() { trace.End() },
		func() { trace.SetOutput(canaryPrompt) },
	} {
		o.panicked(call)
	}
}

// hears makes a logger tell o all it has to say, in each way that a Config knows.
func hears(o *told) map[string]func(*logger.Config) {
	return map[string]func(*logger.Config){
		"OnError":       func(c *logger.Config) { c.OnError = o.err },
		"Slog":          func(*logger.Config) {},
		"PanicOnMisuse": func(c *logger.Config) { c.OnError, c.PanicOnMisuse = o.err, true },
	}
}

// S1: the key and the queries of signed URLs are in nothing that a logger says and in no
// file that it writes, and what was logged is in its spool and nowhere else.
func TestS1NoSecretIsPrintedOrStored(t *testing.T) {
	for name, fails := range failures() {
		for way := range hears(nil) {
			if way != "OnError" && name != "poison" && name != "refused upload" {
				continue // an error has one text, whoever is told: two failures show that
			}
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				o := &told{}
				b := newBetrayer(t, fails, o)
				spools := filepath.Join(t.TempDir(), "spools")
				c := logger.Config{
					ID: "repo", APIKey: canaryKey, BaseURL: b.URL, SpoolDir: spools, FlushInterval: 10 * time.Millisecond, Mask: maskOrPanic,
					Slog: slog.New(slog.NewJSONHandler(o, &slog.HandlerOptions{Level: slog.LevelDebug})),
				}
				hears(o)[way](&c)
				l, err := logger.New(c)
				if err != nil {
					t.Fatal(err)
				}
				confide(t, l, o)
				if strings.HasSuffix(name, "upload") {
					l.Trace(logger.TraceConfig{ID: "large", Input: strings.Repeat(canaryPrompt+" ", 40_000)})
				}
				o.err(l.Sync(t.Context()))
				await(t, name, b, l)
				leaveIt(t, name == "none", l, o)
				o.panicked(func() { l.Trace(logger.TraceConfig{ID: "late", Input: canaryPrompt}) })

				queries, _ := b.seen()
				queries = append(queries, "signature=", "mimeType=", "expires=", canaryQuery)
				wantNone(t, "what the logger says", o.all(), append(queries, "canary", "passport", "patient")...)
				wantNone(t, "the spool", files(t, spools), append(queries, canaryKey)...)
				listed, shown := commands(t, spools)
				wantNone(t, "what the commands list", listed, append(queries, "canary", "passport", "patient")...)
				wantNone(t, "what the commands show", shown, append(queries, canaryKey)...)
				for _, reason := range []error{logger.ErrMask, logger.ErrUnencodable, logger.ErrAttachment, logger.ErrClosed} {
					if !strings.Contains(o.all(), reason.Error()) {
						t.Errorf("the logger did not say that %v", reason)
					}
				}
				if name != "none" && !strings.Contains(shown, canaryPrompt) {
					t.Error("nothing was left in the spool: the commands were not put to the test")
				}
			})
		}
	}
}

// await waits until a failure has had its effect.
func await(t *testing.T, name string, b *betrayer, l *logger.Logger) {
	t.Helper()
	if name == "none" {
		return
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		_, betrayals := b.seen()
		if betrayals > 0 && (l.Health().Delivery != nil || l.Stats().Dead > 0) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d betrayals, %v, %+v", betrayals, l.Stats(), l.Health())
		}
	}
}

// leaveIt closes a logger, at once unless it can deliver everything, and notes its state
// before and after.
func leaveIt(t *testing.T, delivers bool, l *logger.Logger, o *told) {
	t.Helper()
	state := func() {
		h := l.Health()
		o.err(h.Delivery)
		o.err(h.Spool)
		o.err(h.Repository)
		o.value(h)
		o.value(l.Stats())
		o.value(l.Var())
		o.add(l.Var().String())
	}
	state()
	patience := 50 * time.Millisecond
	if delivers {
		patience = time.Minute
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	o.err(l.Flush(ctx))
	o.err(l.Close(ctx))
	state()
	if delivers && (l.Stats().Pending != 0 || l.Stats().Delivered == 0) {
		t.Errorf("%v, want all delivered", l.Stats())
	}
}

// files returns the names and contents of all files in a folder.
func files(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(&all, "%s\n%s\n", path, content)
		return err
	})
	if err != nil || all.Len() == 0 {
		t.Fatalf("%d bytes of files, %v", all.Len(), err)
	}
	return all.String()
}

// commands returns what the commands print that list what is in a spool, and what those
// print that show it.
func commands(t *testing.T, dir string) (listed, shown string) {
	t.Helper()
	run := func(args ...string) string {
		var out bytes.Buffer
		if code := cli.Main(append([]string{"spool", "--dir", dir}, args...), &out, &out); code != cli.ExitOK {
			t.Errorf("troupe spool %v exits with %d: %s", args, code, &out)
		}
		return out.String()
	}
	listed = run("ls") + run("ls", "--json") + run("dead") + run("dead", "--json") + run("verify")
	return listed, run("cat", "00") + run("cat", "00", "--dead")
}

// wantNone fails where a text holds one of the secrets.
func wantNone(t *testing.T, what, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if at := strings.Index(text, secret); at >= 0 {
			t.Errorf("%q is in %s: …%s…", secret, what, text[max(0, at-200):min(len(text), at+len(secret)+50)])
		}
	}
}
