package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/troupelog/troupe/internal/protocol"
)

// events opens the collector's stream of changed traces. Callers must close it.
func (c *client) events(ctx context.Context) (io.ReadCloser, error) {
	server, err := url.Parse(c.from)
	if err != nil {
		return nil, err
	}
	u := server.JoinPath("events")
	_, repo, _ := strings.Cut(c.base.EscapedPath(), "/repositories/")
	name, err := url.PathUnescape(repo)
	if err != nil {
		return nil, err
	}
	u.RawQuery = url.Values{"repo": {name}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	if c.key != "" {
		req.Header.Set(protocol.HeaderKey, c.key)
	}
	resp, err := c.http.Do(req)
	if ctx.Err() != nil && err != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("no answer from %s: %w; start a collector with \"troupe serve\", or name another with --from", c.base.Host, cause(err))
	}
	if err := refusal(resp, nil); err != nil {
		return nil, errors.Join(err, resp.Body.Close())
	}
	return resp.Body, nil
}

// errEnded is returned by follow if the collector closed the stream.
var errEnded = errors.New("the collector closed the stream")

// follow prints the events of stream until it ends, and closes it. The error is never nil.
func follow(stream io.ReadCloser, asJSON bool, w io.Writer) error {
	defer func() { _ = stream.Close() }() // it was only read
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, found := strings.CutPrefix(lines.Text(), "data: ")
		if !found {
			continue
		}
		var err error
		if asJSON {
			_, err = fmt.Fprintln(w, data)
		} else {
			err = printTailed(w, data)
		}
		if err != nil {
			return err
		}
	}
	if lines.Err() != nil {
		return lines.Err()
	}
	return errEnded
}
