package docs

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var packageName = regexp.MustCompile("`([a-z0-9/]+(?:/…)?)`")

// onMap returns the packages in the first column of the table in docs/internals/architecture.md. One
// that ends in "/…" covers everything below.
func onMap(t *testing.T) []string {
	t.Helper()
	var names []string
	for line := range strings.Lines(section(t, "docs/internals/architecture.md", "## Layout and imports")) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, m := range packageName.FindAllStringSubmatch(cells[1], -1) {
				names = append(names, m[1])
			}
		}
	}
	return names
}

func TestEveryPackageIsOnTheMap(t *testing.T) {
	names := onMap(t)
	var folders []string
	for _, s := range allSources(t) {
		if !slices.Contains(folders, s.Folder()) {
			folders = append(folders, s.Folder())
		}
	}
	covers := func(name, folder string) bool {
		top, all := strings.CutSuffix(name, "/…")
		below := strings.HasPrefix(folder, top+"/")
		return folder == top || all && below || below && slices.Contains(notPublic, top)
	}
	for _, folder := range folders {
		if !slices.ContainsFunc(names, func(name string) bool { return covers(name, folder) }) {
			t.Errorf("%s is not in the table of packages in docs/internals/architecture.md", folder)
		}
	}
	for _, name := range names {
		if path.Base(name) == "tools" { // only go.mod
			continue
		}
		if !slices.ContainsFunc(folders, func(folder string) bool { return covers(name, folder) }) {
			t.Errorf("docs/internals/architecture.md names the package %s, which does not exist", name)
		}
	}
}
