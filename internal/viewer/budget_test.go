package viewer

import (
	"io/fs"
	"strings"
	"testing"
)

// All pages together have one script and one style sheet, which stay small, and text
// becomes elements in one place only.
func TestAssetsKeepToTheirBudgets(t *testing.T) {
	loaded, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(loaded.script.gzipped); n > 12<<10 {
		t.Errorf("the script has %d bytes compressed, at most 12 KiB are allowed", n)
	}
	if n := len(loaded.style.gzipped); n > 8<<10 {
		t.Errorf("the styles have %d bytes compressed, at most 8 KiB are allowed", n)
	}
	names, err := fs.Glob(sources, "js/*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := sources.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, sink := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "DOMParser"} {
			if strings.Contains(string(text), sink) && name != "js/swap.js" {
				t.Errorf("%s names %s", name, sink)
			}
		}
	}
	t.Logf("script %d bytes, styles %d bytes, compressed", len(loaded.script.gzipped), len(loaded.style.gzipped))
}
