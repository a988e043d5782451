package chrome

import (
	"fmt"
	"os"
	"strings"
)

// Axe is the file of axe-core that $AXE names, "" if it names none.
func Axe() (string, error) {
	path := os.Getenv("AXE")
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// violation is a fault that axe-core finds on a page.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// Violations returns the faults that axe-core finds on the page, by the rules of WCAG 2.0
// to 2.2, levels A and AA.
func (t *Tab) Violations(axe string) ([]string, error) {
	if _, err := Eval[any](t, axe+"; true"); err != nil {
		return nil, fmt.Errorf("loading axe-core: %w", err)
	}
	found, err := Eval[[]violation](t, `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}).then(r => r.violations.map(
		v => ({id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map(n => ({html: n.html.slice(0, 200), failureSummary: n.failureSummary}))})))`)
	if err != nil {
		return nil, fmt.Errorf("running axe-core: %w", err)
	}
	var texts []string
	for _, v := range found {
		text := v.ID + ": " + v.Help
		for _, n := range v.Nodes {
			text += "\n    " + n.HTML + "\n      " + strings.ReplaceAll(n.Summary, "\n", "\n      ")
		}
		texts = append(texts, text)
	}
	return texts, nil
}
