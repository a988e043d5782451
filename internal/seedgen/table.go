package main

// call is a call of the seed SDKs, and the method of a handle that does the same.
type call struct {
	// Entity is the kind of the handle, such as Trace. The call by id is named Entity + Name.
	Entity string
	// Name is the call's name in the seed.
	Name string
	// Method is the Go method of the handle. If it differs from Name, the handle gets a
	// deprecated method name as well.
	Method string
	// Params are the parameters behind the id, as Go declares them.
	Params string
	// Result is the type that the call returns, "" for none.
	Result string
	// Former is a name that the seed itself has deprecated, "" for none. Both the call by id
	// and the handle's method get it.
	Former string
}

// calls are all calls by id of the seed, in the order of its documentation. The calls that
// take no id (session, trace, id and flush) are written by hand, and cleanup is in the
// template.
var calls = []call{
	{"Session", "AddTag", "AddTag", "key, value string", "", ""},
	{"Session", "AddEvent", "AddEvent", "c EventConfig", "", "Event"},
	{"Session", "AddFeedback", "AddFeedback", "f Feedback", "", "Feedback"},
	{"Session", "AddAttachment", "AddAttachment", "a Attachment", "", ""},
	{"Session", "AddTrace", "AddTrace", "c TraceConfig", "Trace", "Trace"},
	{"Session", "End", "End", "", "", ""},

	{"Trace", "AddGeneration", "AddGeneration", "c GenerationConfig", "Generation", "Generation"},
	{"Trace", "AddRetrieval", "AddRetrieval", "c RetrievalConfig", "Retrieval", "Retrieval"},
	{"Trace", "AddSpan", "AddSpan", "c SpanConfig", "Span", "Span"},
	{"Trace", "AddToolCall", "AddToolCall", "c ToolCallConfig", "ToolCall", ""},
	{"Trace", "AddError", "AddError", "c ErrorConfig", "LoggedError", ""},
	{"Trace", "AddTag", "AddTag", "key, value string", "", ""},
	{"Trace", "AddEvent", "AddEvent", "c EventConfig", "", "Event"},
	{"Trace", "SetInput", "SetInput", "input any", "", ""},
	{"Trace", "SetOutput", "SetOutput", "output any", "", ""},
	{"Trace", "AddFeedback", "AddFeedback", "f Feedback", "", "Feedback"},
	{"Trace", "AddMetadata", "AddMetadata", "m map[string]any", "", ""},
	{"Trace", "AddAttachment", "AddAttachment", "a Attachment", "", ""},
	{"Trace", "End", "End", "", "", ""},

	{"Generation", "SetModel", "SetModel", "model string", "", ""},
	{"Generation", "SetProvider", "SetProvider", "name string", "", ""},
	{"Generation", "AddMessage", "AddMessage", "m Message", "", ""},
	{"Generation", "SetModelParameters", "SetModelParameters", "p map[string]any", "", ""},
	{"Generation", "Result", "Result", "response any", "", ""},
	{"Generation", "Error", "Fail", "d ErrorDetail", "", ""},
	{"Generation", "AddAttachment", "AddAttachment", "a Attachment", "", ""},
	{"Generation", "End", "End", "", "", ""},

	{"Span", "AddGeneration", "AddGeneration", "c GenerationConfig", "Generation", "Generation"},
	{"Span", "AddRetrieval", "AddRetrieval", "c RetrievalConfig", "Retrieval", "Retrieval"},
	{"Span", "AddToolCall", "AddToolCall", "c ToolCallConfig", "ToolCall", ""},
	{"Span", "AddError", "AddError", "c ErrorConfig", "LoggedError", ""},
	{"Span", "AddSubSpan", "AddSpan", "c SpanConfig", "Span", "Span"},
	{"Span", "AddTag", "AddTag", "key, value string", "", ""},
	{"Span", "AddEvent", "AddEvent", "c EventConfig", "", "Event"},
	{"Span", "AddMetadata", "AddMetadata", "m map[string]any", "", ""},
	{"Span", "AddAttachment", "AddAttachment", "a Attachment", "", ""},
	{"Span", "End", "End", "", "", ""},

	{"Retrieval", "Input", "SetInput", "query any", "", ""},
	{"Retrieval", "Output", "SetOutput", "docs any", "", ""},
	{"Retrieval", "AddTag", "AddTag", "key, value string", "", ""},
	{"Retrieval", "AddAttachment", "AddAttachment", "a Attachment", "", ""},
	{"Retrieval", "End", "End", "", "", ""},

	{"ToolCall", "Update", "Update", "data map[string]any", "", ""},
	{"ToolCall", "Result", "Result", "result any", "", ""},
	{"ToolCall", "Error", "Fail", "d ErrorDetail", "", ""},
	{"ToolCall", "AddMetadata", "AddMetadata", "m map[string]any", "", ""},
}
