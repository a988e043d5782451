package otlp

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/troupelog/troupe/internal/wire"
)

// Success returns the body of the answer to a request that was stored: an
// ExportTraceServiceResponse, with a partial success if spans were rejected.
func Success(f Format, rejected int, reason string) []byte {
	if f == JSON {
		if rejected == 0 {
			return []byte("{}")
		}
		body := append([]byte(`{"partialSuccess":{"rejectedSpans":"`), strconv.Itoa(rejected)...)
		return append(wire.AppendString(append(body, `","errorMessage":`...), reason), "}}"...)
	}
	if rejected == 0 {
		return []byte{}
	}
	partial := protowire.AppendTag(nil, 1, protowire.VarintType)
	partial = protowire.AppendVarint(partial, uint64(rejected))
	partial = protowire.AppendString(protowire.AppendTag(partial, 2, protowire.BytesType), reason)
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), partial)
}

// Codes of google.rpc.Code that Failure is given.
const (
	InvalidArgument   = 3
	ResourceExhausted = 8
	Internal          = 13
	Unavailable       = 14
	Unauthenticated   = 16
)

// Failure returns the body of the answer to a request that failed: a google.rpc.Status.
func Failure(f Format, code int, message string) []byte {
	if f == JSON {
		body := append([]byte(`{"code":`), strconv.Itoa(code)...)
		return append(wire.AppendString(append(body, `,"message":`...), message), '}')
	}
	body := protowire.AppendTag(nil, 1, protowire.VarintType)
	body = protowire.AppendVarint(body, uint64(code))
	return protowire.AppendString(protowire.AppendTag(body, 2, protowire.BytesType), message)
}
