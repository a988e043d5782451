// Package replay logs recorded conversations as the agents that had them would have
// logged them live.
//
// # Input
//
// A recording is a stream of conversations: JSON objects that follow one another, laid out
// over lines as they may be, or a JSON list of them. An object holds its messages, in the form of the OpenAI
// chat API, under messages or traj; its model and provider, where present, name who
// answered. All else in it is passed over. A conversation that cannot be read is
// reported by its number, counted from 1, and the others go on.
//
// # Mapping
//
//	conversation                a session
//	user message                ends the trace before it and begins a trace: its input
//	assistant message           a generation with all messages before it; its text is
//	                            the trace's output if no later one has text
//	tool call in it             a tool call, with the id of the recording as a tag
//	tool message                ends the tool call it answers
//	end of the trace            ends tool calls without an answer, with an error
//
// An assistant message before any user message begins a trace without input. All
// other messages are part of the history that later generations carry.
// Entities get new ids, so that a recording can be replayed more than once.
package replay
