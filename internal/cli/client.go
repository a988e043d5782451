package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/transport"
)

// maxAnswer limits the response of a collector, in bytes.
const maxAnswer = 1 << 30

// client reads from a collector's JSON API.
type client struct {
	base *url.URL // of the repository
	from string   // as the user gave it
	key  string
	http http.Client

	behind bool // a response did not include all stored entries yet
}

// errNotFound is returned for a 404. Callers replace it by an error that names the id.
var errNotFound = errors.New("not found on the collector")

func newClient(from, repo, key string) (*client, error) {
	base, err := serverURL("--from", from, key)
	if err != nil {
		return nil, err
	}
	return &client{
		base: base.JoinPath("api/v1/repositories", url.PathEscape(repo)), from: from, key: key,
		http: http.Client{
			Timeout: time.Minute,
			// Redirects are not followed: the key must reach no other server.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// serverURL parses the URL of a server. Over plain http a key is sent only to this machine,
// unless the environment variable logger.EnvAllowInsecure permits more.
func serverURL(flag, text, key string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		// The parser's error is left out: it would print a password in the URL.
		return nil, usageError{fmt.Errorf("%s must be a URL such as %s", flag, DefaultURL)}
	}
	if key != "" && u.Scheme == "http" && !loopback(u.Hostname()) && !insecure() {
		return nil, usageError{fmt.Errorf("%s must use https: plain http exposes the API key to the network; to send it anyway, set $%s=1", flag, logger.EnvAllowInsecure)}
	}
	return u, nil
}

// insecure reports whether the environment allows plain http to other machines.
func insecure() bool {
	allowed, err := strconv.ParseBool(os.Getenv(logger.EnvAllowInsecure))
	return err == nil && allowed
}

// connect returns a connection to the server named by --to, --repo and --api-key. It does
// no I/O. Callers must close the connection.
func connect(to, repo, key string) (*transport.HTTP, error) {
	if _, err := serverURL("--to", to, key); err != nil {
		return nil, err
	}
	client, err := transport.New(transport.Config{BaseURL: to, RepositoryID: repo, APIKey: key, AllowInsecure: insecure()})
	if bad, ok := errors.AsType[*transport.ConfigError](err); ok {
		flag := map[string]string{"BaseURL": "--to", "RepositoryID": "--repo", "APIKey": "--api-key"}[bad.Field]
		reason := strings.ReplaceAll(bad.Reason, "AllowInsecure", "$"+logger.EnvAllowInsecure+"=1")
		return nil, usageError{fmt.Errorf("%s %s", flag, reason)}
	}
	return client, err
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

// get requests a path below the repository and returns the body of a successful response.
func (c *client) get(ctx context.Context, query url.Values, path ...string) ([]byte, error) {
	for i := range path {
		path[i] = url.PathEscape(path[i])
	}
	u := c.base.JoinPath(path...)
	u.RawQuery = query.Encode()
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
		return nil, fmt.Errorf("no answer from %s: %w; start a collector with \"troupe serve\", or name another with --from",
			c.base.Host, cause(err))
	}
	defer resp.Body.Close()
	c.behind = c.behind || resp.Header.Get(protocol.HeaderBehind) != ""
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("the response of %s was cut off: %w; run the command again", c.base.Host, err)
	}
	return body, refusal(resp, body)
}

// read requests a path as get does and decodes the JSON response.
func read[T any](ctx context.Context, c *client, query url.Values, path ...string) (T, error) {
	var answer T
	body, err := c.get(ctx, query, path...)
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return answer, fmt.Errorf("%s does not respond like a collector: %w; check --from", c.base.Host, err)
	}
	return answer, nil
}

// refusal returns the error that a response reports, nil if it is successful.
func refusal(resp *http.Response, body []byte) error {
	switch resp.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusNotFound:
		return errNotFound
	case http.StatusUnauthorized:
		return errors.New("the collector requires an API key: give it with --api-key or $" + EnvAPIKey)
	}
	var answer struct{ Error collector.Error }
	if json.Unmarshal(body, &answer) == nil && answer.Error.Message != "" {
		return fmt.Errorf("the collector rejected the request: %w", &answer.Error)
	}
	return fmt.Errorf("%s responded %s: check --from", resp.Request.URL.Host, resp.Status)
}

// cause returns the error of a request without its URL, which may hold a password.
func cause(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		return outer.Err
	}
	return err
}
