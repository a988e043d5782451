package pricing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrFormat is returned by Load for a file that is not a table of prices. The error says on
// which line the JSON is wrong, without quoting the file.
var ErrFormat = errors.New("pricing: not a file of prices: it must be JSON such as " +
	`{"models":[{"model":"name","prices":[{"input":1,"output":2}]}]}`)

// EntryError is returned by Load for an entry that cannot be used. The only text of the file
// that it quotes is the model's name, so it may be logged.
type EntryError struct {
	Entry  int    // position in "models", from 1
	Line   int    // line of the file on which the entry begins, from 1
	Model  string // the model's name, cut to 80 bytes
	Field  string // path within the entry, such as "prices[0].input"
	Advice string // how to mend the field
}

// Error names the entry, its line and the field, and says how to mend it.
func (e *EntryError) Error() string {
	return fmt.Sprintf("pricing: line %d: model %d (%q), %s: %s", e.Line, e.Entry, e.Model, e.Field, e.Advice)
}

// wrong returns an error about a field. Load fills in the entry.
func wrong(field, advice string) *EntryError { return &EntryError{Field: field, Advice: advice} }

// in completes an error with the place of its entry, counted from 0, in the text of a file.
func (e *EntryError) in(text []byte, entry int, model string) *EntryError {
	e.Entry, e.Model, e.Line = entry+1, clip(model), entryLine(text, entry)
	return e
}

// clip cuts a name to 80 bytes of valid UTF-8.
func clip(name string) string { return strings.ToValidUTF8(name[:min(len(name), 80)], "") }

// strict decodes exactly one JSON value and rejects fields that v does not have.
func strict(text []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

// formatError returns an ErrFormat for an error of strict. It says where the text is wrong
// without quoting it: the text of err may quote the file.
func formatError(text []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("%w; invalid JSON on line %d", ErrFormat, line(text, syntax.Offset))
	case errors.As(err, &kind):
		return fmt.Errorf("%w; a value of the wrong type on line %d", ErrFormat, line(text, kind.Offset))
	}
	return fmt.Errorf("%w; the file ends too early, has an unknown field, or more than one value", ErrFormat)
}

// line returns the line, from 1, of a position in a text.
func line(text []byte, offset int64) int {
	offset = min(max(offset, 0), int64(len(text)))
	return 1 + bytes.Count(text[:offset], []byte("\n"))
}

// entryLine returns the line on which an entry of "models" begins. The text is known to be
// valid, so it is walked only to report an error; decoding does not pay for positions.
func entryLine(text []byte, entry int) int {
	decoder := json.NewDecoder(bytes.NewReader(text))
	for token, err := decoder.Token(); err == nil && token != json.Delim('['); {
		token, err = decoder.Token()
	}
	var raw json.RawMessage
	for i := 0; i <= entry && decoder.More(); i++ {
		if decoder.Decode(&raw) != nil {
			break
		}
	}
	return line(text, decoder.InputOffset()-int64(len(raw)))
}
