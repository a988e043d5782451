package viewer

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"strings"
	"sync"
)

//go:embed css/*.css js/*.js
var sources embed.FS

// asset is a file that pages load. Its address has its hash, so that it can be kept for
// good.
type asset struct {
	path    string // such as /assets/troupe.0123456789ab.js
	mime    string
	content []byte
	gzipped []byte
}

// assets are the one script and the one style sheet of all pages.
type assets struct{ script, style *asset }

var loadAssets = sync.OnceValues(func() (assets, error) {
	script, err := bundle("js", "text/javascript; charset=utf-8", func(text []byte) []byte {
		return bytes.Join([][]byte{[]byte("(() => {\n'use strict';\n"), text, []byte("})();\n")}, nil)
	})
	if err != nil {
		return assets{}, err
	}
	style, err := bundle("css", "text/css; charset=utf-8", bytes.Clone)
	return assets{script, style}, err
})

// bundle joins the files of a folder, in the order of their names.
func bundle(folder, mime string, wrap func([]byte) []byte) (*asset, error) {
	names, err := fs.Glob(sources, folder+"/*."+folder)
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	for _, name := range names {
		text, err := sources.ReadFile(name)
		if err != nil {
			return nil, err
		}
		content.Write(wrap(text))
	}
	sum := sha256.Sum256(content.Bytes())
	var gzipped bytes.Buffer
	w, err := gzip.NewWriterLevel(&gzipped, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content.Bytes()); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	path := assetsPath + "troupe." + hex.EncodeToString(sum[:6]) + "." + folder
	return &asset{path, mime, content.Bytes(), gzipped.Bytes()}, nil
}

// ServeHTTP answers with the asset.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.mime)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	content := a.content
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		content = a.gzipped
	}
	_, _ = w.Write(content) // a reader that has gone needs no answer
}

// ScriptPath returns the address of the script.
func (a assets) ScriptPath() string { return a.script.path }

// StylePath returns the address of the style sheet.
func (a assets) StylePath() string { return a.style.path }
