package fold_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/storetest"
	"github.com/troupelog/troupe/pricing"
)

const repo = "r"

var base = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

// numbered makes lines of one sender.
func numbered(texts ...string) []fold.Line {
	lines := make([]fold.Line, len(texts))
	for i, text := range texts {
		lines[i] = fold.Line{Recv: base, Spool: [16]byte{1}, Seq: uint64(i + 1), Text: []byte(text)}
	}
	return lines
}

func trace(id string) fold.Key { return fold.KeyOf(repo, protocol.Ref{Kind: protocol.Trace, ID: id}) }

// build returns the tree of trace t.
func build(lines []fold.Line) (*fold.Node, fold.Totals) {
	var entities []fold.Entity
	for _, e := range fold.Fold(repo, lines) {
		entities = append(entities, e)
	}
	node, totals, err := fold.Build(context.Background(), repo, trace("t"), entities, lines)
	if err != nil {
		panic(err) // the context never ends
	}
	return node, totals
}

func TestAnyPermutationGivesTheSameTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := numbered(storetest.Lines(t)...)
		for i := range lines { // of several senders, received in any order
			lines[i].Spool[0] = byte(rapid.IntRange(1, 3).Draw(t, "sender"))
			lines[i].Recv = base.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "received")) * time.Second)
		}
		permuted := rapid.Permutation(lines).Draw(t, "permuted")
		wantTree, wantTotals := build(slices.Clone(lines))
		gotTree, gotTotals := build(slices.Clone(permuted))
		if diff := cmp.Diff(wantTree, gotTree, cmpopts.IgnoreUnexported(fold.Node{})); diff != "" {
			t.Fatalf("tree: -want +got:\n%s", diff)
		}
		if diff := cmp.Diff(wantTotals, gotTotals); diff != "" {
			t.Fatalf("totals: -want +got:\n%s", diff)
		}
		if diff := cmp.Diff(fold.Fold(repo, lines), fold.Fold(repo, permuted)); diff != "" {
			t.Fatalf("entities: -want +got:\n%s", diff)
		}
	})
}

func TestTreesAreValidJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree, _ := build(numbered(storetest.Lines(t)...))
		text, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		var again fold.Node
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatal(err)
		}
	})
}

func TestSortKeepsEachSendersOrder(t *testing.T) {
	at := func(spool byte, seq uint64, second int) fold.Line {
		return fold.Line{Spool: [16]byte{spool}, Seq: seq, Recv: base.Add(time.Duration(second) * time.Second)}
	}
	// Line 1 of sender 1 came late, behind its line 2 and behind sender 2.
	lines := []fold.Line{at(1, 2, 1), at(2, 1, 2), at(1, 1, 3), at(1, 3, 4), at(2, 2, 4)}
	fold.Sort(lines)
	var got []string
	for _, l := range lines {
		got = append(got, fmt.Sprintf("%d:%d", l.Spool[0], l.Seq))
	}
	if diff := cmp.Diff("2:1 1:1 1:2 1:3 2:2", strings.Join(got, " ")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFieldsOfANode(t *testing.T) {
	tests := map[string]struct {
		lines []string
		want  fold.Node
	}{
		"null erases nothing": {
			[]string{`{"name":"a","input":"i","sessionId":"s"}`, `{"name":null,"input":null,"sessionId":null}`},
			fold.Node{Name: "a", Input: raw(`"i"`), SessionID: "s"},
		},
		"the last scalar wins": {
			[]string{`{"name":"a","output":1}`, `{"name":"b","output":{"x":2}}`},
			fold.Node{Name: "b", Output: raw(`{"x":2}`)},
		},
		"tags merge and null deletes": {
			[]string{`{"tags":{"a":"1","b":"2"}}`, `{"tags":{"b":null,"c":3}}`},
			fold.Node{Tags: map[string]json.RawMessage{"a": raw(`"1"`), "c": raw("3")}},
		},
		"tags that are no object are kept elsewhere": {
			[]string{`{"tags":["x"]}`}, fold.Node{Other: map[string]json.RawMessage{"tags": raw(`["x"]`)}},
		},
		"unknown fields are kept": {
			[]string{`{"foo":1}`, `{"foo":2,"bar":NaN}`}, fold.Node{Other: map[string]json.RawMessage{"foo": raw("2")}},
		},
		"messages append": {
			[]string{`{"messages":["a"]}`, `{"messages":["b","c"]}`}, fold.Node{Messages: []json.RawMessage{raw(`"a"`), raw(`"b"`), raw(`"c"`)}},
		},
		"results leave attempts": {
			[]string{`{"result":1}`, `{"result":2}`}, fold.Node{Result: raw("2"), Attempts: []json.RawMessage{raw("1")}},
		},
		"a named metric": {
			[]string{`{"metrics":{"name":"m","value":1}}`, `{"metrics":{"n":2}}`},
			fold.Node{Metrics: map[string]json.RawMessage{"m": raw("1"), "n": raw("2")}},
		},
		"text that is no UTF-8": {[]string{"{\"name\":\"a\xff\"}"}, fold.Node{Name: "a\uFFFD"}},
		"no object":             {[]string{`null`, `[1]`, `"x"`}, fold.Node{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var lines []string
			for _, data := range tt.lines {
				lines = append(lines, `trace{id=t,action=update,data=`+data+`}`)
			}
			got, _ := build(numbered(lines...))
			tt.want.Kind, tt.want.ID, tt.want.Status, tt.want.Lines = "trace", "t", "partial", len(lines)
			if diff := cmp.Diff(tt.want, *got, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(fold.Node{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func raw(text string) json.RawMessage { return json.RawMessage(text) }

func TestStartAndEnd(t *testing.T) {
	at := func(second int) string { return fmt.Sprintf(`"2026-01-02T00:00:%02dZ"`, second) }
	create := func(second int) string { return `trace{id=t,action=create,data={"startTimestamp":` + at(second) + `}}` }
	update := func(data string) string { return `trace{id=t,action=update,data={` + data + `}}` }
	const end = `trace{id=t,action=end,data={}}`
	tests := map[string]struct {
		lines      []string
		start, end int // seconds, -1 if unknown
		status     string
	}{
		"the first begin wins":           {[]string{create(3), create(1)}, 3, -1, "open"},
		"an update sets the start":       {[]string{create(3), update(`"startTimestamp":` + at(5))}, 5, -1, "open"},
		"a begin without a start":        {[]string{`trace{id=t,action=create,data={}}`, create(2)}, 2, -1, "open"},
		"an end without a time":          {[]string{create(1), end}, 1, -1, "ended"},
		"the last end wins":              {[]string{create(1), update(`"endTimestamp":` + at(2)), update(`"endTimestamp":` + at(4))}, 1, 4, "ended"},
		"an end before the begin":        {[]string{update(`"endTimestamp":` + at(2)), create(1)}, 1, 2, "ended"},
		"seconds":                        {[]string{update(`"startTimestamp":1767312003`)}, 3, -1, "partial"},
		"seconds with a fraction":        {[]string{update(`"startTimestamp":1767312003.0000001`)}, 3, -1, "partial"},
		"milliseconds":                   {[]string{update(`"startTimestamp":1767312003000`)}, 3, -1, "partial"},
		"microseconds":                   {[]string{update(`"startTimestamp":1767312003000000`)}, 3, -1, "partial"},
		"nanoseconds":                    {[]string{update(`"startTimestamp":1767312003000000999`)}, 3, -1, "partial"},
		"nanoseconds as a float":         {[]string{update(`"startTimestamp":1.767312003e18`)}, 3, -1, "partial"},
		"seconds as a float":             {[]string{update(`"startTimestamp":1.767312003E+9`)}, 3, -1, "partial"},
		"a number in quotes":             {[]string{update(`"startTimestamp":"1767312003000000000"`)}, 3, -1, "partial"},
		"a year in quotes":               {[]string{update(`"startTimestamp":"2026"`)}, -1, -1, "partial"},
		"without a zone":                 {[]string{update(`"startTimestamp":"2026-01-02T00:00:03"`)}, 3, -1, "partial"},
		"another zone":                   {[]string{update(`"startTimestamp":"2026-01-02T05:30:03.000000+05:30"`)}, 3, -1, "partial"},
		"no time":                        {[]string{update(`"startTimestamp":"soon","endTimestamp":[1]`)}, -1, -1, "partial"},
		"out of the calendar":            {[]string{update(`"startTimestamp":1e300,"endTimestamp":-1e30`)}, -1, -1, "partial"},
		"an error fails its parent":      {[]string{create(1), `trace{id=t,action=add-error,data={"message":"m"}}`, end}, 1, -1, "error"},
		"a later update does not reopen": {[]string{create(1), end, update(`"name":"n"`)}, 1, -1, "ended"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := fold.Fold(repo, numbered(tt.lines...))[trace("t")]
			second := func(at time.Time) int {
				if at.IsZero() {
					return -1
				}
				return int(at.Sub(base).Seconds())
			}
			want := fmt.Sprint(tt.start, tt.end, tt.status)
			if got := fmt.Sprint(second(e.Start), second(e.End), e.Status()); got != want {
				t.Errorf("start, end and status are %s, want %s", got, want)
			}
		})
	}
}

func TestUsageOfProviders(t *testing.T) {
	tests := map[string]struct {
		result string
		want   pricing.Usage
	}{
		"chat completions": {`{"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":1},"completion_tokens_details":{"reasoning_tokens":1}}}`, pricing.Usage{Input: 3, Output: 2, Total: 5, CacheRead: 1, Reasoning: 1}},
		"responses":        {`{"usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5,"output_tokens_details":{"reasoning_tokens":1}}}`, pricing.Usage{Input: 3, Output: 2, Total: 5, Reasoning: 1}},
		"anthropic":        {`{"usage":{"input_tokens":3,"output_tokens":2,"cache_read_input_tokens":10,"cache_creation_input_tokens":20}}`, pricing.Usage{Input: 33, Output: 2, Total: 35, CacheRead: 10, CacheWrite: 20}},
		"a gateway":        {`{"usage":{"prompt_tokens":33,"completion_tokens":2,"total_tokens":35,"cache_read_input_tokens":10,"cache_creation_input_tokens":20}}`, pricing.Usage{Input: 33, Output: 2, Total: 35, CacheRead: 10, CacheWrite: 20}},
		"sound":            {`{"usage":{"prompt_tokens":9,"completion_tokens":8,"prompt_tokens_details":{"audio_tokens":4},"completion_tokens_details":{"audio_tokens":3}}}`, pricing.Usage{Input: 9, Output: 8, Total: 17, AudioInput: 4, AudioOutput: 3}},
		"gemini":           {`{"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":10,"thoughtsTokenCount":1,"toolUsePromptTokenCount":4,"cachedContentTokenCount":2}}`, pricing.Usage{Input: 7, Output: 3, Total: 10, CacheRead: 2, Reasoning: 1}},
		"bedrock":          {`{"usage":{"inputTokens":3,"outputTokens":2,"totalTokens":15,"cacheReadInputTokens":10}}`, pricing.Usage{Input: 13, Output: 2, Total: 15, CacheRead: 10}},
		"nonsense":         {`{"usage":{"prompt_tokens":-1,"completion_tokens":1e300,"total_tokens":"x"}}`, pricing.Usage{}},
		"no object":        {`{"usage":null}`, pricing.Usage{}},
		"no result":        {`"text"`, pricing.Usage{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			key := fold.KeyOf(repo, protocol.Ref{Kind: protocol.Generation, ID: "g"})
			e := fold.Fold(repo, numbered(`generation{id=g,action=result,data={"result":`+tt.result+`}}`))[key]
			if diff := cmp.Diff(tt.want, e.Usage); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestALaterResultDecidesWhetherAGenerationFailed(t *testing.T) {
	const failed, ok = `generation{id=g,action=result,data={"result":{"error":{"message":"m"}}}}`, `generation{id=g,action=result,data={"result":{"error":null}}}`
	key := fold.KeyOf(repo, protocol.Ref{Kind: protocol.Generation, ID: "g"})
	for _, tt := range []struct {
		lines []string
		want  bool
	}{{[]string{failed}, true}, {[]string{failed, ok}, false}, {[]string{ok, failed}, true}} {
		if got := fold.Fold(repo, numbered(tt.lines...))[key].Failed; got != tt.want {
			t.Errorf("failed is %v after %d results, want %v", got, len(tt.lines), tt.want)
		}
	}
}

func TestChildren(t *testing.T) {
	tree, _ := build(numbered(
		`trace{id=t,action=add-span,data={"id":"a","startTimestamp":"2026-01-02T00:00:02Z"}}`,
		`trace{id=t,action=add-span,data={"name":"no start, no id"}}`,
		`trace{id=t,action=add-span,data={"id":"b","startTimestamp":"2026-01-02T00:00:01Z"}}`,
		`span{id=a,action=add-generation,data={"id":"g"}}`,
		`span{id=b,action=add-generation,data={"id":"g"}}`, // the first parent wins
		`span{id=lost,action=create,data={}}`,
		`widget{id=w,action=create,data={}}`,
	))
	var got []string
	for _, child := range tree.Children {
		got = append(got, fmt.Sprintf("%s %s %d", child.ID[:1], child.Name, len(child.Children)))
	}
	if diff := cmp.Diff([]string{"b  0", "a  1", "a no start, no id 0"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !strings.HasPrefix(tree.Children[2].ID, "anon-") {
		t.Errorf("a span without an id has id %q", tree.Children[2].ID)
	}
}

func TestLongTextsAreClippedInThinEntitiesOnly(t *testing.T) {
	name := strings.Repeat("é", 5000)
	lines := numbered(`trace{id=t,action=create,data={"name":"` + name + `","tags":{"k":"` + name + `"}}}`)
	e := fold.Fold(repo, lines)[trace("t")]
	if len(e.Name) != 1024 || len(e.Tags["k"]) != 1024 {
		t.Errorf("lengths %d and %d, want 1024", len(e.Name), len(e.Tags["k"]))
	}
	if tree, _ := build(lines); tree.Name != name {
		t.Error("the tree does not have the whole name")
	}
}

func TestLargeLog(t *testing.T) {
	for line, want := range map[string]string{
		`storage{id=u,action=process-large-log,data={"key":"r/large-logs/u"}}`:  "r/large-logs/u",
		`storage{id=u,action=process-large-log,data={"key": "a\u002fb"}}`:       "a/b",
		`storage{id=u,action=other,data={"key":"k"}}`:                           "",
		`storage{id=u,action=process-large-log,data=null}`:                      "",
		`storages{id=u,action=process-large-log,data={"key":"k"}}`:              "",
		`trace{id=u,action=process-large-log,data={"key":"r/large-logs/u"}}`:    "",
		`storage{id=u,action=process-large-log,data={"key":"r/large-logs/u"}} `: "",
	} {
		if got, ok := fold.LargeLog([]byte(line)); got != want || ok != (want != "") {
			t.Errorf("%s: key %q, %v; want %q", line, got, ok, want)
		}
	}
}

// FuzzFold checks that no lines make a fold panic or a tree that is not JSON.
func FuzzFold(f *testing.F) {
	f.Add("trace{id=t,action=create,data={\"tags\":{\"a\":null}}}\ntrace{id=t,action=add-span,data={\"id\":\"t\"}}\nspan{id=t,action=end,data=null}")
	f.Add("trace{id=t,action=result,data={\"result\":{\"usage\":{\"prompt_tokens\":NaN}},\"metrics\":{\"name\":\"m\",\"value\":1}}}")
	f.Add("trace{id=t,action=add-trace,data={\"id\":\"t\",\"sessionId\":7,\"startTimestamp\":-1,\"messages\":{}}}\nsession{id=7,action=add-trace,data={}}")
	for _, entity := range []string{"trace", "session", "span", "generation", "retrieval"} {
		for _, action := range []string{"create", "update", "end", "result", "add-feedback", "add-attachment"} {
			for _, data := range []string{
				`{"id":"t","name":"\ud800","tags":{"a":[]},"startTimestamp":"2026-13-01"}`,
				`{"id":7,"parent":"t","score":1e400,"output":{"t":null},"endTimestamp":"2026-01-02T03:04:05.678901+00:00"}`,
			} {
				f.Add("trace{id=t,action=create,data={}}\n" + entity + "{id=t,action=" + action + ",data=" + data + "}")
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		tree, _ := build(numbered(strings.Split(text, "\n")...))
		if tree == nil {
			return
		}
		if _, err := json.Marshal(tree); err != nil {
			t.Fatal(err)
		}
	})
}
