package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/tree"
)

// listed is the number of traces that troupe show lists.
const listed = 20

// showFlags are the flags of troupe show.
type showFlags struct {
	from, repo, key string
	json            bool
}

func showCommand() *cobra.Command {
	var f showFlags
	cmd := &cobra.Command{
		Use:   "show [flags] [ID]",
		Short: "Show a trace or a session as a tree, or list the newest traces",
		Long: "Shows the trace or session with the given id as a tree of calls with their durations, costs, inputs,\n" +
			"outputs and errors. Without an id it lists the newest traces.",
		Example: "  troupe show --repo my-agents\n  troupe show --repo my-agents 0b5cbb2a-44bf-4e43-a1d6-6ad8a1d07d5f",
		Args:    arguments(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			f.from = cmp.Or(f.from, os.Getenv(EnvURL), DefaultURL)
			f.key = cmp.Or(f.key, os.Getenv(EnvAPIKey))
			return show(c.Context(), f, args, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&f.from, "from", "", "URL of the collector (default: $"+EnvURL+", then "+DefaultURL+")")
	cmd.Flags().StringVar(&f.repo, "repo", "", "repository of the log (required)")
	cmd.Flags().StringVar(&f.key, "api-key", "", "key of the collector (default: $"+EnvAPIKey+"); visible to other users in the process list")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the collector's JSON")
	return cmd
}

// errBehind is printed if the collector's index does not include all stored entries yet.
var errBehind = errors.New("the collector has not caught up: some stored entries are not shown yet; run the command again later")

func show(ctx context.Context, f showFlags, args []string, stdout, stderr io.Writer) error {
	if err := requireRepo(f.repo); err != nil {
		return err
	}
	c, err := newClient(f.from, f.repo, f.key)
	if err != nil {
		return err
	}
	defer func() {
		if c.behind {
			printError(stderr, errBehind)
		}
	}()
	newest := url.Values{"limit": {strconv.Itoa(listed)}}
	switch {
	case len(args) == 0 && f.json:
		return copyJSON(ctx, c, stdout, newest, "traces")
	case len(args) == 0:
		page, err := read[collector.Page[collector.TraceSummary]](ctx, c, newest, "traces")
		if err != nil {
			return err
		}
		return list(stdout, page.Data, f.repo)
	}
	err = showAs(ctx, c, f, stdout, "traces", args[0])
	if errors.Is(err, errNotFound) {
		err = showAs(ctx, c, f, stdout, "sessions", args[0])
	}
	if errors.Is(err, errNotFound) {
		return fmt.Errorf("repository %q has no trace or session %q: run \"troupe show\" without an id to list the newest", f.repo, args[0])
	}
	return err
}

// showAs shows an entity of the given kind.
func showAs(ctx context.Context, c *client, f showFlags, stdout io.Writer, kind, id string) error {
	if f.json {
		return copyJSON(ctx, c, stdout, nil, kind, id)
	}
	node := trace
	if kind == "sessions" {
		node = session
	}
	root, err := node(ctx, c, id)
	if err != nil {
		return err
	}
	return tree.Render(stdout, root, options(stdout))
}

// copyJSON prints the collector's response unchanged.
func copyJSON(ctx context.Context, c *client, stdout io.Writer, query url.Values, path ...string) error {
	body, err := c.get(ctx, query, path...)
	if err != nil {
		return err
	}
	_, err = stdout.Write(body)
	return err
}

// trace returns the tree of a trace.
func trace(ctx context.Context, c *client, id string) (*collector.Node, error) {
	answer, err := read[collector.Trace](ctx, c, nil, "traces", id)
	return &answer.Node, err
}

// session returns a session with the trees of all its traces, oldest first.
func session(ctx context.Context, c *client, id string) (*collector.Node, error) {
	root, next := (*collector.Node)(nil), ""
	for {
		page, err := read[collector.Session](ctx, c, url.Values{"cursor": {next}}, "sessions", id)
		if err != nil {
			return nil, err
		}
		if root == nil {
			root = &page.Node
		}
		for _, summary := range page.Traces {
			child, err := trace(ctx, c, summary.ID)
			if err != nil {
				return nil, err
			}
			root.Children = append(root.Children, child)
		}
		if next = page.Next; next == "" {
			slices.Reverse(root.Children)
			return root, nil
		}
	}
}
