package conformance

import (
	"time"

	"github.com/troupelog/troupe/logger"
)

// log is short for the receiver of the calls by id.
type log = *logger.Logger

// action performs a call by id.
type action func(p *player, id string, a arguments)

// facade has every call by id under the name that the corpus has for it.
var facade = map[string]action{
	"session_add_tag":             tag(log.SessionAddTag),
	"session_event":               event(log.SessionEvent),
	"session_add_feedback":        feedback(log.SessionAddFeedback),
	"session_add_metadata":        metadata(log.SessionAddMetadata),
	"session_add_metric":          metric(log.SessionAddMetric),
	"session_add_attachment":      attach(log.SessionAddAttachment),
	"session_evaluate":            evaluate(log.SessionEvaluate),
	"session_set_start_timestamp": at(log.SessionSetStartTimestamp),
	"session_set_end_timestamp":   at(log.SessionSetEndTimestamp),
	"session_end":                 end(log.SessionEnd, log.SessionEndWith),
	"session_add_trace":           begin("trace", log.SessionAddTrace, arguments.traceConfig),

	"trace_add_tag":             tag(log.TraceAddTag),
	"trace_add_event":           event(log.TraceAddEvent),
	"trace_add_feedback":        feedback(log.TraceAddFeedback),
	"trace_add_metadata":        metadata(log.TraceAddMetadata),
	"trace_add_metric":          metric(log.TraceAddMetric),
	"trace_add_attachment":      attach(log.TraceAddAttachment),
	"trace_evaluate":            evaluate(log.TraceEvaluate),
	"trace_set_input":           anything(log.TraceSetInput, "input"),
	"trace_set_output":          anything(log.TraceSetOutput, "output"),
	"trace_set_start_timestamp": at(log.TraceSetStartTimestamp),
	"trace_set_end_timestamp":   at(log.TraceSetEndTimestamp),
	"trace_add_to_session":      text(log.TraceAddToSession, "session_id"),
	"trace_end":                 end(log.TraceEnd, log.TraceEndWith),
	"trace_add_span":            begin("span", log.TraceAddSpan, arguments.spanConfig),
	"trace_add_generation":      begin("generation", log.TraceAddGeneration, arguments.generationConfig),
	"trace_add_retrieval":       begin("retrieval", log.TraceAddRetrieval, arguments.retrievalConfig),
	"trace_add_tool_call":       begin("tool_call", log.TraceAddToolCall, arguments.toolCallConfig),
	"trace_add_error":           begin("error", log.TraceAddError, arguments.errorConfig),

	"span_add_tag":             tag(log.SpanAddTag),
	"span_event":               event(log.SpanEvent),
	"span_add_metadata":        metadata(log.SpanAddMetadata),
	"span_add_attachment":      attach(log.SpanAddAttachment),
	"span_evaluate":            evaluate(log.SpanEvaluate),
	"span_set_input":           text(log.SpanSetInput, "input"),
	"span_set_start_timestamp": at(log.SpanSetStartTimestamp),
	"span_set_end_timestamp":   at(log.SpanSetEndTimestamp),
	"span_end":                 end(log.SpanEnd, log.SpanEndWith),
	"span_add_sub_span":        begin("span", log.SpanAddSubSpan, arguments.spanConfig),
	"span_add_generation":      begin("generation", log.SpanAddGeneration, arguments.generationConfig),
	"span_add_retrieval":       begin("retrieval", log.SpanAddRetrieval, arguments.retrievalConfig),
	"span_add_tool_call":       begin("tool_call", log.SpanAddToolCall, arguments.toolCallConfig),
	"span_add_error":           begin("error", log.SpanAddError, arguments.errorConfig),

	"generation_set_model":            text(log.GenerationSetModel, "model"),
	"generation_set_provider":         text(log.GenerationSetProvider, "provider"),
	"generation_set_name":             text(log.GenerationSetName, "name"),
	"generation_set_model_parameters": parameters(log.GenerationSetModelParameters),
	"generation_add_message":          message(log.GenerationAddMessage, "message"),
	"generation_add_messages":         message(log.GenerationAddMessage, "messages"),
	"generation_result":               func(p *player, id string, a arguments) { p.log.GenerationResult(id, a.result()) },
	"generation_error":                failure(log.GenerationError),
	"generation_add_cost":             func(p *player, id string, a arguments) { p.log.GenerationAddCost(id, a.cost()) },
	"generation_add_tag":              tag(log.GenerationAddTag),
	"generation_add_metadata":         metadata(log.GenerationAddMetadata),
	"generation_add_metric":           metric(log.GenerationAddMetric),
	"generation_add_attachment":       attach(log.GenerationAddAttachment),
	"generation_evaluate":             evaluate(log.GenerationEvaluate),
	"generation_set_start_timestamp":  at(log.GenerationSetStartTimestamp),
	"generation_set_end_timestamp":    at(log.GenerationSetEndTimestamp),
	"generation_end":                  end(log.GenerationEnd, log.GenerationEndWith),

	"retrieval_input":               anything(log.RetrievalInput, "query"),
	"retrieval_output":              func(p *player, id string, a arguments) { p.log.RetrievalOutput(id, a.documents()) },
	"retrieval_add_tag":             tag(log.RetrievalAddTag),
	"retrieval_add_metadata":        metadata(log.RetrievalAddMetadata),
	"retrieval_add_metric":          metric(log.RetrievalAddMetric),
	"retrieval_add_attachment":      attach(log.RetrievalAddAttachment),
	"retrieval_evaluate":            evaluate(log.RetrievalEvaluate),
	"retrieval_set_start_timestamp": at(log.RetrievalSetStartTimestamp),
	"retrieval_set_end_timestamp":   at(log.RetrievalSetEndTimestamp),
	"retrieval_end":                 end(log.RetrievalEnd, log.RetrievalEndWith),

	"tool_call_update":              func(p *player, id string, a arguments) { p.log.ToolCallUpdate(id, a.values("data", "")) },
	"tool_call_result":              anything(log.ToolCallResult, "result"),
	"tool_call_error":               failure(log.ToolCallError),
	"tool_call_add_tag":             tag(log.ToolCallAddTag),
	"tool_call_add_metadata":        metadata(log.ToolCallAddMetadata),
	"tool_call_add_metric":          metric(log.ToolCallAddMetric),
	"tool_call_evaluate":            evaluate(log.ToolCallEvaluate),
	"tool_call_set_start_timestamp": at(log.ToolCallSetStartTimestamp),
	"tool_call_set_end_timestamp":   at(log.ToolCallSetEndTimestamp),
	"tool_call_end":                 end(log.ToolCallEnd, log.ToolCallEndWith),
}

// deprecated has the old names of some of them, which are called all the same.
//
//nolint:staticcheck // that they are deprecated does not mean that they are not tested
var deprecated = map[string]action{
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

func metric(f func(log, string, string, float64)) action {
	return func(p *player, id string, a arguments) { f(p.log, id, a.text("name"), a.number("value")) }
}

func attach(f func(log, string, logger.Attachment)) action {
	return func(p *player, id string, a arguments) { f(p.log, id, a.attachment(p.dir)) }
}

func evaluate(f func(log, string) *logger.Evaluation) action {
	return func(p *player, id string, _ arguments) { p.evaluation = f(p.log, id) }
}

func at(f func(log, string, time.Time)) action {
	return func(p *player, id string, a arguments) { f(p.log, id, a.time("timestamp")) }
}

func end(f func(log, string), with func(log, string, logger.EndConfig)) action {
	return func(p *player, id string, a arguments) {
		if a.has("data") || a.has("end_timestamp") {
			with(p.log, id, a.endConfig())
		} else {
			f(p.log, id)
		}
	}
}

func text(f func(log, string, string), key string) action {
	return func(p *player, id string, a arguments) { f(p.log, id, a.given(key)) }
}

func anything(f func(log, string, any), key string) action {
	return func(p *player, id string, a arguments) { f(p.log, id, a.value(key)) }
}

func failure(f func(log, string, logger.ErrorDetail)) action {
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
