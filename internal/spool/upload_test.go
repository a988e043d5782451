package spool

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const someBlob = "0123456789abcdef0123456789abcdef"

func TestUploadKeepsEveryField(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := Upload{
			Blob:    rapid.StringMatching(`[0-9a-f]{32}`).Draw(t, "blob"),
			Size:    rapid.Int64Min(0).Draw(t, "size"),
			MIME:    rapid.String().Draw(t, "mime"),
			Key:     rapid.String().Draw(t, "key"),
			Attempt: rapid.IntMin(0).Draw(t, "attempt"),
			After:   time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC(),
			Line:    rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "line"),
		}
		prefix := rapid.SliceOf(rapid.Byte()).Draw(t, "prefix")
		encoded := AppendUpload(bytes.Clone(prefix), &want)
		if !bytes.HasPrefix(encoded, prefix) {
			t.Fatal("what was in front is not kept")
		}
		got, err := ParseUpload(encoded[len(prefix):])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestUploadWithATimeThatCannotBeWrittenIsDueAtOnce(t *testing.T) {
	t.Parallel()
	u := Upload{Blob: someBlob, Key: "k", After: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC), Line: []byte("l")}
	got, err := ParseUpload(AppendUpload(nil, &u))
	if err != nil || got.Key != "k" || !got.After.IsZero() || string(got.Line) != "l" {
		t.Errorf("got %+v, %v", got, err)
	}
}

var badUploads = []string{
	"",
	"no header",
	"\n",
	"{}\nline",
	"[]\nline",
	`{"blob":"` + someBlob + `"}`,
	`{"blob":"../../../../etc/passwd","size":1}` + "\nline",
	`{"blob":"` + strings.ToUpper(someBlob) + `","size":1}` + "\nline",
	`{"blob":"` + someBlob + `0","size":1}` + "\nline",
	`{"blob":"` + someBlob + `","size":-1}` + "\nline",
	`{"blob":"` + someBlob + `","size":1,"attempt":-1}` + "\nline",
	`{"blob":"` + someBlob + `","size":"secret"}` + "\nline",
	`{"blob":"` + someBlob + `","size":1,"after":"secret"}` + "\nline",
}

func TestParseUploadRefusesWhatIsNoUpload(t *testing.T) {
	t.Parallel()
	for _, text := range badUploads {
		if u, err := ParseUpload([]byte(text)); !errors.Is(err, ErrDamaged) || u.Blob != "" || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %+v, %v", text, u, err)
		}
	}
}

func FuzzParseUpload(f *testing.F) {
	for _, text := range badUploads {
		f.Add([]byte(text))
	}
	f.Add(AppendUpload(nil, &Upload{Blob: someBlob, Size: 3, MIME: "a/b", Key: "r/k", Attempt: 2, After: time.Unix(1, 2), Line: []byte("line\n{}")}))
	f.Add([]byte(`{"blob":"` + someBlob + `","size":1,"future":{"a":[1]}}` + "\n\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := ParseUpload(data)
		if err != nil {
			return
		}
		again, err := ParseUpload(AppendUpload(nil, &u))
		if err != nil {
			t.Fatalf("%+v does not survive: %v", u, err)
		}
		if !again.After.Equal(u.After) {
			t.Errorf("after %v became %v", u.After, again.After)
		}
		again.After = u.After
		if diff := cmp.Diff(u, again); diff != "" {
			t.Error(diff)
		}
	})
}
