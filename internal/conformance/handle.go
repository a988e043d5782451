package conformance

import (
	"time"

	"github.com/troupelog/troupe/logger"
)

// The methods of handles, by groups of handles that have them.
type (
	entity interface {
		End()
		AddTag(key, value string)
		AddMetadata(map[string]any)
		Evaluate() *logger.Evaluation
		SetStartTime(time.Time)
		SetEndTime(time.Time)
	}
	parent interface {
		AddSpan(logger.SpanConfig) logger.Span
		AddGeneration(logger.GenerationConfig) logger.Generation
		AddRetrieval(logger.RetrievalConfig) logger.Retrieval
		AddToolCall(logger.ToolCallConfig) logger.ToolCall
		AddError(logger.ErrorConfig) logger.LoggedError
	}
	measured interface{ AddMetric(string, float64) }
	eventful interface{ AddEvent(logger.EventConfig) }
	rated    interface{ AddFeedback(logger.Feedback) }
	attached interface{ AddAttachment(logger.Attachment) }
	outcome  interface {
		Result(any)
		Fail(logger.Failure)
	}
)

// act performs a call on a handle. A handle without the method is a skip.
type act func(p *player, handle any, a arguments)

// methods has the calls of all handles under the names that the corpus has for them.
var methods = map[string]act{
	"end":                 endHandle,
	"add_tag":             on(func(h entity, a arguments) { h.AddTag(a.given("key"), a.tagValue()) }),
	"add_metadata":        on(func(h entity, a arguments) { h.AddMetadata(a.metadata()) }),
	"set_start_timestamp": on(func(h entity, a arguments) { h.SetStartTime(a.time("timestamp")) }),
	"set_end_timestamp":   on(func(h entity, a arguments) { h.SetEndTime(a.time("timestamp")) }),
	"add_metric":          on(func(h measured, a arguments) { h.AddMetric(a.text("name"), a.number("value")) }),
	"event":               on(func(h eventful, a arguments) { h.AddEvent(a.event()) }),
	"feedback":            on(func(h rated, a arguments) { h.AddFeedback(a.feedback()) }),
	"evaluate":            evaluateHandle,
	"add_attachment":      attachToHandle,

	"trace":          child("trace", (logger.Session).AddTrace, arguments.traceConfig),
	"set_input":      on(func(h logger.Trace, a arguments) { h.SetInput(a.value("input")) }),
	"set_output":     on(func(h logger.Trace, a arguments) { h.SetOutput(a.value("output")) }),
	"add_to_session": on(func(h logger.Trace, a arguments) { h.AddToSession(a.given("session_id")) }),

	"span":       child("span", parent.AddSpan, arguments.spanConfig),
	"generation": child("generation", parent.AddGeneration, arguments.generationConfig),
	"retrieval":  child("retrieval", parent.AddRetrieval, arguments.retrievalConfig),
	"tool_call":  child("tool_call", parent.AddToolCall, arguments.toolCallConfig),
	"add_error":  child("error", parent.AddError, arguments.errorConfig),

	"set_model":            on(func(h logger.Generation, a arguments) { h.SetModel(a.given("model")) }),
	"set_provider":         on(func(h logger.Generation, a arguments) { h.SetProvider(a.given("provider")) }),
	"set_name":             on(func(h logger.Generation, a arguments) { h.SetName(a.given("name")) }),
	"set_model_parameters": on(setParameters),
	"add_message":          on(func(h logger.Generation, a arguments) { addMessages(h, a, "message") }),
	"add_messages":         on(func(h logger.Generation, a arguments) { addMessages(h, a, "messages") }),
	"add_cost":             on(func(h logger.Generation, a arguments) { h.AddCost(a.cost()) }),
	"result":               on(func(h outcome, a arguments) { h.Result(a.result()) }),
	"error":                on(func(h outcome, a arguments) { h.Fail(a.errorDetail()) }),

	"input":  setInput,
	"output": on(func(h logger.Retrieval, a arguments) { h.SetOutput(a.documents()) }),
	"update": on(func(h logger.ToolCall, a arguments) { h.Update(a.values("data", "")) }),
}

// on returns a call for the handles that have the methods of H.
func on[H any](f func(H, arguments)) act {
	return func(_ *player, handle any, a arguments) { f(as[H](handle), a) }
}

// child begins an entity below the handle and keeps it for the steps that follow.
func child[H, C, R any](kind string, f func(H, C) R, config func(arguments) C) act {
	return func(p *player, handle any, a arguments) { p.handles[kind] = f(as[H](handle), config(a)) }
}

func as[H any](handle any) H {
	h, ok := handle.(H)
	if !ok {
		panic(skip{skipCall})
	}
	return h
}

func endHandle(_ *player, handle any, a arguments) {
	if a.has("end_timestamp") {
		as[interface{ EndWith(logger.EndConfig) }](handle).EndWith(a.endConfig())
	} else {
		as[entity](handle).End()
	}
}

func evaluateHandle(p *player, handle any, _ arguments) {
	p.evaluation = as[entity](handle).Evaluate()
}

func attachToHandle(p *player, handle any, a arguments) {
	as[attached](handle).AddAttachment(a.attachment(p.dir))
}

func setParameters(h logger.Generation, a arguments) {
	h.SetModelParameters(a.values("model_parameters", "modelParameters"))
}

func addMessages(h logger.Generation, a arguments, key string) {
	for _, m := range a.messages(key) {
		h.AddMessage(m)
	}
}

// setInput sets the input of a span, which is a text, or the query of a retrieval.
func setInput(_ *player, handle any, a arguments) {
	switch h := handle.(type) {
	case logger.Span:
		h.SetInput(a.given("input"))
	case logger.Retrieval:
		h.SetInput(a.value("query"))
	default:
		panic(skip{skipCall})
	}
}
