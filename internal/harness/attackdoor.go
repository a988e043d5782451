package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/protocol"
)

// door posts with the right key while strangers try wrong ones from the same address.
func (a *attackTrial) door() error {
	const right, strangers = 200, 3
	server, err := collector.Start(collector.Config{Dir: filepath.Join(a.dir, "collector-door"), APIKey: "the-right-key-of-the-door"})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(a.ctx)
	var crowd sync.WaitGroup
	for i := range strangers {
		crowd.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				_, _ = knock(ctx, server.URL(), fmt.Sprintf("wrong-%d-%d", i, n), 0) // refused, or ended by ctx
			}
		})
	}
	accepted := int64(0)
	for i := range right {
		status, err := knock(ctx, server.URL(), "the-right-key-of-the-door", i)
		if err != nil {
			break
		}
		if status == http.StatusOK {
			accepted++
		}
	}
	cancel()
	crowd.Wait()
	a.exactly("right_key_accepted", accepted, right)
	return errors.Join(err, server.Close(context.WithoutCancel(a.ctx)))
}

// knock posts a line with a key and returns the status of the answer.
func knock(ctx context.Context, url, key string, i int) (int, error) {
	body := strings.NewReader(fmt.Sprintf(`trace{id=door%d,action=create,data={"name":"door"}}`, i))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/sdk/v3/log?id=harness", body)
	if err != nil {
		return 0, err
	}
	req.Header.Set(protocol.HeaderKey, key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}
