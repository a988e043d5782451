// Package protocol holds what both ends of the log protocol must agree on: which ids a
// line may carry and the size limits of lines and requests. Client and collector import
// it, so a limit has one value. It imports the standard library only.
package protocol
