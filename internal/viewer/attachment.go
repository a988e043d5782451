package viewer

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gabriel-vasile/mimetype"
)

var attachmentRoutes = []route{{"GET /attachment", (*Viewer).attachment}}

// attachment is a file that belongs to an entity.
type attachment struct {
	Name, MIME, Key string
	Elsewhere       string // the address of one that is not stored here; never fetched
	Address         string // here
	Image, Audio    bool
}

// shownInline are the types that browsers show without running anything.
var shownInline = []string{"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "audio/mpeg", "audio/wav", "audio/ogg", "audio/webm"}

// attachmentsOf reads the attachments out of lines.
func attachmentsOf(repo string, raws []json.RawMessage) []attachment {
	var all []attachment
	for _, raw := range raws {
		var a struct{ Name, MIMEType, Key, Type, URL string }
		if json.Unmarshal(raw, &a) != nil {
			continue
		}
		shown := attachment{Name: named(a.Name, a.Key), MIME: a.MIMEType, Key: a.Key}
		if a.Type == "url" {
			shown.Name, shown.Elsewhere = named(a.Name, a.URL), a.URL
		} else {
			shown.Address = "/attachment?" + url.Values{"repo": {repo}, "key": {a.Key}}.Encode()
			shown.Image = strings.HasPrefix(a.MIMEType, "image/") && slices.Contains(shownInline, a.MIMEType)
			shown.Audio = strings.HasPrefix(a.MIMEType, "audio/") && slices.Contains(shownInline, a.MIMEType)
		}
		all = append(all, shown)
	}
	return all
}

// sniffed is the number of bytes that the type of a file is detected from.
const sniffed = 3072

// attachment answers with the content of an attachment. What it is follows from the
// content alone: pictures and sound are shown, all else is a download.
func (v *Viewer) attachment(w http.ResponseWriter, r *http.Request) error {
	repo, err := v.repo(r)
	if err != nil {
		return err
	}
	key := r.URL.Query().Get("key")
	file, err := v.service.OpenFile(r.Context(), repo, key)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	head, err := bufio.NewReaderSize(file, sniffed).Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	kind := mimetype.Detect(head).String()
	h := w.Header()
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Content-Type", "application/octet-stream")
	disposition := "attachment"
	if base, _, err := mime.ParseMediaType(kind); err == nil && slices.Contains(shownInline, base) {
		h.Set("Content-Type", base)
		disposition = "inline"
	}
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": fileName(key)}))
	http.ServeContent(w, r, "", time.Time{}, file)
	return nil
}

// fileName returns a name for a file that can harm nobody's folder.
func fileName(key string) string {
	name := key[strings.LastIndexByte(key, '/')+1:]
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	if name = strings.Trim(name, ". "); name == "" {
		return "attachment"
	}
	return name[:min(len(name), 100)]
}
