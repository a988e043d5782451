package arrivals

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestAStampIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Stamp{rapid.StringMatching(`[a-z0-9]{1,9}`).Draw(t, "stream"), rapid.IntRange(0, 1<<40).Draw(t, "index")}
		size := rapid.IntRange(0, 1<<18).Draw(t, "size")
		text := want.Text("session", size)
		if len(text) < size {
			t.Errorf("%d bytes, want at least %d", len(text), size)
		}
		if got, err := ParseStamp("session", text); err != nil || got != want {
			t.Errorf("ParseStamp = %v, %v, want %v", got, err, want)
		}
	})
}

func TestAChangedStampIsCorrupt(t *testing.T) {
	text := Stamp{"s", 7}.Text("session", 100)
	for i := range text {
		changed := []byte(text)
		changed[i] ^= 1
		if got, err := ParseStamp("session", string(changed)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("byte %d changed: %v, %v, want ErrCorrupt", i, got, err)
		}
	}
	for _, cut := range []string{"", text[:5], text[:len(text)-1], text + "x"} {
		if _, err := ParseStamp("session", cut); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%q: %v, want ErrCorrupt", cut, err)
		}
	}
	if _, err := ParseStamp("other", text); !errors.Is(err, ErrCorrupt) {
		t.Errorf("in another session: %v, want ErrCorrupt", err)
	}
}
