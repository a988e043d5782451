package replay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxConversation is the longest conversation that is read, in bytes of its JSON.
// Longer ones are skipped.
const MaxConversation = 64 << 20

// ErrTruncated is returned for a list that the stream ends in the middle of.
var ErrTruncated = errors.New("the list of conversations has no end: the file seems to be cut off")

// ConversationError says that a conversation is skipped, and why. It holds nothing of
// the conversation.
type ConversationError struct {
	Number int // among the conversations of the stream, from 1
	Reason string
}

// Error names the conversation and the reason.
func (e *ConversationError) Error() string {
	return fmt.Sprintf("conversation %d is skipped: %s", e.Number, e.Reason)
}

// splitter cuts a stream into conversations. In a list it goes by brackets and quotes
// alone, so that a fault inside a conversation ends with that conversation. It
// belongs to one goroutine.
type splitter struct {
	in     *bufio.Reader
	number int // conversations begun
	begun  bool
	list   bool // the stream is a JSON list
	limit  int  // MaxConversation, less in tests
}

func newSplitter(r io.Reader) *splitter {
	return &splitter{in: bufio.NewReaderSize(r, 1<<16), limit: MaxConversation}
}

// next returns the text of the next conversation, which the caller may keep; io.EOF
// at the end; a *ConversationError for one to skip; and any other error if nothing
// more can be read.
func (s *splitter) next() ([]byte, error) {
	if !s.begun {
		if err := s.begin(); err != nil {
			return nil, err
		}
	}
	if s.list {
		return s.element()
	}
	return s.line()
}

// begin finds out what the stream is.
func (s *splitter) begin() error {
	s.begun = true
	if mark, _ := s.in.Peek(3); string(mark) == "\ufeff" {
		_, _ = s.in.Discard(len(mark)) // it has been peeked at
	}
	b, err := s.skip(isSpace)
	if err != nil {
		return err
	}
	if b == '[' {
		s.list = true
		return nil
	}
	return s.in.UnreadByte()
}

// line returns the next line that is not blank.
func (s *splitter) line() ([]byte, error) {
	for {
		var text []byte
		size := 0
		for {
			part, err := s.in.ReadSlice('\n')
			if size += len(part); size <= s.limit {
				text = append(text, part...)
			}
			if err == nil || errors.Is(err, io.EOF) && size > 0 {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return nil, err
			}
		}
		if size > s.limit {
			s.number++
			return nil, s.tooLong()
		}
		if text = bytes.TrimSpace(text); len(text) > 0 {
			s.number++
			return text, nil
		}
	}
}

// element returns the next element of the list.
func (s *splitter) element() ([]byte, error) {
	b, err := s.skip(func(b byte) bool { return isSpace(b) || b == ',' })
	if err != nil {
		return nil, truncated(err)
	}
	if b == ']' {
		s.list = false // what may follow the list is read as lines
		return s.line()
	}
	s.number++
	if err := s.in.UnreadByte(); err != nil {
		return nil, err
	}
	return s.balanced()
}

// balanced reads to the end of the element that begins here.
func (s *splitter) balanced() ([]byte, error) {
	var text []byte
	depth, size := 0, 0
	quoted, escaped := false, false
	for {
		b, err := s.in.ReadByte()
		if err != nil {
			return nil, truncated(err)
		}
		if depth == 0 && (b == ',' || b == ']') {
			return s.finish(text, size, s.in.UnreadByte())
		}
		if size++; size <= s.limit {
			text = append(text, b)
		}
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = b == '\\', b != '"'
		case b == '"':
			quoted = true
		case b == '{' || b == '[':
			depth++
		case b == '}' || b == ']':
			if depth--; depth == 0 {
				return s.finish(text, size, nil)
			}
		}
	}
}

func (s *splitter) finish(text []byte, size int, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if size > s.limit {
		return nil, s.tooLong()
	}
	return text, nil
}

func (s *splitter) tooLong() error {
	return &ConversationError{s.number, fmt.Sprintf("it is longer than %d bytes", s.limit)}
}

// skip returns the first byte that is not to be passed over.
func (s *splitter) skip(over func(byte) bool) (byte, error) {
	for {
		b, err := s.in.ReadByte()
		if err != nil || !over(b) {
			return b, err
		}
	}
}

func truncated(err error) error {
	if errors.Is(err, io.EOF) {
		return ErrTruncated
	}
	return err
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }
