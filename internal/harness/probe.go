package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// probe measures the time of a small sync of the disk, beside a trial: the bound of
// a loss window depends on it.
type probe struct {
	file  *os.File
	times histogram
	stop  chan struct{}
	done  sync.WaitGroup
}

// startProbe syncs a file in the trial's folder 20 times a second.
func (t *trial) startProbe() (*probe, error) {
	f, err := os.Create(filepath.Join(t.dir, "probe"))
	if err != nil {
		return nil, err
	}
	p := &probe{file: f, stop: make(chan struct{})}
	p.done.Go(p.run)
	return p, nil
}

func (p *probe) run() {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for block := make([]byte, 4<<10); ; {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
		}
		start := time.Now()
		_, err := p.file.Write(block)
		if err == nil {
			err = p.file.Sync()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "probe of the disk:", err)
			return
		}
		p.times.add(time.Since(start))
	}
}

// end returns the measured times.
func (p *probe) end() quantiles {
	close(p.stop)
	p.done.Wait()
	_ = p.file.Close() // nobody reads it
	return p.times.quantiles()
}
