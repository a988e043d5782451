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

// notices writes what a person should know while a command runs: progress on a
// terminal, and lines between it. Its methods may be called concurrently.
type notices struct {
	w io.Writer

	mu   sync.Mutex
	bar  *progressbar.ProgressBar // guarded by mu; nil if there is none
	seen map[error]int            // guarded by mu; notices by reason
}

func newNotices(w io.Writer) *notices { return &notices{w: w, seen: map[error]int{}} }

// line writes a line of its own.
func (n *notices) line(what error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.print(what)
}

// print needs mu.
func (n *notices) print(what error) {
	if n.bar != nil {
		_ = n.bar.Clear() // it is drawn again with the next step
	}
	tell(n.w, what)
}

// logged tells of an error of the logger, the first of each reason: while a server
// is down there is one for every attempt.
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

// progress shows how much of a file is read, if the notices go to a terminal.
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

// done takes the progress away.
func (n *notices) done() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.bar != nil {
		_ = n.bar.Exit()
		_ = n.bar.Clear()
		n.bar = nil
	}
}
