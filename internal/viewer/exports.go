package viewer

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/export"
	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

// exportFormat is a form in which a trace can be taken away.
type exportFormat struct {
	mime  string
	write func(context.Context, io.Writer, *fold.Node) error // nil: the raw lines
}

// exportFormats are the formats by the suffix of the address.
var exportFormats = map[string]exportFormat{
	".json":  {"application/json", func(_ context.Context, w io.Writer, n *fold.Node) error { return json.NewEncoder(w).Encode(n) }},
	".md":    {"text/markdown; charset=utf-8", export.Markdown},
	".html":  {"text/html; charset=utf-8", export.HTML},
	".otlp":  {"application/json", export.OTLP},
	".jsonl": {"application/x-ndjson", nil},
}

// exported takes the suffix of an export off an id.
func exported(id string) (string, string, bool) {
	dot := strings.LastIndexByte(id, '.')
	if dot <= 0 {
		return id, "", false
	}
	_, ok := exportFormats[id[dot:]]
	return id[:dot], id[dot:], ok
}

// exportTrace answers with a trace as a file.
func (v *Viewer) exportTrace(w http.ResponseWriter, r *http.Request, id, suffix string) error {
	r, repo, cancel, err := v.ready(r)
	if err != nil {
		return err
	}
	defer cancel()
	format := exportFormats[suffix]
	var body bytes.Buffer
	if format.write == nil {
		err = v.exportLines(r.Context(), &body, repo, id)
	} else {
		var n *fold.Node
		n, _, err = v.service.Tree(r.Context(), repo, protocol.Ref{Kind: protocol.Trace, ID: id})
		if err == nil {
			err = format.write(r.Context(), &body, n)
		}
	}
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(id + suffix)}))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'")
	return send(w, r, format.mime, body.Bytes(), 0)
}

// exportedLine is a line of an export, as troupe import reads it.
type exportedLine struct {
	Seq  uint64    `json:"seq"`
	Line string    `json:"line"`
	Recv time.Time `json:"received"`
}

// exportLines writes the raw lines of a trace.
func (v *Viewer) exportLines(ctx context.Context, w io.Writer, repo, id string) error {
	entities, err := v.service.Entities(ctx, repo, protocol.Ref{Kind: protocol.Trace, ID: id})
	if err != nil {
		return err
	}
	o := newOutline(entities, time.Now())
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for after, more := 0, true; more; after += 1000 {
		var lines []store.Located
		if lines, more, err = v.linesOf(ctx, repo, o, after, 1000); err != nil {
			return err
		}
		for _, l := range lines {
			if err := encoder.Encode(exportedLine{l.Number, string(l.Text), l.Recv}); err != nil {
				return err
			}
		}
	}
	return nil
}
