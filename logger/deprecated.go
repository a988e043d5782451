package logger

// The deprecated names of the calls by id, for programs that are moved over from
// the other SDKs.

// SessionFeedback is the old name of SessionAddFeedback.
//
// Deprecated: use SessionAddFeedback.
func (l *Logger) SessionFeedback(sessionID string, f Feedback) { l.SessionAddFeedback(sessionID, f) }

// SessionTrace is the old name of SessionAddTrace.
//
// Deprecated: use SessionAddTrace.
func (l *Logger) SessionTrace(sessionID string, c TraceConfig) *Trace {
	return l.SessionAddTrace(sessionID, c)
}

// TraceGeneration is the old name of TraceAddGeneration.
//
// Deprecated: use TraceAddGeneration.
func (l *Logger) TraceGeneration(traceID string, c GenerationConfig) *Generation {
	return l.TraceAddGeneration(traceID, c)
}

// TraceRetrieval is the old name of TraceAddRetrieval.
//
// Deprecated: use TraceAddRetrieval.
func (l *Logger) TraceRetrieval(traceID string, c RetrievalConfig) *Retrieval {
	return l.TraceAddRetrieval(traceID, c)
}

// TraceSpan is the old name of TraceAddSpan.
//
// Deprecated: use TraceAddSpan.
func (l *Logger) TraceSpan(traceID string, c SpanConfig) *Span { return l.TraceAddSpan(traceID, c) }

// TraceEvent is the old name of TraceAddEvent.
//
// Deprecated: use TraceAddEvent.
func (l *Logger) TraceEvent(traceID string, c EventConfig) { l.TraceAddEvent(traceID, c) }

// TraceFeedback is the old name of TraceAddFeedback.
//
// Deprecated: use TraceAddFeedback.
func (l *Logger) TraceFeedback(traceID string, f Feedback) { l.TraceAddFeedback(traceID, f) }

// SpanGeneration is the old name of SpanAddGeneration.
//
// Deprecated: use SpanAddGeneration.
func (l *Logger) SpanGeneration(spanID string, c GenerationConfig) *Generation {
	return l.SpanAddGeneration(spanID, c)
}

// SpanRetrieval is the old name of SpanAddRetrieval.
//
// Deprecated: use SpanAddRetrieval.
func (l *Logger) SpanRetrieval(spanID string, c RetrievalConfig) *Retrieval {
	return l.SpanAddRetrieval(spanID, c)
}

// SpanSpan is the old name of SpanAddSubSpan.
//
// Deprecated: use SpanAddSubSpan.
func (l *Logger) SpanSpan(spanID string, c SpanConfig) *Span { return l.SpanAddSubSpan(spanID, c) }
