package browser

import (
	"fmt"
	"testing"
	"time"

	"github.com/troupelog/troupe/browser/internal/chrome"
	"github.com/troupelog/troupe/browser/internal/site"
)

// The live page shows what is logged while it is open, without being loaded anew, and
// goes on by itself when the program was killed and is there again.
func TestLiveFollowsAndConnectsAgain(t *testing.T) {
	own, err := site.Start(t.Context(), "..")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := own.Stop(); err != nil {
			t.Error(err)
		}
	}()
	begin := func(name string) {
		t.Helper()
		line := fmt.Sprintf(`trace{id=%s,action=create,data={"name":"%s","startTimestamp":"%s"}}`, name, name, time.Now().UTC().Format(time.RFC3339Nano))
		if err := own.Post(t.Context(), "following", []string{line}); err != nil {
			t.Fatal(err)
		}
	}
	begin("first")
	tab, err := chrom.Open(own.URL, chrome.View{Width: 1440, Height: 900})
	if err != nil {
		t.Fatal(err)
	}
	defer tab.Close()
	if err := tab.Go("/live?repo=following"); err != nil {
		t.Fatal(err)
	}
	shows := func(name string) {
		t.Helper()
		if err := tab.Wait(`[...document.querySelectorAll('[data-live] a')].some(a => a.textContent === '` + name + `')`); err != nil {
			t.Fatal(err)
		}
	}
	says := func(text string) {
		t.Helper()
		if err := tab.Wait(`document.querySelector('[data-state]').textContent.startsWith('` + text + `')`); err != nil {
			t.Fatal(err)
		}
	}
	shows("first")
	says("following")
	begin("second")
	shows("second")
	if err := own.Kill(); err != nil {
		t.Fatal(err)
	}
	says("lost")
	if err := own.Restart(); err != nil {
		t.Fatal(err)
	}
	says("following")
	begin("third")
	shows("third")
	shows("first")
}
