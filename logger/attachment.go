package logger

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/gabriel-vasile/mimetype"
	"github.com/google/uuid"

	"github.com/troupelog/troupe/internal/brief"
	"github.com/troupelog/troupe/internal/media"
	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/messages"
)

// Attachment is a file, bytes or a URL that belongs to an entity. Make one with
// FileAttachment, DataAttachment or URLAttachment; the fields are optional.
//
// The content of a file or of bytes, at most MaxAttachmentBytes, is copied to the spool
// during the call, so the caller may remove or change it afterwards. It is uploaded in the
// background to a URL that the server signs. The line that describes it is sent after the
// upload, so that a line never refers to a content that the server lacks.
type Attachment struct {
	// ID identifies the attachment. Default: a new UUID.
	ID string
	// Name is shown in the viewer, such as the name of the file.
	Name string
	// MIMEType is used if the content does not reveal its type, and for URLs.
	MIMEType string
	// Tags are key-value pairs for filtering.
	Tags map[string]string
	// Metadata is sent as JSON values.
	Metadata map[string]any
	// Time is sent in whole seconds. Default: not sent.
	Time time.Time

	kind attachmentKind // "" for an Attachment that no function made
	path string         // of attachFile
	data []byte         // of attachData; not copied before the call
	url  string         // of attachURL
}

// attachmentKind is the source of a content, as the field type of its line names it.
type attachmentKind string

const (
	attachFile attachmentKind = "file"
	attachData attachmentKind = "file_data"
	attachURL  attachmentKind = "url"
)

// FileAttachment attaches a regular file. It is copied during the call.
func FileAttachment(path string) Attachment { return Attachment{kind: attachFile, path: path} }

// DataAttachment attaches bytes. They are copied during the call.
func DataAttachment(data []byte) Attachment { return Attachment{kind: attachData, data: data} }

// URLAttachment attaches a URL. It is sent as it is, and not fetched.
func URLAttachment(url string) Attachment { return Attachment{kind: attachURL, url: url} }

// sniffBytes is the length of the prefix that determines the type of a content.
const sniffBytes = 3072

// octetStream is the type of a content that nothing is known about.
const octetStream = "application/octet-stream"

// addAttachment checks the attachment, copies its content, and sends its line. With
// Config.OmitContent it does nothing.
func (e entity) addAttachment(a Attachment) {
	if e.pipe == nil || e.pipe.cfg.OmitContent {
		return
	}
	if a.kind == "" {
		e.pipe.reject(e.incomplete(nil, "make it with FileAttachment, DataAttachment or URLAttachment"))
		return
	}
	if e.pipe.closed.Load() {
		e.pipe.reject(e.pipe.problem(e.ref, messages.AddAttachment, ErrClosed, "the call came after Close"))
		return
	}
	id := e.pipe.identify("attachment", a.ID)
	a.ID, a.Tags = id.wire, id.tagged(a.Tags)
	upload := &messages.Upload{Path: e.ref.Entity.String() + "/" + e.ref.ID + "/files/original/" + a.ID}
	if a.kind != attachURL && !e.keep(&a, upload) {
		return
	}
	// From here on the content is in the spools: it must be removed again unless a line refers
	// to it.
	accepted := false
	defer func() { // deferred, because the call may panic with PanicOnMisuse
		if !accepted && upload.Blob != "" {
			e.pipe.destinations.forget(upload.Blob)
		}
	}()
	accepted = e.attach(&a, upload)
}

// attach sends the line of an attachment whose content is in the spool.
func (e entity) attach(a *Attachment, upload *messages.Upload) bool {
	w := e.pipe.line(e.ref, messages.AddAttachment)
	if w == nil {
		return false
	}
	w.String("id", a.ID)
	w.String("type", string(a.kind))
	w.Optional("name", a.Name)
	w.Optional("url", a.url)
	w.Optional("mime_type", a.MIMEType)
	if a.Tags != nil {
		w.Strings("tags", a.Tags)
	}
	if a.Metadata != nil {
		e.object(w, messages.AddAttachment, "metadata", a.Metadata)
	}
	if at := e.pipe.validOrZero(a.Time, e.ref, messages.AddAttachment, "Attachment.Time"); !at.IsZero() {
		w.Float("timestamp", float64(at.Unix()))
	}
	// The server stores the content under the key. The repository in front of it is known to
	// the destinations only: each of them inserts its own at KeyAt.
	w.Name("key")
	upload.KeyAt = w.Len() + len(`"`)
	w.Text("/" + upload.Path)
	w.Optional("mimeType", upload.MIME)
	return e.send(w, messages.Command{Action: messages.AddAttachment, Entry: messages.Entry{Upload: upload}})
}

// keep copies the content to the spool of every destination. If that fails for the primary
// one, it rejects the call and reports false. If it fails for another one, it reports the
// error, and that destination gets the line without the content.
func (e entity) keep(a *Attachment, upload *messages.Upload) bool {
	content, err := a.open()
	if err != nil {
		return e.unkept(err, "the content cannot be read")
	}
	defer content.Close() //nolint:errcheck // only read from
	size, err := a.examine(upload, content)
	if err != nil {
		return e.unkept(err, "the content cannot be read")
	}
	if size > e.pipe.cfg.MaxBytes && e.pipe.destinations.primary().spool.InMemory() {
		bad := e.incomplete(nil, "without a disk, a content may have at most Config.MaxBytes: attach a URL")
		bad.Reason = ErrTooLarge
		e.pipe.reject(bad)
		return false
	}
	// The file may grow meanwhile: only the bytes that were there at first are copied.
	upload.Blob = newBlob()
	first := e.pipe.destinations.primary().spool
	if upload.Size, err = first.PutBlob(upload.Blob, io.LimitReader(content, size), MaxAttachmentBytes); err != nil {
		upload.Blob = ""
		return e.unkept(err, "the content cannot be copied to the spool")
	}
	upload.Stored = 1 // a bit for each destination, in their order
	if first.InMemory() {
		upload.Held = upload.Size // the ledger is charged for it until the upload
	}
	e.keepElsewhere(upload)
	return true
}

// examine returns the size of the content, and sets the type of the upload. Both move the
// position of the content; afterwards it is at the start again.
func (a *Attachment) examine(upload *messages.Upload, content content) (size int64, err error) {
	if size, err = content.Seek(0, io.SeekEnd); err != nil {
		return 0, err
	}
	if _, err = content.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	if upload.MIME, err = a.contentType(content); err != nil {
		return 0, err
	}
	_, err = content.Seek(0, io.SeekStart)
	return size, err
}

// keepElsewhere copies the content from the spool of the primary destination to the others.
func (e entity) keepElsewhere(upload *messages.Upload) {
	all := e.pipe.destinations.list()
	for i, d := range all[1:] {
		if err := copyBlob(d.spool, all[0].spool, upload.Blob); err != nil {
			e.pipe.report.tell(e.incomplete(err, "the content cannot be copied to the spool of the destination "+
				brief.Quote(d.cfg.ID)+", which gets only the line"))
			continue
		}
		upload.Stored |= 1 << (i + 1)
	}
}

// copyBlob copies a content from one spool to another, because the file may have changed
// since the first copy.
func copyBlob(to, from *spool.Spool, name string) error {
	content, err := from.OpenBlob(name)
	if err != nil {
		return err
	}
	defer content.Close() //nolint:errcheck // only read from
	_, err = to.PutBlob(name, content, MaxAttachmentBytes)
	return err
}

// incomplete describes a content that cannot be read or kept.
func (e entity) incomplete(err error, detail string) *Error {
	bad := e.pipe.problem(e.ref, messages.AddAttachment, ErrAttachment, detail)
	bad.Err = err
	return bad
}

// unkept rejects the call for a content that cannot be read or kept. It reports false.
func (e entity) unkept(err error, detail string) bool {
	bad := e.incomplete(err, detail)
	if errors.Is(err, spool.ErrTooLarge) {
		bad.Reason = ErrTooLarge
		bad.Detail = "an attachment has at most " + strconv.Itoa(MaxAttachmentBytes) + " bytes: attach a URL"
	}
	if errors.Is(err, spool.ErrNoRoom) || errors.Is(err, syscall.ENOSPC) {
		bad.Reason, bad.Detail = ErrSpoolFull, "no room for the content: free disk space, or raise Config.MaxSpoolBytes"
	}
	e.pipe.reject(bad)
	return false
}

// newBlob returns a name for a content: 32 hexadecimal digits.
func newBlob() string {
	id := uuid.New()
	return hex.EncodeToString(id[:])
}

// content is an open file, or bytes.
type content interface {
	io.ReadSeeker
	io.Closer
}

// bytesContent is the content of a DataAttachment.
type bytesContent struct{ *bytes.Reader }

// Close implements io.Closer.
func (bytesContent) Close() error { return nil }

// errIrregular is the error for a folder, a FIFO or a device.
var errIrregular = errors.New("not a regular file")

// open opens the content, if it is a regular file or bytes.
func (a *Attachment) open() (content, error) {
	if a.kind == attachData {
		return bytesContent{bytes.NewReader(a.data)}, nil
	}
	// Stat first: opening a FIFO would wait for its writer.
	info, err := os.Stat(a.path)
	if err != nil {
		return nil, err
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, errIrregular
	case info.Size() > MaxAttachmentBytes:
		return nil, spool.ErrTooLarge
	}
	return os.Open(a.path)
}

// contentType returns the type that the content reveals or, if that is only text or bytes,
// the given type. Without either it returns application/octet-stream, for text too, as the
// other SDKs do.
func (a *Attachment) contentType(c content) (string, error) {
	head, err := io.ReadAll(io.LimitReader(c, sniffBytes))
	if err != nil {
		return "", err
	}
	sniffed := mimetype.Detect(head)
	if sniffed.Is("text/plain") || sniffed.Is(octetStream) {
		return cmp.Or(a.MIMEType, octetStream), nil
	}
	return sniffed.String(), nil
}

// image is an image taken out of a message.
type image = media.Image

// attachImages attaches the images of a generation's messages, as parts of its input.
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
