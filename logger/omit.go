package logger

import (
	"bytes"

	"github.com/troupelog/troupe/internal/jsonscan"
)

// omitted replaces contents with Config.OmitContent.
const omitted = `"[omitted]"`

// contents are the members of a line's data that are content as a whole.
var contents = map[string]bool{
	"input": true, "output": true, "args": true, "docs": true, "variables": true, "comment": true,
}

// plain are the members of messages and results of generations whose texts are not content.
var plain = map[string]bool{
	"role": true, "type": true, "id": true, "model": true, "object": true, "name": true, "finish_reason": true, "tool_call_id": true,
	"call_id": true, "service_tier": true, "system_fingerprint": true, "status": true,
	"message": true, "code": true, // of errors: the message of a choice is an object
}

// generationMark begins the lines of generations, whose results keep their structure.
var generationMark = []byte("generation{")

// omit returns a line without the contents of its data.
func omit(line []byte) []byte {
	start := bytes.Index(line, dataMark) + len(dataMark)
	data := line[start : len(line)-1]
	out := append(make([]byte, 0, len(line)), line[:start]...)
	out = append(out, '{')
	first := len(out)
	for m := jsonscan.MembersOf(data); m.Next(); {
		if len(out) > first {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), m.Key...), '"', ':')
		switch key := string(m.Key); {
		case contents[key], key == "result" && !bytes.HasPrefix(line, generationMark):
			out = append(out, omitted...)
		case key == "result", key == "messages":
			out = omitTexts(out, m.Value)
		default:
			out = append(out, m.Value...)
		}
	}
	return append(out, '}', '}')
}

// omitTexts appends JSON with its texts omitted, except in plain members.
func omitTexts(out, value []byte) []byte {
	keep := false
	for at := 0; at < len(value); {
		if value[at] != '"' {
			out = append(out, value[at])
			at++
			continue
		}
		end := at + 1
		for value[end] != '"' {
			if value[end] == '\\' {
				end++
			}
			end++
		}
		end++
		switch text := value[at:end]; {
		case end < len(value) && value[end] == ':':
			keep = plain[string(text[1:len(text)-1])]
			out = append(out, text...)
		case keep:
			out = append(out, text...)
		default:
			out = append(out, omitted...)
		}
		at = end
	}
	return out
}
