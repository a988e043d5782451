package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/store"
)

// Search is a store.Search with its files, open without a cluster.
type Search interface {
	store.Search
	store.Pruner
	Close() error
}

// OpenSearch opens the search whose files are in dir, or creates it there.
type OpenSearch func(ctx context.Context, dir string) (Search, error)

// RunSearch runs the suite of a Search, each case on a new one.
func RunSearch(t *testing.T, open OpenSearch) {
	cases := []struct {
		name string
		run  func(*searching)
	}{
		{"words, phrases and what is excluded", searchTerms},
		{"operators and odd bytes are plain text", searchPlainText},
		{"writing without spaces, accents and vowel points", searchScripts},
		{"pages follow one another", searchPages},
		{"a range of time bounds", searchTimes},
		{"repositories are searched apart", searchRepos},
		{"only the next step is added", searchStale},
		{"a step may end months later", searchMonths},
		{"what was added survives closing", searchReopen},
		{"resetting and adding again is equal", searchReset},
		{"what was dropped is hidden", searchForget},
		{"too long a query is an error", searchTooLong},
		{"a closed search says so", searchClosed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &searching{T: t, open: open, dir: t.TempDir(), recv: start}
			s.reopen()
			t.Cleanup(func() {
				if err := s.search.Close(); err != nil {
					t.Error(err)
				}
			})
			c.run(s)
		})
	}
}

// searching is an open search in a test.
type searching struct {
	*testing.T
	open   OpenSearch
	dir    string
	search Search
	block  int64     // the last one
	recv   time.Time // of the next one
}

func (s *searching) reopen() {
	s.Helper()
	var err error
	if s.search, err = s.open(context.Background(), s.dir); err != nil {
		s.Fatal(err)
	}
}

// texts makes a block of a repository's texts.
func (s *searching) texts(repo string, texts ...string) []store.TextAt {
	s.block++
	block := make([]store.TextAt, len(texts))
	for i, text := range texts {
		block[i] = store.TextAt{Loc: store.Loc{Block: s.block, Index: i}, Repo: repo, Recv: s.recv, Text: text}
	}
	return block
}

// add adds blocks to the search.
func (s *searching) add(blocks ...[]store.TextAt) {
	s.Helper()
	from, err := s.search.Cursor(s.Context())
	if err == nil {
		err = s.search.Add(s.Context(), slices.Concat(blocks...), from, store.Cursor(s.block))
	}
	if err != nil {
		s.Fatal(err)
	}
}

// find returns the places of hits, as "block/index" with spaces between them.
func (s *searching) find(q store.SearchQuery) string {
	s.Helper()
	if q.Repo == "" {
		q.Repo = "repo"
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	hits, err := s.search.Find(s.Context(), q)
	if err != nil {
		s.Fatal(err)
	}
	var at []string
	for _, h := range hits {
		at = append(at, fmt.Sprintf("%d/%d", h.Block, h.Index))
	}
	return strings.Join(at, " ")
}

func (s *searching) want(want string, q store.SearchQuery) {
	s.Helper()
	if got := s.find(q); got != want {
		s.Errorf("%+v finds %q, want %q", q, got, want)
	}
}

func words(w ...string) store.SearchQuery { return store.SearchQuery{Words: w} }

func searchTerms(s *searching) {
	s.add(s.texts("repo", "The quick brown fox", "", "quick, quick: the fox is brown"), s.texts("repo", "a brown quick", "gpt-4o-mini"))
	s.want("2/0 1/2 1/0", words("QUICK"))
	s.want("1/2 1/0", words("fox", "Quick"))
	s.want("1/0", store.SearchQuery{Phrases: []string{"quick brown"}})
	s.want("2/0", store.SearchQuery{Phrases: []string{"brown quick"}})
	s.want("1/2", store.SearchQuery{Words: []string{"brown"}, Phrases: []string{"the fox"}})
	s.want("2/0 1/2", store.SearchQuery{Words: []string{"quick"}, Not: []string{"quick brown"}})
	s.want("2/0", store.SearchQuery{Words: []string{"quick"}, Not: []string{"fox", "nothing"}})
	s.want("2/1", words("gpt-4o"))
	s.want("", words("gpt-mini"))
	s.want("", words("qui"))
	s.want("", words())
	s.want("", store.SearchQuery{Not: []string{"quick"}})
}

func searchPlainText(s *searching) {
	s.add(s.texts("repo", `say "hello" OR goodbye`, "a AND b NEAR(c, 5)", "t:col ^first pre*", "nul\x00byte \xff\xfeend", "minus -one"))
	s.want("1/0", words(`"hello"`))
	s.want("1/0", words("hello", "OR", "goodbye"))
	s.want("1/1", words("NEAR(c, 5)"))
	s.want("1/1", words("AND"))
	s.want("1/2", words("t:col"))
	s.want("1/2", words("pre*"))
	s.want("", words("pr*"))
	s.want("1/3", words("nul\x00byte"))
	s.want("1/3", words("\xff\xfeend"))
	s.want("1/4", words("-one"))
	s.want("1/4", words("minus", "!!!", "\x00"))
	s.want("1/4", store.SearchQuery{Words: []string{"minus"}, Not: []string{`"`, "("}})
	for _, odd := range []string{"", " ", `"`, `""`, "*", "(", ")", "'", "\x00", "\xff", "^", "-", "NOT", "…"} {
		s.want("", words(odd))
		s.want("", store.SearchQuery{Phrases: []string{odd}})
	}
}

func searchScripts(s *searching) {
	s.add(s.texts("repo", "私は東京都に住んでいます", "서울에 살아요", "ฉันรักกรุงเทพ", "مَرْحَبًا بِالعالَم", "Crème BRÛLÉE in Ångström", "हिन्दी में"))
	s.want("1/0", words("東京"))
	s.want("1/0", words("京都"))
	s.want("", words("東都"))
	s.want("1/0", words("住んで"))
	s.want("1/1", words("울에"))
	s.want("1/2", words("รัก"))
	s.want("1/3", words("مرحبا"))
	s.want("1/3", words("بالعالم"))
	s.want("1/4", words("creme", "brulee", "angstrom"))
	s.want("1/4", words("CRE\u0300ME"))
	s.want("1/5", words("हिन्दी"))
}

func searchPages(s *searching) {
	for range 7 {
		s.add(s.texts("repo", "needle", "hay", "needle"), s.texts("other", "needle"))
	}
	var pages []string
	q := store.SearchQuery{Repo: "repo", Words: []string{"needle"}, Limit: 4}
	for range 10 {
		hits, err := s.search.Find(s.Context(), q)
		if err != nil {
			s.Fatal(err)
		}
		if len(hits) == 0 {
			break
		}
		page := ""
		for _, h := range hits {
			page += fmt.Sprintf("%d/%d ", h.Block, h.Index)
			q.After = h.Loc
		}
		pages = append(pages, page)
		s.add(s.texts("repo", "a needle that comes meanwhile"))
	}
	want := []string{"13/2 13/0 11/2 11/0 ", "9/2 9/0 7/2 7/0 ", "5/2 5/0 3/2 3/0 ", "1/2 1/0 "}
	if diff := cmp.Diff(want, pages); diff != "" {
		s.Errorf("pages: -want +got:\n%s", diff)
	}
}

func searchTimes(s *searching) {
	for i := range 4 {
		s.recv = start.Add(time.Duration(i) * 20 * 24 * time.Hour)
		s.add(s.texts("repo", "needle"), s.texts("repo", "needle"))
	}
	day := func(n int) time.Time { return start.Add(time.Duration(n) * 24 * time.Hour) }
	s.want("8/0 7/0 6/0 5/0 4/0 3/0", store.SearchQuery{Words: []string{"needle"}, From: day(20)})
	s.want("2/0 1/0", store.SearchQuery{Words: []string{"needle"}, To: day(20)})
	s.want("6/0 5/0 4/0 3/0", store.SearchQuery{Words: []string{"needle"}, From: day(19), To: day(41)})
	s.want("5/0", store.SearchQuery{Words: []string{"needle"}, From: day(19), To: day(41), After: store.Loc{Block: 6}, Limit: 1})
	s.want("", store.SearchQuery{Words: []string{"needle"}, From: day(21), To: day(39)})
	s.want("", store.SearchQuery{Words: []string{"needle"}, From: day(61)})
	hits, err := s.search.Find(s.Context(), store.SearchQuery{Repo: "repo", Words: []string{"needle"}, Limit: 1})
	if err != nil || len(hits) != 1 || !hits[0].Recv.Equal(day(60)) {
		s.Errorf("%v, %v; want one hit received at %v", hits, err, day(60))
	}
}

func searchRepos(s *searching) {
	s.add(s.texts("b", "needle"), s.texts("a", "needle"), s.texts("b", "hay"), s.texts("a", "needle"))
	s.want("4/0 2/0", store.SearchQuery{Repo: "a", Words: []string{"needle"}})
	s.want("1/0", store.SearchQuery{Repo: "b", Words: []string{"needle"}})
	s.want("", store.SearchQuery{Repo: "c", Words: []string{"needle"}})
}

func searchStale(s *searching) {
	s.add(s.texts("repo", "one"))
	two := s.texts("repo", "two")
	for _, from := range []store.Cursor{0, 2} {
		if err := s.search.Add(s.Context(), two, from, 2); !errors.Is(err, store.ErrStale) {
			s.Errorf("adding from %d: %v, want ErrStale", from, err)
		}
	}
	s.want("", words("two"))
	s.add(two)
	s.want("2/0", words("two"))
}

func searchMonths(s *searching) {
	first := s.texts("repo", "needle one")
	s.recv = s.recv.AddDate(0, 1, 0)
	second := s.texts("repo", "needle two")
	s.recv = s.recv.AddDate(1, 0, 0)
	s.add(first, second, s.texts("repo", "needle three"))
	s.want("3/0 2/0 1/0", words("needle"))
	s.want("2/0", words("needle", "two"))
	s.block += 5 // blocks that say nothing
	s.add()
	s.again()
	if at, err := s.search.Cursor(s.Context()); err != nil || at != 8 {
		s.Errorf("the cursor is %d, %v; want 8", at, err)
	}
}

func (s *searching) again() {
	s.Helper()
	if err := s.search.Close(); err != nil {
		s.Fatal(err)
	}
	s.reopen()
}

func searchReopen(s *searching) {
	s.add(s.texts("repo", "needle"))
	s.again()
	s.add(s.texts("other", "needle"), s.texts("repo", "needle"))
	s.want("3/0 1/0", words("needle"))
}

func searchReset(s *searching) {
	var blocks [][]store.TextAt
	for i := range 20 {
		s.recv = s.recv.Add(5 * 24 * time.Hour)
		blocks = append(blocks, s.texts("repo", fmt.Sprintf("needle number%d", i%3), "hay"))
	}
	s.add(blocks...)
	before := s.find(words("needle")) + s.find(words("number1"))
	if err := s.search.Reset(s.Context()); err != nil {
		s.Fatal(err)
	}
	s.want("", words("needle"))
	s.block = 0
	for _, b := range blocks {
		s.block++
		s.add(b)
	}
	if after := s.find(words("needle")) + s.find(words("number1")); after != before {
		s.Errorf("found %s, and after a reset %s", before, after)
	}
}

func searchForget(s *searching) {
	for range 6 {
		s.add(s.texts("repo", "needle"))
		s.recv = s.recv.AddDate(0, 0, 14)
	}
	for before, want := range []string{"6/0 5/0 4/0 3/0 2/0 1/0", "6/0 5/0 4/0 3/0 2/0", "6/0 5/0 4/0 3/0", "6/0 5/0 4/0", "6/0 5/0", "6/0", ""} {
		if err := s.search.Prune(s.Context(), store.Cursor(before)); err != nil {
			s.Fatal(err)
		}
		s.want(want, words("needle"))
	}
	if err := s.search.Prune(s.Context(), 3); err != nil {
		s.Fatal(err)
	}
	s.want("", words("needle"))
	s.again()
	s.want("", words("needle"))
	s.add(s.texts("repo", "needle"))
	s.want("7/0", words("needle"))
}

func searchTooLong(s *searching) {
	s.add(s.texts("repo", strings.Repeat("many words ", 10000)))
	for _, q := range []store.SearchQuery{
		words(strings.Split(strings.Repeat("w ", store.MaxTerms+1), " ")...), words(strings.Repeat("w", store.MaxTermsBytes+1)),
	} {
		q.Repo, q.Limit = "repo", 1
		if _, err := s.search.Find(s.Context(), q); !errors.Is(err, store.ErrQuery) {
			s.Errorf("a long query: %v, want ErrQuery", err)
		}
	}
	s.want("1/0", words(strings.Repeat("many words ", store.MaxTermsBytes/11)))
	s.want("1/0", words(strings.Split(strings.Repeat("many ", store.MaxTerms-1), " ")...))
}

func searchClosed(s *searching) {
	s.add(s.texts("repo", "needle"))
	if err := s.search.Close(); err != nil {
		s.Fatal(err)
	}
	ctx := context.Background()
	_, cursorErr := s.search.Cursor(ctx)
	_, findErr := s.search.Find(ctx, store.SearchQuery{Repo: "repo", Words: []string{"needle"}, Limit: 1})
	for name, err := range map[string]error{
		"Cursor": cursorErr, "Find": findErr, "Add": s.search.Add(ctx, nil, 1, 2),
		"Prune": s.search.Prune(ctx, 1), "Reset": s.search.Reset(ctx),
	} {
		if !errors.Is(err, store.ErrClosed) {
			s.Errorf("%s returned %v, want ErrClosed", name, err)
		}
	}
}
