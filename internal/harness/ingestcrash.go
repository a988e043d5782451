package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/protocol"
)

// serveCommand is the first argument of a process that serves a collector from the folder
// that the second one names, on a free port, which it prints.
const serveCommand = "serve-collector"

const (
	ingestSenders = 4
	ingestBatch   = 30 // turns
	// killAfter limits the time that a collector serves before it is killed.
	killAfter = 150 * time.Millisecond
)

// serveUntilKilled is the life of such a process.
func serveUntilKilled(dir string) int {
	c, err := collector.New(collector.Config{Dir: dir})
	if err == nil {
		var listener net.Listener
		if listener, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0"); err == nil {
			fmt.Println(listener.Addr())
			err = c.Serve(context.Background(), listener)
		}
	}
	fmt.Fprintln(os.Stderr, "serve:", err)
	return 1
}

// ingestCrash kills a collector at random moments while it stores and folds the lines of several
// senders, which repeat lines that were not acknowledged.
func ingestCrash(fs *flag.FlagSet) func(*trial) error {
	kills := fs.Int("n", 200, "how many `kills`")
	return func(t *trial) error {
		c := &ingestTrial{trial: t, data: filepath.Join(t.dir, "collector")}
		for i := range ingestSenders {
			c.senders = append(c.senders, &ingestSender{spool: fmt.Sprintf("%032x", i+1), name: i})
		}
		for range *kills {
			if err := c.round(); err != nil {
				return err
			}
		}
		c.note("kills", *kills)
		return c.verdict()
	}
}

// serveApart starts a process that serves the collector of a folder, and returns its URL.
func (t *trial) serveApart(dir string) (*exec.Cmd, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	server := exec.CommandContext(t.ctx, self, serveCommand, dir) //nolint:gosec // it is this program
	said := &tail{}
	server.Stderr = said
	out, err := server.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := server.Start(); err != nil {
		return nil, "", err
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = server.Wait() // it has failed: said tells why
		return nil, "", fmt.Errorf("the collector does not start: %w: %s", err, said)
	}
	return server, "http://" + strings.TrimSpace(address), nil
}

type ingestTrial struct {
	*trial
	data    string
	senders []*ingestSender
}

// ingestSender numbers its lines. It repeats lines that are not acknowledged, divided in another
// way.
type ingestSender struct {
	name  int
	spool string
	turns int64 // acknowledged
	tried int64 // turns of the last batch that was not
	fails int64
}

// round serves for a moment, while all senders post, and kills the collector.
func (c *ingestTrial) round() error {
	victim, url, err := c.serveApart(c.data)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.ctx)
	client := &http.Client{Transport: &http.Transport{}}
	var sending sync.WaitGroup
	for _, s := range c.senders {
		sending.Go(func() { s.run(ctx, client, url) })
	}
	err = pause(c.ctx, time.Duration(c.rnd.Int64N(int64(killAfter))))
	_ = victim.Process.Kill() // an error means that it is dead
	_ = victim.Wait()         // it was killed: that is its error
	cancel()
	sending.Wait()
	client.CloseIdleConnections()
	return err
}

// run posts batches until one fails.
func (s *ingestSender) run(ctx context.Context, client *http.Client, url string) {
	for ctx.Err() == nil {
		n := int64(ingestBatch)
		if s.tried > 0 {
			n = s.tried/2 + 1 // a part of the lines that may be stored already
		}
		if s.post(ctx, client, url, n) != nil {
			s.tried = max(s.tried, n)
			s.fails++
			return
		}
		s.turns, s.tried = s.turns+n, max(s.tried-n, 0)
	}
}

// post sends the next n turns.
func (s *ingestSender) post(ctx context.Context, client *http.Client, url string, n int64) error {
	var body []byte
	for i := range n {
		body = appendTurn(body, s.number(s.turns+i))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/sdk/v3/log?id=harness", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set(protocol.HeaderProducer, s.spool)
	req.Header.Set(protocol.HeaderSeq, strconv.FormatInt(s.turns*linesPerTurn+1, 10))
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the collector answered %s", answer.Status)
	}
	return errors.Join(err, answer.Body.Close())
}

// number makes the turns of all senders differ.
func (s *ingestSender) number(turn int64) int64 { return 1 + turn*ingestSenders + int64(s.name) }

// verdict posts the lines that were under way at the last kill, and compares the stored lines with
// the acknowledged ones, and the index with a rebuilt one.
func (c *ingestTrial) verdict() error {
	server, err := collector.Start(collector.Config{Dir: c.data})
	if err != nil {
		return err
	}
	turns, fails := int64(0), int64(0)
	for _, s := range c.senders {
		if s.tried > 0 {
			if err := s.post(c.ctx, http.DefaultClient, server.URL(), s.tried); err != nil {
				return err
			}
			s.turns += s.tried
		}
		turns, fails = turns+s.turns, fails+s.fails
	}
	c.note("acked_lines", turns*linesPerTurn)
	c.note("interrupted_posts", fails)
	lost, repeated, err := c.compare(server)
	if err != nil {
		return err
	}
	c.exactly("lost", lost, 0)
	c.exactly("duplicated", repeated, 0)
	before, err := c.digest(server)
	if err != nil {
		return err
	}
	if err := server.Rebuild(c.ctx); err != nil {
		return err
	}
	after, err := c.digest(server)
	if err != nil {
		return err
	}
	different := int64(0)
	if before != after {
		different = 1
	}
	c.exactly("index_differs_from_rebuilt", different, 0)
	http.DefaultClient.CloseIdleConnections()
	return server.Close(c.ctx)
}

// compare counts acknowledged lines that are not stored, and lines that are stored more
// often than once.
func (c *ingestTrial) compare(server *collector.Server) (lost, repeated int64, err error) {
	want := map[[32]byte]int64{}
	for _, s := range c.senders {
		for turn := range s.turns {
			for line := range bytes.Lines(appendTurn(nil, s.number(turn))) {
				want[sha256.Sum256(bytes.TrimSuffix(line, []byte("\n")))]++
			}
		}
	}
	for after := uint64(0); ; {
		body, err := fetched(c.ctx, server.URL()+"/api/v1/repositories/harness/lines?limit=100000&after="+strconv.FormatUint(after, 10))
		if err != nil {
			return 0, 0, err
		}
		if len(body) == 0 {
			break
		}
		for text := range bytes.Lines(body) {
			var line collector.StoredLine
			if err := json.Unmarshal(text, &line); err != nil {
				return 0, 0, err
			}
			after = line.Seq
			if sum := sha256.Sum256([]byte(line.Line)); want[sum] > 0 {
				want[sum]--
			} else {
				repeated++
			}
		}
	}
	for _, n := range want {
		lost += n
	}
	return lost, repeated, nil
}

// digest is a hash of all that the index says of the repository.
func (c *ingestTrial) digest(server *collector.Server) (sum [32]byte, err error) {
	hash := sha256.New()
	base := server.URL() + "/api/v1/repositories/harness"
	if err := server.WaitIndexed(c.ctx); err != nil {
		return sum, err
	}
	body, err := fetched(c.ctx, base+"/stats")
	if err != nil {
		return sum, err
	}
	hash.Write(body)
	for _, list := range []string{"traces", "sessions"} {
		for cursor := ""; ; {
			body, err := fetched(c.ctx, base+"/"+list+"?limit=500&cursor="+cursor)
			if err != nil {
				return sum, err
			}
			hash.Write(body)
			var page struct{ Next string }
			if err := json.Unmarshal(body, &page); err != nil {
				return sum, err
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
	}
	return [32]byte(hash.Sum(nil)), nil
}

// fetched returns the body of an answer.
func fetched(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", req.URL.Path, answer.Status)
	}
	return body, errors.Join(err, answer.Body.Close())
}
