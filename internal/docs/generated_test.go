package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Pages that are made from the code, and files that are made from pages, are what their
// sources say. -update writes them.
func TestGeneratedPagesAreCurrent(t *testing.T) {
	r := &repository{root: root}
	configuration, err := r.configurationPage()
	if err != nil {
		t.Fatal(err)
	}
	errors, err := r.errorsPage()
	if err != nil {
		t.Fatal(err)
	}
	current(t, "docs/reference/configuration.md", configuration)
	current(t, "docs/reference/errors.md", errors)

	pages, err := allPages(root)
	if err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile(filepath.Join(root, "docs", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	users := userPages(string(index), pages)
	if len(users) < 15 {
		t.Fatalf("docs/README.md links to %d pages for users only", len(users))
	}
	current(t, "llms.txt", llmsIndex(users))
	current(t, "llms-full.txt", llmsFull(users))
	for _, p := range users {
		if title, about := titleOf(p); title == p.Path || about == "" {
			t.Errorf("%s has no title, or no sentence below it", p.Path)
		}
	}
}

// current fails if a file does not have a text, or writes it with -update.
func current(t *testing.T, path, want string) {
	t.Helper()
	file := filepath.Join(root, filepath.FromSlash(path))
	got, err := os.ReadFile(file)
	if err == nil && string(got) == want {
		return
	}
	if !*update {
		t.Errorf("%s is not current, run: go test ./internal/docs -update", path)
		return
	}
	if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Pages for users have one job each: at most 900 words, and their first program or command
// within 20 lines. Reference pages are looked things up in, and generated ones are as long as
// their sources.
func TestPagesForUsersAreShort(t *testing.T) {
	pages, err := Pages(root)
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, p := range pages {
		if filepath.Dir(filepath.FromSlash(p.Path)) != "docs" || p.Path == "docs/README.md" {
			continue
		}
		checked++
		if n := len(strings.Fields(p.Text)); n > 900 {
			t.Errorf("%s has %d words, at most 900 allowed: give it one job", p.Path, n)
		}
		head, _, found := strings.Cut(p.Text, "```")
		if !found || strings.Count(head, "\n") > 20 {
			t.Errorf("%s shows no program or command within its first 20 lines", p.Path)
		}
	}
	if checked < 10 {
		t.Errorf("only %d pages were checked", checked)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(readme), "\n"); n > 120 {
		t.Errorf("README.md has %d lines, at most 120 allowed", n)
	}
}
