package api

import (
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestSignedURLsExpire(t *testing.T) {
	s := newServer(t)
	for life, want := range map[time.Duration]int{time.Minute: http.StatusOK, -time.Minute: http.StatusForbidden} {
		g := grant{key: "r/a", mime: "text/plain", size: 5, expires: time.Now().Add(life).Unix()}
		query := url.Values{"key": {g.key}, "mimeType": {g.mime}, "size": {"5"}, "expires": {strconv.FormatInt(g.expires, 10)},
			"signature": {hex.EncodeToString(s.signer.sign(g))}}
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, httptest.NewRequest("PUT", uploadPath+"?"+query.Encode(), strings.NewReader("hello")))
		if answer.Code != want {
			t.Errorf("life %v: status %d, want %d: %s", life, answer.Code, want, answer.Body)
		}
	}
}
