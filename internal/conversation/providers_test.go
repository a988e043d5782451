package conversation

import (
	"encoding/json"
	"testing"
)

func TestAnthropic(t *testing.T) {
	n := node(`[
		{"role":"user","content":[{"type":"text","text":"Read it.","cache_control":{"type":"ephemeral"}},
			{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0="}},
			{"type":"document","title":"Note","source":{"type":"text","media_type":"text/plain","data":"noted"}},
			{"type":"document","title":"Terms","source":{"type":"url","url":"https://example.com/t.pdf"}}]},
		{"role":"assistant","content":[{"type":"thinking","thinking":"A file.","signature":"sig"},{"type":"redacted_thinking","data":"opaque"},
			{"type":"tool_use","id":"tu1","name":"read","input":{"path":"/a"}},{"type":"server_tool_use","id":"st1","name":"web_search","input":{"query":"q"}},
			{"type":"web_search_tool_result","tool_use_id":"st1","content":{"type":"web_search_tool_result_error","error_code":"max_uses_exceeded"}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"tu1","is_error":true,"content":[{"type":"text","text":"no such file"},{"type":"image","source":{"type":"url","url":"https://example.com/s.png"}}]}]}]`,
		`{"id":"msg","type":"message","role":"assistant","model":"claude","stop_reason":"end_turn","stop_sequence":null,"content":[{"type":"text","text":"It is gone."}],"usage":{"input_tokens":1}}`)
	n.Other = map[string]json.RawMessage{"system": json.RawMessage(`[{"type":"text","text":"Be kind."}]`)}
	wantSketch(t, n, `
system: text "Be kind."
user: text "Read it."
user: image mime=image/png data=iVBORw0=
user: file "Note" mime=text/plain
user: text "noted"
user: file "Terms" url=https://example.com/t.pdf
assistant: reasoning "A file."
assistant: reasoning
assistant: tool_call id=tu1 tool=read args={"path":"/a"} pair=2
assistant: tool_call id=st1 tool=web_search args={"query":"q"} pair=1
assistant: tool_result id=st1 tool=web_search result={"type":"web_search_tool_result_error","error_code":"max_uses_exceeded"} failed pair=1
user: tool_result "no such file" id=tu1 tool=read failed pair=2
user: image url=https://example.com/s.png id=tu1
⇒ 0.0 end_turn
assistant: text "It is gone."
`)
}

func TestGemini(t *testing.T) {
	n := node(`[
		{"role":"user","parts":[{"text":"Weather?"},{"inlineData":{"mimeType":"image/jpeg","data":"/9j/"}},{"fileData":{"mimeType":"video/mp4","fileUri":"gs://b/v.mp4"}}]},
		{"role":"model","parts":[{"text":"Think.","thought":true},{"functionCall":{"name":"weather","args":{"city":"Oslo"}},"thoughtSignature":"s"},{"functionCall":{"name":"weather","args":{"city":"Rome"}}}]},
		{"role":"user","parts":[{"functionResponse":{"name":"weather","response":{"temp":3}}},{"functionResponse":{"name":"weather","response":{"temp":20}}}]}]`,
		`{"candidates":[{"content":{"role":"model","parts":[{"text":"Cold "},{"text":"and warm."},{"executableCode":{"language":"PYTHON","code":"1"}}]},"finishReason":"STOP"}],"usageMetadata":{"totalTokenCount":3}}`)
	n.Parameters = map[string]json.RawMessage{"systemInstruction": json.RawMessage(`"{\"parts\":[{\"text\":\"Be exact.\"}]}"`)}
	wantSketch(t, n, `
system: text "Be exact."
user: text "Weather?"
user: image mime=image/jpeg data=/9j/
user: file mime=video/mp4 url=gs://b/v.mp4
assistant: reasoning "Think."
assistant: tool_call tool=weather args={"city":"Oslo"} pair=1
assistant: tool_call tool=weather args={"city":"Rome"} pair=2
user: tool_result tool=weather result={"temp":3} pair=1
user: tool_result tool=weather result={"temp":20} pair=2
⇒ 0.0 STOP
assistant: text "Cold "
assistant: text "and warm."
assistant: other {"executableCode":{"language":"PYTHON","code":"1"}}
`)
	wantSketch(t, node(`[]`, `{"promptFeedback":{"blockReason":"SAFETY"}}`), `
⇒ 0.0 SAFETY
assistant: refusal "SAFETY"
`)
}

func TestGeminiRequestAsInput(t *testing.T) {
	n := node(`[]`, "")
	n.Input = json.RawMessage(`{"systemInstruction":{"parts":[{"text":"Sys"}]},"contents":[{"parts":[{"text":"Hi"}]}],"tools":[{"x":1}]}`)
	wantSketch(t, n, `
system: text "Sys"
user: text "Hi"
user: other {"tools":[{"x":1}]}
`)
}

func TestBedrockConverse(t *testing.T) {
	wantSketch(t, node(`[
		{"role":"user","content":[{"text":"Hi"},{"image":{"format":"png","source":{"bytes":"iVBORw0="}}},{"document":{"format":"pdf","name":"doc","source":{"bytes":"JVBERg=="}}},{"cachePoint":{"type":"default"}}]},
		{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"Hmm","signature":"s"}}},{"toolUse":{"toolUseId":"t1","name":"f","input":{"x":1}}}]},
		{"role":"user","content":[{"toolResult":{"toolUseId":"t1","status":"error","content":[{"json":{"y":2}}]}}]}]`,
		`{"output":{"message":{"role":"assistant","content":[{"text":"Done"}]}},"stopReason":"end_turn","usage":{}}`), `
user: text "Hi"
user: image mime=image/png data=iVBORw0=
user: file "doc" mime=application/pdf data=JVBERg==
user: other {"cachePoint":{"type":"default"}}
assistant: reasoning "Hmm"
assistant: tool_call id=t1 tool=f args={"x":1} pair=1
user: tool_result id=t1 tool=f result=[{"json":{"y":2}}] failed pair=1
⇒ 0.0 end_turn
assistant: text "Done"
`)
	wantSketch(t, node(`[{"Role":"assistant","Content":[{"Value":"Hi"},{"Value":{"ToolUseId":"t","Name":"f","Input":{}}},{"Value":{"odd":1}}]},
		{"Role":"user","Content":[{"Value":{"ToolUseId":"t","Status":"error","Content":[{"Value":"no"}]}}]}]`,
		`{"Output":1,"output":{"Value":{"Role":"assistant","Content":[{"Value":"Bye"}]}},"stopReason":"end_turn"}`), `
assistant: text "Hi"
assistant: tool_call id=t tool=f args={} pair=1
assistant: other {"Value":{"odd":1}}
user: tool_result "no" id=t tool=f failed pair=1
⇒ 0.0 end_turn
assistant: text "Bye"
`)
}

func TestOllama(t *testing.T) {
	wantSketch(t, node(`[
		{"role":"user","content":"See","images":["iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="]},
		{"role":"assistant","content":"","thinking":"Hm","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},
		{"role":"tool","tool_name":"f","content":"ok"}]`,
		`{"model":"m","message":{"role":"assistant","content":"Yes"},"done":true,"done_reason":"stop"}`), `
user: text "See"
user: image data=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==
assistant: reasoning "Hm"
assistant: tool_call tool=f args={"a":1} pair=1
tool(f): tool_result "ok" tool=f pair=1
⇒ 0.0 stop
assistant: text "Yes"
`)
	wantSketch(t, node(`["Why?"]`, `{"response":"So.","done_reason":"stop"}`), `
user: text "Why?"
⇒ 0.0 stop
assistant: text "So."
`)
}

func TestCohere(t *testing.T) {
	wantSketch(t, node(`[
		{"role":"CHATBOT","message":"Hello"},
		{"role":"assistant","tool_plan":"I call f.","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"c1","content":[{"type":"document","document":{"data":"{\"a\":1}"}}]},
		{"role":"TOOL","tool_results":[{"call":{"name":"g","parameters":{"q":1}},"outputs":[{"r":2}]}]}]`,
		`{"id":"i","finish_reason":"COMPLETE","message":{"role":"assistant","content":[{"type":"text","text":"Hi"}]}}`), `
assistant: text "Hello"
assistant: reasoning "I call f."
assistant: tool_call id=c1 tool=f args={} pair=1
tool: tool_result "{\"a\":1}" id=c1 tool=f result={"a":1} pair=1
tool: tool_result tool=g result=[{"r":2}] unmatched
⇒ 0.0 COMPLETE
assistant: text "Hi"
`)
}

func TestPlainAndWrappedMessages(t *testing.T) {
	wantSketch(t, node(`[
		{"role":"user","content":{"type":"text","value":"maxim"}},
		{"role":"user","content":[{"type":"text","text":{"value":"assistants","annotations":[]}}]},
		{"type":"text","value":"alone"},
		{"type":"human","content":"langchain"},
		{"type":"ai","data":{"content":"wrapped","tool_calls":[{"name":"f","args":{},"id":"1","type":"tool_call"}]}},
		{"lc":1,"type":"constructor","id":["langchain","schema","ToolMessage"],"kwargs":{"content":"ok","tool_call_id":"1","status":"error"}},
		{"role":"assistant","content":[{"type":"tool-call","toolCallId":"2","toolName":"g","args":{"z":1}}]},
		{"role":"tool","content":[{"type":"tool-result","toolCallId":"2","toolName":"g","output":{"type":"text","value":"fine"}}]},
		{"role":"user","content":7,"weight":2},
		{"strange":true},
		8, null, {}]`, `"just text"`), `
user: text "maxim"
user: text "assistants"
user: text "alone"
user: text "langchain"
assistant: text "wrapped"
assistant: tool_call id=1 tool=f args={} pair=1
tool: tool_result "ok" id=1 tool=f failed pair=1
assistant: tool_call id=2 tool=g args={"z":1} pair=2
tool: tool_result id=2 tool=g result={"type":"text","value":"fine"} pair=2
user: other 7
user: other {"weight":2}
user: other {"strange":true}
user: other 8
user: other {}
⇒ 0.0 
assistant: text "just text"
`)
}

func TestResultsOfOtherForms(t *testing.T) {
	for result, want := range map[string]string{
		`{"completion":" Hi","stop_reason":"stop_sequence"}`:                             "⇒ 0.0 stop_sequence\nassistant: text \" Hi\"",
		`[{"generated_text":"Hi"}]`:                                                      "⇒ 0.0 \nassistant: other {\"generated_text\":\"Hi\"}",
		`{"generated_text":"Hi"}`:                                                        "⇒ 0.0 \nassistant: text \"Hi\"",
		`[{"role":"assistant","content":"a"},{"role":"assistant","content":"b"}]`:        "⇒ 0.0 \nassistant: text \"a\"\n⇒ 0.1 \nassistant: text \"b\"",
		`{"odd":{"x":1}}`:                                                                "⇒ 0.0 \nassistant: other {\"odd\":{\"x\":1}}",
		`"{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"in\"}}]}"`:    "⇒ 0.0 \nassistant: text \"in\"",
		`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`:    "⇒ 0.0 \nassistant: error \"Overloaded\"",
		`{"type":"text","value":"v"}`:                                                    "⇒ 0.0 \nassistant: text \"v\"",
		`{"role":"assistant","content":"own","annotations":[{"u":1}],"usage":{"tok":1}}`: "⇒ 0.0 \nassistant: text \"own\"\nassistant: other {\"annotations\":[{\"u\":1}]}",
	} {
		t.Run(result, func(t *testing.T) { wantSketch(t, node(`[]`, result), want) })
	}
}
