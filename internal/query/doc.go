// Package query parses the query language of the viewer's trace list:
//
//	"a phrase" word -word status:error kind:tool_call model:gpt-4o tool:search session:ID
//	name:"nightly report" tag.env=prod meta.user=42 cost:>0.01 dur:>2s tokens:>=1k
//	has:attachment has:feedback has:error is:detached
//
// Terms are joined by "and"; a leading minus excludes. There is no "or" and there are no
// parentheses. A term that cannot be understood is reported with its position, and the other
// terms still apply: a typing error never hides the list.
//
// Parsing and printing are inverse, so that pages can put a changed query into their links.
package query
