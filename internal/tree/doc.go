// Package tree renders a session or a trace as a tree for a terminal: one line per call
// with its duration, tokens and cost, followed by its input, output and error.
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
// Logged text cannot move the cursor, colour the terminal or reorder text: control
// characters and changes of direction are replaced by U+FFFD.
package tree
