package sqlite

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/store"
)

func TestRangesAgreeWithASetOfNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := map[uint64]bool{}
		var used []span
		for range rapid.IntRange(1, 20).Draw(t, "batches") {
			first := rapid.Uint64Range(1, 40).Draw(t, "first")
			want := span{first, first + rapid.Uint64Range(0, 9).Draw(t, "more")}
			var got, expected []uint64
			for _, p := range fresh(want, used) {
				for n := p.first; n <= p.last; n++ {
					got = append(got, n)
				}
			}
			for n := want.first; n <= want.last; n++ {
				if !model[n] {
					expected = append(expected, n)
				}
				model[n] = true
			}
			if diff := cmp.Diff(expected, got); diff != "" {
				t.Fatalf("new numbers: -want +got:\n%s", diff)
			}
			used = insert(used, want)
		}
		for i := 1; i < len(used); i++ {
			if used[i-1].last+1 >= used[i].first {
				t.Fatalf("ranges %v overlap or touch", used)
			}
		}
	})
}

// insert does to a slice what the appender does to the table of ranges.
func insert(used []span, s span) []span {
	near := func(u span) bool { return u.last+1 >= s.first && u.first <= s.last+1 }
	var touched []span
	for _, u := range used {
		if near(u) {
			touched = append(touched, u)
		}
	}
	used = append(slices.DeleteFunc(slices.Clone(used), near), join(s, touched))
	slices.SortFunc(used, func(a, b span) int { return int(a.first) - int(b.first) })
	return used
}

func TestChunksHoldAllLines(t *testing.T) {
	codec, err := newCodec()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		lines := make([][]byte, rapid.IntRange(0, 400).Draw(t, "lines"))
		for i := range lines {
			lines[i] = fmt.Append(nil, i)
		}
		for range rapid.IntRange(0, min(3, len(lines))).Draw(t, "odd lines") {
			i := rapid.IntRange(0, len(lines)-1).Draw(t, "place")
			size := rapid.SampledFrom([]int{-1, 0, blockBytes / 2, blockBytes + 1}).Draw(t, "size")
			lines[i] = nil
			if size >= 0 {
				lines[i] = bytes.Repeat([]byte("x"), size)
			}
		}
		want := map[uint64][]byte{}
		for i, line := range lines {
			if line != nil {
				want[7+uint64(i)] = line
			}
		}
		got := map[uint64][]byte{}
		for _, c := range codec.pack(lines, 7) {
			unpacked, err := codec.unpack(c.z, c.n)
			if err != nil {
				t.Fatal(err)
			}
			if len(unpacked) > store.BlockLines {
				t.Fatalf("a chunk of %d lines", len(unpacked))
			}
			for i, line := range unpacked {
				got[c.first+uint64(i)] = line
			}
		}
		if !maps.EqualFunc(want, got, bytes.Equal) { // cmp takes seconds for long lines
			t.Fatalf("%d lines went in, %d came out, or some are not equal", len(want), len(got))
		}
	})
}

// FuzzUnpack checks that a damaged block is an error and no panic.
func FuzzUnpack(f *testing.F) {
	codec, err := newCodec()
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range codec.pack([][]byte{[]byte("a"), []byte("bc"), {}}, 1) {
		f.Add(c.z, c.n)
		f.Add(c.z[:len(c.z)-1], c.n)
	}
	f.Add(codec.encoder.EncodeAll([]byte{200, 1, 'x'}, nil), 1)
	for _, lines := range []int{0, 1, 2, 127, 128, 300} {
		for _, c := range codec.pack(slices.Repeat([][]byte{[]byte("line "), bytes.Repeat([]byte("x"), lines)}, lines), 1) {
			for eighths := range 8 {
				f.Add(c.z[:len(c.z)*eighths/8], c.n)
			}
			f.Add(c.z, c.n+1)
			f.Add(c.z, -c.n)
		}
	}
	f.Fuzz(func(t *testing.T, z []byte, n int) {
		if lines, err := codec.unpack(z, n); err == nil && len(lines) != n {
			t.Fatalf("%d lines, want %d", len(lines), n)
		}
	})
}
