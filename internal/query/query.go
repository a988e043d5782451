package query

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/pricing"
)

// Limits of a query. They bound the work of Parse and of the store, not the reader: the part
// beyond a limit is reported in Query.Bad.
const (
	MaxBytes = 4 << 10 // text beyond it is ignored
	MaxTerms = 64      // words, phrases and conditions together
)

// Query is a parsed query. Its terms, words and phrases are joined by "and". The zero value
// matches everything.
type Query struct {
	Terms []store.Term // conditions on fields, in the order they were typed
	// Words, Phrases and Not are passed to the text search: texts must contain all Words
	// and Phrases, and none of Not.
	Words, Phrases, Not []string
	Bad                 []BadTerm // parts that were left out of all other fields
}

// BadTerm is a part of a query that Parse does not understand.
type BadTerm struct {
	From, To int    // byte offsets in the query; To is exclusive
	Reason   string // the expected form, for the reader
}

// Text reports whether the query needs the text search. Excluded words alone do not: there
// is no index of texts that lack a word.
func (q *Query) Text() bool { return len(q.Words)+len(q.Phrases) > 0 }

// Parse parses a query. It never fails: parts that it does not understand are in Bad, and the
// rest of the query applies. A quote that is never closed ends with the text.
func Parse(text string) Query {
	var q Query
	if len(text) > MaxBytes {
		cut := MaxBytes
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		q.Bad = append(q.Bad, BadTerm{cut, len(text), "a query has at most " + strconv.Itoa(MaxBytes) + " bytes"})
		text = text[:cut]
	}
	for n, t := range tokens(text) {
		if n == MaxTerms {
			q.Bad = append(q.Bad, BadTerm{t.from, len(text), "a query has at most " + strconv.Itoa(MaxTerms) + " terms"})
			break
		}
		q.add(t)
	}
	return q
}

// token is one term of a query, before its field and value are checked.
type token struct {
	from, to int
	not      bool
	field    string // the part before : or =, "" for words and phrases
	value    string // without its quotes
	quoted   bool
}

// tokens splits a query at spaces outside quotes.
func tokens(text string) []token {
	var all []token
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if unicode.IsSpace(r) {
			i += size
			continue
		}
		var t token
		t, i = next(text, i)
		all = append(all, t)
	}
	return all
}

// next reads the token that starts at i and returns the offset after it. text[i] must not be
// a space. Inside quotes, a backslash escapes a quote or a backslash.
func next(text string, i int) (token, int) {
	t := token{from: i}
	if text[i] == '-' && i+1 < len(text) && text[i+1] != ' ' {
		t.not = true
		i++
	}
	var value strings.Builder
	for quoted := false; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '"':
			quoted = !quoted
			t.quoted = true
		case r == '\\' && quoted && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			value.WriteByte(text[i+1])
			i++
		case unicode.IsSpace(r) && !quoted:
			t.to, t.value = i, value.String()
			return t, i
		case (r == ':' || r == '=') && !quoted && t.field == "" && isField(value.String(), r):
			t.field = value.String()
			value.Reset()
		default:
			value.WriteString(text[i : i+size])
		}
		i += size
	}
	t.to, t.value = i, value.String()
	return t, i
}

// isField reports whether name, followed by sign, is a field. Unknown names are not errors:
// http://host is a word. Tags and metadata accept both signs, other fields only a colon.
func isField(name string, sign rune) bool {
	if key, found := strings.CutPrefix(name, "tag."); found && key != "" {
		return true
	}
	if key, found := strings.CutPrefix(name, "meta."); found && key != "" {
		return true
	}
	return sign == ':' && slices.Contains(fields, store.Field(name))
}

// fields are the field names recognised before a colon.
var fields = []store.Field{
	store.FieldStatus, store.FieldKind, store.FieldModel, store.FieldTool, store.FieldName, store.FieldSession,
	store.FieldCost, store.FieldTime, store.FieldTokens, store.FieldHas, store.FieldIs,
}

// Values of is:. Indexes store the older spelling, which Parse still accepts; String prints
// only the current one.
const (
	detached       = "detached"
	storedDetached = "orphan"
)

// add files a token under terms, words, phrases, exclusions or bad terms.
func (q *Query) add(t token) {
	switch {
	case t.field == "" && t.value == "":
	case t.field == "" && t.not:
		q.Not = append(q.Not, t.value)
	case t.field == "" && t.quoted:
		q.Phrases = append(q.Phrases, t.value)
	case t.field == "":
		q.Words = append(q.Words, t.value)
	default:
		term, reason := termOf(t)
		if reason != "" {
			q.Bad = append(q.Bad, BadTerm{t.from, t.to, reason})
			return
		}
		q.Terms = append(q.Terms, term)
	}
}

// termOf converts a token to a condition. The second result is the reason why it cannot, ""
// if the condition is valid.
func termOf(t token) (store.Term, string) {
	term := store.Term{Not: t.not, Op: store.Equal, Value: t.value}
	for _, prefix := range []store.Field{store.FieldTag, store.FieldMeta} {
		if key, found := strings.CutPrefix(t.field, string(prefix)+"."); found {
			term.Field, term.Key = prefix, key
			return term, ""
		}
	}
	term.Field = store.Field(t.field)
	if t.value == "" {
		return term, t.field + ": must be followed by a value"
	}
	switch term.Field {
	case store.FieldCost, store.FieldTime, store.FieldTokens:
		return numeric(term)
	case store.FieldStatus:
		if term.Value == "ok" {
			term.Value = "ended"
		}
		return term, oneOf(term.Value, "error", "open", "ended", "partial")
	case store.FieldKind:
		if term.Value == "tool" {
			term.Value = protocol.ToolCall.String()
		}
		if protocol.ParseKind(term.Value) == protocol.Unknown {
			return term, "kind: must be one of span, generation, retrieval, tool, error"
		}
	case store.FieldHas:
		return term, oneOf(term.Value, "attachment", "feedback", "error")
	case store.FieldIs:
		if term.Value == detached {
			term.Value = storedDetached
		}
		return term, unless(term.Value == storedDetached, "the only value is "+detached)
	}
	return term, ""
}

// oneOf returns "" if value is one of some, else a reason that lists them.
func oneOf(value string, some ...string) string {
	if slices.Contains(some, value) {
		return ""
	}
	return "the value must be one of " + strings.Join(some, ", ")
}

// numeric parses a comparison with a number. Costs become nano-dollars, durations
// microseconds. The operators are tried longest first, so that >= is not read as >.
func numeric(term store.Term) (store.Term, string) {
	text := term.Value
	for _, op := range []store.Op{store.Most, store.Least, store.Less, store.Greater, store.Equal} {
		if rest, found := strings.CutPrefix(text, string(op)); found {
			term.Op, text = op, rest
			break
		}
	}
	term.Value = ""
	ok := false
	switch term.Field {
	case store.FieldCost:
		var amount pricing.USD
		amount, ok = pricing.ParseUSD(strings.TrimPrefix(text, "$"))
		term.Number = int64(amount)
		return term, unless(ok, "cost: needs an amount in dollars, such as cost:>0.01")
	case store.FieldTime:
		var d time.Duration
		d, err := time.ParseDuration(text)
		term.Number = d.Microseconds()
		return term, unless(err == nil, "dur: needs a duration, such as dur:>2s or dur:<150ms")
	}
	term.Number, ok = quantity(text)
	return term, unless(ok, "tokens: needs a whole number, such as tokens:>1000 or tokens:>1k")
}

// unless returns "" if ok, else reason.
func unless(ok bool, reason string) string {
	if ok {
		return ""
	}
	return reason
}

// quantity parses a whole number with an optional suffix k (thousand) or M (million). It
// returns false for negative numbers and for numbers above 2^62.
func quantity(text string) (int64, bool) {
	factor := int64(1)
	for suffix, by := range map[string]int64{"k": 1e3, "K": 1e3, "M": 1e6} {
		if rest, found := strings.CutSuffix(text, suffix); found {
			text, factor = rest, by
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > (1<<62)/factor || n < 0 {
		return 0, false
	}
	return n * factor, true
}

// String formats the query in a canonical order. Parsing the result returns an equal query
// without its bad terms.
func (q Query) String() string {
	var parts []string
	for _, phrase := range q.Phrases {
		parts = append(parts, quote(phrase))
	}
	for _, word := range q.Words {
		parts = append(parts, bare(word))
	}
	for _, word := range q.Not {
		parts = append(parts, "-"+bare(word))
	}
	for _, term := range q.Terms {
		parts = append(parts, TermString(term))
	}
	return strings.Join(parts, " ")
}

// TermString formats a term in the syntax that Parse reads.
func TermString(t store.Term) string {
	name := string(t.Field) + ":"
	if t.Key != "" {
		name = string(t.Field) + "." + t.Key + "="
	}
	if t.Not {
		name = "-" + name
	}
	op := t.Op
	if op == store.Equal {
		op = ""
	}
	switch t.Field {
	case store.FieldIs:
		if t.Value == storedDetached {
			return name + detached
		}
	case store.FieldCost:
		return name + string(op) + pricing.USD(t.Number).String()
	case store.FieldTime:
		return name + string(op) + (time.Duration(t.Number) * time.Microsecond).String()
	case store.FieldTokens:
		return name + string(op) + strconv.FormatInt(t.Number, 10)
	}
	return name + cmp.Or(plain(t.Value), quote(t.Value))
}

// bare returns a word without quotes if Parse reads it back as the same word, else in quotes.
func bare(word string) string {
	if back := tokens(word); len(back) == 1 && back[0].field == "" && !back[0].quoted && !back[0].not && back[0].value == word {
		return word
	}
	return quote(word)
}

// plain returns value if it needs no quotes, else "".
func plain(value string) string {
	if strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || r == '"' || r == '\\' || r == utf8.RuneError }) {
		return ""
	}
	return value
}

// quote returns text in quotes, escaped for next.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// With returns the query with term added, unless it has it already. q is not changed and
// shares no terms with the result.
func (q Query) With(term store.Term) Query {
	if slices.Contains(q.Terms, term) {
		return q
	}
	q.Terms = append(slices.Clone(q.Terms), term)
	return q
}
