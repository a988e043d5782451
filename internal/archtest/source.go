package archtest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/troupelog/troupe/internal/docs"
)

// source is a Go file of the main module.
type source struct {
	docs.Source
	test      bool
	generated bool
	lines     lines
}

// lines counts the lines of a file. A blank line, also one within a raw string, is in total
// only.
type lines struct {
	total   int
	code    int // lines with code, a comment behind it or not
	comment int // lines with nothing but a comment
}

// add adds up the lines of several files.
func (l *lines) add(other lines) {
	l.total += other.total
	l.code += other.code
	l.comment += other.comment
}

// load parses the Go files of the main module, for all operating systems. Folders below root
// with a go.mod are other modules.
func load(root string) ([]source, error) {
	var found []source
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != root && skipped(file):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(file) != ".go":
			return nil
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		s, err := read(file, filepath.ToSlash(rel))
		found = append(found, s)
		return err
	})
	return found, err
}

// skipped reports whether the go command passes a folder over, or finds another module there.
func skipped(folder string) bool {
	name := filepath.Base(folder)
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

// read parses a file and counts its lines.
func read(file, rel string) (source, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return source{}, err
	}
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	return source{
		Source:    docs.Source{Path: rel, Fset: fset, File: parsed},
		test:      strings.HasSuffix(rel, "_test.go"),
		generated: ast.IsGenerated(parsed),
		lines:     count(text),
	}, nil
}

// count counts the lines of a Go file by its tokens.
func count(text []byte) lines {
	rows := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	code, comment := make([]bool, len(rows)), make([]bool, len(rows))
	file := token.NewFileSet().AddFile("", -1, len(text))
	var s scanner.Scanner
	s.Init(file, text, nil, scanner.ScanComments)
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			break
		}
		if tok == token.SEMICOLON && lit == "\n" {
			continue // there only for the parser
		}
		marked := code
		if tok == token.COMMENT {
			marked = comment
		}
		first := file.Line(pos) - 1
		for i := first; i <= first+strings.Count(lit, "\n"); i++ {
			marked[i] = true
		}
	}
	n := lines{total: len(rows)}
	for i, row := range rows {
		switch {
		case len(bytes.TrimSpace(row)) == 0:
		case code[i]:
			n.code++
		case comment[i]:
			n.comment++
		}
	}
	return n
}

// product reports whether a file counts as product: no test, not generated, in no package of
// examples or test support.
func (s source) product() bool {
	r, ok := rowOf(layout, module+"/"+s.Folder())
	return !s.test && !s.generated && ok && !r.tests && !within(s.Folder(), "examples")
}

// public reports whether users can import the package in a folder.
func public(folder string) bool {
	return !within(folder, "internal") && !within(folder, "cmd")
}

// room returns the top room of a folder: the first part of its path, below internal the first
// two.
func room(folder string) string {
	parts := strings.SplitN(folder, "/", 3)
	if parts[0] == "internal" && len(parts) > 1 {
		return path.Join(parts[0], parts[1])
	}
	return parts[0]
}
