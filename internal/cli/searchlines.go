package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/tree"
)

// searchFlags are the flags of troupe search.
type searchFlags struct {
	target
	limit int
	json  bool
}

func searchCommand() *cobra.Command {
	var f searchFlags
	cmd := &cobra.Command{
		Use:   "search [flags] WORDS…",
		Short: "Find texts in the log, newest first",
		Long: "Finds entries whose texts contain all words. Texts are messages, answers, tool arguments, documents, names and\n" +
			"errors, in any language. A \"phrase\" in quotes matches exactly; -word excludes entries that contain the word\n" +
			"(put -- before the first such word).",
		Example: "  troupe search --repo my-agents refund\n  troupe search --repo my-agents -- '\"no such order\"' -test",
		Args:    arguments(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			f.fill()
			return searchTexts(c.Context(), f, strings.Join(args, " "), c.OutOrStdout())
		},
	}
	f.flags(cmd, "from", "")
	cmd.Flags().IntVar(&f.limit, "limit", 20, "maximum number of hits, from 1 to 500")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the collector's JSON")
	return cmd
}

func searchTexts(ctx context.Context, f searchFlags, words string, stdout io.Writer) error {
	if f.limit < 1 || f.limit > 500 {
		return usageError{fmt.Errorf("--limit must be from 1 to 500")}
	}
	if err := f.check("from"); err != nil {
		return err
	}
	c, err := newClient(f.url, f.repo, f.key)
	if err != nil {
		return err
	}
	query := url.Values{"q": {words}, "limit": {strconv.Itoa(f.limit)}}
	if f.json {
		return copyJSON(ctx, c, stdout, query, "search")
	}
	page, err := read[collector.Page[collector.SearchHit]](ctx, c, query, "search")
	if err != nil {
		return err
	}
	for _, hit := range page.Data {
		at := "trace " + hit.Trace
		if hit.Trace == "" {
			at = "session " + hit.Session
		}
		_, err := fmt.Fprintf(stdout, "%s  %s  %s %s  %s\n    %s\n", hit.Received.Local().Format(time.DateTime), tree.Clip(at, 60), hit.Kind, tree.Clip(hit.Name, 30), hit.Field, tree.Clip(hit.Text, 160))
		if err != nil {
			return err
		}
	}
	if len(page.Data) == 0 {
		_, err = fmt.Fprintln(stdout, "nothing found")
	}
	return err
}

// tailFlags are the flags of troupe tail.
type tailFlags struct {
	target
	json bool
}

func tailCommand() *cobra.Command {
	var f tailFlags
	cmd := &cobra.Command{
		Use:   "tail [flags]",
		Short: "Follow traces as they are logged",
		Long: "Prints a line whenever a trace starts, changes or ends, until interrupted. If the collector is\n" +
			"unreachable, the command waits for it to return.",
		Example: "  troupe tail --repo my-agents",
		Args:    arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			f.fill()
			return tail(c.Context(), f, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f.flags(cmd, "from", "")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object per line")
	return cmd
}

// tailPause is the pause between attempts to reconnect to a collector.
const tailPause = time.Second

func tail(ctx context.Context, f tailFlags, stdout, stderr io.Writer) error {
	if err := f.check("from"); err != nil {
		return err
	}
	c, err := newClient(f.url, f.repo, f.key)
	if err != nil {
		return err
	}
	c.http.Timeout = 0 // the stream has no end
	for begun := false; ; {
		stream, err := c.events(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !begun {
			return err
		}
		if err == nil {
			begun = true
			err = follow(stream, f.json, stdout)
		}
		if ctx.Err() != nil {
			return nil
		}
		printError(stderr, fmt.Errorf("lost the collector: %w; reconnecting", err))
		select {
		case <-time.After(tailPause):
		case <-ctx.Done():
			return nil
		}
	}
}

// tailed holds the fields of an event that troupe tail prints.
type tailed struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Status     string    `json:"status"`
	Start      time.Time `json:"start"`
	DurationMS float64   `json:"duration_ms"`
	Entities   int       `json:"entities"`
	Errors     int       `json:"errors"`
	Tokens     int64     `json:"tokens"`
}

// printTailed writes one line for an event.
func printTailed(w io.Writer, data string) error {
	var t tailed
	if err := json.Unmarshal([]byte(data), &t); err != nil {
		return fmt.Errorf("the server does not respond like a collector: %w", err)
	}
	duration := ""
	if t.DurationMS > 0 {
		duration = " in " + tree.Duration(time.Duration(t.DurationMS*float64(time.Millisecond)))
	}
	_, err := fmt.Fprintf(w, "%s  %-7s %s  %s%s, %d nodes, %d errors, %d tokens\n", t.Start.Local().Format(time.DateTime), t.Status, tree.Clip(t.ID, 40), tree.Clip(t.Name, 40), duration, t.Entities, t.Errors, t.Tokens)
	return err
}
