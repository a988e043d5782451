package cli

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/troupelog/troupe/logger"
)

// notices prints messages while a command runs, and progress if the output is a terminal. Its methods may be called concurrently.
type notices struct {
	w io.Writer

	mu   sync.Mutex
	bar  *progressbar.ProgressBar // guarded by mu; nil if there is none
	seen map[error]int            // guarded by mu; notices by reason
}

func newNotices(w io.Writer) *notices { return &notices{w: w, seen: map[error]int{}} }

// line prints err on its own line.
func (n *notices) line(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.print(err)
}

// print prints err above the progress bar. Callers must hold mu.
func (n *notices) print(err error) {
	if n.bar != nil {
		_ = n.bar.Clear() // the next step draws it again
	}
	printError(n.w, err)
}

// logged prints the first error of each reason that the logger reports: while a server is
// down the logger reports one for every attempt.
func (n *notices) logged(err error) {
	reason := err
	if e, ok := errors.AsType[*logger.Error](err); ok {
		reason = e.Reason
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen[reason]++; n.seen[reason] == 1 {
		n.print(err)
	}
}

// progress returns a reader of file that shows the progress, if the notices go to a
// terminal and the size of the file is known.
func (n *notices) progress(file *os.File) io.Reader {
	f, ok := terminal(n.w)
	info, err := file.Stat()
	if !ok || err != nil || !info.Mode().IsRegular() {
		return file
	}
	bar := progressbar.NewOptions64(info.Size(),
		progressbar.OptionSetWriter(f), progressbar.OptionShowBytes(true), progressbar.OptionSetDescription("replaying"),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	n.mu.Lock()
	n.bar = bar
	n.mu.Unlock()
	return io.TeeReader(file, bar)
}

// done removes the progress bar.
func (n *notices) done() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.bar != nil {
		_ = n.bar.Exit()
		_ = n.bar.Clear()
		n.bar = nil
	}
}
