// Package docs checks the prose, the names and the pages of the repository.
//
//   - Programs in pages compile, and links lead to a file.
//   - Comments and pages use no forbidden idiom more often than testdata/prose.txt records.
//   - The exported API is recorded in the folder api at the root.
//   - The glossary of docs/internals/architecture.md is complete, and retired words do not come back.
//   - Every package is on the map in docs/internals/architecture.md.
//
// The recorded files change with "go test ./internal/docs -update". Faults that they record
// can only become fewer that way.
package docs
