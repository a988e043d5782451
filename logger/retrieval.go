package logger

import (
	"reflect"
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// RetrievalConfig begins a retrieval. Every field is optional.
type RetrievalConfig struct {
	ID        string            // default: a new UUID
	Name      string            // shown in the viewer
	SpanID    string            // the span it is part of; ignored by Span.AddRetrieval
	Tags      map[string]string // for filtering
	StartTime time.Time         // default: now
	EndTime   time.Time         // for a retrieval that is over already
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
