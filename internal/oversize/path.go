package oversize

import (
	"bytes"
	"strconv"
)

// maxName limits the bytes of a member's name in a path.
const maxName = 64

// member returns the path of an object's member.
func member(path, name string) string {
	if name == "" {
		return path
	}
	if len(name) > maxName {
		name = name[:whole(name, maxName-3, false)] + "…"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// Path returns the path of the value that follows the beginning of a JSON text. The beginning was
// written by an encoder, so it is well formed.
func Path(begun []byte) string {
	type level struct {
		list bool
		n    int
		name []byte
	}
	var open []level
	for i := 0; i < len(begun); i++ {
		switch c := begun[i]; c {
		case '{', '[':
			open = append(open, level{list: c == '['})
		case '}', ']':
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		case ',':
			if len(open) > 0 {
				open[len(open)-1].n++
			}
		case '"':
			end := textEnd(begun, i)
			if end+1 < len(begun) && begun[end+1] == ':' && len(open) > 0 {
				open[len(open)-1].name = begun[i+1 : end]
			}
			i = end
		}
	}
	path := ""
	for i, l := range open {
		if !l.list {
			path = member(path, string(l.name))
			continue
		}
		n := l.n
		if last := bytes.TrimRight(begun, " "); i == len(open)-1 && len(last) > 0 && last[len(last)-1] != ',' && last[len(last)-1] != '[' {
			n++ // the comma before the next value is not written yet
		}
		path += "[" + strconv.Itoa(n) + "]"
	}
	return path
}

// textEnd returns the index of the closing quote of the string at i, or of the last byte if there
// is none.
func textEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			break
		}
		if i += n; slashes(b, i)%2 == 0 {
			return i
		}
	}
	return len(b) - 1
}

// Join returns the path of a value within another one.
func Join(path, inner string) string {
	if inner != "" && inner[0] != '[' && inner[0] != ' ' && path != "" {
		path += "."
	}
	return path + inner
}
