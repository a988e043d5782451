package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/troupelog/troupe/internal/brief"
)

// maxMessage is the longest message that is taken over from outside, in bytes, and
// maxWords the longest beginning of an answer that is not what was due.
const (
	maxMessage = 256
	maxWords   = 100
)

// withheld stands for a message that quotes what it was sent.
const withheld = "message withheld: it quotes the request"

// request is what a message from outside must not give away.
type request struct {
	key  string
	body []byte
}

// clean makes text from outside fit for an error: one line, printable, at most
// maxMessage bytes, no user information, no query values; and nothing at all where it
// quotes the request.
func (r request) clean(text string) string {
	short := brief.Cut(strip(printable(text)), maxMessage)
	// The whole text is searched for the key too: the cut may have gone through it.
	if r.holdsKey(text) || r.holdsKey(short) || quotes(short, r.body) {
		return withheld
	}
	return short
}

func (r request) holdsKey(text string) bool {
	return r.key != "" && (strings.Contains(text, r.key) || strings.Contains(text, url.QueryEscape(r.key)))
}

// quoteBlock is the grain of quotes, in bytes.
const quoteBlock = 8

// quotes reports whether text repeats a part of body. It compares the text block by
// block, so any repetition of at least 2*quoteBlock-1 bytes is found; a text whose
// blocks occur in the body by chance is lost, which costs only its words.
func quotes(text string, body []byte) bool {
	for ; len(text) >= quoteBlock; text = text[quoteBlock:] {
		if bytes.Contains(body, []byte(text[:quoteBlock])) {
			return true
		}
	}
	return false
}

// printable folds every run of spaces and unprintable characters into one space.
func printable(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, " "), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
}

var (
	userInfo = regexp.MustCompile(`[^\s"]*@`)
	query    = regexp.MustCompile(`\?[^\s"]*`)
)

// strip removes query values from the URLs in a text, and all in front of an @: where a
// password begins is not certain in a URL that could not be parsed.
func strip(text string) string {
	return query.ReplaceAllString(userInfo.ReplaceAllString(text, ""), "")
}

// markup is what a web page holds beside its words.
var markup = regexp.MustCompile(`(?is)<(script|style)\b.*?(</(script|style)\s*>|$)|<!--.*?(-->|$)|<[^>]*(>|$)`)

// noObject says what a 2xx holds in place of the JSON object that is due: the first words
// of a web page and, if quoted, of any other text.
func noObject(body []byte, quoted bool) string {
	text := strings.ToValidUTF8(string(body), " ")
	switch words := brief.Cut(printable(markup.ReplaceAllString(text, " ")), maxWords); {
	case strings.TrimSpace(text) == "":
		return "the answer is empty, and a JSON object is due"
	case !isMarkup(body) && quoted:
		return "the answer is no JSON object: " + brief.Cut(printable(text), maxWords)
	case !isMarkup(body):
		return "the answer is no JSON object"
	case words == "":
		return "the answer is a web page without words"
	default:
		return "the answer is a web page: " + words
	}
}

// isMarkup reports whether a body is HTML or XML.
func isMarkup(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }

// serverMessage finds what a server says in the body of its answer: the "message" of
// a JSON "error" object, or of the first of the "errors", an "error" or "message" string,
// or plain text. A page of HTML and other JSON say nothing that helps.
func serverMessage(body []byte) string {
	text := strings.TrimSpace(string(body))
	switch {
	case strings.HasPrefix(text, "{"):
		return jsonMessage(body)
	case strings.HasPrefix(text, "<"), strings.HasPrefix(text, "["), text == "null":
		return ""
	default:
		return text
	}
}

func jsonMessage(body []byte) string {
	var outer map[string]json.RawMessage
	if json.Unmarshal(body, &outer) != nil {
		return ""
	}
	var list []json.RawMessage
	if json.Unmarshal(outer["errors"], &list) != nil || len(list) == 0 {
		list = []json.RawMessage{nil}
	}
	for _, found := range []json.RawMessage{outer["error"], list[0], outer["message"]} {
		var inner map[string]json.RawMessage
		if json.Unmarshal(found, &inner) == nil && inner != nil {
			return jsonString(inner["message"])
		}
		if text := jsonString(found); text != "" {
			return text
		}
	}
	return ""
}

// jsonString returns the text of a JSON string, "" for anything else.
func jsonString(raw json.RawMessage) (text string) {
	_ = json.Unmarshal(raw, &text)
	return text
}

// failureMessage is the text of an error of net/http without the request's URL, which
// net/http puts in front of it.
func failureMessage(err error) string {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	return err.Error()
}
