package formattest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// usageName matches the members of the usage objects of providers.
var usageName = regexp.MustCompile(`"(prompt_tokens|completion_tokens|prompt_tokens_details|completion_tokens_details|` +
	`input_tokens_details|output_tokens_details|cache_read_input_tokens|cache_creation_input_tokens|` +
	`promptTokenCount|candidatesTokenCount|thoughtsTokenCount|cachedContentTokenCount|` +
	`inputTokens|outputTokens|cacheReadInputTokens|cacheWriteInputTokens|prompt_eval_count|eval_count)[",]`)

// exempt are folders that write responses of providers to test or measure against, and those
// that still name counts; see the reason. The second kind may only become fewer.
var exempt = map[string]string{
	"bench":                "sample responses",
	"browser":              "sample responses",
	"examples":             "sample responses",
	"internal/demo":        "sample responses",
	"internal/harness":     "sample responses",
	"internal/modelserver": "sample responses",
	"internal/sdktest":     "sample responses",
	"internal/storetest":   "sample responses",
	"internal/conformance": "sample responses",
	"internal/docs":        "sample responses",
	"internal/otlp":        "still writes the usage of spans itself",
}

// TestUsageNamesAreInOnePackage fails if a package other than genai has the name of a
// provider's count in a string or a struct tag.
func TestUsageNamesAreInOnePackage(t *testing.T) {
	root := filepath.Join("..", "..")
	found := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		folder = filepath.ToSlash(folder)
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING && usageName.MatchString(literal.Value) {
				found[folder] = true
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !found["internal/genai"] {
		t.Error("genai has no names of counts: the pattern of this test is wrong")
	}
	for folder := range found {
		if folder != "internal/genai" && !isExempt(folder) {
			t.Errorf("%s has names of a provider's usage: take genai.ReadUsage or genai.EncodeUsage", folder)
		}
	}
}

func isExempt(folder string) bool {
	for known := range exempt {
		if folder == known || strings.HasPrefix(folder, known+"/") {
			return true
		}
	}
	return false
}
