package docs

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the module's folder, as seen from this package.
const root = "../.."

func pages(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if err == nil && strings.HasSuffix(path, ".md") {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) < 5 {
		t.Fatalf("%d pages found, %v", len(found), err)
	}
	return found
}

var goBlock = regexp.MustCompile("(?s)```go\n(package main\n.*?)```")

// Every Go program in a page is built as it stands, within this module.
func TestProgramsInPagesCompile(t *testing.T) {
	built := 0
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range goBlock.FindAllStringSubmatch(string(text), -1) {
			built++
			t.Run(fmt.Sprintf("%s/%d", filepath.Base(page), i), func(t *testing.T) { build(t, block[1]) })
		}
	}
	if built == 0 {
		t.Error("no program was found: the README's example is gone")
	}
}

var discardedClose = regexp.MustCompile(`(?m)^\s*(?:defer )?\w+\.(?:Close|Shutdown)\((?:ctx|context\.Background\(\))\)$`)

// The error of Close says how many entries are not delivered and where they are: no page
// shows a program that discards it.
func TestNoPageDiscardsTheErrorOfClose(t *testing.T) {
	checked := 0
	for _, page := range pages(t) {
		if !strings.Contains(page, "/docs/") && !strings.Contains(page, "/integrations/") {
			continue
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		checked++
		for _, line := range discardedClose.FindAllString(string(text), -1) {
			t.Errorf("%s discards an error: %s", page, strings.TrimSpace(line))
		}
	}
	if checked < 5 {
		t.Errorf("only %d pages were checked", checked)
	}
}

func build(t *testing.T, program string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	module, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	// The overlay puts the program into the module without writing there.
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(module, "internal", "docs", "snippet", "main.go"): file}})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", list, "-o", filepath.Join(dir, "out"), "./internal/docs/snippet")
	cmd.Dir = module
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)

func TestLinksInPagesLeadSomewhere(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			}
		}
	}
}
