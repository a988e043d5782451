package main

import (
	"bytes"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupelog/troupe/collector"
)

// TestMain is also what the workers run: they are processes of this test binary.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == workerArg {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestThreeProcessesLogOneTraceOfOneSession(t *testing.T) {
	var out bytes.Buffer
	trace, err := orchestrate(t.Context(), &out)
	http.DefaultClient.CloseIdleConnections()
	if err != nil {
		t.Fatal(err)
	}
	processes, names := map[string]bool{}, []string{}
	var walk func(n *collector.Node, path string)
	walk = func(n *collector.Node, path string) {
		path += "/" + n.Name
		names = append(names, path)
		if p := string(n.Tags["process"]); p != "" {
			processes[p] = true
		}
		if n.Status != "ended" {
			t.Errorf("%s is open", path)
		}
		for _, child := range n.Children {
			walk(child, path)
		}
	}
	walk(&trace.Node, "")
	want := []string{
		"/question",
		"/question/ask the ruler", "/question/ask the ruler/POST /ruler", "/question/ask the ruler/POST /ruler/ruler at work", "/question/ask the ruler/POST /ruler/ruler at work/measure",
		"/question/ask the clock", "/question/ask the clock/POST /clock", "/question/ask the clock/POST /clock/clock at work", "/question/ask the clock/POST /clock/clock at work/measure",
	}
	if !slices.Equal(names, want) {
		t.Errorf("the tree is %s", strings.Join(names, "\n"))
	}
	if len(processes) != 3 {
		t.Errorf("the spans are of the processes %v, want three", slices.Collect(maps.Keys(processes)))
	}
	if trace.SessionID == "" {
		t.Error("the trace has no session")
	}
}
