// Package chrome drives a headless Chromium and records the faults of a page:
// scripts that fail, reports of its Content-Security-Policy, dialogs, and requests to
// anything but its own site.
package chrome

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// pageTime limits the time spent on one page.
const pageTime = time.Minute

// Browser is a running Chromium. Make one with Start; Close it.
type Browser struct {
	ctx    context.Context
	cancel []context.CancelFunc
}

// Start starts Chromium: the program that $CHROME names, or one that is found.
func Start(ctx context.Context) (*Browser, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.DisableGPU,
		chromedp.Flag("no-first-run", true), chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("hide-scrollbars", false),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // it refuses to run as root with one
	}
	if program := os.Getenv("CHROME"); program != "" {
		options = append(options, chromedp.ExecPath(program))
	}
	b := &Browser{}
	allocator, cancel := chromedp.NewExecAllocator(ctx, options...)
	b.cancel = append(b.cancel, cancel)
	b.ctx, cancel = chromedp.NewContext(allocator)
	b.cancel = append(b.cancel, cancel)
	if err := chromedp.Do(b.ctx); err != nil {
		b.Close()
		return nil, fmt.Errorf("starting Chromium: %w; install Debian's chromium, or name it in $CHROME", err)
	}
	return b, nil
}

// Close ends Chromium.
func (b *Browser) Close() {
	for i := len(b.cancel) - 1; i >= 0; i-- {
		b.cancel[i]()
	}
}

// View is the size and mode in which a page is shown.
type View struct {
	Width, Height int
	Dark          bool
	NoScripts     bool
}

// String names the view.
func (v View) String() string {
	theme := "light"
	if v.Dark {
		theme = "dark"
	}
	if v.NoScripts {
		theme += ", without scripts"
	}
	return fmt.Sprintf("%d px, %s", v.Width, theme)
}

// Tab is an open page.
type Tab struct {
	ctx    context.Context
	cancel []context.CancelFunc
	origin string

	mu       sync.Mutex
	faults   []string // guarded by mu
	requests int      // guarded by mu
}

// Open opens a tab for pages of one origin. Close it.
func (b *Browser) Open(origin string, v View) (*Tab, error) {
	ctx, stop := chromedp.NewContext(b.ctx)
	t := &Tab{origin: origin, cancel: []context.CancelFunc{stop}}
	if err := chromedp.Listen(ctx, t.heard); err != nil {
		stop()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, pageTime)
	t.ctx, t.cancel = ctx, append(t.cancel, cancel)
	scheme := "light"
	if v.Dark {
		scheme = "dark"
	}
	err := errors.Join(
		call(ctx, network.Enable, network.EnableParams{}),
		call(ctx, log.Enable, cdp.Empty{}),
		call(ctx, runtime.Enable, cdp.Empty{}),
		call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: int64(v.Width), Height: int64(v.Height), DeviceScaleFactor: 1, Mobile: v.Width < 640,
		}),
		call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		}),
		call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.NoScripts}),
	)
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// call sends a command whose answer says nothing.
func call[P, R any](ctx context.Context, command cdp.Command[P, R], params P) error {
	_, err := chromedp.Call(ctx, command, params)
	return err
}

// Close closes the tab.
func (t *Tab) Close() {
	for _, cancel := range t.cancel {
		cancel()
	}
}

// heard records events that must not happen.
func (t *Tab) heard(event any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		t.requests++
		if u, err := url.Parse(e.Request.URL); err != nil || u.Scheme+"://"+u.Host != t.origin && u.Scheme != "data" {
			t.faults = append(t.faults, "a request to "+e.Request.URL)
		}
	case *runtime.EventExceptionThrown:
		t.faults = append(t.faults, "a script failed: "+failure(e.ExceptionDetails))
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Source == log.EntrySourceSecurity {
			t.faults = append(t.faults, "the browser says: "+e.Entry.Text)
		}
	case *page.EventJavascriptDialogOpening:
		t.faults = append(t.faults, "a dialog: "+e.Message)
		go func() {
			_ = call(t.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true}) // the fault is noted
		}()
	}
}

// Faults returns the recorded faults, and clears them.
func (t *Tab) Faults() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	faults := t.faults
	t.faults = nil
	return faults
}

// Requests returns how many requests there were since the last call.
func (t *Tab) Requests() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.requests
	t.requests = 0
	return n
}

// Go opens a page of the origin, and waits until it is loaded.
func (t *Tab) Go(path string) error { return chromedp.Do(t.ctx, chromedp.Navigate(t.origin+path)) }

// Press presses keys, one after the other. See package kb of chromedp for their codes.
func (t *Tab) Press(keys string) error { return chromedp.Do(t.ctx, chromedp.KeyEvent(keys)) }

// Eval runs a script in a tab, waits for its promise, and decodes the result.
func Eval[T any](t *Tab, script string) (T, error) {
	return chromedp.Run(t.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// waitTime bounds Wait.
const waitTime = 20 * time.Second

// gone is the code with which Chromium answers when the page that was asked has been
// replaced meanwhile.
const gone = -32000

// Wait waits until a script returns true.
func (t *Tab) Wait(script string) error {
	for deadline := time.Now().Add(waitTime); ; {
		_, err := chromedp.Run(t.ctx, chromedp.Poll[bool](script, chromedp.WithPollingTimeout(waitTime)))
		var answer *cdproto.Error
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &answer) || answer.Code != gone || time.Now().After(deadline):
			return fmt.Errorf("waiting for %s: %w", script, err)
		}
	}
}

// Screenshot returns the page as a PNG file; whole includes the whole page, not
// only the part in the window.
func (t *Tab) Screenshot(whole bool) ([]byte, error) {
	if whole {
		return chromedp.Run(t.ctx, chromedp.FullScreenshot(100))
	}
	return chromedp.Run(t.ctx, chromedp.CaptureScreenshot())
}

// failure describes the error of a script.
func failure(d *runtime.ExceptionDetails) string {
	if d.Exception != nil && d.Exception.Description != "" {
		return d.Exception.Description
	}
	return d.Text
}
