package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/troupelog/troupe/internal/wire"
)

// FuzzParse checks that no line makes the parser panic, that an accepted line is
// made of exactly the parts returned, and that its data is usable JSON.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		``, `trace{id=t1,action=create,data={"a":1}}`, `trace{id=null,action=update,data=null}`,
		`trace{id=t,action=update,data={"input":"x{id=y,action=end,data={}}"}}`,
		`trace{id=x,action=,y,action=end,data=[NaN,-Infinity,"\ud800"]}`,
		`storage{id=u,action=process-large-log,data={"key":"r/large-logs/u"}}`,
		"trace{id=\xff,action=end,data=\"\xff\\u00e9\"}", `trace{id=t,action=end,data={"a":01,}}`,
	} {
		f.Add([]byte(seed))
	}
	for _, head := range []string{"trace{id=", "session{id=", "{id=", "span{id=,id="} {
		for _, id := range []string{"t", "null", "x,action=", "\xff\u2028"} {
			for _, data := range []string{`{"a":{"a":[1e999,-0]}}`, `{"a":1,"a":2,"\u0061":3}`, `"\udc00\ud800"`, `[Infinity,NaN]`, `{"a":1}}`} {
				f.Add([]byte(head + id + ",action=update,data=" + data + "}"))
			}
		}
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		got, err := wire.Parse(line)
		if err != nil {
			var syntax *wire.SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(line) {
				t.Fatalf("bad error %#v for a line of %d bytes", err, len(line))
			}
			return
		}
		again := got.Entity + "{id=" + got.ID + ",action=" + got.Action + ",data=" + string(got.Data) + "}"
		if again != string(line) {
			t.Fatalf("the parts make %q, the line was %q", again, line)
		}
		clean := wire.Clean(got.Data)
		if !json.Valid(clean) {
			t.Fatalf("Clean made %q of %q: not JSON", clean, got.Data)
		}
		if json.Valid(got.Data) && !bytes.Equal(clean, wire.Clean(clean)) {
			t.Fatal("Clean is not idempotent")
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(clean, &object) != nil {
			return
		}
		seen := map[string]bool{}
		for key := range wire.Fields(clean) {
			seen[string(bytes.ToValidUTF8(key, []byte("\uFFFD")))] = true
		}
		if len(seen) != len(object) {
			t.Fatalf("Fields found %d keys, encoding/json %d", len(seen), len(object))
		}
	})
}
