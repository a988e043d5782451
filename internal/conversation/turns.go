package conversation

import (
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/genai"
)

// Turn is a user's message and the answer to it, as shown on the page of a session.
type Turn struct {
	User, Answer string // "" if unknown
	Start, End   time.Time
	Generations  []string // ids, in order
	Tools        []ToolUse
	Faults       []Fault
}

// ToolUse counts the calls of one tool in a turn.
type ToolUse struct {
	Name          string
	Count, Failed int
}

// Fault is an error of a turn.
type Fault struct {
	Kind, ID string // of the node
	Text     string // the error's message; "" if it has none
}

// ToolCount returns the number of tool calls in a turn, and how many of them failed.
func (t *Turn) ToolCount() (count, failed int) {
	for _, use := range t.Tools {
		count, failed = count+use.Count, failed+use.Failed
	}
	return count, failed
}

// Turns returns the turns of a trace, in order. Most traces have one. A further turn begins
// with a generation that continues the first conversation with another user message.
// Generations nested deeper than the first ones, such as those by agents that other agents
// call, begin no turn and provide no answer. If the generations have no text, the trace's
// own input and output become the first user text and the last answer.
func Turns(trace *fold.Node) []Turn {
	w := walker{main: mainDepth(trace), logged: hasToolCalls(trace), uses: map[string]int{}}
	w.turns = []Turn{{Start: trace.Start}}
	w.walk(trace, 0)
	first, last := &w.turns[0], &w.turns[len(w.turns)-1]
	if first.User == "" {
		first.User = genai.PlainText(trace.Input)
	}
	if last.Answer == "" {
		last.Answer = genai.PlainText(trace.Output)
	}
	last.End = trace.End
	return w.turns
}

// walker visits the nodes of a trace in order.
type walker struct {
	turns  []Turn
	main   int            // depth of the generations that form the conversation
	logged bool           // tool calls are logged as nodes, so calls in answers are not counted
	uses   map[string]int // index of each tool in the Tools of the current turn
	opened string         // the first user text of the conversation
	asked  int            // number of user messages so far
}

func (w *walker) walk(n *fold.Node, depth int) {
	switch n.Kind {
	case "generation":
		w.generation(n, depth)
	case "tool_call":
		w.use(n.Name, n.Status == "error")
	}
	if n.Status == "error" && (n.Kind != "trace" || len(n.Children) == 0) {
		t := w.turn()
		t.Faults = append(t.Faults, Fault{n.Kind, n.ID, faultText(n)})
	}
	for _, child := range n.Children {
		w.walk(child, depth+1)
	}
}

// turn returns the current turn. The pointer is valid until the next turn begins.
func (w *walker) turn() *Turn { return &w.turns[len(w.turns)-1] }

func (w *walker) generation(n *fold.Node, depth int) {
	c := Of(n)
	if depth == w.main {
		w.ask(n, &c)
	}
	t := w.turn()
	t.Generations = append(t.Generations, n.ID)
	if answer := c.LastAnswer(); depth == w.main && answer != "" {
		t.Answer = answer
	}
	if last := c.Last(); !w.logged && last != nil {
		for i := range last.Parts {
			if p := &last.Parts[i]; p.Kind == genai.PartToolCall {
				w.use(p.Tool, false)
			}
		}
	}
}

// ask begins a turn if a generation was sent more user messages than those before it.
func (w *walker) ask(n *fold.Node, c *Conversation) {
	asked := 0
	for i := range c.Sent {
		if userText(&c.Sent[i]) != "" {
			asked++
		}
	}
	switch {
	case asked == 0:
		return
	case w.asked == 0:
		w.opened = c.FirstUser()
	case asked <= w.asked || c.FirstUser() != w.opened:
		return
	default:
		w.turn().End = n.Start
		w.turns = append(w.turns, Turn{Start: n.Start})
		clear(w.uses)
	}
	w.asked = asked
	w.turn().User = c.LastUser()
}

// use counts a call of a tool.
func (w *walker) use(name string, failed bool) {
	t := w.turn()
	i, known := w.uses[name]
	if !known {
		i = len(t.Tools)
		w.uses[name], t.Tools = i, append(t.Tools, ToolUse{Name: name})
	}
	t.Tools[i].Count++
	if failed {
		t.Tools[i].Failed++
	}
}

// mainDepth returns the depth of the generation nearest to the root, or -1 if there is none.
func mainDepth(n *fold.Node) int {
	level := []*fold.Node{n}
	for depth := 0; len(level) > 0; depth++ {
		var below []*fold.Node
		for _, at := range level {
			if at.Kind == "generation" {
				return depth
			}
			below = append(below, at.Children...)
		}
		level = below
	}
	return -1
}

func hasToolCalls(n *fold.Node) bool {
	if n.Kind == "tool_call" {
		return true
	}
	for _, child := range n.Children {
		if hasToolCalls(child) {
			return true
		}
	}
	return false
}

// faultText returns the error message of a node.
func faultText(n *fold.Node) string {
	switch n.Kind {
	case "generation":
		c := Of(n)
		if last := c.Last(); last != nil {
			return last.Join(genai.PartFailure)
		}
	case "tool_call":
		return genai.ErrorText(n.Error)
	case "error":
		return genai.PlainText(n.Message)
	}
	return ""
}
