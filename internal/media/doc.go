// Package media moves images out of chat messages, so that they are logged as attachments instead
// of base64 text in the message.
//
// [Extract] works on the encoded copy of a message, never on a caller's value. It knows the image
// parts of OpenAI and Anthropic:
//
//	{"type":"image_url","image_url":{"url":"…"}}    also image and input_image
//	{"type":"image_url","image_url":"…"}            also image and input_image
//	{"type":"image","source":{"type":"base64","media_type":"…","data":"…"}}
//	{"type":"image","source":{"type":"url","url":"…"}}
//
// where a URL is http, https or data. Everything else, and every image that cannot be decoded,
// stays in the message byte for byte: a lost image would be worse than a long message.
//
// The package keeps no state; its functions are safe for concurrent use.
package media
