package conversation

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkOf reads a generation of 200 messages, half of them calls of tools and their
// results.
func BenchmarkOf(b *testing.B) {
	var messages strings.Builder
	for i := range 50 {
		fmt.Fprintf(&messages, `,{"role":"user","content":"question %d"},{"role":"assistant","content":[{"type":"text","text":"answer"}]}`, i)
		fmt.Fprintf(&messages, `,{"role":"assistant","tool_calls":[{"id":"%d","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]}`, i)
		fmt.Fprintf(&messages, `,{"role":"tool","tool_call_id":"%d","content":"%s"}`, i, strings.Repeat("result ", 200))
	}
	n := node("["+messages.String()[1:]+"]", `{"choices":[{"message":{"role":"assistant","content":"done"}}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if c := Of(n); len(c.Sent) != 200 {
			b.Fatalf("%d messages", len(c.Sent))
		}
	}
}
