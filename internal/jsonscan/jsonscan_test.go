package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/internal/protocol"
)

// seeds are texts on both sides of what is JSON.
var seeds = []string{
	``, ` `, `null`, ` true `, `false`, `nul`, `nulll`, `0`, `-0`, `01`, `-`, `1.`, `1.5`, `.5`, `1e5`, `1E+5`, `1e`, `1e-`, `-1.5e-7`, `+1`,
	`""`, `"`, `"a`, `"a"b`, `"\n"`, "\"\n\"", `"\u12aF"`, `"\u12a"`, `"\u12ag"`, `"\x"`, `"\`, `"\"`, `"\\"`, `"ü€𝄞"`, "\"\x80\"", "\"\xff\xfe tail\"", "\"\u2028\"",
	"\"\x00\"", "\"\x1f\"", "\"\x7f\"", `"12345678"`, `"1234567\"`, `"12345678\"90"`, `"1234567ü"`,
	`{}`, `{ }`, `[]`, `[ ]`, `[1,2]`, `[1,]`, `[,1]`, `[1 2]`, `[1`, `{"a":1}`, `{"a" : 1 , "b" : [ 2 , {"c":null} ] }`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1,}`, `{"a":1 "b":2}`,
	"{\n\t\"a\": \"b c\"\r\n}", `[[[[]]]]`, `]`, `}`, `{]`, `[}`, `1 2`, `{"a":1}{}`, `"a":1`,
	"\xef\xbb\xbf{}", `{"":""}`, `[1e400]`, `[123456789012345678901234567890]`,
}

// compact is what encoding/json makes of a text.
func compact(raw []byte) ([]byte, bool) {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return nil, false
	}
	return bytes.ToValidUTF8(b.Bytes(), []byte("\ufffd")), true
}

func checkCompact(t interface {
	Fatalf(string, ...any)
}, raw []byte,
) {
	want, valid := compact(raw)
	if valid && jsonscan.Deeper(raw, protocol.MaxDepth) {
		if out, err := jsonscan.AppendCompact(nil, raw); !errors.Is(err, jsonscan.ErrDepth) {
			t.Fatalf("%d bytes that are nested too deeply: %d bytes, %v, want ErrDepth", len(raw), len(out), err)
		}
		return
	}
	got, err := jsonscan.AppendCompact([]byte("before"), raw)
	behind := append([]byte("before"), raw...)
	inPlace, err2 := jsonscan.AppendCompact(behind[:6], behind[6:])
	if string(inPlace) != string(got) || !errors.Is(err2, err) {
		t.Fatalf("%q in its place: %q, %v, else %q, %v", raw, inPlace, err2, got, err)
	}
	if !valid {
		if err == nil || string(got) != "before" {
			t.Fatalf("%q is not JSON, got %q, %v", raw, got, err)
		}
		return
	}
	if err != nil || string(got) != "before"+string(want) {
		t.Fatalf("compact %q\n got %q, %v\nwant %q", raw, got, err, want)
	}
}

func checkMembers(t interface {
	Fatalf(string, ...any)
}, raw []byte,
) {
	n := 0
	last := map[string]json.RawMessage{}
	for m := jsonscan.MembersOf(raw); m.Next(); {
		n++
		key, value := m.Key, m.Value
		var name string
		if json.Valid(raw) {
			if err := json.Unmarshal([]byte(`"`+string(key)+`"`), &name); err != nil {
				t.Fatalf("in %q: key %q: %v", raw, key, err)
			}
			last[name] = value
		}
	}
	var want map[string]json.RawMessage
	if json.Unmarshal(raw, &want) != nil {
		return // not an object: that it did not panic is all
	}
	if len(last) != len(want) {
		t.Fatalf("members of %q: %d by name, of %d in all, want %d", raw, len(last), n, len(want))
	}
	for name, value := range want {
		if string(last[name]) != string(value) {
			t.Fatalf("member %q of %q is %q, want %q", name, raw, last[name], value)
		}
	}
}

func TestAgainstEncodingJSON(t *testing.T) {
	deep := strings.Repeat("[", protocol.MaxDepth) + strings.Repeat("]", protocol.MaxDepth)
	for _, raw := range append(seeds, deep, strings.Repeat(`{"a":`, protocol.MaxDepth)+"1"+strings.Repeat("}", protocol.MaxDepth)) {
		checkCompact(t, []byte(raw))
		checkMembers(t, []byte(raw))
	}
}

func FuzzAgainstEncodingJSON(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		checkCompact(t, raw)
		checkMembers(t, raw)
	})
}

// Depth is counted in brackets outside of strings, and what is no deeper is accepted.
func TestDeeper(t *testing.T) {
	for raw, want := range map[string]int{
		`1`: 0, `"[[["`: 0, `[]`: 1, `{"a":[1,[2]],"b":{}}`: 3, `["\"[[[",[]]`: 2, `["\\",[[]]]`: 3,
		strings.Repeat("[[],", 5000) + "1" + strings.Repeat("]", 5000): 5001,
	} {
		if jsonscan.Deeper([]byte(raw), want) || want > 0 && !jsonscan.Deeper([]byte(raw), want-1) {
			t.Errorf("%.40q is not found to be %d levels deep", raw, want)
		}
	}
	for _, raw := range []string{strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 1001) + "1" + strings.Repeat("}", 1001)} {
		if _, err := jsonscan.AppendCompact(nil, []byte(raw)); !errors.Is(err, jsonscan.ErrDepth) {
			t.Errorf("AppendCompact of %.10q… = %v, want ErrDepth", raw, err)
		}
	}
}

// PlainLen reads eight bytes at a time; it must agree with reading one at a time.
func TestPlainLen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SliceOf(rapid.OneOf(rapid.ByteRange(' ', '~'), rapid.Byte())).Draw(t, "s")
		want := bytes.IndexFunc(s, func(r rune) bool { return r < ' ' || r >= utf8.RuneSelf || r == '"' || r == '\\' })
		if want < 0 {
			want = len(s)
		}
		if got := jsonscan.PlainLen(s); got != want {
			t.Fatalf("PlainLen(%q) = %d, want %d", s, got, want)
		}
		if got := jsonscan.PlainLen(string(s)); got != want {
			t.Fatalf("PlainLen of the string %q = %d, want %d", s, got, want)
		}
	})
}

func BenchmarkAppendCompact(b *testing.B) {
	raw := []byte(`{"id":"chatcmpl-1","choices":[{"index":0,"message":{"role":"assistant","content":"` + strings.Repeat("The fare includes one bag. ", 19) +
		`"},"finish_reason":"stop"}],"usage":{"prompt_tokens":120,"completion_tokens":110,"total_tokens":230}}`)
	dst := make([]byte, 0, 2*len(raw))
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jsonscan.AppendCompact(dst, raw); err != nil {
			b.Fatal(err)
		}
	}
}
