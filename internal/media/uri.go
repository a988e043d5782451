package media

import (
	"bytes"
	"encoding/base64"
	"mime"
	"net/url"
	"strings"
)

// fromURI returns the image that a URI holds or links to. It reports false for other schemes than
// data, http and https, and for data that cannot be decoded.
func fromURI(uri []byte) (Image, bool) {
	switch {
	case hasScheme(uri, "data:"):
		return fromDataURI(uri[len("data:"):])
	case hasScheme(uri, "http://"), hasScheme(uri, "https://"):
		return Image{URL: string(uri)}, true
	}
	return Image{}, false
}

// hasScheme reports whether a URI has the scheme, in any case, and something after it.
func hasScheme(uri []byte, scheme string) bool {
	return len(uri) > len(scheme) && strings.EqualFold(string(uri[:len(scheme)]), scheme)
}

// fromDataURI decodes a data URI (RFC 2397) without its scheme: a media type with parameters, of
// which the last may be base64, then a comma and the data.
func fromDataURI(rest []byte) (Image, bool) {
	stated, payload, ok := bytes.Cut(rest, []byte(","))
	if !ok {
		return Image{}, false
	}
	mediaType, isBase64 := cutBase64(string(stated))
	if bytes.IndexByte(payload, '%') >= 0 {
		unescaped, err := url.PathUnescape(string(payload))
		if err != nil {
			return Image{}, false
		}
		payload = []byte(unescaped)
	}
	if isBase64 {
		return fromBase64(mediaType, payload)
	}
	return newImage(mediaType, bytes.Clone(payload))
}

// cutBase64 removes the last parameter, if it is base64.
func cutBase64(mediaType string) (string, bool) {
	i := strings.LastIndexByte(mediaType, ';')
	if i < 0 || !strings.EqualFold(strings.TrimSpace(mediaType[i+1:]), "base64") {
		return mediaType, false
	}
	return mediaType[:i], true
}

// fromBase64 decodes padded base64 of the standard alphabet, with or without line breaks. Other
// variants are ambiguous, so they stay in the message.
func fromBase64(mediaType string, payload []byte) (Image, bool) {
	data := make([]byte, base64.StdEncoding.DecodedLen(len(payload)))
	n, err := base64.StdEncoding.Decode(data, payload)
	if err != nil {
		return Image{}, false
	}
	return newImage(mediaType, data[:n])
}

// newImage returns an image, or reports false if it is empty.
func newImage(mediaType string, data []byte) (Image, bool) {
	if len(data) == 0 {
		return Image{}, false
	}
	return Image{MIMEType: bareType(mediaType), Data: data}, true
}

// bareType returns a media type in lower case without its parameters, or "" if it is not valid. It
// ends up in a header of the upload, so no other text may pass.
func bareType(mediaType string) string {
	bare, _, _ := strings.Cut(mediaType, ";")
	bare, _, err := mime.ParseMediaType(bare)
	if err != nil || !strings.Contains(bare, "/") {
		return ""
	}
	return bare
}
