package main

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/troupelog/troupe/logger"
)

func TestGeneratedFileIsCurrent(t *testing.T) {
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../logger/seed_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("logger/seed_gen.go is not what internal/seedgen generates: run go generate ./logger")
	}
}

// handles has the handle of each kind of entity, by its name in the seed.
var handles = map[string]any{
	"session": logger.Session{}, "trace": logger.Trace{}, "span": logger.Span{},
	"generation": logger.Generation{}, "retrieval": logger.Retrieval{}, "tool_call": logger.ToolCall{},
}

// TestSeedIsCovered checks that every call of the seed is a method of *logger.Logger and,
// if it begins with a kind of entity, of that entity's handle too, without the kind.
func TestSeedIsCovered(t *testing.T) {
	list, err := os.ReadFile("testdata/seed.txt")
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(string(list))
	if len(names) != 61 {
		t.Errorf("testdata/seed.txt has %d names, want 61", len(names))
	}
	for _, name := range names {
		if _, ok := reflect.TypeFor[*logger.Logger]().MethodByName(goName(name)); !ok {
			t.Errorf("*logger.Logger has no method %s", goName(name))
		}
		for kind, handle := range handles {
			verb, ok := strings.CutPrefix(name, kind+"_")
			if !ok {
				continue
			}
			if _, ok := reflect.TypeOf(handle).MethodByName(goName(verb)); !ok {
				t.Errorf("%T has no method %s", handle, goName(verb))
			}
		}
	}
}

// goName returns a name of the seed as Go spells it.
func goName(name string) string {
	if name == "id" {
		return "ID"
	}
	var b strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}
