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

// maxMessage limits a message from outside, in bytes; maxWords limits a quotation from an answer
// that is not a JSON object.
const (
	maxMessage = 256
	maxWords   = 100
)

// withheld replaces a message that quotes the request.
const withheld = "message withheld: it quotes the request"

// request holds the secrets of a request: a message from outside must not repeat them.
type request struct {
	key  string
	body []byte
}

// clean makes text from outside fit for an error: one printable line of at most maxMessage bytes,
// without user information and query values. It returns withheld if the text quotes the request.
func (r request) clean(text string) string {
	short := brief.Cut(strip(printable(text)), maxMessage)
	// The whole text is searched for the key as well, because the cut may have split it.
	if r.holdsKey(text) || r.holdsKey(short) || quotes(short, r.body) {
		return withheld
	}
	return short
}

// holdsKey reports whether text contains the API key, as it is or escaped.
func (r request) holdsKey(text string) bool {
	return r.key != "" && (strings.Contains(text, r.key) || strings.Contains(text, url.QueryEscape(r.key)))
}

// quoteBlock is the size of the blocks that quotes compares, in bytes.
const quoteBlock = 8

// quotes reports whether text repeats a part of body. It looks up the text block by block, so it
// finds every repetition of at least 2*quoteBlock-1 bytes. A block may also occur in the body by
// chance; then a harmless message is withheld.
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

// Parts of URLs that may hold secrets.
var (
	userInfo = regexp.MustCompile(`[^\s"]*@`)
	query    = regexp.MustCompile(`\?[^\s"]*`)
)

// strip removes query values from the URLs in a text, and everything before an @, because a
// password may begin anywhere in a URL that cannot be parsed.
func strip(text string) string {
	return query.ReplaceAllString(userInfo.ReplaceAllString(text, ""), "")
}

// markup matches everything in a web page except its words.
var markup = regexp.MustCompile(`(?is)<(script|style)\b.*?(</(script|style)\s*>|$)|<!--.*?(-->|$)|<[^>]*(>|$)`)

// noObject describes the body of a 2xx that is not the expected JSON object. It quotes the first
// words of a web page and, if quoted is set, of any other text.
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

// serverMessage returns the message in the body of an answer: the "message" of a JSON "error"
// object or of the first of the "errors", an "error" or "message" string, or plain text. It ignores
// HTML and other JSON, which would not help a reader.
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

// jsonMessage is serverMessage for a JSON object.
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

// jsonString returns the text of a JSON string, or "" for any other value.
func jsonString(raw json.RawMessage) (text string) {
	_ = json.Unmarshal(raw, &text)
	return text
}

// failureMessage returns the text of an error of net/http without the URL of the request, which
// net/http puts in front of it.
func failureMessage(err error) string {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	return err.Error()
}
