package otlp

import "github.com/troupelog/troupe/internal/protocol"

// exceptionEvent is the name of events that report errors.
const exceptionEvent = "exception"

// failure describes how a span failed, as {"message","type"}: by its last exception, else
// by its status.
func (s *span) failure() object {
	failure := object{}
	if i := s.lastException(); i >= 0 {
		failure = s.events[i].exception()
		if stack := s.events[i].attributes.look("exception.stacktrace"); stack != "" {
			failure["stacktrace"] = stack
		}
	}
	if s.status != "" && failure["message"] == nil {
		failure["message"] = s.status
	}
	if kind := s.attributes.text("error.type"); kind != "" && failure["type"] == nil {
		failure["type"] = kind
	}
	if failure["message"] == nil {
		failure["message"] = "the span's status is an error"
	}
	return failure
}

// lastException returns the index of the last exception among the events, or -1 if there
// is none.
func (s *span) lastException() int {
	for i := len(s.events) - 1; i >= 0; i-- {
		if s.events[i].name == exceptionEvent {
			return i
		}
	}
	return -1
}

// exception returns the error that an exception event describes.
func (e *event) exception() object {
	o := object{}
	for name, key := range map[string]string{"message": "exception.message", "type": "exception.type", "code": "troupe.code"} {
		if text := e.attributes.text(key); text != "" {
			o[name] = text
		}
	}
	return o
}

// errorLine returns the line that begins an error below an entity. The error keeps the id
// under which Troupe exported it; otherwise its id is the entity's id and its position.
func errorLine(of protocol.Ref, place string, at uint64, failure object, a attributes) []byte {
	id := exportedID(a)
	if id == "" || id == of.ID {
		id = of.ID + "-error-" + place
	}
	var f fields
	f.time("startTimestamp", at)
	f.failure(failure)
	f.set("metadata", a.rest())
	return f.below(of, protocol.Ref{Kind: protocol.Error, ID: id})
}

// failure adds the description of an error.
func (f *fields) failure(failure object) {
	f.set("message", failure["message"])
	f.set("code", failure["code"])
	f.set("errorType", failure["type"])
}

// rest returns the attributes that no field uses.
func (a attributes) rest() object {
	left := object{}
	for _, attribute := range a {
		if !attribute.used && attribute.key != "" && attribute.value != nil {
			left[attribute.key] = attribute.value
		}
	}
	return left
}
