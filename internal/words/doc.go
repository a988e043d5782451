// Package words splits texts into words that a search can compare: in lower case, without
// accents, one character each in writing without spaces. The search index and the marking
// of hits use the same words, so a hit is always marked.
package words
