package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Fetch asks the sink at a base URL for its counts.
func Fetch(ctx context.Context, base string) (s Stats, err error) {
	body, err := do(ctx, http.MethodGet, base+statsPath)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(body, &s); err != nil {
		return s, fmt.Errorf("sink: its counts cannot be read: %w", err)
	}
	return s, nil
}

// Reset makes the sink at a base URL forget its counts.
func Reset(ctx context.Context, base string) error {
	_, err := do(ctx, http.MethodPost, base+resetPath)
	return err
}

// Delay makes the sink at a base URL wait before each answer to a client from now on.
func Delay(ctx context.Context, base string, latency time.Duration) error {
	_, err := do(ctx, http.MethodPost, base+latencyPath+"?latency="+latency.String())
	return err
}

func do(ctx context.Context, method, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("sink: read its answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("sink: it answered %s", resp.Status)
	}
	return body, nil
}
