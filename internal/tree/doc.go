// Package tree shows a session or a trace as a tree of lines for a terminal: what
// was called, how long it took, what it cost, what went in and came out, and what
// failed.
//
//	trace turn · 1.20 s · 120 + 30 tokens · $0.0021
//	│ in   Where is my order?
//	│ out  It arrives on Friday.
//	├─ generation gpt-4o (openai) · 320 ms · 120 + 30 tokens · $0.0021
//	│     in   2 messages, user: Where is my order?
//	│     out  → find_order({"id":7})
//	└─ ✗ tool_call find_order · 12 ms
//	      in   {"id":7}
//	      ✗    no such order
//
// Nothing that was logged can move the cursor, colour the terminal or reorder text:
// control characters and changes of direction are shown as U+FFFD.
package tree
