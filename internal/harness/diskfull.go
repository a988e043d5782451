package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/harness/chaos"
	"github.com/troupelog/troupe/logger"
)

const (
	smallDisk = 8 << 20                // bytes
	fullWait  = 300 * time.Millisecond // logger.Config.MaxWait
	// waitSlack is the extra time that a call may wait over MaxWait, on a busy machine.
	waitSlack = 200 * time.Millisecond
	// acceptAgain limits the time in which entries may be rejected after space is back: R13.
	acceptAgain = time.Second
)

func diskfull(*flag.FlagSet) func(*trial) error {
	return func(t *trial) error {
		disk, err := t.mount()
		if err != nil {
			return err
		}
		defer disk.release()
		return t.diskfull(disk)
	}
}

// disk is a small file system that only workers of this trial see under its path.
type disk struct {
	path  string // for workers
	seen  string // for this process
	cmd   *exec.Cmd
	alive io.Closer // its end ends the file system
}

// mount makes a small disk in a separate name space: that needs no privilege where the
// system allows it at all.
func (t *trial) mount() (*disk, error) {
	d := &disk{path: filepath.Join(t.dir, "disk")}
	if err := os.Mkdir(d.path, 0o700); err != nil {
		return nil, err
	}
	const script = `mount -t tmpfs -o size="$2",mode=0700 tmpfs "$1" && echo mounted && exec cat`
	d.cmd = exec.CommandContext(t.ctx, "unshare", "-rm", "sh", "-c", script, "sh", d.path, strconv.Itoa(smallDisk)) //nolint:gosec // the folder is ours
	var said tail
	d.cmd.Stderr = &said
	in, err := d.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	d.alive = in
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: %v", errCannot, err) //nolint:errorlint // only the first is for callers
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "mounted\n" {
		d.release()
		return nil, fmt.Errorf("%w: no small disk can be mounted: %s", errCannot, strings.TrimSpace(said.String()))
	}
	pid := strconv.Itoa(d.cmd.Process.Pid)
	d.seen = filepath.Join("/proc", pid, "root", d.path)
	t.inside = []string{"nsenter", "--preserve-credentials", "-U", "-m", "-t", pid, "--"}
	return d, nil
}

func (d *disk) release() {
	_ = d.alive.Close() // its end is all that is wanted
	_ = d.cmd.Wait()
}

// segments returns the names of the files that take the space.
func (d *disk) segments() (names []string) {
	_ = filepath.WalkDir(d.seen, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".seg" { // an error: it was removed meanwhile
			names = append(names, path)
		}
		return nil
	})
	return names
}

// diskfull fills the disk, kills the process, lets the next one start on the full disk,
// and lets the server come back.
func (t *trial) diskfull(d *disk) error {
	receiver, server, err := t.counting()
	if err != nil {
		return err
	}
	defer server.Down()
	server.Down()
	j := job{
		URL: server.URL(), Spool: filepath.Join(d.path, "spool"), FlushInterval: 100 * time.Millisecond, MaxWait: fullWait, Sessions: 4, Seed: t.rnd.Uint64(),
		Streams: append(streams(12, 4, streamJob{Size: 1000, Rate: 1000}), streams(4, 4, streamJob{Size: 1000, Rate: 500, SyncEvery: 10})...),
	}
	first, _, err := t.fill(j, "full")
	if err != nil {
		return err
	}
	first.kill()
	acked := promises(first.acked())
	t.logf("the disk is full: %d acknowledged; the process is killed", acked.total())
	second, r, err := t.fill(j, "again")
	if err != nil {
		return err
	}
	t.logf("the next process has filled it: %v, %v; the server comes back", r.Stats, r.RejectedBecause)
	resumed, err := t.resume(second, d, server)
	if err != nil {
		second.kill()
		return err
	}
	if _, err := second.ask(cmdStop, drainTime); err != nil {
		second.kill()
		return err
	}
	end, err := t.drainAndEnd(second, drainTime)
	if err != nil {
		return err
	}
	acked.add(end.Streams) // of a process that was not killed, all
	t.note("acked", acked.total())
	t.note("rejected", end.Stats.Rejected)
	t.exactly("rejected_otherwise", r.otherwise(logger.ErrSpoolFull), 0)
	// A call may have waited while the disk was full, and given up after it was not.
	t.exactly("rejected_later", end.otherwise(logger.ErrSpoolFull, logger.ErrBackpressure), 0)
	t.within("longest_wait", end.Rejection.Max, fullWait+waitSlack)
	t.within("accepts_again", resumed, acceptAgain+waitSlack)
	t.arrived(acked, receiver.Tally)
	return nil
}

func gone(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// otherwise counts the calls that were rejected for other reasons.
func (r *report) otherwise(reasons ...error) (n int64) {
	for because, calls := range r.RejectedBecause {
		if !slices.ContainsFunc(reasons, func(reason error) bool { return reason.Error() == because }) {
			n += calls
		}
	}
	return n
}

// fill starts a worker and waits until it rejects entries.
func (t *trial) fill(j job, name string) (*process, report, error) {
	j.Name = name
	p, err := t.launch(j)
	if err != nil {
		return nil, report{}, err
	}
	r, err := t.untilFull(p)
	if err != nil {
		p.kill()
		return nil, r, err
	}
	return p, r, nil
}

func (t *trial) untilFull(p *process) (report, error) {
	if err := p.awaitReady(); err != nil {
		return report{}, err
	}
	for deadline := time.Now().Add(patience); ; {
		r, err := p.ask(cmdReport, patience)
		switch {
		case err != nil || r.RejectedBecause[logger.ErrSpoolFull.Error()] > 0:
			return r, err
		case time.Now().After(deadline):
			return r, fmt.Errorf("the disk is not full after %v: %v", patience, r.Stats)
		}
		if err := pause(t.ctx, 50*time.Millisecond); err != nil {
			return r, err
		}
	}
}

// resume lets the server come back and returns how long after the disk has space again
// an entry is accepted.
func (t *trial) resume(p *process, d *disk, server *chaos.Server) (time.Duration, error) {
	full := d.segments()
	if err := server.Up(); err != nil {
		return 0, err
	}
	deadline := time.Now().Add(2 * patience) // a back-off is a minute at most
	for !slices.ContainsFunc(full, gone) {
		if time.Now().After(deadline) {
			r, err := p.ask(cmdReport, patience)
			return 0, errors.Join(fmt.Errorf("delivery has not freed any space: %v, %v, %d posts", r.Stats, r.Errors, server.Count().Posts), err)
		}
		if err := pause(t.ctx, 5*time.Millisecond); err != nil {
			return 0, err
		}
	}
	free := time.Now()
	before, err := p.ask(cmdReport, patience)
	if err != nil {
		return 0, err
	}
	for {
		r, err := p.ask(cmdReport, patience)
		if err != nil || r.Stats.Accepted > before.Stats.Accepted {
			return time.Since(free), err
		}
		if time.Now().After(deadline) {
			return 0, errors.New("no entry was accepted after there was space again")
		}
		if err := pause(t.ctx, 5*time.Millisecond); err != nil {
			return 0, err
		}
	}
}
