package llm

import (
	"net/http"

	"github.com/troupelog/troupe/internal/genai"
)

// recognise returns the route of a request, or false if it is not a model call.
func recognise(r *http.Request) (genai.Route, bool) {
	if r == nil || r.Method != http.MethodPost || r.URL == nil || r.Body == nil || r.Body == http.NoBody {
		return genai.Route{}, false
	}
	return genai.RouteOf(r.URL.Path)
}
