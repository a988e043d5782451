package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/export"
)

// exportPage is the number of traces requested at once.
const exportPage = 500

// exportFlags are the flags of troupe export.
type exportFlags struct {
	target
	format, out string
}

// exporters maps each format to its writer. An empty id selects the whole repository.
var exporters = map[string]func(ctx context.Context, c *client, id string, w io.Writer, told io.Writer) error{
	"lines":    exportLines,
	"tuning":   exportTuning,
	"otlp":     exportOTLP,
	"markdown": exportMarkdown,
	"html":     exportHTML,
}

func exportCommand() *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export [flags] [ID]",
		Short: "Write a trace, a session or a whole repository to a file",
		Long: `Writes the trace or session with the given id, or the whole repository without one.

Formats:
  lines     the log lines as received, one JSON object per line, for "troupe import"
            (whole repositories only)
  tuning    conversations for fine-tuning in OpenAI's format, one per line; generations
            that the format cannot express are skipped and counted
  otlp      OpenTelemetry spans, one OTLP/JSON object per line
  markdown  one document for people or language models (needs an id)
  html      one self-contained page without scripts (needs an id)`,
		Example: "  troupe export --repo my-agents --out lines.jsonl\n  troupe export --repo my-agents --format html --out run.html 0b5cbb2a-44bf-4e43-a1d6-6ad8a1d07d5f",
		Args:    arguments(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			f.fill()
			id := ""
			if len(args) == 1 {
				id = args[0]
			}
			return exportTo(c.Context(), f, id, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f.flags(cmd, "from", "")
	cmd.Flags().StringVar(&f.format, "format", "lines", "output format: lines, tuning, otlp, markdown or html")
	cmd.Flags().StringVar(&f.out, "out", "", "file to write (default: standard output)")
	return cmd
}

func exportTo(ctx context.Context, f exportFlags, id string, stdout, stderr io.Writer) (err error) {
	write := exporters[f.format]
	switch {
	case write == nil:
		return usageError{fmt.Errorf("--format must be one of %v", slices.Sorted(maps.Keys(exporters)))}
	case id == "" && (f.format == "markdown" || f.format == "html"):
		return usageError{fmt.Errorf("--format %s exports one trace or session: give its id", f.format)}
	case id != "" && f.format == "lines":
		return usageError{errors.New("--format lines exports whole repositories: omit the id, or choose another format")}
	}
	if err := f.check("from"); err != nil {
		return err
	}
	c, err := newClient(f.url, f.repo, f.key)
	if err != nil {
		return err
	}
	if f.out != "" {
		file, err := os.Create(f.out)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		stdout = file
	}
	if err := write(ctx, c, id, stdout, stderr); err != nil {
		return err
	}
	if c.behind {
		printError(stderr, errBehind)
	}
	return nil
}

// exportLines writes all lines of the repository, in the order of their numbers.
func exportLines(ctx context.Context, c *client, _ string, w, _ io.Writer) error {
	for after := uint64(0); ; {
		body, err := c.get(ctx, url.Values{"after": {strconv.FormatUint(after, 10)}, "limit": {"20000"}}, "lines")
		if err != nil || len(body) == 0 {
			return err
		}
		if _, err := w.Write(body); err != nil {
			return err
		}
		if after, err = lastLine(body); err != nil {
			return err
		}
	}
}

// nodes calls do with the trace or session of the given id or, if id is empty, with every
// trace, newest first. Only one trace is in memory at a time.
func nodes(ctx context.Context, c *client, id string, do func(*collector.Node) error) error {
	if id != "" {
		n, err := traceOrSession(ctx, c, id)
		if err != nil {
			return err
		}
		return do(n)
	}
	for next := ""; ; {
		page, err := read[collector.Page[collector.TraceSummary]](ctx, c, url.Values{"cursor": {next}, "limit": {strconv.Itoa(exportPage)}}, "traces")
		if err != nil {
			return err
		}
		for _, summary := range page.Data {
			n, err := trace(ctx, c, summary.ID)
			if err := cmp.Or(err, ctx.Err()); err != nil {
				return err
			}
			if err := do(n); err != nil {
				return err
			}
		}
		if next = page.Next; next == "" {
			return nil
		}
	}
}

// traceOrSession returns the trace with the given id or, failing that, the session.
func traceOrSession(ctx context.Context, c *client, id string) (*collector.Node, error) {
	n, err := trace(ctx, c, id)
	if errors.Is(err, errNotFound) {
		n, err = session(ctx, c, id)
	}
	if errors.Is(err, errNotFound) {
		return nil, fmt.Errorf("the repository has no trace or session %q: \"troupe show\" lists the newest", id)
	}
	return n, err
}

func exportTuning(ctx context.Context, c *client, id string, w, told io.Writer) error {
	written, skipped := 0, map[export.Reason]int{}
	err := nodes(ctx, c, id, func(n *collector.Node) error {
		report, err := export.Tuning(ctx, w, n)
		written += report.Lines
		for reason, count := range report.Skipped {
			skipped[reason] += count
		}
		return err
	})
	if err != nil {
		return err
	}
	printError(told, fmt.Errorf("wrote %d conversations", written))
	for _, reason := range slices.Sorted(maps.Keys(skipped)) {
		printError(told, fmt.Errorf("skipped %d generations: %s", skipped[reason], reason))
	}
	return nil
}

func exportOTLP(ctx context.Context, c *client, id string, w, _ io.Writer) error {
	return nodes(ctx, c, id, func(n *collector.Node) error { return export.OTLP(ctx, w, n) })
}

func exportMarkdown(ctx context.Context, c *client, id string, w, _ io.Writer) error {
	return nodes(ctx, c, id, func(n *collector.Node) error { return export.Markdown(ctx, w, n) })
}

func exportHTML(ctx context.Context, c *client, id string, w, _ io.Writer) error {
	return nodes(ctx, c, id, func(n *collector.Node) error { return export.HTML(ctx, w, n) })
}

// lastLine returns the number of the last line in a response, after which the next request
// continues.
func lastLine(body []byte) (uint64, error) {
	body = bytes.TrimSuffix(body, []byte("\n"))
	var line collector.StoredLine
	if err := json.Unmarshal(body[bytes.LastIndexByte(body, '\n')+1:], &line); err != nil || line.Seq == 0 {
		return 0, errors.New("the server does not respond like a collector: check --from")
	}
	return line.Seq, nil
}
