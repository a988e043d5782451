// Package query reads what people type to find traces:
//
//	"a phrase" word -word status:error kind:tool_call model:gpt-4o tool:search session:ID
//	name:"nightly report" tag.env=prod meta.user=42 cost:>0.01 dur:>2s tokens:>=1k
//	has:attachment has:feedback has:error is:orphan
//
// Terms are joined by "and"; a minus in front excludes.
// A term that cannot be understood is told, with its place, and the others hold.
package query
