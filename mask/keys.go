package mask

import (
	"regexp"
	"strings"
)

// secret is a form of credentials.
type secret struct {
	signs []string // one of them is in every text that holds one: looking for it costs little
	form  *regexp.Regexp
	with  string // what it becomes, as for Regexp.ReplaceAllString
}

// secrets are forms that their issuers document, and credentials that are called so. Where
// one is called so, its name and the sign behind it stay.
var secrets = []secret{
	{[]string{"sk-"}, regexp.MustCompile(`\bsk-[A-Za-z0-9_-]{20,}`), Key},                                    // OpenAI, Anthropic and others
	{[]string{"_live_", "_test_"}, regexp.MustCompile(`\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}`), Key}, // Stripe
	{[]string{"AKIA", "ASIA"}, regexp.MustCompile(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`), Key},                     // AWS
	{[]string{"AIza"}, regexp.MustCompile(`\bAIza[0-9A-Za-z_-]{35}`), Key},                                   // Google
	{[]string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"}, regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})`), Key},
	{[]string{"glpat-"}, regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{20,}`), Key},    // GitLab
	{[]string{"xox"}, regexp.MustCompile(`\bxox[abeoprs]-[A-Za-z0-9-]{10,}`), Key}, // Slack
	{[]string{"hf_"}, regexp.MustCompile(`\bhf_[A-Za-z0-9]{30,}`), Key},            // Hugging Face
	// JSON Web Tokens, RFC 7519
	{[]string{"eyJ"}, regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`), Key},
	// RFC 7468; one that is cut off as well
	{[]string{"PRIVATE KEY"}, regexp.MustCompile(`-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----(?s:.*?)(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY-----|\z)`), Key},
	// RFC 6750
	{[]string{"earer ", "EARER "}, regexp.MustCompile(`(?i)\bBearer [A-Za-z0-9._~+/-]{16,}=*`), Key},
	{
		[]string{"key", "Key", "KEY", "oken", "OKEN", "ecret", "ECRET", "assw", "ASSW"},
		regexp.MustCompile(`(?i)\b((?:api[_-]?key|access[_-]?token|auth[_-]?token|client[_-]?secret|secret[_-]?key|passw(?:or)?d)["']?\s*[:=]\s*["']?)([^\s"',;&)}\]]{6,})`),
		"${1}" + Key,
	},
}

// Keys replaces keys of interfaces, tokens, passwords that are called so, and private keys
// with [key].
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
