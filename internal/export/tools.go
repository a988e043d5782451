package export

import (
	"encoding/json"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/jsonscan"
)

// function is a tool offered to a model, in OpenAI's form.
type function struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}

// offered is a tool in the forms of OpenAI, Anthropic, Gemini and Bedrock.
type offered struct {
	Type     string    `json:"type"`
	Function *function `json:"function"`
	function
	InputSchema    json.RawMessage `json:"input_schema"`
	Declarations   []function      `json:"functionDeclarations"`
	DeclarationsPy []function      `json:"function_declarations"`
	Spec           *struct {
		function
		InputSchema struct {
			JSON json.RawMessage `json:"json"`
		} `json:"inputSchema"`
	} `json:"toolSpec"`
}

// functions returns the tools of a generation in OpenAI's form. The error is a skipError.
func functions(n *fold.Node) ([]json.RawMessage, error) {
	var tools []json.RawMessage
	for _, from := range []map[string]json.RawMessage{n.Parameters, n.Other} {
		for _, name := range []string{"tools", "functions"} {
			raw := jsonscan.Unwrap(from[name])
			if len(raw) == 0 || string(raw) == "null" {
				continue
			}
			var list []offered
			if json.Unmarshal(raw, &list) != nil {
				return nil, skipError(BadTools)
			}
			for _, o := range list {
				found, err := o.functions()
				if err != nil {
					return nil, err
				}
				for _, f := range found {
					tools = append(tools, compact(map[string]any{"type": "function", "function": f}))
				}
			}
		}
	}
	return tools, nil
}

func (o *offered) functions() ([]function, error) {
	var found []function
	switch {
	case o.Function != nil:
		found = []function{*o.Function}
	case len(o.Declarations) > 0:
		found = o.Declarations
	case len(o.DeclarationsPy) > 0:
		found = o.DeclarationsPy
	case o.Spec != nil:
		f := o.Spec.function
		f.Parameters = o.Spec.InputSchema.JSON
		found = []function{f}
	case o.Type == "" || o.Type == "function" || o.Type == "custom" && o.InputSchema != nil:
		f := o.function
		if o.InputSchema != nil {
			f.Parameters = o.InputSchema
		}
		found = []function{f}
	default:
		return nil, skipError(NoFunction)
	}
	for _, f := range found {
		if f.Name == "" {
			return nil, skipError(BadTools)
		}
	}
	return found, nil
}
