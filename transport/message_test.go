package transport

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestServerMessage(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{``, ""},
		{`null`, ""},
		{`[1,2]`, ""},
		{`<html><body>Bad Gateway</body></html>`, ""},
		{`no such repository`, "no such repository"},
		{" spaced\n", "spaced"},
		{`{"error":"quota exceeded"}`, "quota exceeded"},
		{`{"error":{"message":"quota exceeded","code":1}}`, "quota exceeded"},
		{`{"error":{"code":1}}`, ""},
		{`{"error":{"message":7}}`, ""},
		{`{"error":true,"message":"quota exceeded"}`, "quota exceeded"},
		{`{"message":"quota exceeded"}`, "quota exceeded"},
		{`{"detail":"not known here"}`, ""},
		{`{"error":"cut of`, ""},
	} {
		if got := serverMessage([]byte(c.body)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.body, got, c.want)
		}
	}
}

func TestCleanMessage(t *testing.T) {
	r := request{key: "k&y+secret", body: []byte(`trace{id=1,action=update,data={"input":"my passport is C01X00T47"}}`)}
	for _, c := range []struct{ text, want string }{
		{"line 3 is not understood", "line 3 is not understood"},
		{"two\r\nlines\x1b[31m and\x00 controls\u202e", "two lines [31m and controls"},
		{"bad \xff\xfe bytes", "bad bytes"},
		{"see https://a.test/x?token=1&b=2 and y", "see https://a.test/x and y"},
		{`invalid proxy address "http://me:pw@proxy.test:80/p"`, `invalid proxy address "proxy.test:80/p"`},
		{"key k&y+secret is unknown", withheld},
		{"key k%26y%2Bsecret is unknown", withheld},
		{strings.Repeat("x", 250) + "k&y+secret", withheld},
		{strings.Repeat("x", 300) + "k&y+secret", withheld},
		{"cannot read: my passport is C01X00T47", withheld},
		{`bad line trace{id=1,action=update`, withheld},
		{strings.Repeat("ä", 200), strings.Repeat("ä", 126) + "…"},
		{strings.Repeat("a", 256), strings.Repeat("a", 256)},
		{strings.Repeat("a", 257), strings.Repeat("a", 253) + "…"},
	} {
		if got := r.clean(c.text); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
	if got := (request{}).clean("a loopback server without key or body"); got == withheld {
		t.Error("a message was withheld though there is nothing to protect")
	}
}

func TestCleanMessageHidesEveryLongQuote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringMatching(`[a-z ]{15,200}`).Draw(t, "body")
		from := rapid.IntRange(0, len(body)-15).Draw(t, "from")
		to := rapid.IntRange(from+15, len(body)).Draw(t, "to")
		text := rapid.StringN(0, 40, 100).Draw(t, "before") + body[from:to]
		got := request{body: []byte(body)}.clean(text)
		for i := 0; i+15 <= len(body); i++ {
			if strings.Contains(got, body[i:i+15]) {
				t.Errorf("%q shows %q", got, body[i:i+15])
			}
		}
		if len(got) > maxMessage || !utf8.ValidString(got) {
			t.Errorf("%q has %d bytes", got, len(got))
		}
	})
}
