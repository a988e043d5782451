package text

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var tags = regexp.MustCompile(`<[^>]*>`)

// visible returns the text of HTML as a reader sees it.
func visible(markup string) string { return html.UnescapeString(tags.ReplaceAllString(markup, "")) }

func TestJSONKeepsTheSource(t *testing.T) {
	const source = `{"b":1e400,"a":9007199254740993,"a":-0.10,"list":[true,false,null],"none":{},"text":"\u4f60\u00e9 \"q\" \\ \n\ud800"}`
	const want = `{
  "b": 1e400,
  "a": 9007199254740993,
  "a": -0.10,
  "list": [true, false, null],
  "none": {},
  "text": "你é \"q\" \\ \n\ud800"
}
`
	d := JSON([]byte(source), Options{})
	if diff := cmp.Diff(want, visible(string(d.HTML))); diff != "" {
		t.Errorf("it reads otherwise (-want +got):\n%s", diff)
	}
	if d.Fault != -1 || d.Truncated || d.Shown != len(source) || d.Total != len(source) {
		t.Errorf("got %+v", d)
	}
}

func TestJSONMarksTokens(t *testing.T) {
	const want = `<div class="json">{<span class="k">&#34;a&lt;&#34;</span>: <span class="s">&#34;&lt;b&gt;&#34;</span>, ` +
		`<span class="k">&#34;n&#34;</span>: <span class="n">1</span>, <span class="k">&#34;t&#34;</span>: <span class="b">true</span>}` + "\n</div>"
	if got := JSON([]byte(`{"a<":"<b>","n":1,"t":true}`), Options{}).HTML; string(got) != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestJSONFaults(t *testing.T) {
	for source, at := range map[string]int{
		``: 0, ` `: 1, `tru`: 0, `nul`: 0, `{"a":}`: 5, `{"a" 1}`: 5, `{a:1}`: 1, `[1,]`: 3, `{"a":1,}`: 7, `[1 2]`: 3, `{"a":1} x`: 8, `[1`: 2, `{"a"`: 4, `"a`: 2,
		`"\x"`: 1, `"\u12g4"`: 1, "\"a\nb\"": 2, `01`: 1, `-`: 1, `1.`: 2, `1e`: 2, `+1`: 0, `.5`: 0, `NaN`: 0, `]`: 0, `[}`: 1, `{]`: 1, `[,1]`: 1, `'a'`: 0,
		strings.Repeat("[", maxOpen+1): maxOpen,
	} {
		d := JSON([]byte(source), Options{})
		if d.Fault != at {
			t.Errorf("JSON(%.20q): the fault is at %d, want %d", source, d.Fault, at)
		}
		if got := visible(string(d.HTML)); got != source && len(source) < PlainLimit {
			t.Errorf("JSON(%.20q) shows %q", source, got)
		}
	}
}

func TestJSONAgreesWithTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{`{`, `}`, `[`, `]`, `,`, `:`, `"a"`, `"\u0041\n"`, `1`, `-0`, `1e5`, `0.1`, `true`, `null`, ` `, "\n", `"`, `\`, `0`, `.`}), 0, 12)
		source := strings.Join(parts.Draw(t, "parts"), "")
		if _, fault, _ := scan(source); (fault < 0) != json.Valid([]byte(source)) {
			t.Fatalf("fault %d of %q, and json.Valid says %t", fault, source, fault >= 0)
		}
	})
}

func TestJSONFoldsDepthAndLength(t *testing.T) {
	d := JSON([]byte(`{"a":{"b":{"c":{"d":["a long text so that it does not fit into one line","and so on, and on"]}}}}`), Options{})
	if got := strings.Count(string(d.HTML), "<details>"); got != 2 {
		t.Errorf("there are %d folded values, want c and d: %s", got, d.HTML)
	}
	if !strings.Contains(string(d.HTML), `<summary>      <span class="k">&#34;c&#34;</span>: {…} <span class="chip">1 key</span></summary>`) {
		t.Errorf("the summary of c is missing: %s", d.HTML)
	}
	list := "[" + strings.TrimSuffix(strings.Repeat("1,", 1000), ",") + "]"
	d = JSON([]byte(list), Options{})
	if !strings.Contains(string(d.HTML), `… <span class="chip">800 items more</span></summary>`) || d.Truncated {
		t.Errorf("800 of 1,000 items should be folded: %.200s", d.HTML)
	}
	if got := strings.Count(string(d.HTML), `<span class="n">1</span>`); got != 1000 {
		t.Errorf("there are %d items, want all 1,000", got)
	}
}

func TestJSONShowsStringsForWhatTheyHold(t *testing.T) {
	inner, _ := json.Marshal(map[string]any{"deep": `{"deeper":"{\"deepest\":\"[1]\"}"}`})
	source, _ := json.Marshal(map[string]string{"a": string(inner), "b": "{broken", "c": "one\ntwo\nthree"})
	got := visible(string(JSON(source, Options{}).HTML))
	for _, part := range []string{`"a": from string {`, `"deep": from string {`, `"deeper": from string {`, `"deepest": "[1]"`, `"b": "{broken"`} {
		if !strings.Contains(got, part) {
			t.Errorf("%s is missing in\n%s", part, got)
		}
	}
	if !strings.Contains(got, "one\ntwo\nthree") {
		t.Errorf("the lines of c are not shown as lines:\n%s", got)
	}
}

func TestBytesAreChips(t *testing.T) {
	png := append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{1, 200, 77, 9}, 1000)...)
	encoded := base64.StdEncoding.EncodeToString(png)
	random := base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xfb, 1, 250, 3, 99}, 400))
	for value, want := range map[string]string{
		encoded:                               "image/png 4 KB",
		"data:image/jpeg;base64," + encoded:   "image/png 4 KB",
		random:                                "base64 2 KB",
		"data:app/<b>;x=y;base64," + random:   "app/&lt;b&gt; 2 KB",
		strings.Repeat("a", 2000):             "",
		strings.Repeat("Some text 1, ", 200):  "",
		encoded[:1000]:                        "",
		"data:text/plain," + encoded:          "",
		"data:image/png;base64,!" + encoded:   "",
		strings.Repeat("iVBORw0KGgo", 2)[:20]: "",
	} {
		quoted, _ := json.Marshal(value)
		got := string(JSON(quoted, Options{}).HTML)
		if chip := `<div class="json"><span class="chip">` + want + "</span>\n</div>"; (got == chip) != (want != "") {
			t.Errorf("%.40q is shown as %.200s, want the chip %q", value, got, want)
		}
	}
}

func TestBytesAndSizes(t *testing.T) {
	for got, want := range map[string]string{
		Bytes("iVBORw0KGgoAAAA=", ""): "image/png 11 B", Bytes("AAAA", "audio/x<y"): "audio/x<y 3 B", Bytes("AAAA", ""): "base64 3 B", Bytes("", ""): "base64 0 B",
		Size(1023): "1023 B", Size(1024): "1 KB", Size(350_000): "342 KB", Size(3 << 19): "1.5 MB",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestLongKeysAndStringsAreCut(t *testing.T) {
	long := strings.Repeat("é", PlainLimit)
	for _, o := range []Options{{}, {Table: true}} {
		d := JSON([]byte(`{"`+long+`":"`+long+`"}`), o)
		if got := strings.Count(string(d.HTML), "é"); got != PlainLimit || !d.Truncated {
			t.Errorf("%+v: %d characters are shown, want %d; truncated %t", o, got, PlainLimit, d.Truncated)
		}
	}
}

func TestCutEscapesStayAsTheyAre(t *testing.T) {
	source := `"` + strings.Repeat("x", PlainLimit-3) + `\u4f60` + strings.Repeat("y", 9) + `"`
	if d := JSON([]byte(source), Options{}); d.Fault != -1 || !d.Truncated && !strings.Contains(string(d.HTML), "你") {
		t.Errorf("fault %d, truncated %t", d.Fault, d.Truncated)
	}
}

func TestJSONTable(t *testing.T) {
	got := string(JSON([]byte(`{"path":"/a b","n":3,"ok":true,"lines":"x\ny","gone":null}`), Options{Table: true}).HTML)
	const want = `<table class="kv"><tr><th>path</th><td>/a b</td></tr><tr><th>n</th><td><span class="n">3</span></td></tr>` +
		`<tr><th>ok</th><td><span class="b">true</span></td></tr><tr><th>lines</th><td>x` + "\n" + `y</td></tr>` +
		`<tr><th>gone</th><td><span class="b">null</span></td></tr></table>`
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for _, source := range []string{`{"a":{}}`, `[1]`, `{}`, `"x"`} {
		if got := string(JSON([]byte(source), Options{Table: true}).HTML); strings.Contains(got, "<table") {
			t.Errorf("%s is no flat object, and shown as %s", source, got)
		}
	}
}

func TestJSONIsBounded(t *testing.T) {
	long := `{"head":"` + strings.Repeat("x", 3<<20) + `"}`
	many := "[" + strings.TrimSuffix(strings.Repeat(`{"k":"v"},`, maxTokens/2), ",") + "]"
	wide := "[" + strings.TrimSuffix(strings.Repeat(`"`+strings.Repeat("y", 1000)+`",`, 1500), ",") + "]"
	big := `{"list":[` + strings.Repeat(`{"name":"value","n":[1,2,3]},`, 100_000) + `null]}`
	for name, source := range map[string]string{"long": long, "many": many, "wide": wide, "big": big} {
		d := JSON([]byte(source), Options{})
		if !d.Truncated || d.Fault != -1 || d.Shown > d.Total || d.Total != len(source) {
			t.Errorf("%s: truncated %t, fault %d, shown %d of %d", name, d.Truncated, d.Fault, d.Shown, d.Total)
		}
		if len(d.HTML) > JSONLimit+2*PlainLimit {
			t.Errorf("%s: there are %d bytes of HTML", name, len(d.HTML))
		}
		if size := zipped(string(d.HTML)); size > 60<<10 {
			t.Errorf("%s: compressed it has %d bytes, more than a page may have", name, size)
		}
	}
	if d := JSON([]byte(big), Options{}); d.Shown > PlainLimit+100 {
		t.Errorf("of more than 2 MiB %d bytes are shown, want %d", d.Shown, PlainLimit)
	}
}

func zipped(s string) int {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	fmt.Fprint(w, s)
	w.Close()
	return out.Len()
}

// A value that nests as deep as lines allow makes HTML that nests less.
func TestDeepJSONIsNotDeepHTML(t *testing.T) {
	d := JSON([]byte(strings.Repeat(`{"a":[`, 450)+strings.Repeat("]}", 450)), Options{})
	if got := strings.Count(string(d.HTML), "<details>"); got > plainDepth {
		t.Errorf("there are %d elements within each other", got)
	}
	if got := strings.Count(string(d.HTML), "a"); got < 450 || d.Truncated {
		t.Errorf("a part of the value is not shown")
	}
}

func BenchmarkJSON(b *testing.B) {
	for name, source := range map[string]string{
		"arguments": `{"path":"/src/main.go","start":10,"end":200,"query":"func main"}`,
		"100KB":     `[` + strings.TrimSuffix(strings.Repeat(`{"id":123,"name":"a value","tags":["x","y"],"score":0.25,"text":"some longer text of a tool"},`, 1000), ",") + `]`,
		"20MB":      `{"data":"` + strings.Repeat("QUJD", 5<<20) + `"}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(source)))
			for b.Loop() {
				JSON([]byte(source), Options{Table: true})
			}
		})
	}
}
