package collector

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/viewer"
)

// uploadPath is where signed URLs point to.
const uploadPath = "/api/sdk/v1/uploads"

// Limits of an upload.
const (
	maxKey = 2048 // bytes of a key
)

const (
	// uploadLife is how long a signed URL can be used.
	uploadLife = 10 * time.Minute
	// uploadTime is how long one upload may take.
	uploadTime = 10 * time.Minute
)

// grant is what a signed URL allows: to PUT up to Size bytes under Key, once or
// more, until Expires.
type grant struct {
	key, mime string
	size      int64
	expires   int64 // seconds since 1970
}

// signer makes and checks signatures.
type signer struct{ keys keys }

// text returns what is signed: the method and all fields of a grant. Quoting keeps fields
// apart whatever they hold.
func (g grant) text() []byte {
	return fmt.Appendf(nil, "PUT %q %q %d %d", g.key, g.mime, g.size, g.expires)
}

// sign returns the signature of a grant.
func (s *signer) sign(g grant) []byte { return s.keys.sum(g.text()) }

// uploadURL answers with a URL at this collector that a file can be PUT to.
func (c *Collector) uploadURL(w http.ResponseWriter, r *http.Request) error {
	g := grant{key: parameter(r, "key"), mime: parameter(r, "mimeType"), expires: time.Now().Add(uploadLife).Unix()}
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
	if limit := uploadLimit(g.key); g.size > limit {
		return &Error{"too_large", "files of more than " + strconv.FormatInt(limit, 10) + " bytes are not stored"}
	}
	signed := viewer.AddressOf(r).Root() + uploadPath + "?" + url.Values{
		"key": {g.key}, "mimeType": {g.mime}, "size": {strconv.FormatInt(g.size, 10)},
		"expires": {strconv.FormatInt(g.expires, 10)}, "signature": {hex.EncodeToString(c.signer.sign(g))},
	}.Encode()
	c.writeJSON(w, http.StatusOK, map[string]any{"data": map[string]string{"url": signed}})
	return nil
}

// hasRepository reports whether a key is one of any repository that readers can name.
func hasRepository(key string) bool {
	repo, _, ok := strings.Cut(key, "/")
	return ok && repo != "" && repo != "." && repo != ".." && len(repo) <= maxRepository
}

func uploadLimit(key string) int64 {
	if strings.Contains(key, largeLogs) {
		return protocol.MaxDecodedBody
	}
	return protocol.MaxUpload
}

// upload stores the body of a PUT to a signed URL.
func (c *Collector) upload(w http.ResponseWriter, r *http.Request) error {
	g, err := c.granted(r)
	if err != nil {
		return err
	}
	// A large file may take longer than other requests.
	control := http.NewResponseController(w)
	deadline := time.Now().Add(uploadTime)
	_ = control.SetReadDeadline(deadline) // where this is not supported, no other limit holds
	_ = control.SetWriteDeadline(deadline)
	content := &countedReader{Reader: http.MaxBytesReader(w, r.Body, g.size)}
	if err := c.blobs.put(g.key, g.mime, content); err != nil {
		return bodyOrStorage(err)
	}
	c.counts.uploaded.Add(content.n)
	w.WriteHeader(http.StatusOK)
	return nil
}

// countedReader counts what is read.
type countedReader struct {
	io.Reader
	n uint64
}

// Read implements io.Reader.
func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += uint64(n)
	return n, err
}

// granted checks the signature of a URL before anything else about it.
func (c *Collector) granted(r *http.Request) (grant, error) {
	query := r.URL.Query()
	g := grant{key: query.Get("key"), mime: query.Get("mimeType")}
	g.size, _ = strconv.ParseInt(query.Get("size"), 10, 64)
	g.expires, _ = strconv.ParseInt(query.Get("expires"), 10, 64)
	signature, _ := hex.DecodeString(query.Get("signature"))
	if !c.signer.keys.check(signature, g.text()) {
		return g, &Error{"forbidden", "the URL is not one that this collector signed"}
	}
	if time.Now().Unix() > g.expires {
		return g, &Error{"forbidden", "the URL has expired; ask for a new one"}
	}
	return g, nil
}

// attachment answers with a stored file. It is always a download: no browser shall
// take what clients uploaded for a page of this collector.
func (c *Collector) attachment(w http.ResponseWriter, r *http.Request) error {
	key := parameter(r, "key")
	if !belongsTo(r.PathValue("repo"), key) {
		return &Error{"not_found", "no such attachment in this repository"}
	}
	b, err := c.blobs.get(key)
	if err != nil {
		return err
	}
	if b == nil {
		return &Error{"not_found", "no such attachment in this repository"}
	}
	defer b.close()
	h := w.Header()
	h.Set("Content-Type", b.MIME)
	h.Set("Content-Disposition", "attachment")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	http.ServeContent(w, r, "", time.Time{}, b.content())
	return nil
}
