package formattest

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sample is an exchange with a provider.
type sample struct {
	name          string
	path, request string
	status        int
	kind          string // media type of the response
	body          string
}

// ok reports whether the response is an answer, not an HTTP error.
func (s *sample) ok() bool { return s.status == http.StatusOK }

// streamed reports whether the body is a sequence of values.
func (s *sample) streamed() bool { return strings.Contains(s.name, "stream") }

// load reads all samples, in the order of their names. A file holds the method and path,
// the request, the status and media type, and the response, each from a new line.
func load(t *testing.T) []sample {
	t.Helper()
	files, err := filepath.Glob("testdata/samples/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	var all []sample
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		first, rest, _ := strings.Cut(string(text), "\n")
		request, rest, _ := strings.Cut(rest, "\nHTTP ")
		head, body, _ := strings.Cut(rest, "\n")
		status, kind, _ := strings.Cut(head, " ")
		s := sample{
			name: strings.TrimSuffix(filepath.Base(file), ".http"),
			path: strings.TrimPrefix(first, "POST "), request: request, kind: kind, body: body,
		}
		if s.status, err = strconv.Atoi(status); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, s)
	}
	return all
}

// golden compares a text with testdata/golden/name, or writes it there.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		var g, w string
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if g != w {
			t.Errorf("%s:%d\n got: %s\nwant: %s", path, i+1, g, w)
		}
	}
}
