package xsstest

import (
	"slices"
	"testing"
)

func TestCheckAllowsWhatIsSafe(t *testing.T) {
	for _, html := range []string{
		``, `text`, "a\n\tb", `&amp;&lt;&gt;&#34;&#39;`, `<p>a<em>b</em></p>`, `<ol start="3"><li>x</li></ol>`, `<span class="chip">RLO</span>`,
		`<a href="https://x.example/?a&amp;b" rel="noopener noreferrer">x</a>`, "می\u200cخواهم",
	} {
		if err := Check(html, Text); err != nil {
			t.Errorf("Check(%q): %v", html, err)
		}
	}
}

func TestCheckRefusesWhatIsNot(t *testing.T) {
	for _, html := range []string{
		`<script>x</script>`, `<b>x</b>`, `<p onclick="x">a</p>`, `<p class="chip">a</p>`, `<span class="other">a</span>`, `<span class=chip>a</span>`, `<span class='chip'>a</span>`,
		`<a href="javascript:x">a</a>`, `<a href="//x">a</a>`, `<a href="https://x" rel="opener">a</a>`, `<a href="https://x"onclick="y">a</a>`, `<ol start="x"></ol>`,
		`<p>`, `</p>`, `<p></em></p>`, `<P></P>`, `<p/>`, `< p>`, `<`, `a > b`, `a & b`, `&quot;`, `"`, `'`, "\x00", "\u202e", "\xff", `<!-- -->`, `<a href="https://x`, `<a href="https://<">x</a>`,
	} {
		if Check(html, Text) == nil {
			t.Errorf("Check(%q) should fail", html)
		}
	}
}

// Payloads that are not refused as they are harm nobody by being HTML, only by being
// mistaken for addresses or templates; most are refused.
func TestPayloads(t *testing.T) {
	payloads := Payloads()
	refused := 0
	for _, payload := range payloads {
		if Check(payload, Text) != nil {
			refused++
		}
	}
	if len(payloads) < 200 || refused < 200 {
		t.Errorf("%d of %d payloads are refused, want 200 at least", refused, len(payloads))
	}
	slices.Sort(payloads)
	if distinct := len(slices.Compact(payloads)); distinct != len(Payloads()) {
		t.Errorf("%d payloads are there twice", len(Payloads())-distinct)
	}
}
