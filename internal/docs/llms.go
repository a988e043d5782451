package docs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// userPages returns the pages for users, in the order in which docs/README.md links to them.
func userPages(index string, pages []Page) []Page {
	byPath := map[string]Page{}
	for _, p := range pages {
		byPath[p.Path] = p
	}
	found := []Page{byPath["README.md"]}
	for _, m := range pageLink.FindAllStringSubmatch(index, -1) {
		page, ok := byPath["docs/"+m[1]]
		if ok && !strings.HasPrefix(m[1], "internals/") && !slices.Contains(found, page) {
			found = append(found, page)
		}
	}
	return found
}

var (
	pageLink  = regexp.MustCompile(`\]\(([a-z/-]+\.md)\)`)
	heading   = regexp.MustCompile(`(?m)^# (.+)$`)
	anyLink   = regexp.MustCompile(`\[([^\]]+)\]\([^)]*\)`)
	imageLink = regexp.MustCompile(`!\[[^\]]*\]\([^)]*\)`)
)

// titleOf returns the heading of a page and the first sentence below it.
func titleOf(p Page) (title, about string) {
	m := heading.FindStringSubmatchIndex(p.Text)
	if m == nil {
		return p.Path, ""
	}
	title = p.Text[m[2]:m[3]]
	for paragraph := range strings.SplitSeq(p.Text[m[1]:], "\n\n") {
		paragraph = strings.TrimSpace(paragraph)
		if paragraph == "" || strings.ContainsAny(paragraph[:1], "#|`<![-") {
			continue
		}
		about = strings.Join(strings.Fields(anyLink.ReplaceAllString(paragraph, "$1")), " ")
		about = strings.ReplaceAll(about, "**", "")
		if first, _, ok := strings.Cut(about, ". "); ok {
			about = first + "."
		}
		return title, about
	}
	return title, ""
}

// llmsIndex returns llms.txt (llmstxt.org): a sentence about the project, and a line for
// each page.
func llmsIndex(pages []Page) string {
	var b strings.Builder
	title, about := titleOf(pages[0])
	fmt.Fprintf(&b, "# %s\n\n> %s\n\n## Documentation\n\n", title, about)
	for _, p := range pages[1:] {
		title, about := titleOf(p)
		fmt.Fprintf(&b, "- [%s](%s): %s\n", title, p.Path, about)
	}
	return b.String()
}

// llmsFull returns llms-full.txt: the text of all pages for users, without pictures.
func llmsFull(pages []Page) string {
	var b strings.Builder
	for _, p := range pages {
		text := strings.TrimPrefix(imageLink.ReplaceAllString(p.Text, ""), generated)
		fmt.Fprintf(&b, "<!-- %s -->\n\n%s\n\n", p.Path, strings.TrimSpace(text))
	}
	return b.String()
}
