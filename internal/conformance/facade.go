package conformance

import (
	"github.com/troupelog/troupe/logger"
)

// log is short for the receiver of the calls by id.
type log = *logger.Logger

// action performs a call by id.
type action func(p *player, id string, a arguments)

// facade has every call by id under the name that the corpus has for it.
var facade = map[string]action{
	"session_add_tag":             tag(log.SessionAddTag),
	"session_add_event":           event(log.SessionAddEvent),
	"session_add_feedback":        feedback(log.SessionAddFeedback),
	"session_add_metadata":        through(log.SessionByID, "add_metadata"),
	"session_add_metric":          through(log.SessionByID, "add_metric"),
	"session_add_attachment":      attach(log.SessionAddAttachment),
	"session_evaluate":            through(log.SessionByID, "evaluate"),
	"session_set_start_timestamp": through(log.SessionByID, "set_start_timestamp"),
	"session_set_end_timestamp":   through(log.SessionByID, "set_end_timestamp"),
	"session_end":                 end(log.SessionEnd, log.SessionByID),
	"session_add_trace":           begin("trace", log.SessionAddTrace, arguments.traceConfig),

	"trace_add_tag":             tag(log.TraceAddTag),
	"trace_add_event":           event(log.TraceAddEvent),
	"trace_add_feedback":        feedback(log.TraceAddFeedback),
	"trace_add_metadata":        metadata(log.TraceAddMetadata),
	"trace_add_metric":          through(log.TraceByID, "add_metric"),
	"trace_add_attachment":      attach(log.TraceAddAttachment),
	"trace_evaluate":            through(log.TraceByID, "evaluate"),
	"trace_set_input":           anything(log.TraceSetInput, "input"),
	"trace_set_output":          anything(log.TraceSetOutput, "output"),
	"trace_set_start_timestamp": through(log.TraceByID, "set_start_timestamp"),
	"trace_set_end_timestamp":   through(log.TraceByID, "set_end_timestamp"),
	"trace_add_to_session":      through(log.TraceByID, "add_to_session"),
	"trace_end":                 end(log.TraceEnd, log.TraceByID),
	"trace_add_span":            begin("span", log.TraceAddSpan, arguments.spanConfig),
	"trace_add_generation":      begin("generation", log.TraceAddGeneration, arguments.generationConfig),
	"trace_add_retrieval":       begin("retrieval", log.TraceAddRetrieval, arguments.retrievalConfig),
	"trace_add_tool_call":       begin("tool_call", log.TraceAddToolCall, arguments.toolCallConfig),
	"trace_add_error":           begin("error", log.TraceAddError, arguments.errorConfig),

	"span_add_tag":             tag(log.SpanAddTag),
	"span_add_event":           event(log.SpanAddEvent),
	"span_add_metadata":        metadata(log.SpanAddMetadata),
	"span_add_attachment":      attach(log.SpanAddAttachment),
	"span_evaluate":            through(log.SpanByID, "evaluate"),
	"span_set_input":           through(log.SpanByID, "input"),
	"span_set_start_timestamp": through(log.SpanByID, "set_start_timestamp"),
	"span_set_end_timestamp":   through(log.SpanByID, "set_end_timestamp"),
	"span_end":                 end(log.SpanEnd, log.SpanByID),
	"span_add_sub_span":        begin("span", log.SpanAddSubSpan, arguments.spanConfig),
	"span_add_generation":      begin("generation", log.SpanAddGeneration, arguments.generationConfig),
	"span_add_retrieval":       begin("retrieval", log.SpanAddRetrieval, arguments.retrievalConfig),
	"span_add_tool_call":       begin("tool_call", log.SpanAddToolCall, arguments.toolCallConfig),
	"span_add_error":           begin("error", log.SpanAddError, arguments.errorConfig),

	"generation_set_model":            text(log.GenerationSetModel, "model"),
	"generation_set_provider":         text(log.GenerationSetProvider, "provider"),
	"generation_set_name":             through(log.GenerationByID, "set_name"),
	"generation_set_model_parameters": parameters(log.GenerationSetModelParameters),
	"generation_add_message":          message(log.GenerationAddMessage, "message"),
	"generation_add_messages":         message(log.GenerationAddMessage, "messages"),
	"generation_result":               func(p *player, id string, a arguments) { p.log.GenerationResult(id, a.result()) },
	"generation_error":                failure(log.GenerationError),
	"generation_add_cost":             through(log.GenerationByID, "add_cost"),
	"generation_add_tag":              through(log.GenerationByID, "add_tag"),
	"generation_add_metadata":         through(log.GenerationByID, "add_metadata"),
	"generation_add_metric":           through(log.GenerationByID, "add_metric"),
	"generation_add_attachment":       attach(log.GenerationAddAttachment),
	"generation_evaluate":             through(log.GenerationByID, "evaluate"),
	"generation_set_start_timestamp":  through(log.GenerationByID, "set_start_timestamp"),
	"generation_set_end_timestamp":    through(log.GenerationByID, "set_end_timestamp"),
	"generation_end":                  end(log.GenerationEnd, log.GenerationByID),

	"retrieval_input":               anything(log.RetrievalInput, "query"),
	"retrieval_output":              func(p *player, id string, a arguments) { p.log.RetrievalOutput(id, a.documents()) },
	"retrieval_add_tag":             tag(log.RetrievalAddTag),
	"retrieval_add_metadata":        through(log.RetrievalByID, "add_metadata"),
	"retrieval_add_metric":          through(log.RetrievalByID, "add_metric"),
	"retrieval_add_attachment":      attach(log.RetrievalAddAttachment),
	"retrieval_evaluate":            through(log.RetrievalByID, "evaluate"),
	"retrieval_set_start_timestamp": through(log.RetrievalByID, "set_start_timestamp"),
	"retrieval_set_end_timestamp":   through(log.RetrievalByID, "set_end_timestamp"),
	"retrieval_end":                 end(log.RetrievalEnd, log.RetrievalByID),

	"tool_call_update":              func(p *player, id string, a arguments) { p.log.ToolCallUpdate(id, a.values("data", "")) },
	"tool_call_result":              anything(log.ToolCallResult, "result"),
	"tool_call_error":               failure(log.ToolCallError),
	"tool_call_add_tag":             through(log.ToolCallByID, "add_tag"),
	"tool_call_add_metadata":        metadata(log.ToolCallAddMetadata),
	"tool_call_add_metric":          through(log.ToolCallByID, "add_metric"),
	"tool_call_evaluate":            through(log.ToolCallByID, "evaluate"),
	"tool_call_set_start_timestamp": through(log.ToolCallByID, "set_start_timestamp"),
	"tool_call_set_end_timestamp":   through(log.ToolCallByID, "set_end_timestamp"),
	"tool_call_end":                 end(func(l log, id string) { l.ToolCallByID(id).End() }, log.ToolCallByID),
}

// deprecated has the old names of some of them, which are called all the same.
//
//nolint:staticcheck // that they are deprecated does not mean that they are not tested
var deprecated = map[string]action{
	"session_event":    event(log.SessionEvent),
	"span_event":       event(log.SpanEvent),
	"session_feedback": feedback(log.SessionFeedback),
	"session_trace":    begin("trace", log.SessionTrace, arguments.traceConfig),
	"trace_event":      event(log.TraceEvent),
	"trace_feedback":   feedback(log.TraceFeedback),
	"trace_span":       begin("span", log.TraceSpan, arguments.spanConfig),
	"trace_generation": begin("generation", log.TraceGeneration, arguments.generationConfig),
	"trace_retrieval":  begin("retrieval", log.TraceRetrieval, arguments.retrievalConfig),
	"span_span":        begin("span", log.SpanSpan, arguments.spanConfig),
	"span_generation":  begin("generation", log.SpanGeneration, arguments.generationConfig),
	"span_retrieval":   begin("retrieval", log.SpanRetrieval, arguments.retrievalConfig),
}

// callByID returns the call by id of a name.
func callByID(name string) (action, bool) {
	call, ok := facade[name]
	if !ok {
		call, ok = deprecated[name]
	}
	return call, ok
}

func tag(f func(log, string, string, string)) action {
	return func(p *player, id string, a arguments) { f(p.log, id, a.given("key"), a.tagValue()) }
}

func event(f func(log, string, logger.EventConfig)) action {
	return func(p *player, id string, a arguments) { f(p.log, id, a.event()) }
}

func feedback(f func(log, string, logger.Feedback)) action {
	return func(p *player, id string, a arguments) { f(p.log, id, a.feedback()) }
}

func metadata(f func(log, string, map[string]any)) action {
	return func(p *player, id string, a arguments) { f(p.log, id, a.metadata()) }
}

func parameters(f func(log, string, map[string]any)) action {
	return func(p *player, id string, a arguments) { f(p.log, id, a.values("model_parameters", "modelParameters")) }
}

func attach(f func(log, string, logger.Attachment)) action {
	return func(p *player, id string, a arguments) { f(p.log, id, a.attachment(p.dir)) }
}

func end[H interface{ EndWith(logger.EndConfig) }](f func(log, string), at func(log, string) H) action {
	return func(p *player, id string, a arguments) {
		if a.has("data") || a.has("end_timestamp") {
			at(p.log, id).EndWith(a.endConfig())
		} else {
			f(p.log, id)
		}
	}
}

// through performs the call that the handle has under the name of the corpus: the seed has
// no call by id for it.
func through[H any](at func(log, string) H, verb string) action {
	return func(p *player, id string, a arguments) { methods[verb](p, at(p.log, id), a) }
}

func text(f func(log, string, string), key string) action {
	return func(p *player, id string, a arguments) { f(p.log, id, a.given(key)) }
}

func anything(f func(log, string, any), key string) action {
	return func(p *player, id string, a arguments) { f(p.log, id, a.value(key)) }
}

func failure(f func(log, string, logger.Failure)) action {
	return func(p *player, id string, a arguments) { f(p.log, id, a.errorDetail()) }
}

func message(f func(log, string, logger.Message), key string) action {
	return func(p *player, id string, a arguments) {
		for _, m := range a.messages(key) {
			f(p.log, id, m)
		}
	}
}

// begin keeps the handle, for the steps that follow.
func begin[C, H any](kind string, f func(log, string, C) H, config func(arguments) C) action {
	return func(p *player, id string, a arguments) { p.handles[kind] = f(p.log, id, config(a)) }
}
