package api

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// What counts is the bytes that a body has once it is decoded, not only those sent.
func TestDecodedBodiesCountAgainstTheMemoryBudget(t *testing.T) {
	s := newServer(t)
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	const room = 1 << 20
	s.memory.left.Store(room)
	for _, want := range []struct{ bytes, status int }{{2 * room, http.StatusServiceUnavailable}, {room / 2, http.StatusOK}} {
		packed := encoder.EncodeAll([]byte(`trace{id=t,action=update,data={"input":"`+strings.Repeat("x", want.bytes)+`"}}`), nil)
		if len(packed) > room/10 {
			t.Fatalf("the body is sent in %d bytes", len(packed))
		}
		r := httptest.NewRequest(http.MethodPost, "/api/sdk/v3/log?id=r", bytes.NewReader(packed))
		r.Header.Set("Content-Encoding", "zstd")
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, r)
		if answer.Code != want.status {
			t.Errorf("%d bytes: status %d: %s", want.bytes, answer.Code, answer.Body)
		}
		if left := s.memory.left.Load(); left != room {
			t.Errorf("%d bytes: %d are left of the budget, want %d", want.bytes, left, room)
		}
	}
}
