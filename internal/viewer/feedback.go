package viewer

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/troupelog/troupe/internal/protocol"
)

var feedbackRoutes = []route{{"POST /feedback", (*Viewer).feedback}}

// maxComment is the maximum length of a comment, in bytes.
const maxComment = 2000

// feedback stores a reader's feedback on a trace, as a line like the ones clients send.
func (v *Viewer) feedback(w http.ResponseWriter, r *http.Request) error {
	if err := v.posted(w, r); err != nil {
		return err
	}
	repo, id := r.PostForm.Get("repo"), r.PostForm.Get("trace")
	found, err := v.service.Entity(r.Context(), repo, protocol.Ref{Kind: protocol.Trace, ID: id})
	if err != nil {
		return err
	}
	score := map[string]int{"+": 1, "-": -1}[r.PostForm.Get("score")]
	comment := strings.ToValidUTF8(r.PostForm.Get("comment"), "\uFFFD")
	if score == 0 || len(comment) > maxComment {
		return &problem{http.StatusBadRequest, "the feedback is incomplete", "Choose good or bad, and write at most 2,000 bytes."}
	}
	data, err := json.Marshal(map[string]any{"score": score, "comment": comment})
	if err != nil {
		return err
	}
	// The id is that of a known trace, so it has nothing in it that ends it.
	line := "trace{id=" + found.Ref.ID + ",action=add-feedback,data=" + string(data) + "}"
	if err := v.service.AppendLocal(r.Context(), repo, [][]byte{[]byte(line)}); err != nil {
		return err
	}
	http.Redirect(w, r, "/trace/"+url.PathEscape(id)+"?"+url.Values{"repo": {repo}}.Encode(), http.StatusSeeOther)
	return nil
}
