package otlp

import (
	"encoding/json"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// fieldsIn returns the fields of a protobuf message by their numbers.
func fieldsIn(t *testing.T, message []byte) map[int]wireField {
	t.Helper()
	found := map[int]wireField{}
	err := eachField(message, func(f wireField) error {
		found[int(f.number)] = f
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAnswersInProtobuf(t *testing.T) {
	t.Parallel()
	if body := Success(Protobuf, 0, ""); len(body) != 0 {
		t.Errorf("all stored: %x", body)
	}
	partial := fieldsIn(t, fieldsIn(t, Success(Protobuf, 3, "why"))[1].bytes)
	if partial[1].n != 3 || partial[2].text() != "why" {
		t.Errorf("partial success %v", partial)
	}
	status := fieldsIn(t, Failure(Protobuf, InvalidArgument, "bad"))
	if status[1].n != 3 || status[1].kind != protowire.VarintType || status[2].text() != "bad" {
		t.Errorf("status %v", status)
	}
}

func TestAnswersInJSON(t *testing.T) {
	t.Parallel()
	if body := Success(JSON, 0, ""); string(body) != "{}" {
		t.Errorf("all stored: %s", body)
	}
	var answer struct {
		PartialSuccess struct{ RejectedSpans, ErrorMessage string }
	}
	if err := json.Unmarshal(Success(JSON, 3, `"why"`), &answer); err != nil || answer.PartialSuccess.RejectedSpans != "3" || answer.PartialSuccess.ErrorMessage != `"why"` {
		t.Errorf("%+v, %v", answer, err)
	}
	var status struct {
		Code    int
		Message string
	}
	if err := json.Unmarshal(Failure(JSON, Unavailable, "later"), &status); err != nil || status.Code != 14 || status.Message != "later" {
		t.Errorf("%+v, %v", status, err)
	}
}

func TestContentTypes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		format Format
		ok     bool
	}{
		"application/json": {JSON, true}, "application/json; charset=utf-8": {JSON, true}, "APPLICATION/X-Protobuf": {Protobuf, true},
		"": {}, "text/plain": {}, "application/": {}, "application/grpc": {},
	} {
		if f, ok := ParseFormat(name); f != want.format || ok != want.ok {
			t.Errorf("%q is %v, %v", name, f, ok)
		}
	}
}
