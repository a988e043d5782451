package fold

import (
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/troupelog/troupe/internal/wire"
)

// MaxTags is how many tags an Entity keeps: the first ones that lines name. A Node
// has all of them.
const MaxTags = 256

// MaxMeta is how many members of its metadata an Entity keeps: the first ones that
// lines name.
const MaxMeta = 64

// maxMetaText is how many bytes of a key and of a value of metadata an Entity keeps.
const maxMetaText = 200

// mergeTags returns tags with those of object merged into a copy.
func mergeTags(tags map[string]string, object []byte) map[string]string {
	return mergeText(tags, object, MaxTags, maxClip, false)
}

// mergeMeta returns metadata with what is text, a number or a boolean in object merged
// into a copy. Another value leaves nothing of the one before.
func mergeMeta(meta map[string]string, object []byte) map[string]string {
	return mergeText(meta, object, MaxMeta, maxMetaText, true)
}

// mergeText merges members of an object, limit at most, with keys and values cut to
// size bytes. Of a key that comes twice the last value holds. Null deletes, and so does
// what is not scalar if only scalars are kept.
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

// maxClip is the longest text in bytes that a thin entity keeps of a value.
const maxClip = 1024

// clip shortens s to maxClip bytes. See clipTo.
func clip(s string) string { return clipTo(s, maxClip) }

// clipTo shortens s to size bytes, at the start of a character. What it cuts off does
// not stay in memory.
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
