package troupeotel

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// tracesJSON is a request in OTLP/JSON, as far as package export writes it.
type tracesJSON struct {
	ResourceSpans []struct {
		ScopeSpans []struct {
			Scope struct{ Name string }
			Spans []spanJSON
		}
	}
}

type spanJSON struct {
	TraceID    string          `json:"traceId"`
	SpanID     string          `json:"spanId"`
	Parent     string          `json:"parentSpanId"`
	Name       string          `json:"name"`
	Kind       int             `json:"kind"`
	Start      string          `json:"startTimeUnixNano"`
	End        string          `json:"endTimeUnixNano"`
	Attributes []attributeJSON `json:"attributes"`
	Events     []struct {
		Time       string          `json:"timeUnixNano"`
		Name       string          `json:"name"`
		Attributes []attributeJSON `json:"attributes"`
	} `json:"events"`
	Status struct {
		Message string `json:"message"`
		Code    int    `json:"code"`
	} `json:"status"`
}

type attributeJSON struct {
	Key   string    `json:"key"`
	Value valueJSON `json:"value"`
}

type valueJSON struct {
	String *string  `json:"stringValue"`
	Bool   *bool    `json:"boolValue"`
	Int    *string  `json:"intValue"`
	Double *float64 `json:"doubleValue"`
	Array  *struct {
		Values []valueJSON `json:"values"`
	} `json:"arrayValue"`
}

// statusError is the code of an error in OTLP; that of package codes is another one.
const statusError = 2

// stubsOf returns the spans of a request in OTLP/JSON.
func stubsOf(text []byte, of *resource.Resource) ([]tracetest.SpanStub, error) {
	var all tracesJSON
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("troupeotel: reading spans: %w", err)
	}
	var stubs []tracetest.SpanStub
	for _, r := range all.ResourceSpans {
		for _, scope := range r.ScopeSpans {
			for i := range scope.Spans {
				stub, err := scope.Spans[i].stub()
				if err != nil {
					return nil, fmt.Errorf("troupeotel: reading a span: %w", err)
				}
				stub.Resource, stub.InstrumentationScope = of, instrumentation.Scope{Name: scope.Scope.Name}
				stubs = append(stubs, stub)
			}
		}
	}
	return stubs, nil
}

func (s *spanJSON) stub() (tracetest.SpanStub, error) {
	at, err := contextOf(s.TraceID, s.SpanID)
	if err != nil {
		return tracetest.SpanStub{}, err
	}
	stub := tracetest.SpanStub{
		Name: s.Name, SpanContext: at, SpanKind: trace.SpanKind(s.Kind), StartTime: timeOf(s.Start), EndTime: timeOf(s.End),
		Attributes: keyValues(s.Attributes),
	}
	if s.Parent != "" {
		if stub.Parent, err = contextOf(s.TraceID, s.Parent); err != nil {
			return stub, err
		}
	}
	for _, e := range s.Events {
		stub.Events = append(stub.Events, sdktrace.Event{Name: e.Name, Time: timeOf(e.Time), Attributes: keyValues(e.Attributes)})
	}
	if s.Status.Code == statusError {
		stub.Status = sdktrace.Status{Code: codes.Error, Description: s.Status.Message}
	}
	return stub, nil
}

func contextOf(traceID, spanID string) (trace.SpanContext, error) {
	t, err := trace.TraceIDFromHex(traceID)
	if err != nil {
		return trace.SpanContext{}, err
	}
	s, err := trace.SpanIDFromHex(spanID)
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: t, SpanID: s, TraceFlags: trace.FlagsSampled}), err
}

// timeOf returns a time that is written in nanoseconds since 1970, which are digits.
func timeOf(nanos string) time.Time {
	n, err := strconv.ParseInt(nanos, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(0, n)
}

func keyValues(from []attributeJSON) []attribute.KeyValue {
	var all []attribute.KeyValue
	for _, a := range from {
		if v, ok := a.Value.value(); ok {
			all = append(all, attribute.KeyValue{Key: attribute.Key(a.Key), Value: v})
		}
	}
	return all
}

func (v *valueJSON) value() (attribute.Value, bool) {
	switch {
	case v.String != nil:
		return attribute.StringValue(*v.String), true
	case v.Bool != nil:
		return attribute.BoolValue(*v.Bool), true
	case v.Int != nil:
		n, err := strconv.ParseInt(*v.Int, 10, 64)
		return attribute.Int64Value(n), err == nil
	case v.Double != nil:
		return attribute.Float64Value(*v.Double), true
	case v.Array != nil:
		var texts []string
		for _, element := range v.Array.Values {
			if element.String != nil {
				texts = append(texts, *element.String)
			} else if one, ok := element.value(); ok {
				texts = append(texts, one.String())
			}
		}
		return attribute.StringSliceValue(texts), true
	default:
		return attribute.Value{}, false
	}
}
