package wire_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/wire"
)

func TestParseWellFormed(t *testing.T) {
	tests := map[string]struct {
		line string
		want wire.Line
	}{
		"plain":             {`trace{id=t1,action=create,data={"a":1}}`, wire.Line{"trace", "t1", "create", []byte(`{"a":1}`)}},
		"null data":         {`tool_call{id=c,action=update,data=null}`, wire.Line{"tool_call", "c", "update", []byte(`null`)}},
		"spaces in data":    {`span{id=s,action=end,data={"a": [1, 2]} }`, wire.Line{"span", "s", "end", []byte(`{"a": [1, 2]} `)}},
		"unknown entity":    {`widget{id=w,action=spin,data={}}`, wire.Line{"widget", "w", "spin", []byte(`{}`)}},
		"storage":           {`storage{id=u,action=process-large-log,data={"key":"r/large-logs/u"}}`, wire.Line{"storage", "u", "process-large-log", []byte(`{"key":"r/large-logs/u"}`)}},
		"odd id":            {`trace{id=a b=c,d{}é,action=create,data={}}`, wire.Line{"trace", "a b=c,d{}é", "create", []byte(`{}`)}},
		"action text in id": {`trace{id=x,action=,y,action=end,data={}}`, wire.Line{"trace", "x,action=,y", "end", []byte(`{}`)}},
		"a line in data": {`trace{id=t,action=update,data={"input":"x{id=y,action=end,data={}}"}}`,
			wire.Line{"trace", "t", "update", []byte(`{"input":"x{id=y,action=end,data={}}"}`)}},
		"non-finite":     {`trace{id=t,action=update,data={"m":[NaN,Infinity,-Infinity]}}`, wire.Line{"trace", "t", "update", []byte(`{"m":[NaN,Infinity,-Infinity]}`)}},
		"lone surrogate": {`trace{id=t,action=update,data={"m":"\ud800"}}`, wire.Line{"trace", "t", "update", []byte(`{"m":"\ud800"}`)}},
		"invalid UTF-8":  {"trace{id=t,action=update,data={\"m\":\"\xff\"}}", wire.Line{"trace", "t", "update", []byte("{\"m\":\"\xff\"}")}},
		"numbers":        {`trace{id=t,action=u,data=[0,-0.5,1e9,2E-7,12.25e+3]}`, wire.Line{"trace", "t", "u", []byte(`[0,-0.5,1e9,2E-7,12.25e+3]`)}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := wire.Parse([]byte(tt.line))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseMalformed(t *testing.T) {
	tests := map[string]struct {
		line   string
		offset int
	}{
		"empty":                {``, 0},
		"upper case entity":    {`Trace{id=t,action=end,data={}}`, 0},
		"no id":                {`trace{action=end,data={}}`, 5},
		"first half of a line": {`trace{id=t`, 9},
		"other half":           {`,action=create,data={}}`, 0},
		"empty id":             {`trace{id=,action=end,data={}}`, 9},
		"long id":              {`trace{id=` + strings.Repeat("x", protocol.MaxID+1) + `,action=end,data={}}`, 9},
		"no data":              {`trace{id=t,action=end}`, 9},
		"empty data":           {`trace{id=t,action=end,data=}`, 27},
		"no closing brace":     {`trace{id=t,action=end,data=1`, 28},
		"brace missing inside": {`trace{id=t,action=end,data={}`, 28},
		"two values":           {`trace{id=t,action=end,data={}{}}`, 29},
		"control character":    {"trace{id=t,action=end,data=\"a\tb\"}", 29},
		"bad escape":           {`trace{id=t,action=end,data="\x"}`, 29},
		"bad unicode escape":   {`trace{id=t,action=end,data="\u12g4"}`, 32},
		"leading zero":         {`trace{id=t,action=end,data=01}`, 28},
		"no fraction":          {`trace{id=t,action=end,data=1.}`, 29},
		"trailing comma":       {`trace{id=t,action=end,data={"a":1,}}`, 34},
		"no colon":             {`trace{id=t,action=end,data={"a" 1}}`, 32},
		"too deep":             {`trace{id=t,action=end,data=` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`, 27 + protocol.MaxDepth},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := wire.Parse([]byte(tt.line))
			var syntax *wire.SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("Parse returned %v, want a *SyntaxError", err)
			}
			if syntax.Offset != tt.offset {
				t.Errorf("offset %d, want %d (%v)", syntax.Offset, tt.offset, err)
			}
		})
	}
}

func TestParseErrorNeverQuotesTheLine(t *testing.T) {
	const secret = "hunter2"
	for _, line := range []string{
		secret, `trace{id=` + secret, `trace{id=` + secret + `,action=end,data={` + secret + `}}`,
		`trace{id=t,action=end,data="` + secret, `trace{id=t,action=` + secret + `,data={"` + secret + `" 1}}`,
	} {
		_, err := wire.Parse([]byte(line))
		if err == nil {
			t.Fatal("a malformed line was accepted")
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error quotes the line: %v", err)
		}
	}
}

func TestCleanMakesStrictJSON(t *testing.T) {
	tests := map[string]struct{ data, want string }{
		"unchanged":       {`{"a": "NaN \" Infinity", "b": 1}`, `{"a": "NaN \" Infinity", "b": 1}`},
		"non-finite":      {`{"a":NaN,"b":[Infinity,-Infinity,-1],"NaN":"NaN"}`, `{"a":null,"b":[null,null,-1],"NaN":"NaN"}`},
		"invalid UTF-8":   {"{\"a\":\"x\xff\xfey\"}", "{\"a\":\"x\uFFFDy\"}"},
		"lone surrogates": {`["\ud800"]`, `["\ud800"]`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := wire.Clean([]byte(tt.data))
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if !json.Valid(got) {
				t.Error("not valid JSON")
			}
		})
	}
}

func TestFieldsAndElementsAgreeWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		object := rapid.MapOf(rapid.String(), jsonValue()).Draw(t, "object")
		text, err := json.MarshalIndent(object, "", rapid.SampledFrom([]string{"", " "}).Draw(t, "indent"))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]any{}
		for key, raw := range wire.Fields(text) {
			var v any
			if err := json.Unmarshal(raw, &v); err != nil {
				t.Fatal(err)
			}
			got[string(key)] = v
			var want []any
			if json.Unmarshal(raw, &want) != nil {
				continue
			}
			n := 0
			for element := range wire.Elements(raw) {
				var v any
				if err := json.Unmarshal(element, &v); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want[n], v); diff != "" {
					t.Fatalf("element %d: -want +got:\n%s", n, diff)
				}
				n++
			}
			if n != len(want) {
				t.Fatalf("%d elements, want %d", n, len(want))
			}
		}
		var want map[string]any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
	})
}

// jsonValue draws what encoding/json can marshal and read back equal.
func jsonValue() *rapid.Generator[any] {
	return rapid.OneOf(
		rapid.Just[any](nil),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.Float64Range(-math.MaxFloat32, math.MaxFloat32), func(f float64) any { return f }),
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.SliceOf(rapid.String()), func(s []string) any { return s }),
		rapid.Map(rapid.MapOf(rapid.String(), rapid.Int()), func(m map[string]int) any { return m }),
	)
}
