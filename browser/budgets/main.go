// Command budgets measures how fast the pages of the viewer are, and how large, with the
// program that people run and a real browser, and prints each figure with its budget. It
// ends with 3 if one is missed; with -busy, for a machine that does other work, only if it
// is one of size.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/troupelog/troupe/browser/internal/chrome"
	"github.com/troupelog/troupe/browser/internal/site"
)

// exitMissed says that a budget is missed.
const exitMissed = 3

func main() {
	lines := flag.Int("lines", 200_000, "how many `lines` are stored beside")
	live := flag.Duration("live", 20*time.Second, "how `long` the live page is watched")
	busy := flag.Bool("busy", false, "do not fail for a budget of time, only of size")
	checkout := flag.String("checkout", "..", "folder of the module that has cmd/troupe")
	flag.Parse()
	b := &budgets{lines: *lines, live: *live, started: time.Now()}
	if err := run(context.Background(), *checkout, b); err != nil {
		fmt.Fprintln(os.Stderr, "budgets:", err)
		os.Exit(1)
	}
	if missed := b.missed + b.late; missed > 0 {
		fmt.Println(missed, "budgets are missed")
	}
	if b.missed > 0 || b.late > 0 && !*busy {
		os.Exit(exitMissed)
	}
}

func run(ctx context.Context, checkout string, b *budgets) (err error) {
	if b.site, err = site.Start(ctx, checkout); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.site.Stop()) }()
	if err := b.fill(ctx); err != nil {
		return err
	}
	if b.browser, err = chrome.Start(ctx); err != nil {
		return err
	}
	defer b.browser.Close()
	for _, part := range []func(context.Context) error{
		b.servers, b.paints, b.largeTrace, b.hugeTrace, b.longSession, b.largeValues, b.comparisons, b.lag, b.following,
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// budgets holds the measurements.
type budgets struct {
	site    *site.Site
	browser *chrome.Browser
	lines   int
	live    time.Duration
	started time.Time
	missed  int // of size
	late    int // of time
}

// atMost prints a figure and its budget. Figures of time have a unit of time, or "×" of
// one; frames that took too long are counted in "frames".
func (b *budgets) atMost(what string, got, budget float64, unit string) {
	verdict := "ok"
	if got > budget {
		verdict = "MISSED"
		if slices.Contains([]string{"ms", "s", "×", "frames"}, unit) {
			b.late++
		} else {
			b.missed++
		}
	}
	fmt.Printf("%-52s %10.4g %-6s at most %-8g %s\n", what, got, unit, budget, verdict)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// desktop is the view of all pages.
var desktop = chrome.View{Width: 1440, Height: 900}
