package spool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Upload is the payload of an Attachment record: content that must be stored at the
// server before the log line that refers to it is sent.
type Upload struct {
	// Blob names the content in the spool.
	Blob string `json:"blob"`
	// Size is the length of the content in bytes.
	Size int64 `json:"size"`
	// MIME is the type of the content.
	MIME string `json:"mime"`
	// Key is where the server stores the content.
	Key string `json:"key"`
	// Attempt counts the uploads that failed.
	Attempt int `json:"attempt"`
	// After is when the next upload may be tried; zero means at once.
	After time.Time `json:"after,omitzero"`
	// Line is the log line that is sent once the content is stored.
	Line []byte `json:"-"`
}

// AppendUpload appends the encoding of an upload to dst: its fields as a JSON object
// in one line, a newline, and the log line. Text that is not UTF-8 becomes U+FFFD.
func AppendUpload(dst []byte, u *Upload) []byte {
	header := bytes.NewBuffer(dst)
	enc := json.NewEncoder(header)
	enc.SetEscapeHTML(false)
	if enc.Encode(u) != nil { // a year that RFC 3339 cannot write
		rest := *u
		rest.After = time.Time{}
		return AppendUpload(dst, &rest)
	}
	return append(header.Bytes(), u.Line...)
}

// ParseUpload decodes the encoding of AppendUpload. Line is a part of data. The error is
// ErrDamaged and does not quote the data.
func ParseUpload(data []byte) (Upload, error) {
	header, line, ok := bytes.Cut(data, []byte{'\n'})
	if !ok {
		return Upload{}, fmt.Errorf("%w: an upload record without a header", ErrDamaged)
	}
	var u Upload
	if err := json.Unmarshal(header, &u); err != nil {
		return Upload{}, fmt.Errorf("%w: the header of an upload record is not JSON", ErrDamaged)
	}
	if err := u.check(); err != nil {
		return Upload{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	u.Line = line
	return u, nil
}

// check refuses records that a program of this version cannot have written.
func (u *Upload) check() error {
	switch {
	case !isBlobName(u.Blob):
		return errors.New("an upload record names no blob")
	case u.Size < 0 || u.Attempt < 0:
		return errors.New("an upload record counts below zero")
	}
	return nil
}
