package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/transport"
)

// text is a string in the source of a package.
type text struct {
	value string
	at    token.Position
}

// source is what is known of the packages below a folder, tests left out.
type source struct {
	texts  []text
	names  map[string]bool   // of package level
	fields []text            // names of fields in composite literals of ConfigError
	reads  []ast.Expr        // arguments of Getenv
	values map[string]string // of constants and variables that are strings
	name   string            // of the package in the folder itself
}

func readSource(t *testing.T, folder string, below bool) *source {
	t.Helper()
	s := &source{names: map[string]bool{}, values: map[string]string{}, name: filepath.Base(folder)}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != folder && (!below || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		s.add(set, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.texts) < 10 {
		t.Fatalf("%s has %d texts", folder, len(s.texts))
	}
	return s
}

func (s *source) add(set *token.FileSet, file *ast.File) {
	for name := range file.Scope.Objects {
		s.names[name] = true
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec, *ast.Field:
			return n == nil || !isTagged(n)
		case *ast.BasicLit:
			if value, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
				s.texts = append(s.texts, text{value, set.Position(n.Pos())})
			}
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if i < len(n.Values) {
					if lit, ok := n.Values[i].(*ast.BasicLit); ok {
						s.values[name.Name], _ = strconv.Unquote(lit.Value) // no string: nobody asks for it
					}
				}
			}
		case *ast.CompositeLit:
			s.addField(set, n)
		case *ast.CallExpr:
			if name := calledName(n); (name == "Getenv" || name == "getenv" || name == "LookupEnv") && len(n.Args) == 1 {
				s.reads = append(s.reads, n.Args[0])
			}
		}
		return true
	})
}

// isTagged reports whether a node holds strings that nobody reads as text.
func isTagged(n ast.Node) bool {
	field, ok := n.(*ast.Field)
	return !ok || field.Tag != nil
}

func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// addField notes the field that a ConfigError names.
func (s *source) addField(set *token.FileSet, lit *ast.CompositeLit) {
	name, ok := lit.Type.(*ast.Ident)
	if !ok || name.Name != "ConfigError" || len(lit.Elts) == 0 {
		return
	}
	first := lit.Elts[0]
	if pair, ok := first.(*ast.KeyValueExpr); ok {
		first = pair.Value
	}
	if value, ok := first.(*ast.BasicLit); ok {
		field, _ := strconv.Unquote(value.Value) // it is a string
		s.fields = append(s.fields, text{field, set.Position(value.Pos())})
	}
}

// fieldsOf returns the names of the fields of a Config.
func fieldsOf(config any) map[string]bool {
	names := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeOf(config)) {
		names[f.Name] = f.IsExported()
	}
	return names
}

// commands returns a command and all below it, by their paths without "troupe".
func commands(c *cobra.Command) map[string]*cobra.Command {
	all := map[string]*cobra.Command{strings.TrimPrefix(strings.TrimPrefix(c.CommandPath(), "troupe"), " "): c}
	for _, sub := range c.Commands() {
		for path, c := range commands(sub) {
			all[path] = c
		}
	}
	return all
}

var (
	configName  = regexp.MustCompile(`\bConfig\.([A-Z]\w*)`)
	camelName   = regexp.MustCompile(`\b(?:[A-Z][a-z0-9]+){2,}\b|\b[A-Z][a-z]+(?:ID|URL)\b`)
	flagName    = regexp.MustCompile(`(?:^|[^\w-])--([a-z][a-z-]*[a-z])`)
	commandFlag = regexp.MustCompile(`troupe ([a-z]+(?: [a-z]+)?) --([a-z][a-z-]*[a-z])`)
	envName     = regexp.MustCompile(`\b(?:TROUPE|MAXIM)_[A-Z_]*[A-Z]\b`)
)

// What an error tells its reader to set, the reader can set: a field of the Config that
// was given, a flag, a variable that is read.
func TestSettingsThatTextsNameExist(t *testing.T) {
	const root = "../../"
	ofLogger, ofTransport, ofCollector := fieldsOf(logger.Config{}), fieldsOf(transport.Config{}), fieldsOf(collector.Config{})
	// The logger gives its reader the transport's reasons, and these the name ID for RepositoryID.
	ofBoth := map[string]bool{"RepositoryID": true}
	for name := range ofTransport {
		ofBoth[name] = ofBoth[name] || ofLogger[name]
	}
	byCommand := commands(rootCommand())
	isFlag := func(name string) bool {
		return slices.ContainsFunc(slices.Collect(maps.Values(byCommand)), func(c *cobra.Command) bool { return c.Flag(name) != nil })
	}
	type reader struct {
		folder string
		below  bool
		config map[string]bool
	}
	var all []*source
	readers := []reader{
		{"logger", false, ofLogger}, {"llm", false, ofLogger}, {"actors", false, ofLogger}, {"internal/delivery", false, ofLogger}, {"internal/spool", true, fieldsOf(spool.Config{})},
		{"transport", false, ofBoth}, {"collector", true, ofCollector}, {"internal/cli", false, ofLogger},
	}
	for _, r := range readers {
		all = append(all, readSource(t, root+r.folder, r.below))
	}
	read := variablesRead(all)
	found := 0
	for i, r := range readers {
		s := all[i]
		for _, field := range s.fields {
			found++
			if !r.config[field.value] {
				t.Errorf("%s: ConfigError names the field %s, which its reader does not have", field.at, field.value)
			}
		}
		for _, text := range s.texts {
			for _, match := range configName.FindAllStringSubmatch(text.value, -1) {
				found++
				if !r.config[match[1]] {
					t.Errorf("%s: %q names Config.%s, which its reader does not have", text.at, text.value, match[1])
				}
			}
			if strings.Contains(text.value, " ") && r.folder != "internal/cli" && !strings.Contains(text.at.Filename, "otlp") && !strings.Contains(text.at.Filename, "viewer") {
				for _, name := range camelName.FindAllString(text.value, -1) {
					if known := r.config[name] || s.names[name] && r.folder != "transport"; !known && !slices.Contains(elsewhere, name) {
						t.Errorf("%s: %q names %s, which its reader does not have", text.at, text.value, name)
					}
				}
			}
			if strings.HasPrefix(r.folder, "internal/cli") || r.folder == "collector" {
				for _, match := range flagName.FindAllStringSubmatch(text.value, -1) {
					found++
					if !isFlag(match[1]) {
						t.Errorf("%s: %q names --%s, which no command has", text.at, text.value, match[1])
					}
				}
			}
			for _, match := range commandFlag.FindAllStringSubmatch(text.value, -1) {
				if c := byCommand[match[1]]; c == nil || c.Flag(match[2]) == nil {
					t.Errorf("%s: %q names --%s of troupe %s, which there is not", text.at, text.value, match[2], match[1])
				}
			}
			for _, name := range envName.FindAllString(text.value, -1) {
				found++
				if !read[name] {
					t.Errorf("%s: %q names $%s, which nothing reads", text.at, text.value, name)
				}
			}
		}
	}
	if found < 100 {
		t.Errorf("only %d settings were found in texts", found)
	}
	t.Logf("%d settings are named", found)
}

// elsewhere are names in texts that are no settings.
var elsewhere = []string{"AddDestination", "RoundTripper", "DroppedBy", "ChaCha20"}

// variablesRead returns the variables of the environment that the sources read.
func variablesRead(all []*source) map[string]bool {
	byPackage := map[string]*source{}
	for _, s := range all {
		byPackage[s.name] = s
	}
	read := map[string]bool{}
	for _, s := range all {
		for _, e := range s.reads {
			switch e := e.(type) {
			case *ast.Ident:
				read[s.values[e.Name]] = true
			case *ast.SelectorExpr:
				if from, ok := e.X.(*ast.Ident); ok && byPackage[from.Name] != nil {
					read[byPackage[from.Name].values[e.Sel.Name]] = true
				}
			case *ast.BasicLit:
				name, _ := strconv.Unquote(e.Value) // it is a string
				read[name] = true
			}
		}
	}
	return read
}

// The same for what the pages say of flags and variables.
func TestSettingsThatPagesNameExist(t *testing.T) {
	byCommand := commands(rootCommand())
	var all []*source
	for _, folder := range []string{"logger", "internal/cli"} {
		all = append(all, readSource(t, "../../"+folder, false))
	}
	read := variablesRead(all)
	page, err := os.ReadFile("../../docs/collector.md")
	if err != nil {
		t.Fatal(err)
	}
	serve := byCommand["serve"]
	for _, match := range flagName.FindAllStringSubmatch(string(page), -1) {
		if serve.Flags().Lookup(match[1]) == nil && !slices.Contains([]string{"from", "chown"}, match[1]) {
			t.Errorf("docs/collector.md names --%s, which troupe serve does not have", match[1])
		}
	}
	for _, name := range envName.FindAllString(string(page), -1) {
		if !read[name] {
			t.Errorf("docs/collector.md names %s, which nothing reads", name)
		}
	}
	for _, match := range regexp.MustCompile(`(collector|logger)?\.?Config\.([A-Z]\w*)`).FindAllStringSubmatch(string(page), -1) {
		if !fieldsOf(logger.Config{})[match[2]] {
			t.Errorf("docs/collector.md names Config.%s, which the logger does not have", match[2])
		}
	}
}
