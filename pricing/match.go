package pricing

import (
	"slices"
	"strings"
	"time"
)

// candidate is a name to look for and the providers whose prices are acceptable.
type candidate struct {
	name string
	of   []string // the providers that prefixes of the name allow; nil means any
}

// prefixes maps the path segments that are cut to the providers whose price list then holds.
// nil means any provider, as for gateways that sell at list prices.
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

// regions are the dotted prefixes of Bedrock that choose the region in which a call is served.
var regions = []string{"us", "eu", "apac", "au", "ca", "jp", "us-gov", "global"}

// bedrock maps the dotted prefixes of Bedrock to the providers whose prices hold. It has only
// companies that charge their own prices there; the models of others have different prices.
var bedrock = map[string][]string{"anthropic": {"anthropic", "aws"}}

// sellers maps other names of providers to the names in tables. Keys are in lower case, with
// hyphens as separators.
var sellers = map[string]string{
	"azure": "openai", "azure-openai": "openai", "openai-responses": "openai",
	"gemini": "google", "google-genai": "google", "google-ai-studio": "google", "vertex-ai": "google", "vertexai": "google",
	"mistralai": "mistral",
	"bedrock":   "aws", "aws-bedrock": "aws", "amazon-bedrock": "aws",
}

// maxName is the length of the longest model name that is looked up, in bytes. Names come from
// logs, so without a limit a hostile name could cost time out of proportion.
const maxName = 256

// candidates returns the names under which a model may be listed, best first: see "How a model
// is found" in the package comment. Names longer than maxName have none.
func candidates(model string) []candidate {
	if len(model) > maxName {
		return nil
	}
	c := candidate{name: strings.ToLower(strings.TrimSpace(model))}
	var all []candidate
	for ok := true; ok; c, ok = c.cut() {
		if tuned, ok := fineTuned(c.name); ok {
			return forms(all, candidate{name: tuned, of: c.of})
		}
		all = forms(all, c)
	}
	return all
}

// fineTuned returns "ft:" and the base model of a fine-tuned model, without its organisation
// and id.
func fineTuned(name string) (string, bool) {
	base, ok := strings.CutPrefix(name, "ft:")
	if !ok {
		return "", false
	}
	base, _, _ = strings.Cut(base, ":")
	return "ft:" + base, true
}

// cut removes the first prefix. It reports false if the name has no known prefix.
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

// firstOf returns the part of a name before its first dot.
func firstOf(name string) string {
	first, _, _ := strings.Cut(name, ".")
	return first
}

// only returns a candidate with a shorter name, limited to the providers in of that c allows
// as well. A nil list, in c or in of, allows any.
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

// forms appends a candidate and its shorter forms, without the server's version and without
// the date of a snapshot.
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

// cutVersion removes -v1:0, -v1 or :0, with one or two digits in each place.
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

// cutDate removes -2006-01-02, -20060102, @20060102, -latest or @latest. Digits that are not a
// date of this century are part of the name.
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

// cutLast cuts s around the last separator. It reports false if there is none or if nothing
// precedes it.
func cutLast(s, separator string) (head, tail string, ok bool) {
	i := strings.LastIndex(s, separator)
	if i <= 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

// isNumber reports whether s consists of 1 to digits decimal digits.
func isNumber(s string, digits int) bool {
	return s != "" && len(s) <= digits && strings.Trim(s, "0123456789") == ""
}

// seller returns the name that tables use for a provider.
func seller(provider string) string {
	name := strings.NewReplacer("_", "-", " ", "-", ".", "-").Replace(strings.ToLower(strings.TrimSpace(provider)))
	if known, ok := sellers[name]; ok {
		return known
	}
	return name
}

// lookup returns the model with the name of a candidate. If several providers list the name and
// none of them is the call's, it reports false: a guess would be a wrong price.
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
			return nil, false // ambiguous
		}
		found = m
	}
	return found, found != nil
}
