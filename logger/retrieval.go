package logger

import (
	"reflect"
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// RetrievalConfig begins a retrieval. Every field is optional.
type RetrievalConfig struct {
	// ID identifies the retrieval. Default: a new UUID.
	ID string
	// Name is shown in the viewer, such as the name of an index.
	Name string
	// SpanID is the span that the retrieval is part of. It is meant for Trace.AddRetrieval: a
	// retrieval that is begun by Span.AddRetrieval is part of that span without it.
	SpanID string
	// Tags are key-value pairs for filtering. Mask applies to the values.
	Tags map[string]string
	// StartTime is when the retrieval began. Default: now. A time that a line cannot hold is reported
	// with ErrInvalidTime and replaced by now.
	StartTime time.Time
	// EndTime is for a retrieval that is over already. Without it, End sets the time.
	EndTime time.Time
}

// Retrieval is the handle of a retrieval: a search for documents. It is a value: copy it
// freely, and compare it with Retrieval{} to find out whether it is zero. Its methods may
// be called concurrently; on a zero Retrieval they do nothing.
type Retrieval struct{ entity }

// SetInput sets the query: a string, or anything with a JSON form. Nil is ignored.
func (r Retrieval) SetInput(query any) { r.value("input", query) }

// SetOutput logs the documents that were found, and ends the retrieval. docs is a slice, or
// a single document, of strings or anything with a JSON form.
func (r Retrieval) SetOutput(docs any) {
	if r.pipe == nil {
		return
	}
	defer r.end(EndConfig{}, true)
	r.update(messages.Update, func(w *wire.Encoder) bool {
		list := isList(docs)
		w.Name("docs")
		if !list {
			w.Open('[')
		}
		if err := w.Element(docs); err != nil {
			r.pipe.reportDropped(r.ref, messages.Update, "docs", err, false)
			return false
		}
		if !list {
			w.Close(']')
		}
		return true
	})
}

// AddAttachment attaches a file, bytes or a URL.
func (r Retrieval) AddAttachment(a Attachment) { r.addAttachment(a) }

// isList reports whether v's type makes its JSON an array.
func isList(v any) bool {
	t := reflect.TypeOf(v)
	if t == nil {
		return false
	}
	switch t.Kind() {
	case reflect.Slice:
		return t.Elem().Kind() != reflect.Uint8 && !reflect.ValueOf(v).IsNil()
	case reflect.Array:
		return true
	default:
		return false
	}
}
