package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// split returns the values of a stream, a "!" and the reason for each that is skipped, and
// the error at the end, nil for io.EOF.
func split(r io.Reader, limit int64) (texts []string, err error) {
	values := NewValues(r, limit)
	for {
		text, err := values.Next()
		var bad *ValueError
		switch {
		case errors.As(err, &bad):
			texts = append(texts, "!"+bad.Reason)
		case errors.Is(err, io.EOF):
			return texts, nil
		case err != nil:
			return texts, err
		default:
			texts = append(texts, string(text))
		}
	}
}

func TestValuesAreFoundHoweverTheyAreLaidOut(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		stream string
		want   []string
		err    error
	}{
		"nothing":             {stream: ""},
		"blanks":              {stream: " \n\t\r\n"},
		"empty list":          {stream: "[]"},
		"list":                {stream: `[{"a":1}, {"b":[2]}]`, want: []string{`{"a":1}`, `{"b":[2]}`}},
		"list of scalars":     {stream: `[1,"x" ,null]`, want: []string{`1`, `"x"`, `null`}},
		"brackets in strings": {stream: `[{"a":"]},{\"["},{}]`, want: []string{`{"a":"]},{\"["}`, `{}`}},
		"escaped backslash":   {stream: `[{"a":"\\"},{}]`, want: []string{`{"a":"\\"}`, `{}`}},
		"fault in a list":     {stream: `[{"a":1},{"a":NaN},{"b":1}]`, want: []string{`{"a":1}`}, err: ErrMalformed},
		"over many lines":     {stream: "{\n  \"a\": [\n    1\n  ]\n}\n", want: []string{"{\n  \"a\": [\n    1\n  ]\n}"}},
		"without newlines":    {stream: `{"a":1}{"b":2} {"c":3}`, want: []string{`{"a":1}`, `{"b":2}`, `{"c":3}`}},
		"list, then lines":    {stream: "[{}]\n{\"b\":2}\n[{\"c\":3},4]", want: []string{`{}`, `{"b":2}`, `{"c":3}`, `4`}},
		"no JSON at all":      {stream: "Dear diary,\ntoday\nI wrote\n", want: []string{"!it is not valid JSON"}},
		"text before objects": {stream: "# export of May\n# by me\n{\"a\":1}\n", want: []string{"!it is not valid JSON", `{"a":1}`}},
		"fault over lines":    {stream: "{\n  \"a\": NaN,\n  \"b\": {\n  }\n}\n{\"c\":1}", want: []string{"!it is not valid JSON", `{"c":1}`}},
		"byte order mark":     {stream: "\ufeff[{}]", want: []string{`{}`}},
		"no comma":            {stream: `[{}{"a":1}]`, want: []string{`{}`}, err: ErrMalformed},
		"cut off in list":     {stream: `[{"a":1},`, want: []string{`{"a":1}`}, err: ErrTruncated},
		"cut off in element":  {stream: `[{"a":1},{"b`, want: []string{`{"a":1}`}, err: ErrTruncated},
		"lines":               {stream: "{\"a\":1}\r\n\n {\"b\":2} \n", want: []string{`{"a":1}`, `{"b":2}`}},
		"no last newline":     {stream: "{}\n{\"b\":2}", want: []string{`{}`, `{"b":2}`}},
		"fault in a line":     {stream: "{\"a\":[\n{\"b\":2}", want: []string{"!it is not valid JSON", `{"b":2}`}},
		"long element": {
			stream: `[{"long":"` + strings.Repeat("x", 100) + `"},{}]`,
			want:   []string{"!it is longer than 100 bytes", "{}"},
		},
		"long element of lists": {
			stream: `[[[1,2],"` + strings.Repeat("x", 200) + `",{"a":[]}],7]`,
			want:   []string{"!it is longer than 100 bytes", "7"},
		},
		"long line": {
			stream: `{"long":"` + strings.Repeat("x", 100) + "\"}\n{}",
			want:   []string{"!it is longer than 100 bytes", "{}"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := split(strings.NewReader(tt.stream), 100)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("conversations (-want +got):\n%s", diff)
			}
			if !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
		})
	}
}

func TestValuesPassOnTheErrorOfTheirReader(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	for _, stream := range []string{"", "[", `[{"a":`, `{"a":1}`} {
		r := io.MultiReader(strings.NewReader(stream), iotest.ErrReader(broken))
		if _, err := split(r, 100); !errors.Is(err, broken) {
			t.Errorf("after %q: error %v, want %v", stream, err, broken)
		}
	}
}

// anyObject draws a JSON object of any form.
func anyObject(t *rapid.T) string {
	value := rapid.MapOf(rapid.String(), rapid.OneOf(
		rapid.Just[any](nil), rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.SliceOf(rapid.Int()), func(s []int) any { return s }),
		rapid.Map(rapid.MapOf(rapid.String(), rapid.String()), func(m map[string]string) any { return m }),
	)).Draw(t, "object")
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestValuesAreTheSameInListsAndLinesHoweverTheyAreRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		objects := rapid.SliceOf(rapid.Custom(anyObject)).Draw(t, "objects")
		for _, stream := range []string{"[" + strings.Join(objects, ",") + "]", strings.Join(objects, "\n")} {
			for _, r := range []io.Reader{strings.NewReader(stream), iotest.OneByteReader(strings.NewReader(stream))} {
				got, err := split(r, MaxConversation)
				if err != nil {
					t.Fatal(err)
				}
				if len(objects) > 0 && !cmp.Equal(objects, got) || len(got) != len(objects) {
					t.Fatalf("%q came back as %q", objects, got)
				}
			}
		}
	})
}

// FuzzRead checks that no stream makes reading fail otherwise than with an error, and
// that what is read is fit to be logged.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		`[{"messages":[{"role":"user","content":"x"}]}]`, "{\"traj\":[]}\n{", `[[],{"messages":[{"role":"tool"}]},1`,
		`[{"messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}],"timestamp":1e300}]}]`,
	} {
		f.Add([]byte(seed))
	}
	for _, stream := range []string{`[%s,%[1]s]`, "%s\n\n%[1]s", "\ufeff%s", `[%s`} {
		for _, name := range []string{"messages", "traj", "\\u0074raj", "none"} {
			for _, message := range []string{
				`{"role":"user","content":[{"type":"text","text":"\ud800\n"}]}`, `{"role":"tool","tool_call_id":7,"content":null}`,
				`{"role":"assistant","content":"a","timestamp":"2026-01-02T03:04:05Z"}`, `{"role":1}],"messages":[`,
			} {
				f.Add(fmt.Appendf(nil, stream, `{"`+name+`":[`+message+`]}`))
			}
		}
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		values := NewValues(bytes.NewReader(stream), MaxConversation)
		for {
			text, err := values.Next()
			var skipped *ValueError
			if errors.As(err, &skipped) {
				continue
			}
			if err != nil {
				return
			}
			var bad *ConversationError
			c, err := parse(values.Number(), text)
			if err != nil {
				if !errors.As(err, &bad) || bad.Number != values.Number() {
					t.Fatalf("parse failed with %#v", err)
				}
				continue
			}
			for _, m := range c.messages {
				if !json.Valid(m.raw) || bytes.ContainsAny(m.raw, "\r\n") {
					t.Fatalf("the message %q is not JSON in one line", m.raw)
				}
			}
		}
	})
}
