package api_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/protocol"
)

// crashDir makes the test binary serve a collector from the folder it names.
const crashDir = "TROUPE_TEST_CRASH_DIR"

// serveUntilKilled serves on a free port, which it prints.
func serveUntilKilled(dir string) {
	c, err := collector.New(collector.Config{Dir: dir})
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	panic(c.Serve(context.Background(), listener))
}

// startVictim starts the test binary as a collector and returns its address.
func startVictim(t *testing.T, dir string) (*exec.Cmd, string) {
	t.Helper()
	victim := exec.Command(os.Args[0])
	victim.Env = append(os.Environ(), crashDir+"="+dir)
	victim.Stderr = os.Stderr
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return victim, "http://" + strings.TrimSpace(address)
}

// crashSender numbers its lines and keeps the batch that is not acknowledged yet.
type crashSender struct {
	name  byte
	acked int // lines acknowledged
}

const crashBatch = 20

// send posts the next batch and reports whether it was acknowledged.
func (s *crashSender) send(client *http.Client, address string) bool {
	var body strings.Builder
	for i := range crashBatch {
		fmt.Fprintf(&body, "trace{id=%c%d,action=create,data={}}\n", s.name, s.acked+i)
	}
	r, err := http.NewRequest("POST", address+"/api/sdk/v3/log?id=crash", strings.NewReader(body.String()))
	if err != nil {
		return false
	}
	r.Header.Set(protocol.HeaderProducer, fmt.Sprintf("%032x", s.name))
	r.Header.Set(protocol.HeaderSeq, fmt.Sprint(s.acked+1))
	answer, err := client.Do(r)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		return false
	}
	s.acked += crashBatch
	return true
}

func TestKillDuringIngestLosesAndRepeatsNothing(t *testing.T) {
	const rounds, senders = 12, 4
	dir := t.TempDir()
	all := make([]*crashSender, senders)
	for i := range all {
		all[i] = &crashSender{name: byte('a' + i)}
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for round := range rounds {
		victim, address := startVictim(t, dir)
		// The kill comes when so many batches of this round are acknowledged, while
		// the senders go on.
		killAt := int64(5 + 7*round)
		var acked atomic.Int64
		kill := sync.OnceFunc(func() { victim.Process.Kill() })
		var wg sync.WaitGroup
		for _, s := range all {
			wg.Go(func() {
				for s.send(client, address) {
					if acked.Add(1) >= killAt {
						kill()
					}
				}
			})
		}
		wg.Wait()
		kill() // also if a sender failed for another reason
		victim.Wait()
		if acked.Load() < killAt {
			t.Fatalf("round %d: only %d batches were acknowledged before sending failed", round, acked.Load())
		}
	}

	s := start(t, collector.Config{Dir: dir})
	want := map[string]int{}
	total := 0
	for _, sender := range all {
		if !sender.send(client, s.url) { // the batch that was under way at the last kill
			t.Fatal("the last batch was not acknowledged")
		}
		for i := range sender.acked {
			want[fmt.Sprintf("trace{id=%c%d,action=create,data={}}", sender.name, i)] = 1
		}
		total += sender.acked
	}
	got := map[string]int{}
	for _, line := range s.lines("crash") {
		got[line]++
	}
	equal(t, want, got)
	var stats collector.Stats
	if err := s.WaitIndexed(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.get("/api/v1/repositories/crash/stats", &stats)
	equal(t, []int{total, total, total}, []int{int(stats.Lines), stats.Entities["trace"], stats.Open})
	t.Logf("%d lines were acknowledged over %d kills", total, rounds)
}
