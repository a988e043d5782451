package media_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/media"
)

// drawImage makes a part that holds an image, and the image.
func drawImage(t *rapid.T) (part any, want media.Image) {
	uri := rapid.StringMatching(`https?://[a-z]{1,8}/[ -~é]{0,12}`).Draw(t, "url")
	want = media.Image{URL: uri}
	inline := rapid.Bool().Draw(t, "inline")
	encoded := ""
	if inline {
		want = media.Image{MIMEType: "image/webp", Data: rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "data")}
		encoded = base64.StdEncoding.EncodeToString(want.Data)
		uri = "data:image/webp;base64," + encoded
	}
	switch rapid.IntRange(0, 3).Draw(t, "form") {
	case 0:
		return map[string]any{"type": "image_url", "image_url": map[string]any{"url": uri, "detail": "low"}}, want
	case 1:
		return map[string]any{"type": "image", "image_url": uri}, want
	case 2:
		return map[string]any{"type": "input_image", "image_url": uri}, want
	}
	source := map[string]any{"type": "url", "url": uri}
	if inline {
		source = map[string]any{"type": "base64", "media_type": "image/webp", "data": encoded}
	}
	return map[string]any{"type": "image", "source": source}, want
}

// drawOther makes a part that stays.
func drawOther(t *rapid.T) any {
	return rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) any { return map[string]any{"type": "text", "text": s} }),
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.Float64Range(-1e9, 1e9), func(f float64) any { return f }),
		rapid.Just(any(map[string]any{"type": "image_url", "image_url": "ftp://example.test/a.png"})),
		rapid.Just(any([]any{map[string]any{"type": "image"}, nil})),
	).Draw(t, "other part")
}

// drawContent makes a list of parts, what is to be left of it, and its images.
func drawContent(t *rapid.T, nested bool) (given, left []any, images []media.Image) {
	given, left = []any{}, []any{}
	for range rapid.IntRange(0, 6).Draw(t, "parts") {
		switch rapid.IntRange(0, 4).Draw(t, "part") {
		case 0, 1:
			part, image := drawImage(t)
			given, images = append(given, part), append(images, image)
		case 2:
			if !nested {
				in, out, more := drawContent(t, true)
				given = append(given, map[string]any{"type": "tool_result", "content": in})
				left = append(left, map[string]any{"type": "tool_result", "content": out})
				images = append(images, more...)
				continue
			}
			fallthrough
		default:
			part := drawOther(t)
			given, left = append(given, part), append(left, part)
		}
	}
	return given, left, images
}

func encode(t *rapid.T, v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if rapid.Bool().Draw(t, "indented") {
		var b bytes.Buffer
		if err := json.Indent(&b, out, " ", "\t"); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	return out
}

func TestExtractLeavesExactlyTheRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var given, left []any
		var images []media.Image
		for range rapid.IntRange(0, 3).Draw(t, "messages") {
			in, out, more := drawContent(t, false)
			given = append(given, map[string]any{"role": "user", "content": in, "n": 1})
			left = append(left, map[string]any{"role": "user", "content": out, "n": 1})
			images = append(images, more...)
		}
		stripped, found, err := media.Extract(encode(t, given))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(images, found); diff != "" {
			t.Fatalf("found, -want +got:\n%s", diff)
		}
		var got, want any
		if err := json.Unmarshal(stripped, &got); err != nil {
			t.Fatalf("%v in %s", err, stripped)
		}
		text, _ := json.Marshal(left)
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("left, -want +got:\n%s", diff)
		}
		again, found, err := media.Extract(stripped)
		if err != nil || found != nil || !bytes.Equal(again, stripped) {
			t.Fatalf("the second time: %d images, error %v, left %s", len(found), err, again)
		}
	})
}
