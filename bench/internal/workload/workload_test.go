package workload_test

import (
	"encoding/json"
	"testing"

	"github.com/troupelog/troupe/bench/internal/workload"
)

func TestTextsHaveTheirSizes(t *testing.T) {
	for _, bytes := range []int{1, 100, workload.AnswerBytes, 1_000_000} {
		turn := workload.New(bytes)
		for name, size := range map[string][2]int{
			"system": {len(turn.System), workload.SystemBytes}, "user": {len(turn.User), workload.UserBytes},
			"answer": {len(turn.Answer), bytes}, "result of the tool": {len(turn.ToolResult), workload.ToolResultBytes},
		} {
			if size[0] != size[1] {
				t.Errorf("answer of %d: %s has %d bytes, want %d", bytes, name, size[0], size[1])
			}
		}
	}
}

func TestResponseHoldsTheAnswer(t *testing.T) {
	turn := workload.New(workload.AnswerBytes)
	var response struct {
		ID      string
		Choices []struct{ Message struct{ Content string } }
	}
	if err := json.Unmarshal([]byte(turn.Response), &response); err != nil {
		t.Fatal(err)
	}
	if len(response.Choices) != 1 || response.Choices[0].Message.Content != turn.Answer || response.ID != turn.ResponseID {
		t.Errorf("the response is %+v", response)
	}
}
