package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/troupelog/troupe/internal/harness/chaos"
	"github.com/troupelog/troupe/logger"
)

// warmUp is the number of cycles before open files and goroutines are counted.
const warmUp = 20

func reopen(fs *flag.FlagSet) func(*trial) error {
	cycles := fs.Int("n", 1000, "how many `cycles`")
	return func(t *trial) error {
		receiver, server, err := t.counting()
		if err != nil {
			return err
		}
		defer server.Down()
		var before usage
		for i := range *cycles + warmUp {
			if i == warmUp {
				before = settled(usage{})
			}
			if err := t.cycle(i, server); err != nil {
				return fmt.Errorf("cycle %d: %w", i, err)
			}
		}
		if err := t.openAndClose(server.URL(), time.Minute); err != nil { // entries that the last ones left
			return err
		}
		after := settled(before)
		t.note("cycles", *cycles)
		t.note("delivered", receiver.Count().Lines)
		t.note("rss_mb", fmt.Sprintf("%.1f", megabytes(after.RSS-before.RSS)))
		t.atMost("goroutines", float64(after.Goroutines), float64(before.Goroutines))
		t.atMost("files", float64(after.Files), float64(before.Files))
		return nil
	}
}

// cycle opens and closes a logger; each tenth time the server is down.
func (t *trial) cycle(i int, server *chaos.Server) error {
	limit := time.Minute
	if i%10 == 9 {
		server.Down()
		limit = 10 * time.Millisecond
	}
	return errors.Join(t.openAndClose(server.URL(), limit), server.Up())
}

func (t *trial) openAndClose(url string, limit time.Duration) error {
	l, err := logger.New(logger.Config{
		ID: repository, BaseURL: url, SpoolDir: filepath.Join(t.dir, "spool"), RequireDurable: true,
		OnError: func(error) {}, Slog: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	trace := l.Session(logger.SessionConfig{}).AddTrace(logger.TraceConfig{Name: "t"})
	trace.AddAttachment(logger.DataAttachment([]byte("content")))
	trace.End()
	ctx, cancel := context.WithTimeout(t.ctx, limit)
	defer cancel()
	err = l.Close(ctx)
	if s := l.Stats(); s.Accepted+s.Recovered != s.Delivered+s.Pending || s.Panics > 0 {
		return fmt.Errorf("the account: %+v, Close = %w", s, err)
	}
	if limit < time.Second && errors.Is(err, logger.ErrNotDelivered) {
		return nil
	}
	return err
}

// settled returns the usage of this process once connections that are being closed are
// closed: when it is no more than want, or after some seconds, the least seen.
func settled(want usage) usage {
	least := ownUsage()
	for range 100 {
		if u := ownUsage(); u.Goroutines+u.Files < least.Goroutines+least.Files {
			least = u
		}
		if least.Goroutines <= want.Goroutines && least.Files <= want.Files {
			break
		}
		time.Sleep(30 * time.Millisecond)
	}
	return least
}
