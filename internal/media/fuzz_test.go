package media_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/troupelog/troupe/internal/media"
)

// FuzzExtract checks that no input makes Extract panic, that JSON stays JSON and
// only shrinks, that each image is whole, and that a second run cuts no more.
func FuzzExtract(f *testing.F) {
	for _, seed := range []string{
		`{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a.test/b"}},"x",{"type":"image","image_url":"data:image/png;charset=x;base64,aGVsbG8="}]}`,
		`[{"role":"user","content":[1,{"type":"tool_result","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aGVsbG8="}},2]}]}]`,
		`{"role":"tool","content":"[{\"type\":\"image\",\"image_url\":\"https://a.test\"}]"}`,
		`{"content":[{"type":"input_image","image_url":"data:image/svg+xml,%3Csvg%3E"} , {"type":"image"}]}`,
		`{"image":[}]`, `"image`, `{"\u0072ole":"tool","content":[{"type":"image","source":{"type":"url","url":"http://a.test"}}]}`,
	} {
		f.Add([]byte(seed))
	}
	for _, place := range []string{
		`{"role":"user","content":[%s]}`, `[{"content":["x",%s ,%[1]s]},{}]`, `{"role":"tool","content":[{"type":"tool_result","content":[%s]}]}`, `{"content":%s}`,
	} {
		for _, form := range []string{
			`{"type":"image_url","image_url":{"url":%q}}`, `{"type":"image","image_url":%q}`, `{"type":"input_image","image_url":%q}`,
			`{"type":"image","source":{"type":"base64","media_type":"image/png","data":%q}}`,
		} {
			for _, image := range []string{"data:image/png;base64,aGVsbG8=", "data:image/gif;base64,aGVs*G8", "data:,", "https://a.test/%20b"} {
				f.Add(fmt.Appendf(nil, place, fmt.Sprintf(form, image)))
			}
		}
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		given := bytes.Clone(message)
		stripped, found, err := media.Extract(message)
		if !bytes.Equal(message, given) {
			t.Fatal("the input was changed")
		}
		if err != nil {
			if !errors.Is(err, media.ErrMalformed) || !bytes.Equal(stripped, given) || found != nil {
				t.Fatalf("error %v, %d images, left %q", err, len(found), stripped)
			}
			if json.Valid(given) {
				t.Fatalf("%q is JSON, but: %v", given, err)
			}
			return
		}
		if json.Valid(given) && !json.Valid(stripped) {
			t.Fatalf("%q became %q", given, stripped)
		}
		if len(stripped) > len(given) || len(stripped) < len(given) && len(found) == 0 {
			t.Fatalf("%d images, left %q", len(found), stripped)
		}
		for _, i := range found {
			if (i.URL == "") == (len(i.Data) == 0) {
				t.Fatalf("an image with both or none of data and URL: %q", i)
			}
		}
		again, foundAgain, err := media.Extract(stripped)
		if err != nil || !bytes.Equal(again, stripped) {
			t.Fatalf("the second time: error %v, left %q", err, again)
		}
		if len(stripped) == len(given) && !cmp.Equal(found, foundAgain, cmpopts.EquateEmpty()) {
			t.Fatal("the same message gave other images")
		}
	})
}
