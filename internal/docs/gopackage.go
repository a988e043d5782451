package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// modulePath is the path of the main module. The other modules are below it, each in the
// folder that its path names.
const modulePath = "github.com/troupelog/troupe"

// repository parses the packages of all modules below root, without their dependencies.
type repository struct {
	root   string
	loaded map[string]*goPackage
}

// goPackage is a parsed package: every file but tests, for all systems at once.
type goPackage struct {
	name, folder string
	decls        []declaration
	types        map[string]*typeDecl
}

// declaration is a declaration of a file.
type declaration struct {
	ast.Decl
	file *ast.File
}

// typeDecl is a type with its methods.
type typeDecl struct {
	spec    *ast.TypeSpec
	doc     *ast.CommentGroup // of the declaration around the spec, may be nil
	file    *ast.File
	methods []*ast.FuncDecl
}

// load parses the package in a folder, once.
func (r *repository) load(folder string) (*goPackage, error) {
	if p := r.loaded[folder]; p != nil {
		return p, nil
	}
	files, err := filepath.Glob(filepath.Join(r.root, folder, "*.go"))
	if err != nil {
		return nil, err
	}
	p := &goPackage{folder: folder, types: map[string]*typeDecl{}}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		dropParameterNames(file)
		p.name = file.Name.Name
		p.add(file)
	}
	if p.name == "" {
		return nil, fmt.Errorf("no Go files in %s: %w", folder, os.ErrNotExist)
	}
	if r.loaded == nil {
		r.loaded = map[string]*goPackage{}
	}
	r.loaded[folder] = p
	return p, nil
}

// add adds the declarations of a file.
func (p *goPackage) add(file *ast.File) {
	for _, decl := range file.Decls {
		p.decls = append(p.decls, declaration{decl, file})
		switch decl := decl.(type) {
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				if spec, ok := spec.(*ast.TypeSpec); ok {
					t := p.typ(spec.Name.Name)
					t.spec, t.doc, t.file = spec, decl.Doc, file
				}
			}
		case *ast.FuncDecl:
			if decl.Recv == nil || len(decl.Recv.List) == 0 {
				continue
			}
			if receiver, ok := base(decl.Recv.List[0].Type).(*ast.Ident); ok {
				t := p.typ(receiver.Name)
				t.methods = append(t.methods, decl)
			}
		}
	}
}

// typ returns the type with a name. Methods may come before their type.
func (p *goPackage) typ(name string) *typeDecl {
	if p.types[name] == nil {
		p.types[name] = &typeDecl{}
	}
	return p.types[name]
}

// importOf returns the folder of the package that a file imports under a name, false if it is
// not in this repository.
func (r *repository) importOf(file *ast.File, name string) (string, bool) {
	for _, spec := range file.Imports {
		full, err := strconv.Unquote(spec.Path.Value)
		folder, ours := strings.CutPrefix(full, modulePath+"/")
		if err != nil || !ours {
			continue
		}
		if spec.Name != nil && spec.Name.Name == name || spec.Name == nil && path.Base(folder) == name {
			return folder, true
		}
	}
	return "", false
}

// base returns the name in a type expression: without pointer, parentheses and type arguments.
func base(typ ast.Expr) ast.Expr {
	switch t := typ.(type) {
	case *ast.StarExpr:
		return base(t.X)
	case *ast.ParenExpr:
		return base(t.X)
	case *ast.IndexExpr:
		return base(t.X)
	case *ast.IndexListExpr:
		return base(t.X)
	}
	return typ
}

// dropParameterNames removes the names of parameters and results from all functions of a file.
func dropParameterNames(file *ast.File) {
	unnamed := func(fields *ast.FieldList) {
		if fields == nil {
			return
		}
		var list []*ast.Field
		for _, f := range fields.List {
			for range max(1, len(f.Names)) {
				list = append(list, &ast.Field{Type: f.Type})
			}
		}
		fields.List = list
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncType); ok {
			unnamed(f.Params)
			unnamed(f.Results)
		}
		return true
	})
}

// source prints an expression on one line, "" for none.
func source(expr ast.Expr) string {
	if expr == nil {
		return ""
	}
	var out strings.Builder
	if err := printer.Fprint(&out, token.NewFileSet(), expr); err != nil {
		panic(err) // the parser made the expression
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// signature prints type parameters, parameters and results.
func signature(f *ast.FuncType) string {
	return strings.TrimPrefix(source(f), "func")
}

// typeParams prints the type parameters of a type, "" if it has none.
func typeParams(spec *ast.TypeSpec) string {
	if spec.TypeParams == nil {
		return ""
	}
	return strings.TrimSuffix(signature(&ast.FuncType{TypeParams: spec.TypeParams, Params: &ast.FieldList{}}), "()")
}

// hasUnexported reports whether only its own package can implement an interface.
func hasUnexported(typ *ast.InterfaceType) bool {
	for _, m := range typ.Methods.List {
		for _, name := range m.Names {
			if !name.IsExported() {
				return true
			}
		}
	}
	return false
}

// docOf returns the first comment that is there.
func docOf(docs ...*ast.CommentGroup) *ast.CommentGroup {
	for _, doc := range docs {
		if doc != nil {
			return doc
		}
	}
	return nil
}
