package api

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/address"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/service"
	"github.com/troupelog/troupe/internal/store"
)

// uploadPath is the path of signed URLs.
const uploadPath = "/api/sdk/v1/uploads"

const (
	// maxKey limits the key of an upload and its MIME type, each in bytes.
	maxKey = 2048
	// uploadLife is the time for which a signed URL is valid.
	uploadLife = 10 * time.Minute
	// uploadTime limits the time of one upload.
	uploadTime = 10 * time.Minute
	// largeLogs is the part of a key that marks lines uploaded because of their size.
	largeLogs = "/large-logs/"
)

// grant is the permission in a signed URL: to PUT up to size bytes under key, any number of
// times, until expires.
type grant struct {
	key, mime string
	size      int64
	expires   int64 // seconds since 1970
}

// signer makes and checks signatures.
type signer struct{ keys service.Keys }

// text returns the text to sign: the method and all fields of a grant. Quoting separates the
// fields whatever they contain.
func (g grant) text() []byte {
	return fmt.Appendf(nil, "PUT %q %q %d %d", g.key, g.mime, g.size, g.expires)
}

// sign returns the signature of a grant.
func (s *signer) sign(g grant) []byte { return s.keys.Sum(g.text()) }

// uploadURL answers with a signed URL at this collector for the PUT of a file.
func (s *Server) uploadURL(w http.ResponseWriter, r *http.Request) error {
	g := grant{key: parameter(r, "key"), mime: parameter(r, "mimeType"), expires: time.Now().Add(uploadLife).Unix()}
	// Keys become part of signed URLs, which servers and proxies limit.
	if g.key == "" || len(g.key) > maxKey || len(g.mime) > maxKey {
		return badRequest("the parameters key and mimeType must have at most " + strconv.Itoa(maxKey) + " bytes, and key one at least")
	}
	if !hasRepository(g.key) || r.URL.Query().Has("id") && !belongsTo(parameter(r, "id"), g.key) {
		return badRequest("the parameter key must begin with the id of its log repository and a slash: nobody could read the file otherwise")
	}
	var err error
	if g.size, err = strconv.ParseInt(parameter(r, "size"), 10, 64); err != nil || g.size < 0 {
		return badRequest("the parameter size must be the number of bytes to be uploaded")
	}
	// The signature covers the size, so PUT can enforce it without asking again.
	if limit := uploadLimit(g.key); g.size > limit {
		return &Error{"too_large", "files of more than " + strconv.FormatInt(limit, 10) + " bytes are not stored"}
	}
	// The client must be able to reach the URL, so it has the address that the client used.
	signed := address.Of(r).Root() + uploadPath + "?" + url.Values{
		"key": {g.key}, "mimeType": {g.mime}, "size": {strconv.FormatInt(g.size, 10)},
		"expires": {strconv.FormatInt(g.expires, 10)}, "signature": {hex.EncodeToString(s.signer.sign(g))},
	}.Encode()
	s.writeJSON(w, http.StatusOK, map[string]any{"data": map[string]string{"url": signed}})
	return nil
}

// hasRepository reports whether a key begins with the id of a repository that readers can
// name.
func hasRepository(key string) bool {
	// Browsers and proxies resolve . and .. in paths.
	repo, _, ok := strings.Cut(key, "/")
	return ok && repo != "" && repo != "." && repo != ".." && len(repo) <= maxRepository
}

// uploadLimit returns the largest size of an upload, in bytes. Large lines are decoded in memory
// when they are folded, so they may not be larger than a log request. Attachments are only stored.
func uploadLimit(key string) int64 {
	if strings.Contains(key, largeLogs) {
		return protocol.MaxDecodedBody
	}
	return protocol.MaxUpload
}

// upload stores the body of a PUT to a signed URL.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) error {
	g, err := s.granted(r)
	if err != nil {
		return err
	}
	// A large file may take longer than other requests.
	control := http.NewResponseController(w)
	deadline := time.Now().Add(uploadTime)
	_ = control.SetReadDeadline(deadline) // if this is not supported, there is no other limit either
	_ = control.SetWriteDeadline(deadline)
	content := http.MaxBytesReader(w, r.Body, g.size)
	if err := s.service.PutFile(r.Context(), g.key, g.mime, content); err != nil {
		return uploadError(err)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// granted returns the grant of a signed URL. It checks the signature before anything else.
func (s *Server) granted(r *http.Request) (grant, error) {
	query := r.URL.Query()
	g := grant{key: query.Get("key"), mime: query.Get("mimeType")}
	g.size, _ = strconv.ParseInt(query.Get("size"), 10, 64)
	g.expires, _ = strconv.ParseInt(query.Get("expires"), 10, 64)
	signature, _ := hex.DecodeString(query.Get("signature"))
	if !s.signer.keys.Check(signature, g.text()) {
		return g, &Error{"forbidden", "the URL is not one that this collector signed"}
	}
	// The expiry is signed with the rest, so it cannot be changed.
	if time.Now().Unix() > g.expires {
		return g, &Error{"forbidden", "the URL has expired; ask for a new one"}
	}
	return g, nil
}

// belongsTo reports whether a key belongs to a repository.
func belongsTo(repo, key string) bool { return strings.HasPrefix(key, repo+"/") }

// attachment answers with an upload, always as a download: no browser must take uploaded
// content for a page of this collector.
func (s *Server) attachment(w http.ResponseWriter, r *http.Request) error {
	file, err := s.service.OpenFile(r.Context(), r.PathValue("repo"), parameter(r, "key"))
	if errors.Is(err, store.ErrNotFound) {
		return &Error{"not_found", "no such attachment in this repository"}
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	h := w.Header()
	h.Set("Content-Type", file.MIME)
	h.Set("Content-Disposition", "attachment")
	// Even if a browser is made to show the file, nothing in it runs.
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	http.ServeContent(w, r, "", time.Time{}, file)
	return nil
}
