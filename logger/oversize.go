package logger

import (
	"bytes"
	"fmt"

	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/internal/oversize"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// fit cuts values of the line of c until the line fits, and lists all cuts, including the
// earlier ones in cuts, in the entity's metadata. The call is accepted, counted and
// reported.
func (p *pipeline) fit(c *messages.Command, cuts []oversize.Cut) {
	line := c.Entry.Line
	start := dataStart(line)
	if p.cfg.OmitContent {
		cuts = contentKept(cuts)
	}
	if room := p.room(c) - start; len(line)-start-1 > room {
		data, more := oversize.Shorten(line[start:len(line)-1], room)
		line = append(append(line[:start:start], data...), '}')
		cuts = append(cuts, more...)
	}
	if len(cuts) == 0 {
		return
	}
	c.Entry.Line = withMark(line, start, oversize.Mark(cuts))
	if up := c.Entry.Upload; up != nil { // the last member named key is the upload's
		key := []byte(`"key":"`)
		up.KeyAt = bytes.LastIndex(c.Entry.Line, append(key, "/"+up.Path...)) + len(key)
	}
	given, kept := oversize.Sum(cuts)
	p.suspect(p.problem(c.Target, c.Action, ErrTooLarge, fmt.Sprintf(
		"values cut: %d, from %d to %d bytes together; everything else is logged: shorten them, or attach them as files",
		len(cuts), given, kept)))
}

// room returns the limit of a line's data in bytes, before the list of cuts is added.
func (p *pipeline) room(c *messages.Command) int {
	limit := MaxEntryBytes
	if c.Entry.Upload != nil {
		limit = maxAttachmentLine
	}
	const reserved = MaxEntryBytes - oversize.Limit
	// Otherwise a small Config.MaxBytes would refuse the whole line.
	if most := p.cfg.MaxBytes - messages.EntryOverhead; most < int64(limit) && most > 2*reserved {
		limit = int(most)
	}
	return limit - reserved
}

// contentKept returns the cuts of values that OmitContent does not omit.
func contentKept(cuts []oversize.Cut) (kept []oversize.Cut) {
	for _, c := range cuts {
		name := c.Path
		if i := bytes.IndexAny([]byte(name), ".["); i >= 0 {
			name = name[:i]
		}
		if !contents[name] && name != "messages" && name != "result" {
			kept = append(kept, c)
		}
	}
	return kept
}

// dataStart returns the position of the data in a line that this package wrote.
func dataStart(line []byte) int { return bytes.Index(line, dataMark) + len(dataMark) }

// withMark returns a line whose metadata has the list of cuts, as a JSON text. The line's
// data begins at start.
func withMark(line []byte, start int, mark []byte) []byte {
	member := append(wire.AppendString(nil, oversize.Key), ':')
	member = wire.AppendString(member, string(mark))
	data := line[start : len(line)-1]
	for m := jsonscan.MembersOf(data); m.Next(); {
		if string(m.Key) != "metadata" || m.Value[0] != '{' {
			continue
		}
		at := cap(data) - cap(m.Value) + 1 // behind its bracket
		if len(m.Value) > len("{}") {
			member = append(member, ',')
		}
		return bytes.Join([][]byte{line[:start+at], member, data[at:], {'}'}}, nil)
	}
	head := line[:len(line)-2] // before the brackets of the data and of the line
	metadata := []byte(`"metadata":{`)
	if len(data) > len("{}") {
		metadata = append([]byte{','}, metadata...)
	}
	attachment := bytes.Contains(line[:start], []byte("action=add-attachment"))
	if key := bytes.LastIndex(head, []byte(`,"key":"/`)); key > 0 && attachment {
		return bytes.Join([][]byte{head[:key], metadata, member, {'}'}, head[key:], []byte("}}")}, nil)
	}
	return bytes.Join([][]byte{head, metadata, member, []byte("}}}")}, nil)
}
