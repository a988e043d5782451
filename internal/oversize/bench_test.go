package oversize_test

import (
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/oversize"
)

// What it takes to pass a request of 8 MiB through a filter.
func BenchmarkFilter(b *testing.B) {
	for name, value := range map[string]string{"picture": picture(6 << 20), "text": strings.Repeat("some words ", 8<<20/11)} {
		body := encode(map[string]any{"messages": []message{{"user", value}}})
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				f := oversize.NewFilter(4<<20, 900)
				f.Write(body)
			}
		})
	}
}

func BenchmarkMeasure(b *testing.B) {
	v := map[string]any{"role": "user", "content": []any{map[string]any{"type": "text", "text": "hello"}}, "n": 1}
	b.ReportAllocs()
	for b.Loop() {
		oversize.Measure(v, 1000)
	}
}
