package cli

import (
	"bufio"
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"github.com/troupelog/troupe/collector"
)

func TestSearchFindsTextsOfTheDemo(t *testing.T) {
	url, _ := demoTraces(t)
	from := []string{"search", "--from", url, "--repo", "demo"}
	waitFor(t, "the search", func() bool {
		out, _ := command(t, ExitOK, append(from, "reservation")...)
		return strings.Contains(out, "trace ") && strings.Contains(out, "get_reservation")
	})
	out, _ := command(t, ExitOK, append(from, "--json", "--limit", "3", "Denver")...)
	var page collector.Page[collector.SearchHit]
	if err := json.Unmarshal([]byte(out), &page); err != nil || len(page.Data) != 3 || page.Next == "" || len(page.Data[0].Marks) == 0 {
		t.Errorf("%v in %s", err, out)
	}
	if out, _ := command(t, ExitOK, append(from, "nonesuchword")...); !strings.Contains(out, "nothing found") {
		t.Errorf("search says %q", out)
	}
	if _, told := command(t, ExitFailure, append(from, "status:error")...); !strings.Contains(told, "no conditions") {
		t.Errorf("a condition: %q", told)
	}
	command(t, ExitUsage, append(from, "--limit", "0", "x")...)
}

func TestTailFollowsTheCollector(t *testing.T) {
	t.Parallel()
	server, url := startServer(t, "127.0.0.1:0", t.TempDir())
	defer server.signal(syscall.SIGTERM)
	follow := start(t, "tail", "--from", url, "--repo", "demo", "--json")
	command(t, ExitOK, "demo", "--to", url, "--rounds", "1")
	line := <-follow.lines
	var got tailed
	if err := json.NewDecoder(bufio.NewReader(strings.NewReader(line))).Decode(&got); err != nil || got.ID == "" || got.Status == "" {
		t.Errorf("%v in %q", err, line)
	}
	follow.signal(syscall.SIGINT)
	if code := follow.wait(); code != ExitOK {
		t.Errorf("after an interrupt tail ends with %d: %s", code, &follow.stderr)
	}
	command(t, ExitFailure, "tail", "--from", "http://127.0.0.1:1", "--repo", "r")
}
