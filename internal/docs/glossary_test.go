package docs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// glossary lists the words that docs/internals/architecture.md must explain.
var glossary = []string{
	"entity", "kind", "handle", "command", "entry", "line", "root", "route", "order key", "destination", "backend", "spool", "slot",
	"ownerless slot", "producer", "drainer", "batch sender", "throttle", "permit", "dead letter", "ledger", "counters", "auto-ended",
	"detached", "salvaged", "quarantined", "suspicious call", "index", "project", "indexed", "fold", "root row", "rollup", "snippet",
	"prune", "grace", "draining", "passive", "repository", "start time", "end time", "time",
}

// section returns the part of a page below a heading, up to the next one of its level.
func section(t *testing.T, page, heading string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("%s has no section %q", page, heading)
	}
	level, _, _ := strings.Cut(heading, " ")
	before, _, _ := strings.Cut(after, "\n"+level+" ")
	return before
}

func TestGlossaryExplainsEachWordOnce(t *testing.T) {
	var explained []string
	for line := range strings.Lines(section(t, "docs/internals/architecture.md", "## Words")) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for word := range strings.SplitSeq(cells[1], ",") {
				explained = append(explained, strings.TrimSpace(word))
			}
		}
	}
	for _, word := range glossary {
		if n := count(explained, word); n != 1 {
			t.Errorf("the first column of docs/internals/architecture.md, section Words, has %q %d times, want once", word, n)
		}
	}
}

func count(words []string, word string) int {
	n := 0
	for _, w := range words {
		if w == word {
			n++
		}
	}
	return n
}

// templates returns the files of user interfaces that hold text.
func templates(t *testing.T) []Page {
	t.Helper()
	var found []Page
	for _, suffix := range []string{".html", ".js"} {
		err := walk(root, suffix, func(file, rel string) error {
			text, err := os.ReadFile(file)
			found = append(found, Page{rel, string(text)})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 10 {
		t.Fatalf("only %d templates found", len(found))
	}
	return found
}

const glossaryHeading = `Uses of retired words, by folder: see retired.go. The counts may only fall:
go test ./internal/docs -update records lower ones. After a merge conflict take either side and update.`

func TestRetiredWordsDoNotComeBack(t *testing.T) {
	pages, err := Pages(root)
	if err != nil {
		t.Fatal(err)
	}
	sources := allSources(t)
	found := findRetiredTexts(sources, slices.Concat(pages, templates(t)))
	findRetiredNames(found, sources)
	for file, lines := range publicAPI(t) {
		findRetiredAPI(found, strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".txt"), "-", "/"), lines)
	}
	holdRatchet(t, "testdata/glossary.txt", glossaryHeading, found)
}

func TestRetiredNamesAreFound(t *testing.T) {
	found := Findings{}
	findRetiredAPI(found, "logger", []string{
		"field Config.OrphanAfter time.Duration",
		"field Config.AutoEndAfter time.Duration",
		"const Memory Durability",
		"const MemoryOnly Durability",
		"method (*Trace) AddSpan(SpanConfig) *Span",
		"method (*Trace) Span(SpanConfig) *Span // deprecated",
		"method (Trace) AddSpan(SpanConfig) Span",
	})
	if got := len(found["api logger"]); got != 3 {
		t.Errorf("found %v, want one line for each of 3 rules", found)
	}
	found = findRetiredTexts(nil, []Page{{"a.md", "Each sink\nsinks, [it](a-sink.md). A kitchensink, a heatsinks. The\naccount."}})
	if got, want := found.Totals()["sink|sinks → destination"], 2; got != want {
		t.Errorf("found %d sinks, want %d", got, want)
	}
	if got, want := found["pages ."]["the account|an account|accounts → counters; sign-up"], []string{"a.md:2"}; !slices.Equal(got, want) {
		t.Errorf("found the account at %v, want %v", got, want)
	}
}
