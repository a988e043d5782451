package logger

import (
	"time"

	"github.com/troupelog/troupe/messages"
)

// The calls by id. Each does what the method of the same name does on the entity's
// handle, for an entity that may have been begun elsewhere: by another goroutine,
// or by another process. They return nothing, or the handle of what they begin.

// Sessions.

// SessionAddTrace begins a trace in a session.
func (l *Logger) SessionAddTrace(sessionID string, c TraceConfig) *Trace {
	return (&Session{l.at(messages.Session, sessionID)}).AddTrace(c)
}

// SessionAddTag sets a tag of a session.
func (l *Logger) SessionAddTag(sessionID string, key, value string) {
	l.at(messages.Session, sessionID).addTag(key, value)
}

// SessionEvent logs a point in time of a session.
func (l *Logger) SessionEvent(sessionID string, c EventConfig) {
	l.at(messages.Session, sessionID).addEvent(c)
}

// SessionAddFeedback logs what a user thought of a session.
func (l *Logger) SessionAddFeedback(sessionID string, f Feedback) {
	l.at(messages.Session, sessionID).addFeedback(f)
}

// SessionAddMetadata adds metadata to a session.
func (l *Logger) SessionAddMetadata(sessionID string, m map[string]any) {
	l.at(messages.Session, sessionID).addMetadata(m)
}

// SessionAddMetric sets a numeric metric of a session.
func (l *Logger) SessionAddMetric(sessionID string, name string, value float64) {
	l.at(messages.Session, sessionID).addMetric(name, value)
}

// SessionAddAttachment attaches a file, bytes or a URL to a session.
func (l *Logger) SessionAddAttachment(sessionID string, a Attachment) {
	l.at(messages.Session, sessionID).addAttachment(a)
}

// SessionEvaluate asks the server to evaluate a session.
func (l *Logger) SessionEvaluate(sessionID string) *Evaluation {
	return l.at(messages.Session, sessionID).evaluation()
}

// SessionSetStartTimestamp corrects when a session began.
func (l *Logger) SessionSetStartTimestamp(sessionID string, at time.Time) {
	l.at(messages.Session, sessionID).setTime("startTimestamp", at)
}

// SessionSetEndTimestamp corrects when a session ended.
func (l *Logger) SessionSetEndTimestamp(sessionID string, at time.Time) {
	l.at(messages.Session, sessionID).setTime("endTimestamp", at)
}

// SessionEnd ends a session now.
func (l *Logger) SessionEnd(sessionID string) {
	l.at(messages.Session, sessionID).end(EndConfig{}, false)
}

// SessionEndWith ends a session at a given time or with further data.
func (l *Logger) SessionEndWith(sessionID string, c EndConfig) {
	l.at(messages.Session, sessionID).end(c, false)
}

// Traces.

// TraceAddGeneration begins a model call in a trace.
func (l *Logger) TraceAddGeneration(traceID string, c GenerationConfig) *Generation {
	return l.at(messages.Trace, traceID).addGeneration(c)
}

// TraceAddRetrieval begins a retrieval in a trace.
func (l *Logger) TraceAddRetrieval(traceID string, c RetrievalConfig) *Retrieval {
	return l.at(messages.Trace, traceID).addRetrieval(c)
}

// TraceAddSpan begins a span in a trace.
func (l *Logger) TraceAddSpan(traceID string, c SpanConfig) *Span {
	return l.at(messages.Trace, traceID).addSpan(c)
}

// TraceAddToolCall begins a tool call in a trace.
func (l *Logger) TraceAddToolCall(traceID string, c ToolCallConfig) *ToolCall {
	return l.at(messages.Trace, traceID).addToolCall(c)
}

// TraceAddError logs an error in a trace.
func (l *Logger) TraceAddError(traceID string, c ErrorConfig) *LoggedError {
	return l.at(messages.Trace, traceID).addError(c)
}

// TraceSetInput sets what a trace was asked.
func (l *Logger) TraceSetInput(traceID string, input any) {
	l.at(messages.Trace, traceID).value(messages.Update, "input", input)
}

// TraceSetOutput sets what a trace answered.
func (l *Logger) TraceSetOutput(traceID string, output any) {
	l.at(messages.Trace, traceID).value(messages.Update, "output", output)
}

// TraceAddTag sets a tag of a trace.
func (l *Logger) TraceAddTag(traceID string, key, value string) {
	l.at(messages.Trace, traceID).addTag(key, value)
}

// TraceAddEvent logs a point in time of a trace.
func (l *Logger) TraceAddEvent(traceID string, c EventConfig) {
	l.at(messages.Trace, traceID).addEvent(c)
}

// TraceAddFeedback logs what a user thought of a trace.
func (l *Logger) TraceAddFeedback(traceID string, f Feedback) {
	l.at(messages.Trace, traceID).addFeedback(f)
}

// TraceAddMetadata adds metadata to a trace.
func (l *Logger) TraceAddMetadata(traceID string, m map[string]any) {
	l.at(messages.Trace, traceID).addMetadata(m)
}

// TraceAddMetric sets a numeric metric of a trace.
func (l *Logger) TraceAddMetric(traceID string, name string, value float64) {
	l.at(messages.Trace, traceID).addMetric(name, value)
}

// TraceAddAttachment attaches a file, bytes or a URL to a trace.
func (l *Logger) TraceAddAttachment(traceID string, a Attachment) {
	l.at(messages.Trace, traceID).addAttachment(a)
}

// TraceEvaluate asks the server to evaluate a trace.
func (l *Logger) TraceEvaluate(traceID string) *Evaluation {
	return l.at(messages.Trace, traceID).evaluation()
}

// TraceSetStartTimestamp corrects when a trace began.
func (l *Logger) TraceSetStartTimestamp(traceID string, at time.Time) {
	l.at(messages.Trace, traceID).setTime("startTimestamp", at)
}

// TraceSetEndTimestamp corrects when a trace ended.
func (l *Logger) TraceSetEndTimestamp(traceID string, at time.Time) {
	l.at(messages.Trace, traceID).setTime("endTimestamp", at)
}

// TraceEnd ends a trace now.
func (l *Logger) TraceEnd(traceID string) {
	l.at(messages.Trace, traceID).end(EndConfig{}, false)
}

// TraceEndWith ends a trace at a given time or with further data.
func (l *Logger) TraceEndWith(traceID string, c EndConfig) {
	l.at(messages.Trace, traceID).end(c, false)
}

// TraceAddToSession puts a trace into a session.
func (l *Logger) TraceAddToSession(traceID, sessionID string) {
	(&Trace{l.at(messages.Trace, traceID)}).AddToSession(sessionID)
}

// Spans.

// SpanAddGeneration begins a model call in a span.
func (l *Logger) SpanAddGeneration(spanID string, c GenerationConfig) *Generation {
	return l.at(messages.Span, spanID).addGeneration(c)
}

// SpanAddRetrieval begins a retrieval in a span.
func (l *Logger) SpanAddRetrieval(spanID string, c RetrievalConfig) *Retrieval {
	return l.at(messages.Span, spanID).addRetrieval(c)
}

// SpanAddSubSpan begins a span in a span.
func (l *Logger) SpanAddSubSpan(spanID string, c SpanConfig) *Span {
	return l.at(messages.Span, spanID).addSpan(c)
}

// SpanAddToolCall begins a tool call in a span.
func (l *Logger) SpanAddToolCall(spanID string, c ToolCallConfig) *ToolCall {
	return l.at(messages.Span, spanID).addToolCall(c)
}

// SpanAddError logs an error in a span.
func (l *Logger) SpanAddError(spanID string, c ErrorConfig) *LoggedError {
	return l.at(messages.Span, spanID).addError(c)
}

// SpanSetInput sets the text that a span works on.
func (l *Logger) SpanSetInput(spanID string, text string) {
	l.at(messages.Span, spanID).setSpanInput(text)
}

// SpanAddTag sets a tag of a span.
func (l *Logger) SpanAddTag(spanID string, key, value string) {
	l.at(messages.Span, spanID).addTag(key, value)
}

// SpanEvent logs a point in time of a span.
func (l *Logger) SpanEvent(spanID string, c EventConfig) {
	l.at(messages.Span, spanID).addEvent(c)
}

// SpanAddMetadata adds metadata to a span.
func (l *Logger) SpanAddMetadata(spanID string, m map[string]any) {
	l.at(messages.Span, spanID).addMetadata(m)
}

// SpanAddAttachment attaches a file, bytes or a URL to a span.
func (l *Logger) SpanAddAttachment(spanID string, a Attachment) {
	l.at(messages.Span, spanID).addAttachment(a)
}

// SpanEvaluate asks the server to evaluate a span.
func (l *Logger) SpanEvaluate(spanID string) *Evaluation {
	return l.at(messages.Span, spanID).evaluation()
}

// SpanSetStartTimestamp corrects when a span began.
func (l *Logger) SpanSetStartTimestamp(spanID string, at time.Time) {
	l.at(messages.Span, spanID).setTime("startTimestamp", at)
}

// SpanSetEndTimestamp corrects when a span ended.
func (l *Logger) SpanSetEndTimestamp(spanID string, at time.Time) {
	l.at(messages.Span, spanID).setTime("endTimestamp", at)
}

// SpanEnd ends a span now.
func (l *Logger) SpanEnd(spanID string) {
	l.at(messages.Span, spanID).end(EndConfig{}, false)
}

// SpanEndWith ends a span at a given time or with further data.
func (l *Logger) SpanEndWith(spanID string, c EndConfig) {
	l.at(messages.Span, spanID).end(c, false)
}

// Generations.

// GenerationSetModel sets the model of a generation.
func (l *Logger) GenerationSetModel(generationID string, model string) {
	l.at(messages.Generation, generationID).text("model", model)
}

// GenerationSetProvider sets the provider of a generation, in lower case.
func (l *Logger) GenerationSetProvider(generationID string, name string) {
	l.at(messages.Generation, generationID).text("provider", provider(name))
}

// GenerationSetName sets the name of a generation.
func (l *Logger) GenerationSetName(generationID string, name string) {
	l.at(messages.Generation, generationID).text("name", name)
}

// GenerationAddMessage adds a message to what the model was sent.
func (l *Logger) GenerationAddMessage(generationID string, m Message) {
	l.at(messages.Generation, generationID).addMessage(m)
}

// GenerationSetModelParameters sets model parameters of a generation.
func (l *Logger) GenerationSetModelParameters(generationID string, p map[string]any) {
	l.at(messages.Generation, generationID).setModelParameters(p)
}

// GenerationResult logs the model's answer and ends the generation; see Generation.Result.
func (l *Logger) GenerationResult(generationID string, result any) {
	l.at(messages.Generation, generationID).result(result, nil)
}

// GenerationError logs that the model call failed, and ends the generation.
func (l *Logger) GenerationError(generationID string, d ErrorDetail) {
	l.at(messages.Generation, generationID).generationError(d)
}

// GenerationAddCost logs what the model call cost.
func (l *Logger) GenerationAddCost(generationID string, c Cost) {
	l.at(messages.Generation, generationID).addCost(c)
}

// GenerationAddTag sets a tag of a generation.
func (l *Logger) GenerationAddTag(generationID string, key, value string) {
	l.at(messages.Generation, generationID).addTag(key, value)
}

// GenerationAddMetadata adds metadata to a generation.
func (l *Logger) GenerationAddMetadata(generationID string, m map[string]any) {
	l.at(messages.Generation, generationID).addMetadata(m)
}

// GenerationAddMetric sets a numeric metric of a generation.
func (l *Logger) GenerationAddMetric(generationID string, name string, value float64) {
	l.at(messages.Generation, generationID).addMetric(name, value)
}

// GenerationAddAttachment attaches a file, bytes or a URL to a generation.
func (l *Logger) GenerationAddAttachment(generationID string, a Attachment) {
	l.at(messages.Generation, generationID).addAttachment(a)
}

// GenerationEvaluate asks the server to evaluate a generation.
func (l *Logger) GenerationEvaluate(generationID string) *Evaluation {
	return l.at(messages.Generation, generationID).evaluation()
}

// GenerationSetStartTimestamp corrects when a generation began.
func (l *Logger) GenerationSetStartTimestamp(generationID string, at time.Time) {
	l.at(messages.Generation, generationID).setTime("startTimestamp", at)
}

// GenerationSetEndTimestamp corrects when a generation ended.
func (l *Logger) GenerationSetEndTimestamp(generationID string, at time.Time) {
	l.at(messages.Generation, generationID).setTime("endTimestamp", at)
}

// GenerationEnd ends a generation now.
func (l *Logger) GenerationEnd(generationID string) {
	l.at(messages.Generation, generationID).end(EndConfig{}, false)
}

// GenerationEndWith ends a generation at a given time or with further data.
func (l *Logger) GenerationEndWith(generationID string, c EndConfig) {
	l.at(messages.Generation, generationID).end(c, false)
}

// Retrievals.

// RetrievalInput sets what was searched for.
func (l *Logger) RetrievalInput(retrievalID string, query any) {
	l.at(messages.Retrieval, retrievalID).value(messages.Update, "input", query)
}

// RetrievalOutput logs what was found and ends the retrieval; see Retrieval.Output.
func (l *Logger) RetrievalOutput(retrievalID string, docs any) {
	l.at(messages.Retrieval, retrievalID).retrievalOutput(docs)
}

// RetrievalAddTag sets a tag of a retrieval.
func (l *Logger) RetrievalAddTag(retrievalID string, key, value string) {
	l.at(messages.Retrieval, retrievalID).addTag(key, value)
}

// RetrievalAddMetadata adds metadata to a retrieval.
func (l *Logger) RetrievalAddMetadata(retrievalID string, m map[string]any) {
	l.at(messages.Retrieval, retrievalID).addMetadata(m)
}

// RetrievalAddMetric sets a numeric metric of a retrieval.
func (l *Logger) RetrievalAddMetric(retrievalID string, name string, value float64) {
	l.at(messages.Retrieval, retrievalID).addMetric(name, value)
}

// RetrievalAddAttachment attaches a file, bytes or a URL to a retrieval.
func (l *Logger) RetrievalAddAttachment(retrievalID string, a Attachment) {
	l.at(messages.Retrieval, retrievalID).addAttachment(a)
}

// RetrievalEvaluate asks the server to evaluate a retrieval.
func (l *Logger) RetrievalEvaluate(retrievalID string) *Evaluation {
	return l.at(messages.Retrieval, retrievalID).evaluation()
}

// RetrievalSetStartTimestamp corrects when a retrieval began.
func (l *Logger) RetrievalSetStartTimestamp(retrievalID string, at time.Time) {
	l.at(messages.Retrieval, retrievalID).setTime("startTimestamp", at)
}

// RetrievalSetEndTimestamp corrects when a retrieval ended.
func (l *Logger) RetrievalSetEndTimestamp(retrievalID string, at time.Time) {
	l.at(messages.Retrieval, retrievalID).setTime("endTimestamp", at)
}

// RetrievalEnd ends a retrieval now.
func (l *Logger) RetrievalEnd(retrievalID string) {
	l.at(messages.Retrieval, retrievalID).end(EndConfig{}, false)
}

// RetrievalEndWith ends a retrieval at a given time or with further data.
func (l *Logger) RetrievalEndWith(retrievalID string, c EndConfig) {
	l.at(messages.Retrieval, retrievalID).end(c, false)
}

// Tool calls.

// ToolCallUpdate sends fields of a tool call by their names on the wire.
func (l *Logger) ToolCallUpdate(toolCallID string, data map[string]any) {
	l.at(messages.ToolCall, toolCallID).updateWith(data)
}

// ToolCallResult logs what a tool returned and ends the call.
func (l *Logger) ToolCallResult(toolCallID string, result any) {
	l.at(messages.ToolCall, toolCallID).toolResult(result)
}

// ToolCallError logs that a tool failed, and ends the call.
func (l *Logger) ToolCallError(toolCallID string, d ErrorDetail) {
	l.at(messages.ToolCall, toolCallID).toolError(d)
}

// ToolCallAddTag sets a tag of a tool call.
func (l *Logger) ToolCallAddTag(toolCallID string, key, value string) {
	l.at(messages.ToolCall, toolCallID).addTag(key, value)
}

// ToolCallAddMetadata adds metadata to a tool call.
func (l *Logger) ToolCallAddMetadata(toolCallID string, m map[string]any) {
	l.at(messages.ToolCall, toolCallID).addMetadata(m)
}

// ToolCallAddMetric sets a numeric metric of a tool call.
func (l *Logger) ToolCallAddMetric(toolCallID string, name string, value float64) {
	l.at(messages.ToolCall, toolCallID).addMetric(name, value)
}

// ToolCallEvaluate asks the server to evaluate a tool call.
func (l *Logger) ToolCallEvaluate(toolCallID string) *Evaluation {
	return l.at(messages.ToolCall, toolCallID).evaluation()
}

// ToolCallSetStartTimestamp corrects when a tool call began.
func (l *Logger) ToolCallSetStartTimestamp(toolCallID string, at time.Time) {
	l.at(messages.ToolCall, toolCallID).setTime("startTimestamp", at)
}

// ToolCallSetEndTimestamp corrects when a tool call ended.
func (l *Logger) ToolCallSetEndTimestamp(toolCallID string, at time.Time) {
	l.at(messages.ToolCall, toolCallID).setTime("endTimestamp", at)
}

// ToolCallEnd ends a tool call now.
func (l *Logger) ToolCallEnd(toolCallID string) {
	l.at(messages.ToolCall, toolCallID).end(EndConfig{}, false)
}

// ToolCallEndWith ends a tool call at a given time or with further data.
func (l *Logger) ToolCallEndWith(toolCallID string, c EndConfig) {
	l.at(messages.ToolCall, toolCallID).end(c, false)
}
