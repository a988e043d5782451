package conformance

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Corpus is a file of cases.
type Corpus struct {
	Meta  Meta    `json:"meta"`
	Cases []*Case `json:"cases"`
}

// Meta says where a corpus comes from.
type Meta struct {
	SDK        string `json:"sdk"`        // the SDK that was recorded
	Repository string `json:"repository"` // the log repository it wrote to
}

// Case is a call and the lines that it sent.
type Case struct {
	ID    string          `json:"id"`
	Call  string          `json:"call"` // logger.VERB, ENTITY.VERB, static.ENTITY.VERB_, evaluate.VERB or sequence
	On    *Target         `json:"on,omitempty"`
	Args  json.RawMessage `json:"args"`
	Lines []Line          `json:"lines"`
	Note  string          `json:"note,omitempty"` // how the SDK was configured, or was seen to behave

	steps []step // Call and Args decoded; a sequence has several
	dir   string // where the paths of attachments begin
	repo  string // the log repository
}

// Target is the handle that a call is made on. It was made by an earlier case, or
// nowhere in the corpus.
type Target struct {
	Kind   string `json:"kind"`             // an entity, evaluate or evaluate_with_evaluators
	Entity string `json:"entity,omitempty"` // of an evaluation
	ID     string `json:"id"`
}

// Line is a line, its data decoded.
type Line struct {
	Entity string `json:"entity,omitempty"`
	ID     string `json:"entity_id,omitempty"`
	Action string `json:"action,omitempty"`
	Data   any    `json:"data,omitempty"`
	// Repository is set where it is not the one of the corpus.
	Repository string `json:"repo,omitempty"`
	// Unparsed is text that an SDK sent and that is not a line.
	Unparsed string `json:"unparsed,omitempty"`
}

// object returns the line's data as an object; nil if it is none.
func (l Line) object() map[string]any {
	m, _ := l.Data.(map[string]any)
	return m
}

// step is one call of a case.
type step struct {
	call string
	args map[string]any // decoded, see decode
}

// Load reads a corpus. The paths of attachments in it are relative to its folder.
func Load(path string) (*Corpus, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the caller names the corpus to read
	if err != nil {
		return nil, fmt.Errorf("reading the corpus: %w", err)
	}
	corpus := &Corpus{}
	if err := json.Unmarshal(raw, corpus); err != nil {
		return nil, fmt.Errorf("reading the corpus %s: %w", path, err)
	}
	for _, c := range corpus.Cases {
		c.dir, c.repo = filepath.Dir(path), corpus.Meta.Repository
		if err := c.decode(); err != nil {
			return nil, fmt.Errorf("case %s of the corpus %s: %w", c.ID, path, err)
		}
	}
	return corpus, nil
}

// decode fills steps.
func (c *Case) decode() error {
	type call struct {
		Call string          `json:"call"`
		Args json.RawMessage `json:"args"`
	}
	calls := []call{{c.Call, c.Args}}
	if c.Call == "sequence" {
		var sequence struct {
			Steps []call `json:"steps"`
		}
		if err := json.Unmarshal(c.Args, &sequence); err != nil {
			return err
		}
		calls = sequence.Steps
	}
	for _, call := range calls {
		args, err := decodeArgs(call.Args)
		if err != nil {
			return fmt.Errorf("arguments of %s: %w", call.Call, err)
		}
		c.steps = append(c.steps, step{call.Call, args})
	}
	return nil
}
