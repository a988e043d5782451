package mask_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/troupelog/troupe/mask"
)

var masks = map[string]func(string) string{
	"Emails": mask.Emails, "Keys": mask.Keys, "Cards": mask.Cards,
	"All": mask.All(mask.Emails, mask.Cards, mask.Keys),
}

func TestMasks(t *testing.T) {
	all := mask.All(mask.Emails, mask.Cards, mask.Keys)
	for text, want := range map[string]string{
		"":               "",
		"nothing to see": "nothing to see",
		"write to jörg.o'neil+x@mail.exämple.co.uk, please": "write to [email], please",
		"a@b, @here, user@localhost":                        "a@b, @here, user@localhost",
		"<ann@example.com>;bob@example.com":                 "<[email]>;[email]",
		"key sk-proj-abcdefghijklmnopqrst_-012345 here":     "key [key] here",
		"sk-short":                                          "sk-short",
		"AKIAIOSFODNN7EXAMPLE":                              "[key]",
		"ghp_" + strings.Repeat("a", 36):                    "[key]",
		"Authorization: Bearer abcdefghijklmnop.qrst=":      "Authorization: [key]",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc_-123": "[key]",
		`{"api_key": "hunter2-hunter2", "user": "bob"}`:     `{"api_key": "[key]", "user": "bob"}`,
		"password=correct-horse&next=1":                     "password=[key]&next=1",
		"the password is long":                              "the password is long",
		"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nbye": "[key]\nbye",
		"-----BEGIN PRIVATE KEY-----\ncut off":                                      "[key]",
		"pay with 4111 1111 1111 1111 now":                                          "pay with [card] now",
		"order 7 4111 1111 1111 1111, 2 of them":                                    "order 7 [card], 2 of them",
		"x4111111111111111 4111111111111111y":                                       "x4111111111111111 4111111111111111y",
		"3782-822463-10005":                                                         "[card]",
		"6011111111111117":                                                          "[card]",
		"4111 1111 1111 1112":                                                       "4111 1111 1111 1112",
		"order 1234567890123":                                                       "order 1234567890123",
		"0000000000000000":                                                          "0000000000000000",
		"at 1700000000000":                                                          "at 1700000000000",
	} {
		if got := all(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestMaskingAMaskedTextChangesNothing(t *testing.T) {
	t.Parallel()
	pieces := []string{
		"a", "@", ".", "-", " ", "4111111111111111", "4", "sk-aaaaaaaaaaaaaaaaaaaaaaaa", "password", ":", "=", `"`, `\`, "[", "]",
		"[email]", "[key]", "[card]", "b.c", "hunter22", "Bearer ", "-----BEGIN PRIVATE KEY-----", "\xff", "é", "_", "\n",
	}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 12).Draw(t, "pieces"), "")
		for name, m := range masks {
			if once := m(text); m(once) != once {
				t.Fatalf("%s(%q) = %q, and that again %q", name, text, once, m(once))
			}
		}
	})
}

func TestAllAppliesMasksInOrder(t *testing.T) {
	t.Parallel()
	add := func(c string) func(string) string { return func(s string) string { return s + c } }
	if got := mask.All(add("a"), add("b"), add("c"))("x"); got != "xabc" {
		t.Errorf("three masks make %q, want %q", got, "xabc")
	}
	if got := mask.All()("x"); got != "x" {
		t.Errorf("no masks make %q, want %q", got, "x")
	}
}

func TestTextsWithoutSecretsAreNotCopied(t *testing.T) {
	text := strings.Repeat("The order 7 of 4711 is on its way @ noon. ", 100)
	for name, m := range masks {
		if n := testing.AllocsPerRun(10, func() { m(text) }); n > 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

// Masking a masked text changes nothing, and no text makes a mask panic.
func FuzzMasks(f *testing.F) {
	for _, s := range []string{"a@b.c", "sk-aaaaaaaaaaaaaaaaaaaaaaaa", "password: hunter22", "4111111111111111", "-----BEGIN PRIVATE KEY-----", "password: a@b.c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, m := range masks {
			if once := m(s); m(once) != once {
				t.Errorf("%s(%q) = %q, and that again %q", name, s, once, m(once))
			}
		}
	})
}

// The time must grow with the length of the text alone, whatever the text is.
func BenchmarkAll(b *testing.B) {
	all := mask.All(mask.Emails, mask.Cards, mask.Keys)
	for name, unit := range map[string]string{
		"prose": "The order 7 is on its way, and arrives on Friday. ", "digits": "4", "at": "a@", "dots": "a@b.", "bearer": "Bearer ", "begin": "-----BEGIN PRIVATE KEY-----",
	} {
		text := strings.Repeat(unit, 64<<10/len(unit))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				all(text)
			}
		})
	}
}
