package logger

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// In every exported function and method, a nil context is the background.
func TestANilContextIsTheBackground(t *testing.T) {
	r := newRig(t, Config{}, nil)
	var none context.Context
	session := r.Session(SessionConfig{ID: "s"})
	trace := session.AddTrace(TraceConfig{ID: "t"})
	called := map[string]bool{}
	for name, call := range map[string]func(){
		"NewContext":     func() { FromContext(NewContext(none, trace)).AddEvent(EventConfig{Name: "in a new context"}) },
		"FromContext":    func() { FromContext(none).AddEvent(EventConfig{}) },
		"StartTrace":     func() { ctx, _ := StartTrace(none, TraceConfig{}); ctx.Done() },
		"StartSpan":      func() { ctx, _ := StartSpan(none, SpanConfig{}); ctx.Done() },
		"NameGeneration": func() { NameGeneration(none, "n").Done() },
		"Inject":         func() { Inject(none, http.Header{}) },
		"Extract":        func() { Extract(none, http.Header{"X-Maxim-Trace-Id": {"t"}}).Done() },
	} {
		call()
		called[name] = true
	}
	background := reflect.Zero(reflect.TypeFor[context.Context]())
	// Close comes last: it ends the logger.
	for _, handle := range []any{r.Logger, session, trace, trace.AddSpan(SpanConfig{}), trace.AddGeneration(GenerationConfig{}),
		trace.AddRetrieval(RetrievalConfig{}), trace.AddToolCall(ToolCallConfig{}), trace.AddError(ErrorConfig{}), session.Evaluate()} {
		of := reflect.TypeOf(handle)
		for i := range of.NumMethod() {
			m := of.Method(i)
			if m.Type.NumIn() < 2 || m.Type.In(1) != reflect.TypeFor[context.Context]() || m.Name == "Close" || m.Name == "Cleanup" {
				continue
			}
			args := []reflect.Value{reflect.ValueOf(handle), background}
			for j := 2; j < m.Type.NumIn(); j++ {
				args = append(args, reflect.ValueOf("t"))
			}
			out := m.Func.Call(args)
			if err, _ := out[len(out)-1].Interface().(error); err != nil {
				t.Errorf("%s = %v", m.Name, err)
			}
			called[m.Name] = true
		}
	}
	trace.AddTag("pending", "before Close")
	if err := r.Close(none); err != nil {
		t.Errorf("Close = %v", err)
	}
	if err := r.Cleanup(none); err != nil {
		t.Errorf("Cleanup = %v", err)
	}
	called["Close"], called["Cleanup"] = true, true
	if s := r.Stats(); s.Pending != 0 || s.Delivered != s.Accepted {
		t.Errorf("%v after Close with a nil context", s)
	}
	for _, name := range takesContext(t) {
		if !called[name] {
			t.Errorf("%s was not called with a nil context", name)
		}
	}
}

// takesContext returns the exported functions and methods whose first parameter is a
// context.
func takesContext(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	var names []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !f.Name.IsExported() || len(f.Type.Params.List) == 0 || unexported(f.Recv) {
				continue
			}
			if of, ok := f.Type.Params.List[0].Type.(*ast.SelectorExpr); ok && of.Sel.Name == "Context" {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

// What a caller gave is cut in every error, however long it is.
func TestErrorsAreShort(t *testing.T) {
	long := strings.Repeat("x", 100<<20)
	r := newRig(t, Config{}, nil)
	trace := r.Trace(TraceConfig{ID: strings.Repeat("t", 1024)})
	trace.End()
	trace.End()                                         // an id of the greatest length
	r.Session(SessionConfig{ID: long}).AddTag("k", "v") // an id that is too long
	trace.AddMetadata(map[string]any{long: make(chan int), "k": "v"})
	trace.AddMetric(long, nan())
	trace.AddAttachment(FileAttachment("/nowhere/" + long))
	if r.Stats().Derived != 1 {
		t.Errorf("%d derived, want 1", r.Stats().Derived)
	}
	errs := r.close()
	errs = append(errs, &Error{Reason: ErrDropped, Destination: long, Entity: "trace", ID: long, Err: errors.New(long)})
	if len(errs) != 7 {
		t.Errorf("%d errors, want 7: %.300v", len(errs), errs)
	}
	for _, err := range errs {
		if n := len(err.Error()); n > 2048 {
			t.Errorf("an error of %d bytes: %.100s…", n, err)
		}
	}
}

// unexported reports whether a method belongs to a type that users cannot name.
func unexported(recv *ast.FieldList) bool {
	if recv == nil {
		return false
	}
	of := recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	name, ok := of.(*ast.Ident)
	return ok && !name.IsExported()
}
