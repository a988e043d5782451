package diff

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/fold"
)

// prose returns words of a small vocabulary in lines, size bytes in all.
func prose(r *rand.Rand, size int, lines bool) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "word%d", r.IntN(500))
		if lines && i%12 == 11 {
			b.WriteByte('\n')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()[:size]
}

// BenchmarkTexts compares two texts of 64 KB. The budget is 200 ms.
func BenchmarkTexts(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	text := prose(r, 64<<10, true)
	words := strings.Split(text, " ")
	for i := 0; i < len(words); i += 20 {
		words[i] = "other"
	}
	for name, texts := range map[string][2]string{
		"edited":     {text, strings.Join(words, " ")},
		"unrelated":  {text, prose(r, 64<<10, true)},
		"one_line":   {prose(r, 64<<10, false), prose(r, 64<<10, false)},
		"characters": {strings.Repeat("ab.", 64<<10/3), strings.Repeat("b.a,", 64<<10/4)},
		"lines":      {strings.Repeat("a\nb\n\n", 64<<10/5), strings.Repeat("b\n\na\na\n", 64<<10/7)},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Texts(texts[0], texts[1])
			}
		})
	}
}

// BenchmarkTraces compares two traces of 2,000 nodes. The budget is 200 ms.
func BenchmarkTraces(b *testing.B) {
	tree := func(run string) *fold.Node {
		trace := node("trace", "t")
		for i := range 200 {
			span := node("span", fmt.Sprint("step", i%17))
			for j := range 8 {
				span.Children = append(span.Children, node("tool_call", fmt.Sprint("tool", j%3)))
			}
			g := generation("g", 0, says("user", strings.Repeat("text ", 200)), says("user", run))
			g.Result = raw(`{"id":"` + run + `","choices":[{"message":{"role":"assistant","content":"done"}}]}`)
			span.Children = append(span.Children, g)
			trace.Children = append(trace.Children, span)
		}
		return trace
	}
	one, other := tree("1"), tree("2")
	b.ReportAllocs()
	for b.Loop() {
		Traces(one, other)
	}
}

// BenchmarkGenerations compares two calls of 200 messages of 2 KB, a quarter of which
// changed, and half of which are only in one.
func BenchmarkGenerations(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	a, other := generation("a", 0), generation("b", 0)
	for i := range 200 {
		text := prose(r, 2000, true)
		a.Messages = append(a.Messages, says("user", text))
		switch i % 4 {
		case 0:
			text = strings.ReplaceAll(text, "word1", "other1")
		case 1:
			text = prose(r, 2000, true)
		}
		other.Messages = append(other.Messages, says("user", text))
	}
	b.ReportAllocs()
	for b.Loop() {
		Generations(a, other)
	}
}
