package diff

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/jsonscan"
)

// FieldDiff is a parameter or a tool on both sides.
type FieldDiff struct {
	Name  string
	State State
	A, B  json.RawMessage // nil on the side that does not have it
	Text  Text            // of values that changed: their JSON in lines
}

// toolFields are the parameters that hold tools, which are compared one by one.
var toolFields = []string{"tools", "functions"}

// fields compares the parameters of two calls, except messages and tools. A number is the
// same whether it is sent as a number or as text, as some SDKs do.
func fields(a, b *fold.Node, w *work) []FieldDiff {
	inA, inB := settings(a), settings(b)
	names := slices.Collect(maps.Keys(inA))
	for name := range inB {
		if _, both := inA[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	found := make([]FieldDiff, len(names))
	for i, name := range names {
		found[i] = fieldDiff(name, inA[name], inB[name], w)
	}
	return found
}

func settings(n *fold.Node) map[string]json.RawMessage {
	all := maps.Clone(n.Parameters)
	if all == nil {
		all = map[string]json.RawMessage{}
	}
	for _, name := range toolFields {
		delete(all, name)
	}
	for name, value := range map[string]string{
		"model": n.Model, "provider": n.Provider, "prompt": n.PromptID, "prompt version": n.PromptVersionID,
	} {
		if quoted, err := json.Marshal(value); err == nil && value != "" {
			all[name] = quoted
		}
	}
	return all
}

func fieldDiff(name string, a, b json.RawMessage, w *work) FieldDiff {
	f := FieldDiff{Name: name, A: a, B: b}
	switch {
	case b == nil:
		f.State = OnlyA
	case a == nil:
		f.State = OnlyB
	default:
		if f.Text = texts(indented(a), indented(b), w); !f.Text.Same {
			f.State = Changed
		}
	}
	return f
}

// tools compares the tools offered to the models, by name. Of several with one
// name the first is compared with the first, and so on.
func tools(a, b *fold.Node, w *work) []FieldDiff {
	inA, inB := offered(a), offered(b)
	places := placesOf(inB)
	var found []FieldDiff
	for _, t := range inA {
		var other json.RawMessage
		if at := places[t.name]; len(at) > 0 {
			other, places[t.name] = inB[at[0]].schema, at[1:]
			inB[at[0]].taken = true
		}
		found = append(found, fieldDiff(t.name, t.schema, other, w))
	}
	for _, t := range inB {
		if !t.taken {
			found = append(found, fieldDiff(t.name, nil, t.schema, w))
		}
	}
	return found
}

func placesOf(tools []tool) map[string][]int {
	places := make(map[string][]int, len(tools))
	for i, t := range tools {
		places[t.name] = append(places[t.name], i)
	}
	return places
}

type tool struct {
	name   string
	schema json.RawMessage
	taken  bool
}

// offered returns the tools of a call: of OpenAI, Anthropic, Gemini and Bedrock, among
// its parameters or its other fields.
func offered(n *fold.Node) []tool {
	var found []tool
	for _, from := range []map[string]json.RawMessage{n.Parameters, n.Other} {
		for _, name := range toolFields {
			for _, element := range elements(jsonscan.Unwrap(from[name])) {
				found = append(found, toolsOf(element)...)
			}
		}
	}
	return found
}

// elements returns the elements of an array, none of anything else.
func elements(raw json.RawMessage) []json.RawMessage {
	var all []json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	return all
}

// named holds the members in which providers put the name of a tool.
type named struct {
	Name json.RawMessage `json:"name"`
}

// toolsOf returns the tools in an element of a list: mostly one, but Gemini has lists of
// functions. A provider's built-in tool is identified by its type.
func toolsOf(element json.RawMessage) []tool {
	var t struct {
		named
		Type           json.RawMessage `json:"type"`
		Function       named           `json:"function"`
		Custom         named           `json:"custom"`
		Spec           named           `json:"toolSpec"`
		Declarations   json.RawMessage `json:"functionDeclarations"`
		DeclarationsPy json.RawMessage `json:"function_declarations"`
	}
	_ = json.Unmarshal(element, &t) // an element of another form is a tool without a name
	var found []tool
	for _, f := range append(elements(t.Declarations), elements(t.DeclarationsPy)...) {
		found = append(found, toolsOf(f)...)
	}
	if found != nil {
		return found
	}
	for _, name := range []json.RawMessage{t.Name, t.Function.Name, t.Custom.Name, t.Spec.Name, t.Type} {
		if text := string(jsonscan.Unwrap(name)); text != "" {
			return []tool{{name: text, schema: element}}
		}
	}
	return []tool{{name: "unnamed", schema: element}}
}
