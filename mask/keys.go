package mask

import (
	"regexp"
	"strings"
)

// secret is a form of credentials.
type secret struct {
	signs []string // each text with such credentials contains one of these; a search for them is cheap
	form  *regexp.Regexp
	with  string // the replacement, as for Regexp.ReplaceAllString
}

// quote is an optional quotation mark around a name or a value, escaped any number of times:
// arguments of tools are JSON in a JSON string.
const quote = `\\*["']?`

// char is a character of a named value. A backslash ends the value if it escapes a quotation mark.
const char = `(?:[^\s"',;&)}\]\\]|\\+[^\s"'\\])`

// masked is a value, or a part of one, that another mask has replaced already. Without it, the
// value of "password: [email]" would end before its bracket.
const masked = `\[(?:email|key|card)\]`

// named are the names of values that are credentials whatever their form. Any text may precede
// them, as in OPENAI_API_KEY.
const named = `(?:api[_-]?key|access[_-]?token|auth[_-]?token|client[_-]?secret|secret[_-]?(?:access[_-]?)?key|passw(?:or)?d)`

// secrets lists forms that their issuers document, and values with a telling name. Of the latter
// the name and the separator stay, so that the log shows which value was given.
var secrets = []secret{
	// OpenAI, Anthropic and others
	{[]string{"sk-"}, regexp.MustCompile(`\bsk-[A-Za-z0-9_-]{20,}`), Key},
	// Stripe
	{[]string{"_live_", "_test_"}, regexp.MustCompile(`\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}`), Key},
	// AWS
	{[]string{"AKIA", "ASIA"}, regexp.MustCompile(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`), Key},
	// Google
	{[]string{"AIza"}, regexp.MustCompile(`\bAIza[0-9A-Za-z_-]{35}`), Key},
	// GitHub
	{
		[]string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"},
		regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})`), Key,
	},
	// GitLab
	{[]string{"glpat-"}, regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{20,}`), Key},
	// Slack
	{[]string{"xox"}, regexp.MustCompile(`\bxox[abeoprs]-[A-Za-z0-9-]{10,}`), Key},
	// Hugging Face
	{[]string{"hf_"}, regexp.MustCompile(`\bhf_[A-Za-z0-9]{30,}`), Key},
	// JSON Web Tokens, RFC 7519
	{[]string{"eyJ"}, regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`), Key},
	// RFC 7468, up to the end of the text if the last line is missing
	{
		[]string{"PRIVATE KEY"},
		regexp.MustCompile(`-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----` +
			`(?s:.*?)(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY-----|\z)`), Key,
	},
	// RFC 6750
	{[]string{"earer ", "EARER "}, regexp.MustCompile(`(?i)\bBearer [A-Za-z0-9._~+/-]{16,}=*`), Key},
	// named values of at least 6 characters
	{
		[]string{"key", "Key", "KEY", "oken", "OKEN", "ecret", "ECRET", "assw", "ASSW"},
		regexp.MustCompile(`(?i)(` + named + quote + `\s*[:=]\s*` + quote + `)` +
			`(?:` + char + `{0,5}` + masked + `(?:` + masked + `|` + char + `)*|(?:` + masked + `|` + char + `){6,})`),
		"${1}" + Key,
	},
}

// Keys replaces API keys, tokens, private keys, and the values of passwords and other named
// credentials with [key]. It knows the documented forms of common issuers, bearer tokens, JSON
// Web Tokens and PEM blocks. A named value is the text after a name such as password, api_key or
// client_secret and a colon or an equals sign, in plain text, JSON or the query of a URL.
func Keys(s string) string {
	for _, secret := range secrets {
		for _, sign := range secret.signs {
			if strings.Contains(s, sign) {
				s = secret.form.ReplaceAllString(s, secret.with)
				break
			}
		}
	}
	return s
}
