package mask_test

import (
	"strings"
	"testing"

	"github.com/troupelog/troupe/mask"
)

// Texts of everyday work that no mask may touch.
func TestHarmlessTextsStay(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		// hashes and ids
		"commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"550e8400-e29b-41d4-a716-446655440000",
		"trace 4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"call_abc123DEF456, msg_01XFDUDYJgAACzvnptvVoYEL, run_4111111111111111",
		// numbers
		"ISBN 978-3-16-148410-0",
		"order 1234567890123, invoice 2026-000-4711",
		"at 1700000000000, +49 30 901820, 2026-01-31 12:00:00",
		"pi is 3.14159265358979, or 3.141592653589793238462643383279",
		"IBAN DE89 3704 0044 0532 0130 00",
		"10.0.0.1:8080, 2001:db8::1",
		"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
		"4111 1111 1111 1112 is not valid",
		"4111  1111  1111  1111",
		"4111.1111.1111.1111",
		// names and signs
		"@here, @ann and @bob: meet @ 5",
		"user@localhost, root@db, git@host:repo",
		"a@b@c, @@, @.com, a@.com, a@-b.com",
		"the password is long, and the api key is missing",
		"password: short",
		"max_tokens: 1024, token_count=100000, keyboard: azerty-fr",
		"sk-short, sk-learn, task-force-one-of-many-words",
		"primary_key: 1234567890, foreign-key=1234567",
		"Bearer of bad news, bearer instruments",
		"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
		"AKIA is a prefix, hf_model too, xoxo",
		"x.y.z eyJ.eyJ.",
	} {
		for name, m := range masks {
			if got := m(text); got != text {
				t.Errorf("%s changes %q to %q", name, text, got)
			}
		}
	}
}

// Each text holds one secret, which must be replaced wherever it is.
func TestSecretsAreFoundAnywhere(t *testing.T) {
	t.Parallel()
	for secret, want := range map[string]string{
		"ann.lee+news@mail.example.com":                                          mask.Email,
		"用户@例子.公司":                                                               mask.Email,
		"o'neil_7@sub-domain.example.museum":                                     mask.Email,
		"sk-ant-api03-abcdefghijklmnop_QRSTUV":                                   mask.Key,
		"sk_live_abcdefghijklmnop1234":                                           mask.Key,
		"ASIAIOSFODNN7EXAMPLE":                                                   mask.Key,
		"AIza" + strings.Repeat("a1_-b", 7):                                      mask.Key,
		"github_pat_" + strings.Repeat("a1_", 10):                                mask.Key,
		"glpat-abcdefghijklmnopqrst":                                             mask.Key,
		"xoxb-1234567890-abcdef":                                                 mask.Key,
		"hf_" + strings.Repeat("aB", 17):                                         mask.Key,
		"eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0In0.":                               mask.Key,
		"-----BEGIN EC PRIVATE KEY-----\nMHQCAQEE\n-----END EC PRIVATE KEY-----": mask.Key,
		"4111111111111111":                                                       mask.Card,
		"5500-0000-0000-0004":                                                    mask.Card,
		"3782 822463 10005":                                                      mask.Card,
		"6304000000000000000":                                                    mask.Card, // 19 digits
		"4222222222222":                                                          mask.Card, // 13 digits
	} {
		for _, around := range [][2]string{
			{"", ""}, {"see ", " now"}, {"(", ")"}, {`{"x":"`, `"}`}, {`{\"x\":\"`, `\"}`}, {"é ", " é"}, {"x\n", "\ny"},
			{"https://host/path?q=", "&page=2"}, {"<", ">"}, {"‘", "’"}, {"[email] ", " [key]"},
		} {
			if strings.HasSuffix(around[0], "=") && want == mask.Email {
				continue // a mailbox may begin with a path
			}
			if got, want := masks["All"](around[0]+secret+around[1]), around[0]+want+around[1]; got != want {
				t.Errorf("%q becomes %q, want %q", around[0]+secret+around[1], got, want)
			}
		}
	}
}

func TestNamedCredentialsAreFoundInEverySpelling(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"password: hunter22":                          "password: [key]",
		"PASSWORD=hunter22":                           "PASSWORD=[key]",
		"passwd = 'hunter22'":                         "passwd = '[key]'",
		"DB_PASSWORD=hunter22\nnext=1":                "DB_PASSWORD=[key]\nnext=1",
		"OPENAI_API_KEY=abcdef123":                    "OPENAI_API_KEY=[key]",
		"AWS_SECRET_ACCESS_KEY=abc/def+123":           "AWS_SECRET_ACCESS_KEY=[key]",
		`userPassword: "hunter22"`:                    `userPassword: "[key]"`,
		"https://host/a?api_key=abcdef123&page=2":     "https://host/a?api_key=[key]&page=2",
		"https://host/a?access-token=abcdef123":       "https://host/a?access-token=[key]",
		`{"client_secret":"abcdef123","id":1}`:        `{"client_secret":"[key]","id":1}`,
		`{\"client_secret\": \"abcdef123\"}`:          `{\"client_secret\": \"[key]\"}`,
		`{\\\"apiKey\\\":\\\"abcdef123\\\",\\\"a\\\"`: `{\\\"apiKey\\\":\\\"[key]\\\",\\\"a\\\"`,
		`password: C:\secret\path`:                    `password: [key]`,
		"password: pässwörter":                        "password: [key]",
		"password: ann@example.com":                   "password: [key]",
		"password: 4111 1111 1111 1111":               "password: [key]",
		"password: x:ann@example.com!":                "password: [key]",
		"password: abcdefgh:ann@example.com":          "password: [key]",
		"password: [key]":                             "password: [key]",
		"api_key: sk-abcdefghijklmnopqrstuvwx":        "api_key: [key]",
	} {
		if got := masks["All"](text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// A quadratic mask would not finish a megabyte within the time limit of the test run.
func TestHostileTextsTakeLinearTime(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{
		"4", "4 ", "4-", "@", "a@", "a.", "a@b", "a@b.", "a-", ".", "Bearer ", "password:", `password\`, "sk-", "eyJa", "-----BEGIN PRIVATE KEY-----",
		"-----BEGIN A ", "[email]", "password: [", "ä", "\xff", "_", "1a",
	} {
		text := strings.Repeat(unit, 1<<20/len(unit))
		if got := masks["All"](text); len(got) == 0 {
			t.Errorf("nothing is left of %q repeated", unit)
		}
	}
}
