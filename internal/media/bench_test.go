package media_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/media"
)

func BenchmarkExtract(b *testing.B) {
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 90)
	megabyte := base64.StdEncoding.EncodeToString(make([]byte, 1<<20))
	for name, message := range map[string]string{
		"none":   `{"role":"user","content":"` + text + `"}`,
		"url":    `{"role":"user","content":[{"type":"text","text":"` + text + `"},{"type":"image_url","image_url":{"url":"https://a.test/b.png"}}]}`,
		"1MiB":   `{"role":"user","content":[{"type":"text","text":"` + text + `"},{"type":"image_url","image_url":{"url":"data:image/png;base64,` + megabyte + `"}}]}`,
		"spared": `{"role":"user","content":"` + text + `","name":"image"}`,
	} {
		b.Run(name, func(b *testing.B) {
			given := []byte(message)
			b.SetBytes(int64(len(given)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := media.Extract(given); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
