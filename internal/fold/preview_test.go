package fold_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/fold"
)

func TestPreviewsOfMessages(t *testing.T) {
	for messages, want := range map[string]string{
		`[{"role":"system","content":"s"},{"role":"user","content":"hello"},{"role":"user","content":"more"}]`: "hello",
		`[{"role":"user","content":[{"type":"image_url"},{"type":"text","text":"look"}]}]`:                     "look",
		`[{"content":"hello","role":"user"}]`:                                                                  "hello",
		`[{"role":"user","parts":[{"text":"gemini"}]}]`:                                                        "gemini",
		`[{"role":"user","content":""},{"role":"user","content":"b"}]`:                                         "b",
		`[{"role":"assistant","content":"no"}]`:                                                                "",
		`["user",7,null,[],{"role":"user"}]`:                                                                   "",
		`{"role":"user","content":"no array"}`:                                                                 "",
		`[{"role":"user","content":"l\u00e9\n"}]`:                                                              "lé\n",
	} {
		if got := generation(`generation{id=g,action=update,data={"messages":` + messages + `}}`).First; got != want {
			t.Errorf("%s: %q, want %q", messages, got, want)
		}
	}
}

func TestPreviewsOfAnswers(t *testing.T) {
	for result, want := range map[string]string{
		`{"choices":[{"message":{"role":"assistant","content":"chat"}},{"message":{"content":"second"}}]}`: "chat",
		`{"choices":[{"text":"completion"}]}`:                                                                                     "completion",
		`{"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"anthropic"}]}`:                                    "anthropic",
		`{"output":[{"type":"reasoning","summary":[]},{"type":"message","content":[{"type":"output_text","text":"responses"}]}]}`: "responses",
		`{"candidates":[{"content":{"parts":[{"text":"gemini"}]}}]}`:                                                              "gemini",
		`{"output":{"message":{"content":[{"text":"bedrock"}]}}}`:                                                                 "bedrock",
		`{"choices":[{"message":{"content":null,"tool_calls":[{}]}}]}`:                                                            "",
		`"text"`: "",
	} {
		if got := generation(`generation{id=g,action=result,data={"result":` + result + `}}`).Last; got != want {
			t.Errorf("%s: %q, want %q", result, got, want)
		}
	}
}

func TestPreviewsAreShort(t *testing.T) {
	for _, text := range []string{strings.Repeat("é", 5000), strings.Repeat(`\u00e9`, 5000), strings.Repeat(`\"`, 5000), "x" + strings.Repeat(`\ud83d\ude00`, 1000)} {
		e := fold.Fold(repo, numbered(`trace{id=t,action=create,data={"input":"`+text+`","output":["`+text+`"]}}`))[trace("t")]
		if first, last := utf8.RuneCountInString(e.First), utf8.RuneCountInString(e.Last); first != fold.MaxPreview || last != fold.MaxPreview {
			t.Errorf("%.10s…: %d and %d characters", text, first, last)
		}
		if strings.ContainsAny(e.First, "\\\uFFFD") {
			t.Errorf("%.10s… is cut within a character: %q", text, e.First)
		}
	}
}

func TestDeepContentHasNoPreview(t *testing.T) {
	deep := strings.Repeat(`{"content":`, 500) + `"x"` + strings.Repeat("}", 500)
	if got := generation(`generation{id=g,action=update,data={"messages":[{"role":"user","content":` + deep + `}]}}`).First; got != "" {
		t.Errorf("%q", got)
	}
}

func TestMetadataIsKeptAsFarAsItIsScalar(t *testing.T) {
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf(`"k%02d":%d`, i, i))
	}
	e := fold.Fold(repo, numbered(
		`trace{id=t,action=create,data={"metadata":{"a":"x","b":7,"c":true,"d":[1],"e":null,"f":{"g":1}}}}`,
		`trace{id=t,action=update,data={"metadata":{"a":{"now":"deep"},"b":8}}}`))[trace("t")]
	if diff := cmp.Diff(map[string]string{"b": "8", "c": "true"}, e.Meta); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	e = fold.Fold(repo, numbered(`trace{id=t,action=create,data={"metadata":{`+strings.Join(many, ",")+`}}}`))[trace("t")]
	if len(e.Meta) != fold.MaxMeta || e.Meta["k00"] != "0" || e.Meta["k99"] != "" {
		t.Errorf("%d members", len(e.Meta))
	}
}
