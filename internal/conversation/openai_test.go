package conversation

import (
	"encoding/json"
	"testing"
)

func TestOpenAIChat(t *testing.T) {
	wantSketch(t, node(`[
		{"role":"system","content":"Be brief."},
		{"role":"user","name":"ann","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"https://example.com/a.png","detail":"low"}},
			{"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERg=="}}]},
		{"role":"assistant","content":null,"refusal":null,"annotations":[],"tool_calls":[
			{"id":"c1","type":"function","function":{"name":"look","arguments":"{\"n\": 1}"}},
			{"id":"c2","type":"function","function":{"name":"look","arguments":"{broken"}},
			{"id":"c3","type":"custom","custom":{"name":"sql","input":"select 1"}}]},
		{"role":"tool","tool_call_id":"c2","content":"no such thing"},
		{"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"{\"found\":true}"}]},
		{"role":"tool","tool_call_id":"c9","content":"late"}]`,
		`{"id":"x","object":"chat.completion","choices":[
			{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":"I look again.","tool_calls":[{"id":"c4","type":"function","function":{"name":"look","arguments":""}}]}},
			{"index":1,"finish_reason":"stop","message":{"role":"assistant","content":null,"refusal":"I cannot.","audio":{"id":"au1","data":"AAAA","transcript":"No."}}}],
		"usage":{"prompt_tokens":1}}`), `
system: text "Be brief."
user(ann): text "What is this?"
user(ann): image url=https://example.com/a.png
user(ann): audio mime=audio/wav data=UklGRg==
user(ann): file "a.pdf" mime=application/pdf data=JVBERg==
assistant: tool_call id=c1 tool=look args={"n": 1} pair=2
assistant: tool_call id=c2 tool=look args="{broken" pair=1
assistant: tool_call id=c3 tool=sql args="select 1" unmatched
tool: tool_result "no such thing" id=c2 tool=look pair=1
tool: tool_result "{\"found\":true}" id=c1 tool=look result={"found":true} pair=2
tool: tool_result "late" id=c9 unmatched
⇒ 0.0 tool_calls
assistant: text "I look again."
assistant: tool_call id=c4 tool=look
⇒ 0.1 stop
assistant: refusal "I cannot."
assistant: audio "No." url=au1 data=AAAA
`)
}

func TestOpenAIFunctionsOfOldArePairedByName(t *testing.T) {
	wantSketch(t, node(`[
		{"role":"user","content":"hi"},
		{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},
		{"role":"function","name":"f","content":"1"}]`, ""), `
user: text "hi"
assistant: tool_call tool=f args={} pair=1
tool(f): tool_result "1" tool=f pair=1
`)
}

func TestOpenAIResponses(t *testing.T) {
	n := node(`[
		{"type":"message","role":"user","content":[{"type":"input_text","text":"Sum?"},{"type":"input_image","image_url":"data:image/png;base64,iVBORw0=","detail":"auto"},{"type":"input_file","file_id":"file-1"}]},
		{"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"I add."}],"encrypted_content":"opaque"},
		{"type":"function_call","id":"fc","call_id":"c1","name":"add","arguments":"{\"a\":1}","status":"completed"},
		{"type":"function_call_output","call_id":"c1","output":"2"},
		{"type":"item_reference","id":"it"},
		{"type":"mcp_call","id":"m1","name":"ask","server_label":"s","arguments":"{}","output":"yes","error":null}]`,
		`{"object":"response","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"error":null,"output":[
			{"type":"reasoning","summary":[]},
			{"type":"web_search_call","id":"ws","status":"completed","action":{"query":"q"}},
			{"type":"message","id":"m","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Two","annotations":[]},{"type":"refusal","refusal":"no more"}]},
			{"type":"function_call","call_id":"c2","name":"add","arguments":"{}"}]}`)
	n.Parameters = map[string]json.RawMessage{"instructions": json.RawMessage(`"Add numbers."`)}
	wantSketch(t, n, `
system: text "Add numbers."
user: text "Sum?"
user: image mime=image/png data=iVBORw0=
user: file url=file-1
assistant: reasoning "I add."
assistant: tool_call id=c1 tool=add args={"a":1} pair=1
tool: tool_result "2" id=c1 tool=add pair=1
user: other {"type":"item_reference","id":"it"}
assistant: tool_call id=m1 tool=ask args={} pair=2
assistant: tool_result "yes" id=m1 tool=ask pair=2
⇒ 0.0 max_output_tokens
assistant: reasoning
assistant: other {"type":"web_search_call","id":"ws","status":"completed","action":{"query":"q"}}
assistant: text "Two"
assistant: refusal "no more"
assistant: tool_call id=c2 tool=add args={}
`)
}

func TestCompletions(t *testing.T) {
	n := node(`[]`, `{"object":"text_completion","choices":[{"text":" upon a time","index":0,"finish_reason":"length"}]}`)
	n.Parameters = map[string]json.RawMessage{"prompt": json.RawMessage(`"Once"`)}
	wantSketch(t, n, `
user: text "Once"
⇒ 0.0 length
assistant: text " upon a time"
`)
}

func TestAttemptsComeBeforeTheResultAndErrorsAreAnswers(t *testing.T) {
	n := node(`[{"role":"user","content":"hi"}]`, `{"choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}`)
	n.Attempts = append(n.Attempts, []byte(`{"error":{"message":"too many requests","type":"rate_limit","code":429}}`), []byte(`{"error":"gone"}`))
	wantSketch(t, n, `
user: text "hi"
⇒ 0.0 
assistant: error "too many requests"
⇒ 1.0 
assistant: error "gone"
⇒ 2.0 stop
assistant: text "Hello"
`)
	c := Of(n)
	if !c.Answers[0].Failed || c.Answers[2].Failed || c.Last() != &c.Answers[2] {
		t.Errorf("the first attempts failed and the last counts, got %+v", c.Answers)
	}
}
