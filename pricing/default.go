package pricing

import (
	"bytes"
	_ "embed" // prices.json
	"sync"
)

//go:embed prices.json
var prices []byte

var loadDefault = sync.OnceValue(func() *Table {
	t, err := Load(bytes.NewReader(prices))
	if err != nil {
		panic(err) // the file is part of the program, and tests load it
	}
	return t
})

// Default returns the prices that this version of the package knows. Each has a source
// and the day on which it was looked up; prices that changed later are not in it.
func Default() *Table { return loadDefault() }
