package media

import (
	"bytes"
	"errors"
)

// ErrMalformed is returned, with the byte position of the fault, for a message that is not JSON. The
// error quotes no part of the message.
var ErrMalformed = errors.New("media: the message is not valid JSON; its images stay in it")

// Image is an image in a message, or a link to one: either Data or URL is set.
type Image struct {
	// MIMEType is the type that the message states, in lower case and without parameters. It is
	// empty for a URL, and if the message states no valid type.
	MIMEType string
	// Data is the content. The caller owns it.
	Data []byte
	// URL is an http or https URL, unchanged.
	URL string
}

// MayHold reports whether a message can hold an image at all. If it reports false, Extract finds
// none. It costs one search for a few bytes, so that most messages need no parsing.
func MayHold(message []byte) bool {
	return bytes.Contains(message, []byte(`"image`))
}

// Extract removes the images from the JSON of one chat message, or of an array of messages. It
// returns the rest of the message and the images in their order.
//
// A part that holds an image is removed as a whole, also from the content of a tool_result, so a
// content may become an empty array. Messages with the role tool are searched, including texts that
// are JSON themselves, but left unchanged: a log must show the text that the model was given.
//
// Everything else keeps its bytes: order of members, numbers, white space. If nothing is removed,
// stripped is message itself, otherwise it is new; Extract writes to neither and keeps no reference.
// An error wraps ErrMalformed and comes with the whole message and no image. Extract checks the
// JSON only as far as the search needs.
func Extract(message []byte) (stripped []byte, found []Image, err error) {
	if !MayHold(message) {
		return message, nil, nil
	}
	x := extractor{b: message}
	if err := x.document(); err != nil {
		return message, nil, err
	}
	return x.rest(), x.images, nil
}

// extractor collects the images in b and the ranges to cut out, in ascending order.
type extractor struct {
	b      []byte
	cuts   []span
	images []Image
}

// rest returns the bytes that are not cut out.
func (x *extractor) rest() []byte {
	if len(x.cuts) == 0 {
		return x.b
	}
	size := len(x.b)
	for _, c := range x.cuts {
		size -= c.end - c.start
	}
	out, from := make([]byte, 0, size), 0
	for _, c := range x.cuts {
		out = append(out, x.b[from:c.start]...)
		from = c.end
	}
	return append(out, x.b[from:]...)
}

// document searches the whole text: one message or an array of messages.
func (x *extractor) document() error {
	w := walker{b: x.b}
	root, err := w.value()
	if err != nil {
		return err
	}
	if w.space(); w.i < len(w.b) {
		return w.malformed()
	}
	if begins(x.b, root, '[') {
		return elements(x.b, root.start, x.message)
	}
	return x.message(root)
}

// message searches one message. A value that is not an object holds no image.
func (x *extractor) message(m span) error {
	if !begins(x.b, m, '{') {
		return nil
	}
	f, err := fields(x.b, m, "role", "content")
	if err != nil {
		return err
	}
	role, content := f[0], f[1]
	if isText(x.b, role, "tool") {
		return x.toolMessage(content)
	}
	return x.parts(content, x.part)
}

// toolMessage finds the images in the result of a tool and cuts nothing.
func (x *extractor) toolMessage(content span) error {
	if s, ok := text(x.b, content); ok {
		x.images = append(x.images, inText(s)...)
		return nil
	}
	t := extractor{b: x.b}
	err := t.parts(content, t.part)
	x.images = append(x.images, t.images...)
	return err
}

// inText finds images in a text that is the JSON of a part or of a list of parts. A text that is not
// JSON has none.
func inText(s []byte) []Image {
	if !MayHold(s) {
		return nil
	}
	w := walker{b: s}
	root, err := w.value()
	if err != nil {
		return nil
	}
	t := extractor{b: s}
	if begins(s, root, '[') {
		err = t.parts(root, t.part)
	} else {
		_, err = t.part(root)
	}
	if err != nil {
		return nil
	}
	return t.images
}

// parts calls part for each element of a list and cuts out the elements that it takes. Each goes
// with the comma before it or, at the head of the list, with the comma after it, so that the rest
// stays valid JSON.
func (x *extractor) parts(list span, part func(span) (taken bool, err error)) error {
	if !begins(x.b, list, '[') {
		return nil
	}
	const none = -1
	headCut, previousEnd, kept := none, 0, false
	err := elements(x.b, list.start, func(s span) error {
		if headCut != none {
			x.cuts = append(x.cuts, span{headCut, s.start})
			headCut = none
		}
		taken, err := part(s)
		switch {
		case taken && kept:
			x.cuts = append(x.cuts, span{previousEnd, s.end})
		case taken:
			headCut = s.start
		default:
			kept = true
		}
		previousEnd = s.end
		return err
	})
	if headCut != none {
		x.cuts = append(x.cuts, span{headCut, previousEnd})
	}
	return err
}

// part takes an element of a message's content if it is an image, and searches it if it is a
// tool_result.
func (x *extractor) part(p span) (taken bool, err error) {
	if !begins(x.b, p, '{') {
		return false, nil
	}
	f, err := fields(x.b, p, "type", "content")
	if err != nil {
		return false, err
	}
	if isText(x.b, f[0], "tool_result") {
		return false, x.parts(f[1], x.image)
	}
	return x.image(p)
}

// image takes a part that is an image and can be decoded.
func (x *extractor) image(p span) (taken bool, err error) {
	if !begins(x.b, p, '{') {
		return false, nil
	}
	f, err := fields(x.b, p, "type", "image_url", "source")
	if err != nil {
		return false, err
	}
	kind, link, source := f[0], f[1], f[2]
	if !isText(x.b, kind, "image") && !isText(x.b, kind, "image_url") && !isText(x.b, kind, "input_image") {
		return false, nil
	}
	var i Image
	switch {
	case begins(x.b, link, '"'):
		i, taken = x.uri(link)
	case begins(x.b, link, '{'):
		if f, err = fields(x.b, link, "url"); err == nil {
			i, taken = x.uri(f[0])
		}
	case begins(x.b, source, '{'):
		i, taken, err = x.source(source)
	}
	if taken {
		x.images = append(x.images, i)
	}
	return taken, err
}

// uri returns the image of a JSON string that is a URI.
func (x *extractor) uri(s span) (Image, bool) {
	uri, ok := text(x.b, s)
	if !ok {
		return Image{}, false
	}
	return fromURI(uri)
}

// source reads the source of an Anthropic image. A source that names an uploaded file stays in the
// message, which holds only the name.
func (x *extractor) source(s span) (i Image, ok bool, err error) {
	f, err := fields(x.b, s, "type", "media_type", "data", "url")
	if err != nil {
		return Image{}, false, err
	}
	kind, mediaType, data, link := f[0], f[1], f[2], f[3]
	switch {
	case isText(x.b, kind, "url"):
		i, ok = x.uri(link)
	case isText(x.b, kind, "base64"):
		var payload []byte
		if payload, ok = text(x.b, data); ok {
			stated, _ := text(x.b, mediaType)
			i, ok = fromBase64(string(stated), payload)
		}
	}
	return i, ok, nil
}
