package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/wire"
)

func TestLine(t *testing.T) {
	e := wire.NewEncoder()
	defer e.Release()
	e.Begin("trace", "t-1", "create")
	e.String("name", "a \"quoted\" <name>\n")
	e.Optional("left", "out")
	e.Optional("right", "")
	e.Strings("tags", map[string]string{"b": "2", "a": "1"})
	e.Time("startTimestamp", time.Date(2024, 1, 2, 3, 4, 5, 678901000, time.FixedZone("", 3600)))
	e.Float("n", 0.5)
	e.Key("list")
	e.Open('[')
	e.Text("x")
	if err := e.Element(nil); err != nil {
		t.Fatal(err)
	}
	e.Close(']')
	if err := e.JSONText("json", map[string]any{"a": []int{1}}); err != nil {
		t.Fatal(err)
	}
	want := `trace{id=t-1,action=create,data={"name":"a \"quoted\" <name>\n","left":"out","tags":{"a":"1","b":"2"},` +
		`"startTimestamp":"2024-01-02T02:04:05.678901+00:00","n":0.5,"list":["x",null],"json":"{\"a\":[1]}"}}`
	if got := string(e.Finish()); got != want {
		t.Errorf("line\n got %s\nwant %s", got, want)
	}
}

func TestTimeLeavesOutAZeroFraction(t *testing.T) {
	got := string(wire.AppendTime(nil, time.Date(2024, 1, 2, 3, 4, 5, 999, time.UTC)))
	if want := "2024-01-02T03:04:05+00:00"; got != want {
		t.Errorf("AppendTime = %s, want %s", got, want)
	}
}

type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { return nil, errors.New("secret value") }

type panicking struct{}

func (panicking) MarshalJSON() ([]byte, error) { panic("secret value") }

type ring struct{ Next *ring }

func TestWhatHasNoJSONIsATypedErrorWithoutTheValue(t *testing.T) {
	cycle := &ring{}
	cycle.Next = cycle
	loop := map[string]any{}
	loop["self"] = loop
	for name, v := range map[string]any{
		"channel": make(chan int), "function": func() {}, "NaN": math.NaN(), "infinity": math.Inf(1),
		"nested NaN": map[string]any{"secret value": math.NaN()}, "cycle": cycle, "map cycle": loop,
		"failing marshaller": failing{}, "panicking marshaller": panicking{},
		"raw": json.RawMessage(`{"secret value"`), "complex": complex(1, 2),
	} {
		t.Run(name, func(t *testing.T) {
			before := []byte("before")
			got, err := wire.AppendAny(before, v)
			var bad *wire.ValueError
			if !errors.As(err, &bad) || bad.Type == "" || bad.Reason == "" {
				t.Fatalf("AppendAny = %q, %v; want a *ValueError", got, err)
			}
			if string(got) != "before" {
				t.Errorf("AppendAny left %q", got)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error quotes the value: %v", err)
			}
		})
	}
}

// Whatever a value holds, its JSON reads back equal and stays in one line.
func TestStringsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(
			rapid.String(),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.StringMatching("[\x00-\x1f\"\\\\{}=,\u2028\u2029]*"),
		).Draw(t, "s")
		out := wire.AppendString(nil, s)
		var back string
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); utf8.ValidString(s) && back != want {
			t.Fatalf("%q reads back as %q", s, back)
		}
		if bytes.ContainsAny(out, "\n\r\u2028\u2029") || !utf8.Valid(out) {
			t.Fatalf("%q is not one line of UTF-8", out)
		}
	})
}

func TestFloatsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Filter(func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }).Draw(t, "f")
		var back float64
		if err := json.Unmarshal(wire.AppendFloat(nil, f), &back); err != nil || back != f {
			t.Fatalf("%v reads back as %v, %v", f, back, err)
		}
	})
}

// A line that is parsed says what was encoded, whatever its values hold.
func TestEncodedLinesParse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching("[A-Za-z0-9_-]{1,40}").Draw(t, "id")
		data := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "data")
		e := wire.NewEncoder()
		defer e.Release()
		e.Begin("generation", id, "update")
		for k, v := range data {
			e.Key(k)
			e.Text(v)
		}
		line, err := wire.Parse(e.Finish())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		if err := json.Unmarshal(line.Data, &got); err != nil {
			t.Fatal(err)
		}
		if line.Entity != "generation" || line.ID != id || line.Action != "update" {
			t.Fatalf("parsed %s %s %s", line.Entity, line.ID, line.Action)
		}
		if diff := cmp.Diff(data, got); diff != "" {
			t.Fatalf("data (-want +got):\n%s", diff)
		}
	})
}
