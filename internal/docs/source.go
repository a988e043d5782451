package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Source is a parsed Go file.
type Source struct {
	// Path is relative to the root of the repository, with slashes.
	Path string
	Fset *token.FileSet
	File *ast.File
}

// Folder returns the folder of the file: for the main module the import path relative to the
// module, "." for its root.
func (s Source) Folder() string { return path.Dir(s.Path) }

// Page is a Markdown file.
type Page struct {
	// Path is relative to the root of the repository, with slashes.
	Path string
	Text string
}

// Folder returns the name under which the pages of a folder are counted.
func (p Page) Folder() string { return "pages " + path.Dir(p.Path) }

// walk calls visit for every file of the repository with the suffix, in order of its path.
// Hidden folders and testdata are skipped.
func walk(root, suffix string, visit func(file, rel string) error) error {
	return filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != root && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"testdata", "node_modules"}, d.Name())):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, suffix):
			return nil
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		return visit(file, filepath.ToSlash(rel))
	})
}

// Sources parses the Go files of all modules below root, except tests and generated files.
func Sources(root string) ([]Source, error) {
	var found []Source
	err := walk(root, ".go", func(file, rel string) error {
		if strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err == nil && !ast.IsGenerated(parsed) {
			found = append(found, Source{rel, fset, parsed})
		}
		return err
	})
	return found, err
}

// Pages reads the Markdown pages below root that people write. It leaves out the change log,
// which is history: its tables have to quote retired names.
func Pages(root string) ([]Page, error) {
	all, err := allPages(root)
	return slices.DeleteFunc(all, func(p Page) bool { return strings.HasPrefix(p.Text, generatedMark) }), err
}

// allPages also returns the pages that tests write: their words are counted at their source.
func allPages(root string) ([]Page, error) {
	var found []Page
	err := walk(root, ".md", func(file, rel string) error {
		if rel == "CHANGELOG.md" {
			return nil
		}
		text, err := os.ReadFile(file)
		found = append(found, Page{rel, string(text)})
		return err
	})
	return found, err
}
