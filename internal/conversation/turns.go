package conversation

import (
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/genai"
)

// Turn is what a user said and what came back, as the page of a session shows it.
type Turn struct {
	User, Answer string // "" if no line tells
	Start, End   time.Time
	Generations  []string // ids, in order
	Tools        []ToolUse
	Faults       []Fault
}

// ToolUse is how often a tool was used in a turn.
type ToolUse struct {
	Name          string
	Count, Failed int
}

// Fault is an error of a turn.
type Fault struct {
	Kind, ID string // of the node
	Text     string // what its error says; "" if it says nothing
}

// ToolCount returns how many calls of tools a turn has, and how many of them failed.
func (t *Turn) ToolCount() (count, failed int) {
	for _, use := range t.Tools {
		count, failed = count+use.Count, failed+use.Failed
	}
	return count, failed
}

// Turns returns the turns of a trace, in order. Most traces have one: a further one
// begins with a generation that continues the conversation of the first with more that a
// user said. Generations nested deeper than the first ones, as those of agents that other
// agents call, begin no turn and do not answer. A trace with input or output of its own
// has these as the first user text and the last answer if its generations tell none.
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

// walker goes through a trace in the order of its nodes.
type walker struct {
	turns  []Turn
	main   int            // depth of the generations that make the conversation
	logged bool           // calls of tools are nodes, so that those in answers are not counted
	uses   map[string]int // place of a tool among the Tools of the present turn
	opened string         // the first text of the user in the conversation
	asked  int            // how many messages of users it has so far
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

// ask begins a turn if a generation was sent more of its user than those before it.
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

// mainDepth returns the depth of the generation that is nearest to the root, -1 if there
// is none.
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

// faultText returns what the error of a node says.
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
