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
	Name      string            // what the viewer shows
	SpanID    string            // the span it is part of; a span's own AddRetrieval sets it
	Tags      map[string]string // for filtering
	StartTime time.Time         // default: now
	EndTime   time.Time         // for a retrieval that is over already
}

// Retrieval is the handle of a retrieval: a search for documents. Its methods may be
// called concurrently; on a nil or zero handle they do nothing.
type Retrieval struct{ entity }

func (r *Retrieval) e() entity {
	if r == nil {
		return entity{}
	}
	return r.entity
}

// ID returns the retrieval's id, as it was given.
func (r *Retrieval) ID() string { return r.e().id() }

// Input sets what was searched for: a string, or anything with a JSON form. Nil is
// nothing to say.
func (r *Retrieval) Input(query any) { r.e().value(messages.Update, "input", query) }

// Output logs what was found and ends the retrieval. docs is a slice, or a single
// document, of strings or anything with a JSON form.
func (r *Retrieval) Output(docs any) { r.e().retrievalOutput(docs) }

func (e entity) retrievalOutput(docs any) {
	if e.log == nil {
		return
	}
	defer e.end(EndConfig{}, true)
	e.update(messages.Update, func(w *wire.Encoder) bool {
		list := isList(docs)
		w.Name("docs")
		if !list {
			w.Open('[')
		}
		if err := w.Element(docs); err != nil {
			e.log.leftOut(e.ref, messages.Update, "docs", err, false)
			return false
		}
		if !list {
			w.Close(']')
		}
		return true
	})
}

// isList reports whether the JSON of v is an array by v's type.
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

// AddTag sets a tag.
func (r *Retrieval) AddTag(key, value string) { r.e().addTag(key, value) }

// AddMetadata adds metadata; values other than strings are sent as their JSON.
func (r *Retrieval) AddMetadata(m map[string]any) { r.e().addMetadata(m) }

// AddMetric sets a numeric metric.
func (r *Retrieval) AddMetric(name string, value float64) { r.e().addMetric(name, value) }

// AddAttachment attaches a file, bytes or a URL.
func (r *Retrieval) AddAttachment(a Attachment) { r.e().addAttachment(a) }

// Evaluate asks the server for evaluations.
func (r *Retrieval) Evaluate() *Evaluation { return r.e().evaluation() }

// SetStartTimestamp corrects when the retrieval began. The zero time is
// rejected with ErrInvalidTime.
func (r *Retrieval) SetStartTimestamp(t time.Time) { r.e().setTime("startTimestamp", t) }

// SetEndTimestamp corrects when the retrieval ended. The zero time is
// rejected with ErrInvalidTime.
func (r *Retrieval) SetEndTimestamp(t time.Time) { r.e().setTime("endTimestamp", t) }

// End ends the retrieval now. Output has done so already.
func (r *Retrieval) End() { r.e().end(EndConfig{}, false) }

// EndWith ends the retrieval at a given time or with further data.
func (r *Retrieval) EndWith(c EndConfig) { r.e().end(c, false) }

// HandOver says that another process goes on with the retrieval: this one will not
// end it.
func (r *Retrieval) HandOver() { r.e().handOver() }
