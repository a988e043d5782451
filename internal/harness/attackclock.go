package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/harness/arrivals"
	"github.com/troupelog/troupe/internal/harness/chaos"
)

// clockCase is a wall clock that is wrong at some time. A process logs under it while the
// server is down, and the next one delivers.
type clockCase struct {
	name string
	// first and next are the errors of the clock of each process: at its start, and from
	// a second after it on.
	first, next [2]time.Duration
}

const (
	year   = 365 * 24 * time.Hour
	toZero = -56 * year // about 1970
)

func clockCases() []clockCase {
	var right [2]time.Duration
	return []clockCase{
		{"starts-in-1970", [2]time.Duration{toZero, 0}, right},
		{"ran-in-1970", [2]time.Duration{toZero, toZero}, right},
		{"found-in-1970", right, [2]time.Duration{toZero, 0}},
		{"falls-to-1970", [2]time.Duration{0, toZero}, right},
		{"ran-in-the-future", [2]time.Duration{10 * year, 10 * year}, right},
		{"jumps-ahead-a-year", [2]time.Duration{0, year}, right},
		{"jumps-ahead-for-the-next", right, [2]time.Duration{0, year}},
	}
}

// clocks runs the cases with a program whose clock can be set. Its standard library is
// built with another time.Now; the clock of the machine stays as it is.
func (a *attackTrial) clocks() error {
	program, err := a.buildClocked()
	if err != nil {
		return err
	}
	cases := clockCases()
	if a.short {
		cases = cases[:4]
	}
	return a.each(len(cases), func(i int, rnd *rand.Rand) error {
		if err := a.clock(program, cases[i], rnd); err != nil {
			return fmt.Errorf("%s: %w", cases[i].name, err)
		}
		return nil
	})
}

func (a *attackTrial) clock(program string, c clockCase, rnd *rand.Rand) (err error) {
	store, err := collector.New(collector.Config{Dir: filepath.Join(a.dir, "collector-"+c.name)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(context.WithoutCancel(a.ctx))) }()
	server, err := chaos.Start(store, rnd)
	if err != nil {
		return err
	}
	defer server.Down()
	spool := filepath.Join(a.dir, "spool-"+c.name)
	server.Down()
	const count = 500
	first, err := a.clocked(program, c.first, server.URL(), spool, c.name, count)
	if err != nil {
		return err
	}
	if err := server.Up(); err != nil {
		return err
	}
	next, err := a.clocked(program, c.next, server.URL(), spool, c.name+"next", 0)
	if err != nil {
		return err
	}
	tally := arrivals.NewTally()
	if err := stored(a.ctx, server.URL(), tally); err != nil {
		return err
	}
	o := account(tally, first, next)
	// Nothing was damaged: that the logger says so of an entry does not excuse its loss.
	o.lost = o.acknowledged - o.stored
	a.add("clock/"+c.name, o)
	return nil
}

// clocked runs the program to its end.
func (a *attackTrial) clocked(program string, off [2]time.Duration, url, spool, name string, count int) (report, error) {
	const jump = time.Second
	cmd := exec.CommandContext(a.ctx, program, url, spool, name, fmt.Sprint(count)) //nolint:gosec // it was built here
	cmd.Env = append(os.Environ(),
		fmt.Sprintf("TROUPE_CLOCK=%d %d %d", int64(off[0].Seconds()), jump.Nanoseconds(), int64(off[1].Seconds())),
		fmt.Sprintf("TROUPE_CLOCK_LAST=%d", jump.Milliseconds()))
	said := &tail{}
	cmd.Stderr = said
	out, err := cmd.Output()
	if err != nil {
		return report{}, fmt.Errorf("%s: %w: %s", name, err, said)
	}
	var answer report
	if err := json.Unmarshal(out, &answer); err != nil {
		return report{}, err
	}
	if count > 0 {
		answer.Streams = map[string]int{name: count}
	}
	return answer, nil
}

// patchedNow is the beginning of time.Now with a clock that is off, and the code behind it.
const (
	plainNow   = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	patchedNow = plainNow + "\tsec += clockOff(mono - startNano)\n"
	clockCode  = `package time

import (
	"sync"
	"syscall"
)

// clockOff returns how many seconds the clock is off, by TROUPE_CLOCK: three numbers, how far it is
// off at first, the nanoseconds of the process after which that changes, and how far it is off then.
func clockOff(elapsed int64) int64 {
	clock.Do(readClock)
	if elapsed < clockAt[1] {
		return clockAt[0]
	}
	return clockAt[2]
}

var (
	clock   sync.Once
	clockAt [3]int64
)

func readClock() {
	text, _ := syscall.Getenv("TROUPE_CLOCK")
	i, sign := 0, int64(1)
	for _, c := range []byte(text) {
		switch {
		case c == ' ':
			clockAt[i] *= sign
			i, sign = i+1, 1
		case c == '-':
			sign = -1
		default:
			clockAt[i] = 10*clockAt[i] + int64(c-'0')
		}
	}
	clockAt[i] *= sign
}
`
)

// buildClocked builds the program with a standard library whose clock can be set.
func (a *attackTrial) buildClocked() (string, error) {
	source := filepath.Join(runtime.GOROOT(), "src", "time", "time.go") //nolint:staticcheck // go env answers the same
	text, err := os.ReadFile(source)
	if err != nil {
		return "", err
	}
	if strings.Count(string(text), plainNow) != 1 {
		return "", fmt.Errorf("%w: time.Now of %s is not written as expected", errCannot, runtime.Version())
	}
	files := map[string]string{
		source: strings.Replace(string(text), plainNow, patchedNow, 1),
		filepath.Join(filepath.Dir(source), "clockoff.go"): clockCode,
	}
	replace := map[string]string{}
	for path, content := range files {
		replace[path] = filepath.Join(a.dir, filepath.Base(path)+".txt")
		if err := os.WriteFile(replace[path], []byte(content), 0o600); err != nil {
			return "", err
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	list, program := filepath.Join(a.dir, "overlay.json"), filepath.Join(a.dir, "clocked")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return "", err
	}
	build := exec.CommandContext(a.ctx, "go", "build", "-overlay", list, "-o", program, "github.com/troupelog/troupe/internal/harness/clocked") //nolint:gosec // paths of this trial
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building a program whose clock can be set: %w: %s", err, out)
	}
	return program, nil
}
