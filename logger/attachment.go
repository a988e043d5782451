package logger

import (
	"cmp"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/media"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// Attachment is a file, bytes or a URL that belongs to an entity. Make one with
// FileAttachment, DataAttachment or URLAttachment; the fields are optional.
//
// This version sends the line that describes an attachment, and not yet the content
// of files and bytes: the first time, OnError is told so with ErrAttachment.
type Attachment struct {
	ID        string            // default: a new UUID
	Name      string            // what the viewer shows
	MIMEType  string            // what the content cannot tell by itself
	Tags      map[string]string // for filtering
	Metadata  map[string]any    // sent as JSON values
	Timestamp time.Time         // sent in whole seconds; default: not sent

	kind attachmentKind
	path string
	data []byte
	url  string
}

type attachmentKind string

const (
	attachFile attachmentKind = "file"
	attachData attachmentKind = "file_data"
	attachURL  attachmentKind = "url"
)

// FileAttachment attaches a file, which is read during the call.
func FileAttachment(path string) Attachment { return Attachment{kind: attachFile, path: path} }

// DataAttachment attaches bytes, which must not change during the call.
func DataAttachment(data []byte) Attachment { return Attachment{kind: attachData, data: data} }

// URLAttachment attaches what a URL points to; it is not fetched.
func URLAttachment(url string) Attachment { return Attachment{kind: attachURL, url: url} }

// sniffBytes is how much of a content its type is told by, see http.DetectContentType.
const sniffBytes = 512

const octetStream = "application/octet-stream"

func (e entity) addAttachment(a Attachment) {
	if e.log == nil {
		return
	}
	if a.ID == "" {
		a.ID = newID()
	}
	if !wire.ValidID(a.ID) || a.kind == "" {
		p := e.log.problem(e.ref, messages.AddAttachment, ErrInvalidID, "the attachment's id is one or more of A-Z a-z 0-9 _ -")
		if a.kind == "" {
			p.Reason, p.Detail = ErrAttachment, "make it with FileAttachment, DataAttachment or URLAttachment"
		}
		e.log.reject(p)
		return
	}
	mime, err := a.contentType()
	if err != nil {
		p := e.log.problem(e.ref, messages.AddAttachment, ErrAttachment, "the file cannot be read")
		p.Err = err
		e.log.reject(p)
		return
	}
	if a.kind != attachURL {
		e.log.contents.Do(func() { e.log.report.tell(e.noUpload()) })
	}
	e.update(messages.AddAttachment, func(w *wire.Encoder) bool {
		w.String("id", a.ID)
		w.String("type", string(a.kind))
		w.Optional("name", a.Name)
		w.Optional("url", a.url)
		w.Optional("mime_type", a.MIMEType)
		if a.Tags != nil {
			w.Strings("tags", a.Tags)
		}
		if a.Metadata != nil {
			w.Key("metadata")
			w.Open('{')
			e.values(w, messages.AddAttachment, a.Metadata)
			w.Close('}')
		}
		if !a.Timestamp.IsZero() {
			w.Float("timestamp", float64(a.Timestamp.Unix()))
		}
		w.String("key", e.log.cfg.ID+"/"+e.ref.Entity.String()+"/"+e.ref.ID+"/files/original/"+a.ID)
		w.Optional("mimeType", mime)
		return true
	})
}

// noUpload says that a content stays here.
func (e entity) noUpload() *Error {
	p := e.log.problem(e.ref, messages.AddAttachment, ErrAttachment,
		"its line is sent, but this version does not upload contents: keep the file, or attach a URL (told once)")
	p.Kept = true
	return p
}

// contentType returns the type that the content shows, or the given one where the
// content says nothing in particular; without either it is application/octet-stream,
// for text too, as in the other SDKs. A URL's content is not looked at.
func (a *Attachment) contentType() (string, error) {
	head := a.data[:min(len(a.data), sniffBytes)]
	switch a.kind {
	case attachURL:
		return "", nil
	case attachFile:
		var err error
		if head, err = readHead(a.path); err != nil {
			return "", err
		}
	}
	sniffed := http.DetectContentType(head)
	if strings.HasPrefix(sniffed, "text/plain") || sniffed == octetStream {
		return cmp.Or(a.MIMEType, octetStream), nil
	}
	return sniffed, nil
}

func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	return io.ReadAll(io.LimitReader(f, sniffBytes))
}

// image is an image that was taken out of a message.
type image = media.Image

// attachImages attaches the images of a generation's messages.
func (e entity) attachImages(images []image) {
	for _, i := range images {
		a := DataAttachment(i.Data)
		if i.URL != "" {
			a = URLAttachment(i.URL)
		}
		a.MIMEType = i.MIMEType
		a.Tags = map[string]string{"attach-to": "input"}
		e.addAttachment(a)
	}
}
