//go:build !unix

package private

import "io/fs"

// The access list that a folder inherits decides who may read it.
const (
	openFlags             = 0
	others    fs.FileMode = 0
)

func checkOwner(fs.FileInfo, string) error { return nil }
