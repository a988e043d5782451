package delivery

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/messages"
)

// BenchmarkDeliver measures the cost of delivery per entry of 500 bytes, from Append to
// the acknowledgement of a client that takes no time.
func BenchmarkDeliver(b *testing.B) {
	for _, where := range []string{"memory", "disk"} {
		b.Run(where, func(b *testing.B) {
			c := spool.Config{Target: repository}
			if where == "disk" {
				c.Dir = b.TempDir() + "/spool"
			}
			sp, err := spool.Open(c)
			if err != nil {
				b.Fatal(err)
			}
			s := Start(Config{Repository: repository, Spool: sp, Backend: &fakeBackend{}, Age: time.Second})
			entries := make([]messages.Entry, 512)
			for i := range entries {
				entries[i].Line = bytes.Repeat([]byte("x"), 500)
			}
			b.SetBytes(500)
			b.ReportAllocs()
			for left := b.N; left > 0; left -= len(entries) {
				s.Append(entries[:min(left, len(entries))])
			}
			if err := s.Close(context.Background(), true); err != nil {
				b.Fatal(err)
			}
		})
	}
}
