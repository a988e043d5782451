package docs

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
)

// API returns the exported API of the package in a folder, one sorted line for each constant,
// variable, function, type, method and field. Signatures leave out parameter names, which
// callers cannot depend on.
//
// Fields and methods of an embedded type that users cannot name are listed under the type
// that embeds it. Members of an alias of such a type are listed under the alias.
func (r *repository) API(folder string) ([]string, error) {
	p, err := r.load(folder)
	if err != nil {
		return nil, err
	}
	l := &lister{repo: r, pkg: p, lines: map[string]bool{}}
	for _, decl := range p.decls {
		switch decl := decl.Decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil && decl.Name.IsExported() {
				l.add(decl.Doc, "func %s%s", decl.Name, signature(decl.Type))
			}
		case *ast.GenDecl:
			l.values(decl)
		}
	}
	for name, t := range p.types {
		if token.IsExported(name) {
			l.typ(name, t)
		}
	}
	var lines []string
	for line := range l.lines {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines, l.err
}

// lister collects the lines of one package.
type lister struct {
	repo  *repository
	pkg   *goPackage
	lines map[string]bool
	err   error // the first
}

// add adds a line. It is marked if the documentation of the name says that it is deprecated.
func (l *lister) add(doc *ast.CommentGroup, format string, args ...any) {
	line := strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")
	if doc != nil && strings.Contains(doc.Text(), "\nDeprecated: ") {
		line += " // deprecated"
	}
	l.lines[line] = true
}

// values lists constants and variables. A constant without a value repeats the type of the
// one above it.
func (l *lister) values(decl *ast.GenDecl) {
	typ := ""
	for _, spec := range decl.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok {
			continue
		}
		if v.Type != nil || len(v.Values) > 0 {
			typ = source(v.Type)
		}
		for i, name := range v.Names {
			if !name.IsExported() {
				continue
			}
			value := ""
			if i < len(v.Values) {
				value = shortValue(v.Values[i])
			}
			l.add(docOf(v.Doc, decl.Doc), "%s %s %s %s", decl.Tok, name, typ, value)
		}
	}
}

// shortValue returns " = " and a value, of a call only the function. It returns "" for a
// value that depends on the place of its constant.
func shortValue(value ast.Expr) string {
	switch v := value.(type) {
	case *ast.CallExpr:
		return "= " + source(v.Fun) + "(…)"
	case *ast.CompositeLit, *ast.FuncLit:
		return "= …"
	}
	if text := source(value); !strings.Contains(text, "iota") {
		return "= " + text
	}
	return ""
}

// typ lists a type, its fields and its methods.
func (l *lister) typ(name string, t *typeDecl) {
	kind := source(t.spec.Type)
	switch typ := t.spec.Type.(type) {
	case *ast.StructType:
		kind = "struct"
	case *ast.InterfaceType:
		kind = "interface"
		if hasUnexported(typ) {
			kind = "interface, with unexported methods"
		}
	}
	assign := ""
	if t.spec.Assign.IsValid() {
		assign = "= "
	}
	l.add(docOf(t.spec.Doc, t.doc), "type %s%s %s%s", name, typeParams(t.spec), assign, kind)
	l.members(name, l.pkg, t, false, map[string]bool{})
}

// members lists the fields and methods of a declaration under a name, which may be another
// type that embeds it; byPointer is set if it does so through a pointer. Names in shadowed
// belong to an outer level.
func (l *lister) members(name string, in *goPackage, t *typeDecl, byPointer bool, shadowed map[string]bool) {
	visible := func(member *ast.Ident) bool {
		if !member.IsExported() || shadowed[member.Name] {
			return false
		}
		shadowed[member.Name] = true
		return true
	}
	for _, m := range t.methods {
		if visible(m.Name) {
			receiver := name
			if _, ok := m.Recv.List[0].Type.(*ast.StarExpr); ok && !byPointer {
				receiver = "*" + name
			}
			l.add(m.Doc, "method (%s) %s%s", receiver, m.Name, signature(m.Type))
		}
	}
	switch typ := t.spec.Type.(type) {
	case *ast.StructType:
		for _, f := range typ.Fields.List {
			for _, field := range f.Names {
				if visible(field) {
					l.add(f.Doc, "field %s.%s %s", name, field, source(f.Type))
				}
			}
		}
		l.embedded(name, in, typ.Fields, t.file, byPointer, shadowed)
	case *ast.InterfaceType:
		for _, m := range typ.Methods.List {
			for _, method := range m.Names {
				if visible(method) {
					l.add(m.Doc, "method %s.%s%s", name, method, strings.TrimPrefix(source(m.Type), "func"))
				}
			}
		}
		l.embedded(name, in, typ.Methods, t.file, byPointer, shadowed)
	default:
		if t.spec.Assign.IsValid() {
			l.hidden(name, in, t.file, typ, byPointer, shadowed)
		}
	}
}

// embedded lists embedded types: those that users can name by their name, others by their
// members.
func (l *lister) embedded(name string, in *goPackage, fields *ast.FieldList, file *ast.File, byPointer bool, shadowed map[string]bool) {
	for _, f := range fields.List {
		if len(f.Names) > 0 {
			continue
		}
		_, pointer := f.Type.(*ast.StarExpr)
		if !l.hidden(name, in, file, f.Type, byPointer || pointer, shadowed) {
			l.add(f.Doc, "embeds %s %s", name, source(f.Type))
		}
	}
}

// hidden lists the members of a type under a name and returns true, if it is a type of this
// repository that users cannot name.
func (l *lister) hidden(name string, in *goPackage, file *ast.File, typ ast.Expr, byPointer bool, shadowed map[string]bool) bool {
	typ = base(typ)
	switch typ := typ.(type) {
	case *ast.Ident:
		t := in.types[typ.Name]
		if t == nil || typ.IsExported() && !isInternal(in.folder) {
			return false
		}
		l.members(name, in, t, byPointer, shadowed)
		return true
	case *ast.SelectorExpr:
		qualifier, ok := typ.X.(*ast.Ident)
		if !ok {
			return false
		}
		folder, ok := l.repo.importOf(file, qualifier.Name)
		if !ok || !isInternal(folder) {
			return false
		}
		p, err := l.repo.load(folder)
		if err != nil {
			l.err = err
			return false
		}
		t := p.types[typ.Sel.Name]
		if t == nil {
			l.err = fmt.Errorf("%s: no type %s in %s", name, typ.Sel.Name, folder)
			return false
		}
		l.members(name, p, t, byPointer, shadowed)
		return true
	}
	return false
}

// isInternal reports whether users cannot import the package in a folder.
func isInternal(folder string) bool {
	return slices.Contains(strings.Split(folder, "/"), "internal")
}

// apiFile returns the name of the record of a public package.
func apiFile(folder string) string {
	return path.Join("api", strings.ReplaceAll(folder, "/", "-")+".txt")
}
