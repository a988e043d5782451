package wire_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/wire"
)

// hostile is what values are made of that try to be more than a value.
var hostile = []string{
	"\n", "\r", "\r\n", "\x00", "\x1b[2J", "\u0085", "\u2028", "\u2029", "\"", "\\", "\\n", "{", "}", "}}", ",", "=", "id=", ",action=end",
	",data={}", "trace{id=evil,action=end,data={}}", "\"}}\ntrace{id=evil,action=end,data={}}", "\xff", "\xed\xa0\x80", "é", "日本", "🙂",
	"null", "</script>", "plain text", " ", "",
}

func hostileText(rnd *rand.Rand) string {
	var b strings.Builder
	for range rnd.IntN(6) {
		b.WriteString(hostile[rnd.IntN(len(hostile))])
	}
	return b.String()
}

// S10: whatever keys and values hold, an entry is one line, with the entity, the id, the
// action and the data that it was given. $S10_ENTRIES is how many are tried.
func TestS10NoValueMakesASecondLine(t *testing.T) {
	entries := 50_000
	if given, err := strconv.Atoi(os.Getenv("S10_ENTRIES")); err == nil {
		entries = given
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range entries {
		data := map[string]string{}
		e := wire.NewEncoder()
		e.Begin("trace", "t-1", "update")
		e.Key("tags")
		e.Open('{')
		for range rnd.IntN(4) {
			key, value := hostileText(rnd), hostileText(rnd)
			if _, ok := data[clean(key)]; ok {
				continue
			}
			data[clean(key)] = clean(value)
			e.Key(key)
			e.Text(value)
		}
		e.Close('}')
		line := e.Finish()
		e.Release()
		if bytes.ContainsAny(line, "\n\r\x00\u2028\u2029") {
			t.Fatalf("%q is not one line", line)
		}
		got, err := wire.Parse(line)
		if err != nil || got.Entity != "trace" || got.ID != "t-1" || got.Action != "update" {
			t.Fatalf("%q is read as %s %s %s, %v", line, got.Entity, got.ID, got.Action, err)
		}
		var back struct{ Tags map[string]string }
		if err := json.Unmarshal(got.Data, &back); err != nil || len(back.Tags) != len(data) {
			t.Fatalf("%q has the tags %q, want %q (%v)", line, back.Tags, data, err)
		}
		for k, v := range data {
			if back.Tags[k] != v {
				t.Fatalf("%q: tag %q is %q, want %q", line, k, back.Tags[k], v)
			}
		}
	}
}

// clean is what becomes of a text that is not UTF-8.
func clean(s string) string { return string([]rune(s)) }
