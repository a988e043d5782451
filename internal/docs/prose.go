package docs

import (
	"fmt"
	"go/ast"
	"regexp"
	"strings"
)

// Idiom is a turn of phrase that comments and pages avoid, because it hides a noun or is not
// idiomatic English.
type Idiom struct {
	Name    string
	Instead string // advice for the author
	pattern *regexp.Regexp
}

// idiom compiles an Idiom. A space in the pattern matches any white space and the start of a
// comment line, so that a phrase broken over two lines is found too.
func idiom(name, pattern, instead string) Idiom {
	pattern = strings.ReplaceAll(pattern, " ", `\s+(?://\s*)?`)
	return Idiom{name, instead, regexp.MustCompile(`(?i)\b(?:` + pattern + `)\b`)}
}

// Idioms lists the phrases that the ratchet counts.
var Idioms = []Idiom{
	idiom("what", `what`, "name the thing"),
	idiom("is how", `(?:is|are) how`, "X limits …, X is the number of …"),
	idiom("that of", `(?:that|those) of`, "repeat the noun"),
	idiom("stands", `stands`, "is, is stored, represents"),
	idiom("an own", `an own|of its own`, "a dedicated, separate, local or custom one; its own"),
	idiom("told", `told|tells of`, "reported, returned, specified; distinguished"),
	idiom("hangs", `hangs`, "blocks, does not answer"),
	idiom("where none", `nil where|where none`, "nil if there are none"),
}

// find records every idiom in a text that begins at a line of a file.
func find(found Findings, folder, file, text string, line int) {
	for _, idiom := range Idioms {
		for _, at := range idiom.pattern.FindAllStringIndex(text, -1) {
			found.Add(folder, idiom.Name, fmt.Sprintf("%s:%d", file, line+strings.Count(text[:at[0]], "\n")))
		}
	}
}

// FindIdioms returns the places of all idioms in the comments of sources and in pages.
func FindIdioms(sources []Source, pages []Page) Findings {
	found := Findings{}
	for _, s := range sources {
		for _, group := range s.File.Comments {
			find(found, s.Folder(), s.Path, groupText(group), s.Fset.Position(group.Pos()).Line)
		}
	}
	for _, p := range pages {
		find(found, p.Folder(), p.Path, p.Text, 1)
	}
	return found
}

// groupText returns a comment group as it is in the file, without the indentation. All lines
// of a group follow each other, so offsets in the text give lines of the file.
func groupText(group *ast.CommentGroup) string {
	lines := make([]string, len(group.List))
	for i, c := range group.List {
		lines[i] = c.Text
	}
	return strings.Join(lines, "\n")
}
