package fold

import (
	"encoding/json"

	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/internal/oversize"
)

// Cuts lists the values of the entity that clients cut because they were too large,
// including values in its events, feedback, evaluations and attachments.
func (n *Node) Cuts() []oversize.Cut {
	cuts := cutsIn(n.Metadata[oversize.Key])
	for _, payloads := range [][]json.RawMessage{n.Events, n.Feedback, n.Evaluations, n.Attachments} {
		for _, payload := range payloads {
			cuts = append(cuts, cutsIn(memberOf(memberOf(payload, "metadata"), oversize.Key))...)
		}
	}
	return cuts
}

// memberOf returns the value of the last member with a name, or nil if there is none.
func memberOf(object []byte, name string) (value []byte) {
	for m := jsonscan.MembersOf(object); m.Next(); {
		if string(m.Key) == name {
			value = m.Value
		}
	}
	return value
}

// cutsIn reads a list of cuts, or a text that holds one. It returns nil for anything else.
func cutsIn(value []byte) []oversize.Cut {
	var cuts []oversize.Cut
	if len(value) == 0 || json.Unmarshal([]byte(text(value)), &cuts) != nil {
		return nil
	}
	return cuts
}

// mergeCuts returns metadata in which the cuts of a line are appended to the earlier ones.
// This is needed because each line lists only its own cuts.
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
