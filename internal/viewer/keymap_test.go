package viewer

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The page for help must list the keys that work, and no others.
func TestKeyMapIsWhatScriptsAndPagesDo(t *testing.T) {
	does := map[string]bool{}
	collect := func(text, pattern string) {
		t.Helper()
		found := regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1)
		if len(found) == 0 {
			t.Errorf("nothing is like %s: has it another form now?", pattern)
		}
		for _, m := range found {
			does[m[1]] = true
		}
	}
	read := func(files fs.FS, name string) string {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	// part returns what an object literal of a script holds.
	part := func(text, name string) string {
		found := regexp.MustCompile(`(?s)const ` + name + ` = \{(.*?)\n? *\};`).FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("no object %s", name)
		}
		return found[1]
	}
	const entry = `(?:^|[,\s]\s*)'?([^',\s{}()]|[A-Z]\w+| )'?: (?:\(\)|preview)`
	keys, tree := read(sources, "js/keys.js"), read(sources, "js/tree.js")
	collect(part(keys, "lists"), entry)
	collect(part(keys, "others"), entry)
	collect(part(tree, "always"), entry)
	collect(part(tree, "single"), entry)
	for _, m := range regexp.MustCompile(`(\w): '/`).FindAllStringSubmatch(part(keys+"\n", "places"), -1) {
		does["g "+m[1]] = true
	}
	pages, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		for _, m := range regexp.MustCompile(`data-key="([^"{]+)"`).FindAllStringSubmatch(read(pageFiles, page), -1) {
			does[m[1]] = true
		}
	}
	for _, z := range (*traceData)(nil).Zooms() {
		does[z.Key] = true
	}

	told := map[string]bool{}
	for _, group := range keyMap {
		for _, k := range group.Keys {
			for _, name := range k.Keys {
				told[name] = true
			}
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(does)), slices.Sorted(maps.Keys(told))); diff != "" {
		t.Errorf("what is done, and what people are told (+):\n%s", diff)
	}
}
