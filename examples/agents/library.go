package main

import (
	"cmp"
	"errors"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"
	"unicode"
)

// library holds documents, cut at their headings, ready to be searched. It does not
// change once it is open, so all agents may use it at the same time.
type library struct {
	files    map[string]string // text by path
	sections []section
	words    []map[string]int // by section: how often each word is in it
	lengths  []int            // by section: words
	in       map[string]int   // by word: sections that have it
	length   float64          // words of a section on average
}

// section is a part of a document.
type section struct{ file, heading, text string }

// hit is a section that was found.
type hit struct {
	File    string  `json:"file"`
	Heading string  `json:"heading"`
	Text    string  `json:"text"`
	Score   float64 `json:"score"`
}

// openLibrary reads all Markdown files of a folder and of those in it.
func openLibrary(docs fs.FS) (*library, error) {
	l := &library{files: map[string]string{}, in: map[string]int{}}
	err := fs.WalkDir(docs, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".md" {
			return err
		}
		text, err := fs.ReadFile(docs, name)
		if err != nil {
			return err
		}
		l.add(name, string(text))
		return nil
	})
	if err == nil && len(l.sections) == 0 {
		err = errors.New("no Markdown files there")
	}
	return l, err
}

// add cuts a document into sections and counts their words.
func (l *library) add(file, text string) {
	l.files[file] = text
	heading, body := "", ""
	flush := func() {
		words := terms(heading + " " + body)
		if len(words) == 0 {
			return
		}
		counts := map[string]int{}
		for _, w := range words {
			if counts[w]++; counts[w] == 1 {
				l.in[w]++
			}
		}
		before := float64(len(l.sections))
		l.length = (l.length*before + float64(len(words))) / (before + 1)
		l.sections = append(l.sections, section{file, heading, strings.TrimSpace(body)})
		l.words, l.lengths = append(l.words, counts), append(l.lengths, len(words))
	}
	fenced := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if !fenced && strings.HasPrefix(line, "#") {
			flush()
			heading, body = strings.TrimSpace(strings.TrimLeft(line, "#")), ""
			continue
		}
		body += line
	}
	flush()
}

// terms returns the words of a text in lower case.
func terms(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// The usual parameters of BM25: how soon further occurrences of a word stop to count,
// and how much long sections are held back.
const (
	saturation = 1.2
	balance    = 0.75
)

// search returns the n best sections for a query, best first, by Okapi BM25
// (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009). Sections that
// have none of its words are not among them.
func (l *library) search(query string, n int) []hit {
	scores := make([]float64, len(l.sections))
	for _, word := range terms(query) {
		rarity := math.Log(1 + (float64(len(l.sections)-l.in[word])+0.5)/(float64(l.in[word])+0.5))
		for i, counts := range l.words {
			often := float64(counts[word])
			long := 1 - balance + balance*float64(l.lengths[i])/l.length
			scores[i] += rarity * often * (saturation + 1) / (often + saturation*long)
		}
	}
	found := []hit{}
	for i, s := range l.sections {
		if scores[i] > 0 {
			found = append(found, hit{s.file, s.heading, s.text, scores[i]})
		}
	}
	slices.SortStableFunc(found, func(a, b hit) int { return cmp.Compare(b.Score, a.Score) })
	return found[:min(n, len(found))]
}
