package fold

import (
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/troupelog/troupe/internal/wire"
)

// MaxTags limits the tags that an Entity keeps. Tags beyond it are ignored; a Node has all
// of them.
const MaxTags = 256

// MaxMeta limits the metadata members that an Entity keeps. Members beyond it are ignored.
const MaxMeta = 64

// maxMetaText limits a key and a value of metadata in an Entity, in bytes each.
const maxMetaText = 200

// mergeTags returns a copy of tags with the members of object merged in.
func mergeTags(tags map[string]string, object []byte) map[string]string {
	return mergeText(tags, object, MaxTags, maxClip, false)
}

// mergeMeta returns a copy of meta with the texts, numbers and booleans in object merged in.
// Any other value deletes the member.
func mergeMeta(meta map[string]string, object []byte) map[string]string {
	return mergeText(meta, object, MaxMeta, maxMetaText, true)
}

// mergeText merges members of an object, at most limit, with keys and values clipped to
// size bytes. If a key occurs twice, the last value wins. Null deletes a member; if scalars
// is set, so does an array or object.
func mergeText(old map[string]string, object []byte, limit, size int, scalars bool) map[string]string {
	merged := maps.Clone(old)
	for key, value := range wire.Fields(object) {
		name := clipTo(string(key), size)
		if isNull(value) || scalars && (value[0] == '{' || value[0] == '[') {
			delete(merged, name)
			continue
		}
		if merged == nil {
			merged = map[string]string{}
		}
		if _, known := merged[name]; known || len(merged) < limit {
			merged[name] = clipTo(text(value), size)
		}
	}
	if len(merged) == 0 {
		return nil
	}
	return merged
}

// maxClip limits a text in a thin entity, in bytes.
const maxClip = 1024

// clip shortens s to maxClip bytes. See clipTo.
func clip(s string) string { return clipTo(s, maxClip) }

// clipTo shortens s to at most size bytes, at a character boundary. It copies the text, so
// that the rest of s can be freed.
func clipTo(s string, size int) string {
	if len(s) <= size {
		return s
	}
	end := size
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return strings.Clone(s[:end])
}
