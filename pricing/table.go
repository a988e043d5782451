package pricing

// Table is prices by model. Its zero value knows none. It is not changed once made, so
// it is safe for concurrent use.
type Table struct{}
