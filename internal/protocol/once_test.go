package protocol_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/protocol"
)

// Names of the protocol are written in this package alone: elsewhere a header or an action
// that only the protocol has is a constant of this package. Tests and the programs that
// check the protocol from outside write them out on purpose.
func TestNamesOfTheProtocolAreWrittenHereAlone(t *testing.T) {
	names := map[string]bool{protocol.LargeLogEntity + "{": true}
	for _, header := range []string{
		protocol.HeaderKey, protocol.HeaderRepository, protocol.HeaderProducer, protocol.HeaderSeq, protocol.HeaderOrder,
		protocol.HeaderBehind, protocol.HeaderFragment, protocol.HeaderTrace, protocol.HeaderSession, protocol.HeaderGeneration,
	} {
		names[strings.ToLower(header)] = true
	}
	for a := protocol.Create; a.String() != "none"; a++ {
		if strings.Contains(a.String(), "-") {
			names[a.String()] = true
		}
	}
	const root = "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if d.IsDir() {
			switch filepath.ToSlash(rel) {
			case "internal/protocol", "internal/harness", "internal/conformance", "internal/storetest", "internal/sdktest", "bench", "browser":
				return fs.SkipDir
			}
			if strings.HasPrefix(d.Name(), ".") && rel != "." {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if value, err := strconv.Unquote(lit.Value); err == nil && names[strings.ToLower(value)] {
					t.Errorf("%s: %s is a name of the protocol: use its constant", fset.Position(lit.Pos()), lit.Value)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
