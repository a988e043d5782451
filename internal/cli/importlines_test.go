package cli

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
)

// command runs a command in this process and returns what it printed.
func command(t *testing.T, wantCode int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errors bytes.Buffer
	if code := Main(args, &out, &errors); code != wantCode {
		t.Fatalf("troupe %s ends with %d, want %d: %s", strings.Join(args, " "), code, wantCode, &errors)
	}
	return out.String(), errors.String()
}

// collectorURL starts a collector in this process.
func collectorURL(t *testing.T, cfg collector.Config) string {
	t.Helper()
	server, err := collector.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return server.URL()
}

func body(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", url, resp.Status, err)
	}
	http.DefaultClient.CloseIdleConnections()
	return string(text)
}

func lineCount(t *testing.T, url, repo string) int {
	t.Helper()
	return strings.Count(body(t, url+"/api/v1/repositories/"+repo+"/lines?limit=100000"), "\n")
}

func TestExportedLinesAreImportedOnce(t *testing.T) {
	url := collectorURL(t, collector.Config{})
	command(t, ExitOK, "demo", "--to", url, "--rounds", "1")
	exported := body(t, url+"/api/v1/repositories/demo/lines?limit=100000")
	path := filepath.Join(t.TempDir(), "lines.jsonl")
	if err := os.WriteFile(path, []byte(exported), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		command(t, ExitOK, "import", "--to", url, "--repo", "copy", path)
		if copied := body(t, url+"/api/v1/repositories/copy/lines?limit=100000"); copied != exported {
			t.Errorf("the copy has %d bytes, what was exported %d", len(copied), len(exported))
		}
	}
}

func TestImportReportsAndSkipsMalformedLines(t *testing.T) {
	url := collectorURL(t, collector.Config{})
	path := filepath.Join(t.TempDir(), "lines")
	text := "trace{id=a,action=create,data={}}\n\nsecret prompt\n{\"seq\":1,\"line\":\"trace{id=b,action=create,data={}}\"}\n" +
		"{\"secret\":1}\n{secret\ntrace{id=c,action=end,data={}}"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		out, told := command(t, ExitFailure, "import", "--to", url, "--repo", "r", path)
		if !strings.Contains(out, "3 lines") || !strings.Contains(told, "skipped 3 malformed lines") {
			t.Errorf("import says %q and %q", out, told)
		}
		for _, number := range []string{"line 3 ", "line 5 ", "line 6 "} {
			if !strings.Contains(told, number) {
				t.Errorf("%q does not name %s", told, number)
			}
		}
		if strings.Contains(told, "secret") {
			t.Errorf("%q quotes a line", told)
		}
		if got := lineCount(t, url, "r"); got != 3 {
			t.Errorf("%d lines are stored, want 3", got)
		}
	}
}

func TestManyLinesAreImportedInBatches(t *testing.T) {
	url := collectorURL(t, collector.Config{})
	path := filepath.Join(t.TempDir(), "lines")
	var text strings.Builder
	const lines = 3*importLines + 17
	for i := range lines {
		fmt.Fprintf(&text, "trace{id=t%d,action=create,data={}}\n", i)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, ExitOK, "import", "--to", url, "--repo", "r", path)
	if got := lineCount(t, url, "r"); got != lines {
		t.Errorf("%d lines are stored, want %d", got, lines)
	}
}

func TestAnExportIsImportedHoweverItsJSONIsLaidOut(t *testing.T) {
	url := collectorURL(t, collector.Config{})
	const a, b = `"trace{id=a,action=create,data={}}"`, `"trace{id=b,action=create,data={}}"`
	for repo, text := range map[string]string{
		"pretty": "{\n  \"seq\": 1,\n  \"line\": " + a + "\n}\n{\n  \"seq\": 2,\n  \"line\": " + b + "\n}\n",
		"list":   `[{"line":` + a + `}, {"line":` + b + `}]`,
		"joined": `{"line":` + a + `}{"line":` + b + `}`,
		"marked": "\ufeff{\"line\":" + a + "}\r\n{\"line\":" + b + "}\r\n",
	} {
		path := filepath.Join(t.TempDir(), "lines.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			command(t, ExitOK, "import", "--to", url, "--repo", repo, path)
			if got := lineCount(t, url, repo); got != 2 {
				t.Errorf("%s: %d lines are stored, want 2", repo, got)
			}
		}
	}
}
