package docs

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// notPublic lists the top folders with programs and measurements, which nobody imports.
var notPublic = []string{"bench", "browser", "cmd", "examples", "tools"}

// parsed holds the Go files of the repository, which several tests read.
var parsed = sync.OnceValues(func() ([]Source, error) { return Sources(root) })

// allSources returns the Go files of the repository.
func allSources(t *testing.T) []Source {
	t.Helper()
	sources, err := parsed()
	if err != nil || len(sources) < 100 {
		t.Fatalf("%d Go files found, %v", len(sources), err)
	}
	return sources
}

// publicAPI returns the lines of every package that users can import, by the file in api
// that records them.
func publicAPI(t *testing.T) map[string][]string {
	t.Helper()
	repo, found := &repository{root: root}, map[string][]string{}
	for _, s := range allSources(t) {
		folder := s.Folder()
		top, _, _ := strings.Cut(folder, "/")
		if isInternal(folder) || slices.Contains(notPublic, top) || found[apiFile(folder)] != nil {
			continue
		}
		lines, err := repo.API(folder)
		if err != nil {
			t.Fatalf("list the API of %s: %v", folder, err)
		}
		found[apiFile(folder)] = lines
	}
	if len(found) < 10 {
		t.Fatalf("only %d public packages found", len(found))
	}
	return found
}

// The files in api hold the exported API, so that every change to it shows in a diff.
func TestAPIIsRecorded(t *testing.T) {
	apis := publicAPI(t)
	recorded, err := filepath.Glob(filepath.Join(root, "api", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range recorded {
		rel := "api/" + filepath.Base(file)
		if apis[rel] == nil {
			if !*update {
				t.Errorf("%s records a package that is gone; run: go test ./internal/docs -update", rel)
			} else if err := os.Remove(file); err != nil {
				t.Error(err)
			}
		}
	}
	for _, rel := range slices.Sorted(maps.Keys(apis)) {
		file := filepath.Join(root, rel)
		if *update {
			if err := os.WriteFile(file, []byte(strings.Join(apis[rel], "\n")+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if diff := lineDiff(strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), apis[rel]); diff != "" {
			t.Errorf("the exported API differs from %s:\n%sIf it should, run: go test ./internal/docs -update\nand add a line to CHANGELOG.md.", rel, diff)
		}
	}
}

// lineDiff returns the lines that only one of two sorted lists holds, marked - and +.
func lineDiff(recorded, present []string) string {
	var out strings.Builder
	for _, line := range slices.Sorted(slices.Values(slices.Concat(recorded, present))) {
		switch was, is := slices.Contains(recorded, line), slices.Contains(present, line); {
		case was && !is:
			out.WriteString("- " + line + "\n")
		case is && !was:
			out.WriteString("+ " + line + "\n")
		}
	}
	return out.String()
}

func TestAPIListsEveryKindOfName(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"shop/a.go": `package shop

import (
	"io"

	"github.com/troupelog/troupe/internal/stock"
)

type Size int

const (
	Small Size = iota
	Large
	hidden
)

const Name = "shop"

var ErrClosed, other = make(error), 1

// Open opens.
//
// Deprecated: use [New].
func Open(name, place string, f func(n int) error) (s *Shop, err error)

func Map[K comparable, V any](m map[K]V) []V

type Shop struct {
	shelf
	*stock.Counter
	io.Closer
	Size, Weight int
	secret int
}

func (s *Shop) Sell(n int)
func (s Shop) private()

type shelf struct{ Height int }

func (s *shelf) Put(item string)
func (s *shelf) Sell(shadowed string)

type Buyer interface {
	Buy(n int) error
	pay()
}

type Item = stock.Item
`,
		"shop/a_test.go":      "package shop\n\nfunc Ignored()\n",
		"internal/stock/a.go": "package stock\n\ntype Counter struct{}\n\nfunc (c *Counter) Count() int\n\ntype Item struct{ Price int }\n",
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := (&repository{root: dir}).API("shop")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"const Large Size",
		`const Name = "shop"`,
		"const Small Size",
		"embeds Shop io.Closer",
		"field Item.Price int",
		"field Shop.Height int",
		"field Shop.Size int",
		"field Shop.Weight int",
		"func Map[K comparable, V any](map[K]V) []V",
		"func Open(string, string, func(int) error) (*Shop, error) // deprecated",
		"method (*Shop) Put(string)",
		"method (*Shop) Sell(int)",
		"method (Shop) Count() int",
		"method Buyer.Buy(int) error",
		"type Buyer interface, with unexported methods",
		"type Item = stock.Item",
		"type Shop struct",
		"type Size int",
		"var ErrClosed = make(…)",
	}
	if diff := lineDiff(want, got); diff != "" {
		t.Errorf("wrong lines:\n%s", diff)
	}
}
