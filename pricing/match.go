package pricing

import (
	"slices"
	"strings"
	"time"
)

// candidate is a name to look for, and who may have the price.
type candidate struct {
	name string
	of   []string // the providers that prefixes named; nil for any
}

// prefixes are the path segments that are cut, and the providers whose price list then
// holds; nil for any, which is so for gateways that sell at list prices.
var prefixes = map[string][]string{
	"openai":     {"openai"},
	"azure":      {"openai"},
	"anthropic":  {"anthropic"},
	"google":     {"google"},
	"gemini":     {"google"},
	"vertex_ai":  {"google", "anthropic"},
	"bedrock":    {"anthropic", "aws"},
	"mistral":    {"mistral"},
	"mistralai":  {"mistral"},
	"cohere":     {"cohere"},
	"deepseek":   {"deepseek"},
	"groq":       {"groq"},
	"openrouter": nil,
	"models":     nil,
	"publishers": nil,
}

// regions are the dotted prefixes of Bedrock that choose where a call is answered.
var regions = []string{"us", "eu", "apac", "au", "ca", "jp", "us-gov", "global"}

// bedrock are the dotted prefixes of Bedrock for companies whose own prices hold there.
// The other companies' models cost something else there.
var bedrock = map[string][]string{"anthropic": {"anthropic", "aws"}}

// sellers are other names of providers, in lower case with hyphens.
var sellers = map[string]string{
	"azure": "openai", "azure-openai": "openai", "openai-responses": "openai",
	"gemini": "google", "google-genai": "google", "google-ai-studio": "google", "vertex-ai": "google", "vertexai": "google",
	"mistralai": "mistral",
	"bedrock":   "aws", "aws-bedrock": "aws", "amazon-bedrock": "aws",
}

// maxName is the length of the longest name that is looked for, in bytes.
const maxName = 256

// candidates returns what to look for, best first.
func candidates(model string) []candidate {
	if len(model) > maxName {
		return nil
	}
	c := candidate{name: strings.ToLower(strings.TrimSpace(model))}
	if tuned, ok := fineTuned(c.name); ok {
		return forms(nil, candidate{name: tuned})
	}
	var all []candidate
	for ok := true; ok; c, ok = c.cut() {
		all = forms(all, c)
	}
	return all
}

// fineTuned returns "ft:" and the model that was tuned.
func fineTuned(name string) (string, bool) {
	base, ok := strings.CutPrefix(name, "ft:")
	if !ok {
		return "", false
	}
	base, _, _ = strings.Cut(base, ":")
	return "ft:" + base, true
}

// cut takes away the first prefix, and reports false where there is none to take.
func (c candidate) cut() (candidate, bool) {
	if prefix, name, ok := strings.Cut(c.name, "/"); ok {
		of, known := prefixes[prefix]
		return c.only(name, of), known
	}
	prefix, name, ok := strings.Cut(c.name, ".")
	if !ok {
		return candidate{}, false
	}
	if of, known := bedrock[prefix]; known {
		return c.only(name, of), true
	}
	if _, known := bedrock[firstOf(name)]; known && slices.Contains(regions, prefix) {
		return c.only(name, nil), true
	}
	return candidate{}, false
}

// firstOf returns what stands before the first dot.
func firstOf(name string) string {
	first, _, _ := strings.Cut(name, ".")
	return first
}

// only returns a candidate of a shorter name, for those providers that c allows too.
func (c candidate) only(name string, of []string) candidate {
	switch {
	case of == nil:
		return candidate{name: name, of: c.of}
	case c.of == nil:
		return candidate{name: name, of: of}
	}
	both := make([]string, 0, len(of))
	for _, provider := range of {
		if slices.Contains(c.of, provider) {
			both = append(both, provider)
		}
	}
	return candidate{name: name, of: both}
}

// forms appends a candidate, and what is left of it without suffixes.
func forms(all []candidate, c candidate) []candidate {
	all = append(all, c)
	if name, ok := cutVersion(c.name); ok {
		c.name = name
		all = append(all, c)
	}
	if name, ok := cutDate(c.name); ok {
		c.name = name
		all = append(all, c)
	}
	return all
}

// cutVersion takes away -v1:0, -v1 or :0, with one or two digits in each place.
func cutVersion(name string) (string, bool) {
	cut := name
	if head, tail, ok := cutLast(name, ":"); ok && isNumber(tail, 2) {
		cut = head
	}
	if head, tail, ok := cutLast(cut, "-v"); ok && isNumber(tail, 2) {
		cut = head
	}
	return cut, cut != name
}

// cutDate takes away -2006-01-02, -20060102, @20060102, -latest or @latest.
func cutDate(name string) (string, bool) {
	for _, newest := range []string{"-latest", "@latest"} {
		if head, found := strings.CutSuffix(name, newest); found && head != "" {
			return head, true
		}
	}
	for _, layout := range []string{"-2006-01-02", "-20060102", "@20060102"} {
		n := len(name) - len(layout)
		if n <= 0 || !strings.HasPrefix(name[n:], layout[:1]+"20") {
			continue
		}
		if _, err := time.Parse(layout, name[n:]); err == nil {
			return name[:n], true
		}
	}
	return name, false
}

// cutLast cuts at the last separator, which must not be at the beginning.
func cutLast(s, separator string) (head, tail string, ok bool) {
	i := strings.LastIndex(s, separator)
	if i <= 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

func isNumber(s string, digits int) bool {
	return s != "" && len(s) <= digits && strings.Trim(s, "0123456789") == ""
}

// seller returns the provider's name in tables.
func seller(provider string) string {
	name := strings.NewReplacer("_", "-", " ", "-", ".", "-").Replace(strings.ToLower(strings.TrimSpace(provider)))
	if known, ok := sellers[name]; ok {
		return known
	}
	return name
}

// lookup returns the model of a name, if there is one that the call can mean.
func (t *Table) lookup(c candidate, provider string) (*Model, bool) {
	var found *Model
	for _, i := range t.named[c.name] {
		m := &t.models[i]
		named := m.Provider == provider || slices.Contains(c.of, m.Provider)
		switch {
		case c.of != nil && !slices.Contains(c.of, m.Provider), m.Hosted && !named:
			continue
		case m.Provider == provider:
			return m, true
		case found != nil:
			return nil, false // two are as good as each other
		}
		found = m
	}
	return found, found != nil
}
