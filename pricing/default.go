package pricing

import (
	"bytes"
	_ "embed" // prices.json
	"sync"
)

//go:embed prices.json
var prices []byte

// loadDefault parses the embedded table on its first call: programs that never price a call
// do not pay for it.
var loadDefault = sync.OnceValue(func() *Table {
	t, err := Load(bytes.NewReader(prices))
	if err != nil {
		panic(err) // a mistake in this package, which its tests would have found
	}
	return t
})

// Default returns the built-in table. Each price has a source and the day on which it was
// looked up; later changes by the providers are not in it. All calls return the same table.
func Default() *Table { return loadDefault() }
