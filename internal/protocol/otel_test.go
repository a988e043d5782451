package protocol_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/protocol"
)

func TestTraceIDsOfOpenTelemetry(t *testing.T) {
	for id, want := range map[string]string{
		"0af7651916cd43dd8448eb211c80319c":     "0af7651916cd43dd8448eb211c80319c",
		"0af76519-16cd-43dd-8448-eb211c80319c": "0af7651916cd43dd8448eb211c80319c",
		"0AF76519-16CD-43DD-8448-EB211C80319C": "0af7651916cd43dd8448eb211c80319c",
		"my-trace":                             "670c0f140bf357e6d99293ad6cf0d246",
	} {
		if got := protocol.TraceIDOf(id).String(); got != want {
			t.Errorf("TraceIDOf(%q) = %s, want %s", id, got, want)
		}
	}
	if got := protocol.SpanIDOf("gen-1").String(); got != "5ee4e1f377a36f14" {
		t.Errorf("SpanIDOf(gen-1) = %s", got)
	}
	for _, id := range []string{"00000000000000000000000000000000", "00000000-0000-0000-0000-000000000000", "0AF7651916CD43DD8448EB211C80319C", ""} {
		if _, ok := protocol.ParseTraceID(id); ok || protocol.TraceIDOf(id) == (protocol.TraceID{}) {
			t.Errorf("%q is taken for a trace id, or has none", id)
		}
	}
}

// Whether an id comes raw or safe, OpenTelemetry knows it by the same ids.
func TestIDsOfOpenTelemetryAreThoseOfTheSafeID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9a-f]{32}`), rapid.StringMatching(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)).Draw(t, "id")
		safe := protocol.SafeID(id)
		if protocol.TraceIDOf(id) != protocol.TraceIDOf(safe) || protocol.SpanIDOf(id) != protocol.SpanIDOf(safe) {
			t.Fatalf("%q and %q have different ids", id, safe)
		}
		trace := protocol.TraceIDOf(id)
		if again, ok := protocol.ParseTraceID(trace.String()); !ok || again != trace {
			t.Fatalf("%s is read as %s", trace, again)
		}
	})
}
