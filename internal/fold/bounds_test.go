package fold_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
)

func TestAnEntityKeepsABoundedNumberOfTags(t *testing.T) {
	var object []string
	for i := range 300 {
		object = append(object, fmt.Sprintf(`"k%d":"%d"`, i, i))
	}
	lines := numbered(
		`trace{id=t,action=create,data={"tags":{`+strings.Join(object, ",")+`,"k0":"first","k0":"last"}}}`,
		`trace{id=t,action=update,data={"tags":{"k1":null,"room":"made","none":"left"}}}`)
	e := fold.Fold(repo, lines)[trace("t")]
	got := []any{len(e.Tags), e.Tags["k0"], e.Tags["k1"], e.Tags["k255"], e.Tags["k256"], e.Tags["room"], e.Tags["none"]}
	if diff := cmp.Diff([]any{fold.MaxTags, "last", "", "255", "", "made", ""}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if tree, _ := build(lines); len(tree.Tags) != 301 {
		t.Errorf("the tree has %d tags, want 301", len(tree.Tags))
	}
}

func TestIDsInDataThatAreTooLongBecomeSafeOnes(t *testing.T) {
	id := strings.Repeat("x", protocol.MaxID)
	lines := numbered(
		`trace{id=t,action=create,data={"sessionId":"`+id+`y"}}`,
		`trace{id=t,action=add-span,data={"id":"`+id+`"}}`,
		`trace{id=t,action=add-span,data={"id":"`+id+`y"}}`)
	tree, _ := build(lines)
	safe := protocol.SafeID(id + "y")
	if len(tree.Children) != 2 || tree.Children[0].ID != id || tree.Children[1].ID != safe || tree.SessionID != safe {
		t.Errorf("%d children; session of %d bytes", len(tree.Children), len(tree.SessionID))
	}
	if _, ok := fold.Fold(repo, lines)[fold.KeyOf(repo, protocol.Ref{Kind: protocol.Session, ID: id + "y"})]; !ok {
		t.Error("the session is not found by the id as it was given")
	}
}

func TestATraceIsTheTopOfItsTree(t *testing.T) {
	lines := numbered(
		`trace{id=t,action=add-trace,data={"id":"u"}}`, `trace{id=u,action=add-trace,data={"id":"t"}}`,
		`trace{id=t,action=add-span,data={"id":"s"}}`, `span{id=s,action=add-trace,data={"id":"t"}}`)
	entities := fold.Fold(repo, lines)
	if entities[trace("t")].Parent != (fold.Key{}) || entities[trace("u")].Parent != (fold.Key{}) {
		t.Error("a trace hangs below something")
	}
	if _, totals := build(lines); totals.Entities["span"] != 1 || totals.Entities["trace"] != 1 {
		t.Errorf("the tree has %v", totals.Entities)
	}
}

func TestDeepTreesKeepEverythingAtTheLastLevel(t *testing.T) {
	const spans = fold.MaxDepth + 50
	var lines []string
	parent := "trace{id=t"
	for i := range spans {
		lines = append(lines, fmt.Sprintf(`%s,action=add-span,data={"id":"s%d"}}`, parent, i))
		parent = fmt.Sprintf("span{id=s%d", i)
	}
	tree, totals := build(numbered(lines...))
	depth, last := 0, 0
	for n := tree; len(n.Children) > 0; n = n.Children[0] {
		depth, last = depth+1, len(n.Children)
	}
	if diff := cmp.Diff([]int{fold.MaxDepth, 51, spans}, []int{depth, last, totals.Entities["span"]}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestBuildEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	lines := numbered(`trace{id=t,action=create,data={}}`)
	_, _, err := fold.Build(ctx, repo, trace("t"), []fold.Entity{fold.Fold(repo, lines)[trace("t")]}, lines)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A late line of one entity must not change the order of lines about another.
func TestAnEntityIsFoldedFromItsOwnLinesOnly(t *testing.T) {
	at := func(spool byte, seq uint64, second int, text string) fold.Line {
		return fold.Line{Spool: [16]byte{spool}, Seq: seq, Recv: base.Add(time.Duration(second) * time.Second), Text: []byte(text)}
	}
	lines := []fold.Line{
		at(1, 2, 1, `trace{id=t,action=update,data={"name":"first"}}`),
		at(2, 1, 5, `trace{id=t,action=update,data={"name":"second"}}`),
		at(1, 1, 9, `trace{id=t,action=add-span,data={"id":"s"}}`), // late, and about t: its line 2 counts as received now
		at(3, 2, 1, `trace{id=u,action=update,data={"name":"first"}}`),
		at(4, 1, 5, `trace{id=u,action=update,data={"name":"second"}}`),
		at(3, 1, 9, `span{id=other,action=update,data={}}`), // late, and not about u
	}
	entities := fold.Fold(repo, lines)
	var all []fold.Entity
	for _, e := range entities {
		all = append(all, e)
	}
	for id, want := range map[string]string{"t": "first", "u": "second"} {
		tree, _, err := fold.Build(context.Background(), repo, trace(id), all, lines)
		if err != nil {
			t.Fatal(err)
		}
		if got := entities[trace(id)].Name; got != want || tree.Name != want {
			t.Errorf("trace %s is named %q in lists and %q in its tree, want %q", id, got, tree.Name, want)
		}
	}
}
