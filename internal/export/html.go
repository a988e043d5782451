package export

import (
	"bufio"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"

	"github.com/troupelog/troupe/internal/fold"
)

// style is the style sheet of the file.
//
//go:embed page.css
var style string

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// HTML writes a trace, a session or any other node as one self-contained HTML file. The file
// has no scripts and no external references, and its Content-Security-Policy forbids
// both. Everything below a node collapses with it. Messages at the beginning that the
// previous generation has too are not repeated.
func HTML(ctx context.Context, w io.Writer, n *fold.Node) error {
	buffered := bufio.NewWriter(w)
	sum := sha256.Sum256([]byte(style))
	err := pageTemplate.ExecuteTemplate(buffered, "head", map[string]any{
		"Kind": line(n.Kind), "Title": line(title(n)), "Status": line(n.Status),
		"Style": template.CSS(style), //nolint:gosec // our own file
		"Hash":  base64.StdEncoding.EncodeToString(sum[:]),
	})
	if err != nil {
		return err
	}
	var r reader
	open := func(n *fold.Node, _ int) error { return pageTemplate.ExecuteTemplate(buffered, "node", r.view(n)) }
	shut := func() error {
		_, err := buffered.WriteString("</details>\n")
		return err
	}
	if err := each(ctx, n, 0, open, shut); err != nil {
		return err
	}
	if err := pageTemplate.ExecuteTemplate(buffered, "foot", nil); err != nil {
		return err
	}
	return buffered.Flush()
}
