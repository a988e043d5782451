// Package docs holds the tests of the documentation: what a page says in Go must
// compile, and what it links to must be there.
package docs
