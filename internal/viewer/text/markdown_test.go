package text

import (
	"strings"
	"testing"
)

func TestMarkdown(t *testing.T) {
	for source, want := range map[string]string{
		"plain":                  `<p>plain</p>`,
		"a\nb\n\nc":              "<p>a\nb</p><p>c</p>",
		"# One\n###### Six":      `<h3>One</h3><h6>Six</h6>`,
		"#hash ####### seven":    `<p>#hash ####### seven</p>`,
		"**b** *i* _u_ ***bi***": `<p><strong>b</strong> <em>i</em> <em>u</em> <strong><em>bi</em></strong></p>`,
		"snake_case_name 2*3*4":  `<p>snake_case_name 2<em>3</em>4</p>`,
		"* a*b **c":              `<ul><li><p>a*b **c</p></li></ul>`,
		"*a **b* c**":            `<p><em>a **b</em> c**</p>`,
		"`<b>` ``a`b``":          `<p><code>&lt;b&gt;</code> <code>a` + "`" + `b</code></p>`,
		"`open":                  "<p>`open</p>",
		`\*a\* \d`:               `<p>*a* \d</p>`,
		"- a\n- b\n  - c\n- d":   `<ul><li><p>a</p></li><li><p>b</p><ul><li><p>c</p></li></ul></li><li><p>d</p></li></ul>`,
		"1. a\n2. b\n\nc":        `<ol><li><p>a</p></li><li><p>b</p></li></ol><p>c</p>`,
		"3) a\n- b":              `<ol start="3"><li><p>a</p></li></ol><ul><li><p>b</p></li></ul>`,
		"- a\n  lazy\n\n  own":   "<ul><li><p>a\nlazy</p><p>own</p></li></ul>",
		"- a\n  ```\n  x\n  ```": "<ul><li><p>a</p><pre><code>x\n</code></pre></li></ul>",
		"```go\na\n~~~\n```\nb":  "<pre><code><span class=\"chip\">go</span>\na\n~~~\n</code></pre><p>b</p>",
		"~~~\nnever closed":      "<pre><code>never closed\n</code></pre>",
		"<b>x</b> ![i](u)":       `<p>&lt;b&gt;x&lt;/b&gt; ![i](u)</p>`,
		"[go](https://go.dev/x)": `<p><a href="https://go.dev/x" rel="noopener noreferrer">go</a><span class="host"> (go.dev)</span></p>`,
		"[*a*](http://x.example)": `<p><a href="http://x.example" rel="noopener noreferrer"><em>a</em></a>` +
			`<span class="host"> (x.example)</span></p>`,
		"see https://x.example/a_b_c.": `<p>see <a href="https://x.example/a_b_c" rel="noopener noreferrer">https://x.example/a_b_c</a>.</p>`,
		"[a](javascript:x)":            `<p>[a](javascript:x)</p>`,
		"[a](https://u@x.example)":     `<p>[a](https://u@x.example)</p>`,
		"[a](https://еx.example)":      `<p>[a](https://еx.example)</p>`,
		"[a](ftp://x.example) [b]":     `<p>[a](ftp://x.example) [b]</p>`,
		"a\u202eb":                     `<p>a<span class="chip">RLO</span>b</p>`,
	} {
		if got := string(Markdown(source).HTML); got != `<div class="md">`+want+`</div>` {
			t.Errorf("Markdown(%q) = %s\nwant %s", source, got, want)
		}
	}
}

func TestMarkdownListsHaveABoundedDepth(t *testing.T) {
	var source strings.Builder
	for depth := range 100 {
		source.WriteString(strings.Repeat("  ", depth) + "- x\n")
	}
	html := string(Markdown(source.String()).HTML)
	if got := strings.Count(html, "<ul>"); got != maxLists {
		t.Errorf("100 levels made %d lists, want %d", got, maxLists)
	}
	if got := strings.Count(html, "<li>"); got != 100 {
		t.Errorf("there are %d items, want 100", got)
	}
}

func TestMarkdownAboveTheLimitIsPlain(t *testing.T) {
	cut := Markdown(strings.Repeat("*a* ", MarkdownLimit/4) + "b")
	if strings.Contains(string(cut.HTML), "<em>") || cut.Shown != PlainLimit || cut.Total != MarkdownLimit+1 {
		t.Errorf("it shows %d of %d bytes, or renders them", cut.Shown, cut.Total)
	}
}

// hostile are beginnings of texts that take Markdown renderers more than linear time.
var hostile = []string{
	"*a_", "[a](", "*a **b ", "**x *y* ", "[", "]", "![[", "[a](<b", "`", "``a`", "_a*", "***", "* ", "> ", "- - ", "\\", "](", "[](", "](http://x", "http://", "h", "https://a.b/?", "(((", "[a](http://x((",
	"<", "&", "a\u200d", "```\n", "~~~", "1. ", "#", "\u202e", "[x](https://x.example)", "*a `b [c](d _e ",
}

// text64 returns hostile text of the longest length that is rendered.
func text64(part string) string { return repeated(part, MarkdownLimit) }

func repeated(part string, length int) string { return strings.Repeat(part, length/len(part)) }

func TestInlineWorkIsLinear(t *testing.T) {
	const length = 8 << 10
	longer := append([]string{}, hostile...)
	var runs strings.Builder
	for n := 1; runs.Len() < length; n++ {
		runs.WriteString(strings.Repeat("`", n) + " ")
	}
	longer = append(longer, runs.String())
	for _, part := range longer {
		s := repeated(part, max(length, len(part)))
		for _, s := range []string{s, "**a *b _c __d " + s, "[[[[[[[[[" + s} {
			p := spans{s: s}
			p.read()
			if limit := len(p.dead) * len(s); p.work > limit {
				t.Errorf("%.20q repeated took %d steps for %d bytes, want at most %d", part, p.work, len(s), limit)
			}
			if len(p.open) > maxOpeners || len(p.pieces) > 2*len(s)+2 {
				t.Errorf("%.20q repeated left %d open and made %d pieces of %d bytes", part, len(p.open), len(p.pieces), len(s))
			}
		}
	}
}

// The work for text of double length must be about double, whatever the text: a constant
// above would hide a square.
func TestInlineWorkDoublesWithTheLength(t *testing.T) {
	for _, part := range hostile {
		work := func(s string) int {
			p := spans{s: s}
			p.read()
			return p.work
		}
		whole := repeated(part, 16<<10)
		half := work(whole[:len(whole)/2/len(part)*len(part)])
		if all := work(whole); all > 2*half+len(part)*maxOpeners+1000 {
			t.Errorf("%q repeated took %d steps, and %d for half of it", part, all, half)
		}
	}
}

func TestHostileTextMakesBoundedHTML(t *testing.T) {
	for _, part := range hostile {
		s := repeated(part, 16<<10)
		if html := Markdown(s).HTML; len(html) > 40*len(s) {
			t.Errorf("Markdown makes %d bytes of %d of %q", len(html), len(s), part)
		}
		if html := Plain(s, 0).HTML; len(html) > 30*PlainLimit {
			t.Errorf("Plain makes %d bytes of %q", len(html), part)
		}
	}
}

func BenchmarkMarkdown64K(b *testing.B) {
	for _, part := range []string{"*a_", "[a](", "[[", "``a`", "\"'<", "*a `b [c](d _e ", "A sentence of *some* length, with `code`.\n- an item\n\n"} {
		b.Run(part[:min(8, len(part))], func(b *testing.B) {
			s := text64(part)
			b.SetBytes(int64(len(s)))
			b.ReportAllocs()
			for b.Loop() {
				Markdown(s)
			}
		})
	}
}
