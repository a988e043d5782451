package conformance

import (
	"path/filepath"
	"time"

	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/pricing"
)

// The configs of the public API, from the arguments of the SDKs. Arguments without a
// field in the config are ignored: if an SDK sent one, the comparison fails.

func (a arguments) sessionConfig() logger.SessionConfig {
	c, _ := a.object("config")
	return logger.SessionConfig{
		ID: c.newID("id"), Name: c.text("name"), Tags: c.tags("tags"),
		StartTime: c.time("start_timestamp"), EndTime: c.time("end_timestamp"),
	}
}

func (a arguments) traceConfig() logger.TraceConfig {
	c, _ := a.object("config")
	return logger.TraceConfig{
		ID: c.newID("id"), Name: c.text("name"), SessionID: c.text("session_id"), Input: c.value("input"), Tags: c.tags("tags"),
		StartTime: c.time("start_timestamp"), EndTime: c.time("end_timestamp"),
	}
}

func (a arguments) spanConfig() logger.SpanConfig {
	c, _ := a.object("config")
	return logger.SpanConfig{
		ID: c.newID("id"), Name: c.text("name"), SpanID: c.text("span_id"), Tags: c.tags("tags"),
		StartTime: c.time("start_timestamp"), EndTime: c.time("end_timestamp"),
	}
}

func (a arguments) generationConfig() logger.GenerationConfig {
	c, _ := a.object("config")
	return logger.GenerationConfig{
		ID: c.newID("id"), Name: c.text("name"), SpanID: c.text("span_id"), Model: c.text("model"), Provider: c.text("provider"),
		Messages: c.messages("messages"), ModelParameters: c.values("model_parameters", "modelParameters"),
		MaximPromptID: c.text("maxim_prompt_id"), MaximPromptVersionID: c.text("maxim_prompt_version_id"), Tags: c.tags("tags"),
		StartTime: c.time("start_timestamp"), EndTime: c.time("end_timestamp"),
	}
}

func (a arguments) retrievalConfig() logger.RetrievalConfig {
	c, _ := a.object("config")
	return logger.RetrievalConfig{
		ID: c.newID("id"), Name: c.text("name"), SpanID: c.text("span_id"), Tags: c.tags("tags"),
		StartTime: c.time("start_timestamp"), EndTime: c.time("end_timestamp"),
	}
}

func (a arguments) toolCallConfig() logger.ToolCallConfig {
	c, _ := a.object("config")
	return logger.ToolCallConfig{
		ID: c.newID("id"), Name: c.text("name"), Description: c.text("description"), Args: c.value("args"),
		SpanID: c.text("span_id"), Tags: c.tags("tags"),
		StartTime: c.time("start_timestamp"), EndTime: c.time("end_timestamp"),
	}
}

func (a arguments) errorConfig() logger.ErrorConfig {
	c, _ := a.object("config")
	return logger.ErrorConfig{
		ID: c.newID("id"), Name: c.text("name"), Message: c.text("message"), Code: c.text("code"), Type: c.text("type"),
		SpanID: c.text("span_id"), Tags: c.tags("tags"), Metadata: c.values("metadata", "error metadata"),
		StartTime: c.time("start_timestamp"),
	}
}

// event returns the event of a call. The data of one SDK are tags on the wire.
func (a arguments) event() logger.EventConfig {
	return logger.EventConfig{
		ID: a.text("event_id", "id"), Name: a.text("event", "name"), Tags: a.tags(a.pick("tags", "data")),
		Metadata: a.values("metadata", "metadata"),
	}
}

func (a arguments) feedback() logger.Feedback {
	f, _ := a.object("feedback")
	return logger.Feedback{
		Score: f.number("score"), Comment: f.text("comment"), Tags: f.tags("tags"), Metadata: f.values("metadata", "feedback metadata"),
	}
}

func (a arguments) cost() pricing.Cost {
	c, ok := a.object("cost")
	if !ok {
		panic(skip{skipZero})
	}
	return pricing.Cost{Input: pricing.Dollars(c.number("input")), Output: pricing.Dollars(c.number("output")), Total: pricing.Dollars(c.number("total"))}
}

// errorDetail returns the error of a model or tool call. Tool calls pass
// members on that no SDK documents; ErrorDetail has no place for them.
func (a arguments) errorDetail() logger.Failure {
	e, ok := a.object("error")
	if !ok {
		panic(skip{skipZero})
	}
	for key, v := range e.fields {
		switch key {
		case "message", "code", "type":
			if v == nil {
				e.lose("error", key, skipZero)
			}
		default:
			e.lose("error", key, skipField)
		}
	}
	return logger.Failure{Message: e.text("message"), Code: e.text("code"), Type: e.text("type")}
}

// endConfig returns the data of an end, with its time where that is given.
func (a arguments) endConfig() logger.EndConfig {
	data := a.values("data", "")
	c := logger.EndConfig{Data: data, EndTime: a.time("end_timestamp")}
	if at, ok := data["endTimestamp"].(time.Time); ok {
		delete(data, "endTimestamp")
		c.EndTime = at
	}
	return c
}

// attachment returns an attachment; dir is where relative paths begin.
func (a arguments) attachment(dir string) logger.Attachment {
	given, ok := a.fields["attachment"].(attachment)
	if !ok {
		panic(skip{skipType})
	}
	f := arguments{given.fields, a.notes}
	out := newAttachment(given.kind, f, dir)
	out.ID, out.Name, out.MIMEType = f.newID("id"), f.text("name"), f.text("mime_type")
	out.Tags, out.Metadata = f.tags("tags"), f.values("metadata", "attachment metadata")
	if f.has("timestamp") {
		out.Time = time.Unix(int64(f.number("timestamp")), 0)
	}
	return out
}

func newAttachment(kind string, f arguments, dir string) logger.Attachment {
	switch kind {
	case "file":
		path := f.text("path")
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		return logger.FileAttachment(path)
	case "url":
		return logger.URLAttachment(f.text("url"))
	default:
		data, ok := f.fields["data"].([]byte)
		if !ok {
			panic(skip{skipType})
		}
		return logger.DataAttachment(data)
	}
}
