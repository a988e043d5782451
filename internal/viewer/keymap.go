package viewer

// keyGroup is the keys of some pages.
type keyGroup struct {
	Where string
	Keys  []key
}

// key is keys that are pressed on their own, as the DOM names them, and what they do. With
// Always they do that even where single keys are turned off.
type key struct {
	Keys   []string
	Does   string
	Always bool
}

// keyMap is what js/keys.js, js/tree.js, and the elements with data-key do, for the page
// that tells people.
var keyMap = []keyGroup{
	{"Everywhere", []key{
		{Keys: []string{"/"}, Does: "find or search"}, {Keys: []string{"f"}, Does: "filter"}, {Keys: []string{"?"}, Does: "this page"},
		{Keys: []string{"g o"}, Does: "overview"}, {Keys: []string{"g t"}, Does: "traces"}, {Keys: []string{"g s"}, Does: "sessions"},
		{Keys: []string{"g l"}, Does: "live"}, {Keys: []string{"g h"}, Does: "help"},
	}},
	{"Lists", []key{
		{Keys: []string{"j", "k"}, Does: "down, up"}, {Keys: []string{"o"}, Does: "open"}, {Keys: []string{" "}, Does: "look into a trace without opening it"},
		{Keys: []string{"Escape"}, Does: "close that"}, {Keys: []string{"x"}, Does: "choose"}, {Keys: []string{"c"}, Does: "compare the two that are chosen"},
		{Keys: []string{"n", "p"}, Does: "next, previous page"},
	}},
	{"A trace", []key{
		{Keys: []string{"j", "k"}, Does: "down, up"}, {Keys: []string{"ArrowDown", "ArrowUp"}, Does: "down, up", Always: true},
		{Keys: []string{"ArrowRight", "ArrowLeft"}, Does: "expand or child, collapse or parent", Always: true},
		{Keys: []string{"Home", "End", "PageUp", "PageDown"}, Does: "first, last, far up, far down", Always: true},
		{Keys: []string{"Enter"}, Does: "go to what is shown of the node", Always: true},
		{Keys: []string{"[", "]"}, Does: "previous, next sibling"}, {Keys: []string{"*"}, Does: "expand all"}, {Keys: []string{"z"}, Does: "collapse to the first level"},
		{Keys: []string{"e", "E"}, Does: "next, previous error"}, {Keys: []string{"u"}, Does: "next that is open"},
		{Keys: []string{"h"}, Does: "key nodes only, or all"}, {Keys: []string{"r"}, Does: "only the node and what is below it"},
		{Keys: []string{"d"}, Does: "compare a model call with the one before"},
		{Keys: []string{"+", "-", "0", ",", "."}, Does: "time line closer, farther, whole, earlier, later"},
		{Keys: []string{"1", "2", "3"}, Does: "tree, chat, raw"}, {Keys: []string{"J", "K"}, Does: "next, previous trace of the list"},
		{Keys: []string{"y", "Y"}, Does: "copy the address, copy as Markdown"},
	}},
	{"Live", []key{{Keys: []string{"p"}, Does: "pause"}}},
}

// shownKeys are keys as people know them.
var shownKeys = map[string]string{" ": "Space", "ArrowDown": "↓", "ArrowUp": "↑", "ArrowRight": "→", "ArrowLeft": "←", "PageUp": "Page Up", "PageDown": "Page Down", "Escape": "Esc"}

// Names returns the keys as people know them.
func (k key) Names() []string {
	names := make([]string, len(k.Keys))
	for i, name := range k.Keys {
		names[i] = name
		if shown, ok := shownKeys[name]; ok {
			names[i] = shown
		}
	}
	return names
}
