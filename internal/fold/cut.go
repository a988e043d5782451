package fold

import (
	"encoding/json"

	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/internal/oversize"
)

// Cuts returns what clients cut from the values of the entity because it was too large,
// also from those of its events, feedback, evaluations and attachments.
func (n *Node) Cuts() []oversize.Cut {
	cuts := cutsIn(n.Metadata[oversize.Key])
	for _, payloads := range [][]json.RawMessage{n.Events, n.Feedback, n.Evaluations, n.Attachments} {
		for _, payload := range payloads {
			cuts = append(cuts, cutsIn(memberOf(memberOf(payload, "metadata"), oversize.Key))...)
		}
	}
	return cuts
}

func memberOf(object []byte, name string) (value []byte) {
	for m := jsonscan.MembersOf(object); m.Next(); {
		if string(m.Key) == name {
			value = m.Value
		}
	}
	return value
}

// cutsIn reads a list of cuts, or a text that holds one; nil for anything else.
func cutsIn(value []byte) []oversize.Cut {
	var cuts []oversize.Cut
	if len(value) == 0 || json.Unmarshal([]byte(text(value)), &cuts) != nil {
		return nil
	}
	return cuts
}

// mergeCuts returns metadata in which the list of cuts of an earlier line goes on: each
// line lists what was cut from it alone.
func mergeCuts(before, members map[string]json.RawMessage) map[string]json.RawMessage {
	earlier, later := cutsIn(before[oversize.Key]), cutsIn(members[oversize.Key])
	if len(earlier) == 0 || len(later) == 0 {
		return members
	}
	both, err := json.Marshal(append(earlier, later...))
	if err == nil {
		members[oversize.Key] = quote(string(both))
	}
	return members
}
