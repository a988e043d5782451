package main

import (
	"os"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

var small = fstest.MapFS{
	"a.md":      {Data: []byte("Preface about actors.\n# Actors\nAn actor has a mailbox. An actor has state.\n```sh\n# no heading\n```\n# Spool\nThe spool is a queue on disk.\n")},
	"sub/b.md":  {Data: []byte("## Mailboxes\nThe mailbox of the writer is a queue.\n## Empty\n")},
	"notes.txt": {Data: []byte("actor actor actor")},
}

func headings(hits []hit) []string {
	var out []string
	for _, h := range hits {
		out = append(out, h.File+" "+h.Heading)
	}
	return out
}

func TestSearchRanksSections(t *testing.T) {
	lib, err := openLibrary(small)
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]string{
		"actor":          {"a.md Actors"},
		"Queue on DISK?": {"a.md Spool", "sub/b.md Mailboxes"}, // two words beat one
		"mailbox actor":  {"a.md Actors", "sub/b.md Mailboxes"},
		"zebra":          nil,
		"":               nil,
	} {
		if diff := cmp.Diff(want, headings(lib.search(query, 2))); diff != "" {
			t.Errorf("search(%q) (-want +got):\n%s", query, diff)
		}
	}
	if found := lib.search("the", 1); len(found) != 1 {
		t.Errorf("%d hits, want no more than the one asked for", len(found))
	}
}

func TestSectionsAreWhatStandsBelowHeadings(t *testing.T) {
	lib, err := openLibrary(small)
	if err != nil {
		t.Fatal(err)
	}
	want := []section{
		{"a.md", "", "Preface about actors."},
		{"a.md", "Actors", "An actor has a mailbox. An actor has state.\n```sh\n# no heading\n```"},
		{"a.md", "Spool", "The spool is a queue on disk."},
		{"sub/b.md", "Mailboxes", "The mailbox of the writer is a queue."},
		{"sub/b.md", "Empty", ""},
	}
	if diff := cmp.Diff(want, lib.sections, cmp.AllowUnexported(section{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err := openLibrary(fstest.MapFS{"a.txt": {}}); err == nil {
		t.Error("a folder without documents was opened")
	}
}

func TestTheDocumentsAnswerTheQuestions(t *testing.T) {
	lib, err := openLibrary(os.DirFS("../../docs/internals"))
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range questions {
		if len(lib.search(q.text, hits)) != hits {
			t.Errorf("the documents say nothing about %q", q.text)
		}
		if _, ok := lib.files[q.file]; !ok {
			t.Errorf("there is no %s", q.file)
		}
	}
}
