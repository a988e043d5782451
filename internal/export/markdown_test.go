package export

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/fold"
)

// outside is every line that may stand outside of fences, with its code spans taken out.
var outside = regexp.MustCompile(`^(|#{1,6} (session|trace|span|generation|retrieval|tool_call|error|S) S( \(level \d+\))?|` +
	`- (status|id|session|model|provider|started|took|used|cost|tag S|tag): S|\*\*(sent|answer)\*\* S|\*\*sent\*\* the first \d+ messages as in S|` +
	`(description|parameters|input|message|arguments|output|result|earlier result|documents|error type|code|error|metadata|metrics|event|feedback|` +
	`evaluation|attachment|other|reasoning|refusal|((image|audio|file)( of \d+ characters of base64)?|(call|result|failure) of)( S)?):)$`)

// withoutSpans puts S for each code span of a line, read as CommonMark reads them.
func withoutSpans(line string) string {
	var b strings.Builder
	for {
		start := strings.IndexByte(line, '`')
		if start < 0 {
			return b.String() + line
		}
		b.WriteString(line[:start])
		line = line[start:]
		size := len(line) - len(strings.TrimLeft(line, "`"))
		end := size
		for {
			next := strings.IndexByte(line[end:], '`')
			if next < 0 {
				return b.String() + line // an open span
			}
			end += next
			run := len(line[end:]) - len(strings.TrimLeft(line[end:], "`"))
			if end += run; run == size {
				break
			}
		}
		b.WriteString("S")
		line = line[end:]
	}
}

var fenceLine = regexp.MustCompile("^(`{3,})(text|json)$")

// checkMarkdown checks that what was logged stands in fences and code spans only.
func checkMarkdown(t fataler, text string) {
	t.Helper()
	fence := ""
	for l := range strings.SplitSeq(strings.ReplaceAll(text, "\r", "\n"), "\n") {
		switch {
		case fence != "":
			if run := strings.TrimSpace(l); len(run) >= len(fence) && strings.Trim(run, "`") == "" {
				fence = ""
			}
		case l == "":
		case fenceLine.MatchString(l):
			fence = fenceLine.FindStringSubmatch(l)[1]
		case !outside.MatchString(withoutSpans(l)):
			t.Fatalf("a line that is not ours stands outside of fences: %q in %q", l, text)
		}
	}
	if fence != "" {
		t.Fatal("a fence is open at the end")
	}
	if i := strings.IndexFunc(text, hidden); i >= 0 {
		t.Fatalf("a hidden character at %d: %.20q", i, text[i:])
	}
}

func TestAFenceIsLongerThanAnyInIt(t *testing.T) {
	t.Parallel()
	got := output(t, Markdown, &fold.Node{Kind: "trace", ID: "t", Output: []byte("\"a\\n`````\\nb\"")})
	if want := "\n``````text\na\n`````\nb\n``````\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want it to end in %q", got, want)
	}
}

func TestLongBase64IsLeftOutAndCounted(t *testing.T) {
	t.Parallel()
	run := strings.Repeat("aB3/", 500)
	for text, want := range map[string]string{
		"see " + run + ".":           "see [2000 characters of base64 left out].",
		strings.Repeat("-", 2000):    strings.Repeat("-", 2000),
		run[:minBase64-1]:            run[:minBase64-1],
		run + "\n" + run[:1024] + "": "[2000 characters of base64 left out]\n[1024 characters of base64 left out]",
	} {
		if got := clean(text); got != want {
			t.Errorf("got %.80q, want %.80q", got, want)
		}
	}
}

func TestHeadingsDeeperThanMarkdownHasSayTheirLevel(t *testing.T) {
	t.Parallel()
	n := &fold.Node{Kind: "span", ID: "s"}
	for range 7 {
		n = &fold.Node{Kind: "span", ID: "s", Children: []*fold.Node{n}}
	}
	got := output(t, Markdown, n)
	checkMarkdown(t, got)
	if !strings.Contains(got, "\n###### span `s` (level 8)\n") {
		t.Errorf("no heading of level 8 in %s", got)
	}
}

func TestMessagesThatTheGenerationBeforeHasAreNotRepeated(t *testing.T) {
	t.Parallel()
	says := func(role, text string) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`{"role":%q,"content":%q}`, role, text))
	}
	n := &fold.Node{Kind: "trace", ID: "t", Children: []*fold.Node{
		{
			Kind: "generation", ID: "g1", Messages: []json.RawMessage{says("user", "one")},
			Result: json.RawMessage(`{"choices":[{"message":{"role":"assistant","content":"two"}}]}`),
		},
		{Kind: "generation", ID: "g2", Messages: []json.RawMessage{says("user", "one"), says("assistant", "two"), says("user", "three")}},
		{Kind: "generation", ID: "g3", Messages: []json.RawMessage{says("user", "four")}},
	}}
	got := output(t, Markdown, n)
	checkMarkdown(t, got)
	if strings.Count(got, "\none\n") != 1 || strings.Count(got, "\ntwo\n") != 1 || strings.Count(got, "\nfour\n") != 1 ||
		!strings.Contains(got, "\n**sent** the first 2 messages as in `g1`\n\n**sent** `user`\n\n```text\nthree\n```\n") {
		t.Errorf("wrong messages in %s", got)
	}
	if got := output(t, HTML, n); !strings.Contains(got, "<p>The first 2 messages are those of <bdi>g1</bdi>.</p>") {
		t.Errorf("wrong messages in %s", got)
	}
}
