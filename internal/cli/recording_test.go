package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
)

// recorded counts what a recording holds, in a way of its own.
type recorded struct{ sessions, traces, generations, calls int }

// matches reports whether a repository holds exactly what was recorded.
func (r recorded) matches(s collector.Stats) bool {
	return s.Open == 0 && s.Entities["session"] == r.sessions && s.Entities["trace"] == r.traces &&
		s.Entities["generation"] == r.generations && s.Entities["tool_call"] == r.calls
}

// count counts the messages of a JSON list of conversations that begin with a user
// message, system messages aside.
func count(t *testing.T, path string) recorded {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var conversations []struct {
		Traj []struct {
			Role      string
			ToolCalls []any `json:"tool_calls"`
		}
	}
	if err := json.Unmarshal(text, &conversations); err != nil {
		t.Fatal(err)
	}
	r := recorded{sessions: len(conversations)}
	for _, c := range conversations {
		for _, m := range c.Traj {
			switch m.Role {
			case "user":
				r.traces++
			case "assistant":
				r.generations++
				r.calls += len(m.ToolCalls)
			}
		}
	}
	return r
}

// record writes conversations of the given number of turns, with texts of the given
// length, every second turn with a tool call.
func record(t *testing.T, conversations, turns, length int) (path string) {
	t.Helper()
	type object = map[string]any
	var all []object
	for i := range conversations {
		messages := []object{{"role": "system", "content": "Be kind."}}
		for j := range turns {
			said := fmt.Sprintf("conversation %d turn %d %s", i, j, strings.Repeat("text ", length/5))
			messages = append(messages, object{"role": "user", "content": said})
			if j%2 == 0 {
				id := fmt.Sprintf("call_%d", j)
				messages = append(messages,
					object{"role": "assistant", "content": nil, "tool_calls": []object{
						{"id": id, "type": "function", "function": object{"name": "look_up", "arguments": `{"turn":1}`}},
					}},
					object{"role": "tool", "tool_call_id": id, "name": "look_up", "content": said})
			}
			messages = append(messages, object{"role": "assistant", "content": "Answer to " + said})
		}
		all = append(all, object{"traj": messages})
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "conversations.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
