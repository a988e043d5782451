package protocol

// Limits that client and collector share. A client checks them in the call; the collector
// checks them again, because not every sender is Troupe.
const (
	// MaxID is the longest id in bytes. Real ids are far shorter; the limit protects indexes
	// from hostile clients.
	MaxID = 1024
	// MaxDepth limits the nesting of arrays and objects in a value. It limits the stack of every
	// parser: Go ends a program whose stack overflows, and no recover can prevent it.
	MaxDepth = 1000
	// MaxLine is the longest line in bytes, without its newline.
	MaxLine = 8 << 20
	// MaxBody is the largest body of a request in bytes as it is sent, compressed or not.
	MaxBody = 16 << 20
	// MaxDecodedBody is the largest body of a request in bytes after decompression. A
	// line that is uploaded as a file has this limit, too.
	MaxDecodedBody = 32 << 20
	// MaxUpload is the largest attachment in bytes.
	MaxUpload = 100 << 20
)

// Limit is one row of the table of limits.
type Limit struct {
	Name  string // name of the constant
	Value int
	Unit  string // "bytes" or "levels"
	Of    string // the limited thing, such as "an attachment"
	Over  string // the consequence of exceeding the limit, on both sides
}

// Limits returns the table of limits, from which docs/internals/wire.md is made.
func Limits() []Limit {
	return []Limit{
		{"MaxID", MaxID, "bytes", "an id", "the client derives a safe id from it; the collector refuses the line"},
		{"MaxDepth", MaxDepth, "levels", "nested arrays and objects", "the client rejects the call with ErrUnencodable; the collector refuses the line"},
		{"MaxLine", MaxLine, "bytes", "a line, without its newline", "the client cuts its largest values; the collector refuses the line"},
		{"MaxBody", MaxBody, "bytes", "the body of a request as sent", "413; nothing of it is stored"},
		{"MaxDecodedBody", MaxDecodedBody, "bytes", "the body of a request after decompression", "413; nothing of it is stored"},
		{"MaxUpload", MaxUpload, "bytes", "an attachment", "the client rejects the call with ErrTooLarge; the collector answers 413"},
	}
}
