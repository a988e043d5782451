package archtest

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sdks are the libraries that modules of their own, below integrations, adapt. What
// begins as one of them is a version or a part of it.
var sdks = []string{
	"github.com/modelcontextprotocol/", "github.com/mark3labs/mcp-go",
	"github.com/cloudwego/", "github.com/tmc/langchaingo", "github.com/firebase/genkit", "google.golang.org/adk",
	"github.com/openai/", "github.com/sashabaranov/", "github.com/anthropics/", "google.golang.org/genai",
	"github.com/aws/", "cloud.google.com/", "github.com/ollama/",
}

// openTelemetry is bridged by a module of its own too, but parts of it come to the core
// with the actors, which count by it.
const openTelemetry = "go.opentelemetry.io/otel"

// sdkOf returns the library that a module belongs to, "" for none.
func sdkOf(module string) string {
	for _, sdk := range sdks {
		if strings.HasPrefix(module, sdk) {
			return sdk
		}
	}
	return ""
}

// requirements returns the paths of the modules that a go.mod names.
func requirements(t *testing.T, file string) []string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json", file)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go mod edit -json %s: %v\n%s", file, err, stderr.Bytes())
	}
	var mod struct{ Require []struct{ Path string } }
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatalf("go mod edit -json %s: %v", file, err)
	}
	var paths []string
	for _, r := range mod.Require {
		paths = append(paths, r.Path)
	}
	return paths
}

func TestCoreDependsOnNoSDK(t *testing.T) {
	t.Parallel()
	if err := declareInputs(); err != nil {
		t.Fatal(err)
	}
	core := requirements(t, filepath.Join(root, "go.mod"))
	if len(core) == 0 {
		t.Fatal("go.mod requires nothing: this is not the core module")
	}
	for _, path := range core {
		if sdk := sdkOf(path); sdk != "" {
			t.Errorf("go.mod requires %s (%s): adapters have modules of their own, below integrations", path, sdk)
		}
	}
}

// An adapter whose library is not on the list would not be missed in the core.
func TestEachIntegrationAdaptsALibraryOfTheList(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root, "integrations", "*", "go.mod"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no integrations: %v", err)
	}
	for _, file := range files {
		adapts := false
		for _, path := range requirements(t, file) {
			adapts = adapts || sdkOf(path) != "" || path == openTelemetry
		}
		if !adapts {
			t.Errorf("%s requires no library of the list: add it", file)
		}
	}
}
