package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRequestsBeyondTheMemoryBudgetAreToldToComeBack(t *testing.T) {
	s := newServer(t)
	const room = 1 << 20
	s.memory.left.Store(room)
	post := func(bytes int) *httptest.ResponseRecorder {
		body := `trace{id=t,action=update,data={"input":"` + strings.Repeat("x", bytes) + `"}}`
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, httptest.NewRequest("POST", "/api/sdk/v3/log?id=r", strings.NewReader(body)))
		return answer
	}
	for range 3 { // each gives back what it took
		if answer := post(2 * room); answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
			t.Errorf("status %d: %s", answer.Code, answer.Body)
		}
		if answer := post(room / 2); answer.Code != http.StatusOK {
			t.Errorf("status %d: %s", answer.Code, answer.Body)
		}
	}
	if left := s.memory.left.Load(); left != room {
		t.Errorf("%d bytes are left of the budget, want %d", left, room)
	}
}
