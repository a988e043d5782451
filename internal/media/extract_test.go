package media_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/media"
)

const (
	dotURI  = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
	dotData = "R0lGODlhAQABAAAAACw="
	hello   = "aGVsbG8=" // base64 of hello
)

var (
	dot     = media.Image{MIMEType: "image/gif", Data: []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00,")}
	picture = media.Image{URL: "https://cdn.test/picture.jpg"}
)

func TestExtract(t *testing.T) {
	tests := map[string]struct {
		message string
		want    string // "" for the message as it is
		found   []media.Image
	}{
		"object":          {`{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"https://cdn.test/picture.jpg","detail":"high"}}]}`, `{"role":"user","content":[{"type":"text","text":"look"}]}`, []media.Image{picture}},
		"string":          {`{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":"https://cdn.test/picture.jpg"}]}`, `{"role":"user","content":[{"type":"text","text":"look"}]}`, []media.Image{picture}},
		"type image":      {`{"role":"user","content":[{"type":"image","image_url":"` + dotURI + `"}]}`, `{"role":"user","content":[]}`, []media.Image{dot}},
		"input_image":     {`{"role":"user","content":[{"type":"input_image","detail":"auto","image_url":"` + dotURI + `"}]}`, `{"role":"user","content":[]}`, []media.Image{dot}},
		"assistant":       {`{"role":"assistant","content":[{"type":"image_url","image_url":{"url":"https://cdn.test/picture.jpg"}}]}`, `{"role":"assistant","content":[]}`, []media.Image{picture}},
		"no role":         {`{"content":[{"type":"image_url","image_url":"https://cdn.test/picture.jpg"}]}`, `{"content":[]}`, []media.Image{picture}},
		"members swapped": {`{"content":[{"image_url":"https://cdn.test/picture.jpg","type":"image_url"}],"role":"user"}`, `{"content":[],"role":"user"}`, []media.Image{picture}},

		"Anthropic base64": {`{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/gif","data":"` + dotData + `"}},{"type":"text","text":"?"}]}`, `{"role":"user","content":[{"type":"text","text":"?"}]}`, []media.Image{dot}},
		"Anthropic url":    {`{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://cdn.test/picture.jpg"},"cache_control":{"type":"ephemeral"}}]}`, `{"role":"user","content":[]}`, []media.Image{picture}},
		"Anthropic tool result": {`{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"shot"},{"type":"image","source":{"type":"base64","media_type":"image/gif","data":"` + dotData + `"}}]},{"type":"image","source":{"type":"url","url":"https://cdn.test/picture.jpg"}}]}`,
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"shot"}]}]}`, []media.Image{dot, picture}},
		"image before a tool result": {`{"content":[{"type":"image","image_url":"` + dotURI + `"},{"type":"tool_result","content":[{"type":"image","image_url":"https://cdn.test/picture.jpg"},1]},2]}`, `{"content":[{"type":"tool_result","content":[1]},2]}`, []media.Image{dot, picture}},
		"Anthropic file":             {`{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"file_1"}}]}`, "", nil},

		"several, in order": {`[{"role":"system","content":"s"},{"role":"user","content":[{"type":"image_url","image_url":"https://cdn.test/1"},"a",{"type":"image_url","image_url":"https://cdn.test/2"},{"type":"image_url","image_url":"https://cdn.test/3"},"b"]},` +
			`{"role":"user","content":[{"type":"image_url","image_url":"https://cdn.test/4"},{"type":"image_url","image_url":"https://cdn.test/5"}]}]`,
			`[{"role":"system","content":"s"},{"role":"user","content":["a","b"]},{"role":"user","content":[]}]`,
			[]media.Image{{URL: "https://cdn.test/1"}, {URL: "https://cdn.test/2"}, {URL: "https://cdn.test/3"}, {URL: "https://cdn.test/4"}, {URL: "https://cdn.test/5"}}},
		"the rest keeps its bytes": {"\n{ \"z\" : 1.50e+01 , \"content\" :\t[ { \"n\" : 12345678901234567890 } , { \"type\" : \"image\", \"image_url\" : \"https://cdn.test/picture.jpg\" } ,\r\n \"\\u00e9\\/\" ], \"role\":\"user\" } ",
			"\n{ \"z\" : 1.50e+01 , \"content\" :\t[ { \"n\" : 12345678901234567890 } ,\r\n \"\\u00e9\\/\" ], \"role\":\"user\" } ", []media.Image{picture}},
		"escaped text":    {`{"content":[{"type":"image\u005furl","image_url":{"u\u0072l":"https:\/\/cdn.test\/picture.jpg"}}]}`, `{"content":[]}`, []media.Image{picture}},
		"tricky strings":  {`{"content":["\\",{"type":"text","text":"}]\\\"[{"},{"type":"image","image_url":"https://cdn.test/picture.jpg"}]}`, `{"content":["\\",{"type":"text","text":"}]\\\"[{"}]}`, []media.Image{picture}},
		"the last of two": {`{"content":"x","content":[{"type":"text","type":"image","image_url":"https://cdn.test/picture.jpg"}]}`, `{"content":"x","content":[]}`, []media.Image{picture}},
		"scheme in capitals": {`{"content":[{"type":"image","image_url":"HTTPS://cdn.test/a"},{"type":"image","image_url":"DATA:image/gif;BASE64,` + dotData + `"}]}`, `{"content":[]}`,
			[]media.Image{{URL: "HTTPS://cdn.test/a"}, dot}},

		"tool, list":          {`{"role":"tool","tool_call_id":"c","content":[{"type":"image_url","image_url":{"url":"https://cdn.test/picture.jpg"}}]}`, "", []media.Image{picture}},
		"tool, text of one":   {`{"role":"tool","content":"{\"type\": \"image\", \"image_url\": \"https://cdn.test/picture.jpg\"}"}`, "", []media.Image{picture}},
		"tool, text of two":   {`{"role":"tool","content":"[{\"type\":\"image\",\"image_url\":\"` + dotURI + `\"},{\"type\":\"image\",\"image_url\":\"https://cdn.test/picture.jpg\"}]"}`, "", []media.Image{dot, picture}},
		"tool, no link":       {`{"role":"tool","content":"[{\"type\": \"image\"}]"}`, "", nil},
		"tool, text":          {`{"role":"tool","content":"see \"image\" {"}`, "", nil},
		"tool, half of JSON":  {`{"role":"tool","content":"[{\"type\": \"image\", \"image_url\": \"https://cdn.test/picture.jpg\"},"}`, "", nil},
		"tool, no content":    {`{"role":"tool","name":"image"}`, "", nil},
		"tool, plain content": {`{"role":"tool","name":"image","content":"sunny"}`, "", nil},

		"no image":              {`{"role":"user","content":"hi"}`, "", nil},
		"text about an image":   {`{"role":"user","content":"{\"type\":\"image\",\"image_url\":\"https://cdn.test/picture.jpg\"}"}`, "", nil},
		"content that is one":   {`{"role":"user","content":{"type":"image","image_url":"https://cdn.test/picture.jpg"}}`, "", nil},
		"another type":          {`{"content":[{"type":"input_audio","image_url":"https://cdn.test/picture.jpg"},{"image_url":"https://cdn.test/picture.jpg"}]}`, "", nil},
		"no link":               {`{"content":[{"type":"image_url"},{"type":"image_url","image_url":null},{"type":"image_url","image_url":{}},{"type":"image","source":7}]}`, "", nil},
		"empty link":            {`{"content":[{"type":"image_url","image_url":{"url":""}},{"type":"image_url","image_url":"https://"}]}`, "", nil},
		"other schemes":         {`{"content":[{"type":"image_url","image_url":"gs://bucket/a.png"},{"type":"image_url","image_url":"a.png"},{"type":"image_url","image_url":{"url":5}}]}`, "", nil},
		"bad Anthropic base64":  {`{"content":[{"type":"image","source":{"type":"base64","media_type":"image/gif","data":"R0lGO"}},{"type":"image","source":{"type":"base64","data":5}}]}`, "", nil},
		"bad escape in a link":  {`{"content":[{"type":"image","image_url":"https://cdn.test/\q"}]}`, "", nil},
		"a text":                {`"image"`, "", nil},
		"messages of any kind":  {`["image",null,1,{}]`, "", nil},
		"a tool result in text": {`{"content":[{"type":"tool_result","content":"{\"type\":\"image\"}"}]}`, "", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			given := []byte(tt.message)
			stripped, found, err := media.Extract(given)
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want
			if want == "" {
				want = tt.message
				if &stripped[0] != &given[0] {
					t.Error("an unchanged message was copied")
				}
			}
			if diff := cmp.Diff(want, string(stripped)); diff != "" {
				t.Errorf("stripped, -want +got:\n%s", diff)
			}
			if diff := cmp.Diff(tt.found, found); diff != "" {
				t.Errorf("found, -want +got:\n%s", diff)
			}
			if string(given) != tt.message {
				t.Error("the given bytes were changed")
			}
		})
	}
}

func TestDataURI(t *testing.T) {
	greeting := []byte("hello")
	tests := map[string]struct {
		uri  string
		want *media.Image // nil where the URI stays in the message
	}{
		"base64":                  {"data:image/png;base64," + hello, &media.Image{MIMEType: "image/png", Data: greeting}},
		"charset":                 {"data:image/png;charset=utf-8;base64," + hello, &media.Image{MIMEType: "image/png", Data: greeting}},
		"capitals and space":      {"data:IMAGE/PNG; base64," + hello, &media.Image{MIMEType: "image/png", Data: greeting}},
		"svg, base64":             {"data:image/svg+xml;base64," + hello, &media.Image{MIMEType: "image/svg+xml", Data: greeting}},
		"svg, percent":            {"data:image/svg+xml;utf8,%3Csvg a='1+1'/%3E", &media.Image{MIMEType: "image/svg+xml", Data: []byte("<svg a='1+1'/>")}},
		"svg, plain, with commas": {"data:image/svg+xml,<a b=1,2>", &media.Image{MIMEType: "image/svg+xml", Data: []byte("<a b=1,2>")}},
		"percent over base64":     {"data:image/png;base64,aGVsbG8%3D", &media.Image{MIMEType: "image/png", Data: greeting}},
		"line ends":               {`data:image/png;base64,aGVs\nbG8=`, &media.Image{MIMEType: "image/png", Data: greeting}},
		"another type":            {"data:application/pdf;base64," + hello, &media.Image{MIMEType: "application/pdf", Data: greeting}},
		"no type":                 {"data:;base64," + hello, &media.Image{Data: greeting}},
		"no type that is one":     {`data:x\r\nEvil: y;base64,` + hello, &media.Image{Data: greeting}},
		"a word for a type":       {"data:png;base64," + hello, &media.Image{Data: greeting}},

		"no comma":            {"data:image/png;base64", nil},
		"no data":             {"data:image/png;base64,", nil},
		"no data, plain":      {"data:image/png,", nil},
		"no padding":          {"data:image/png;base64,aGVsbG8", nil},
		"URL alphabet":        {"data:image/png;base64,__-_", nil},
		"no base64":           {"data:image/png;base64,a b!", nil},
		"half a percent sign": {"data:image/svg+xml,%3", nil},
		"only the scheme":     {"data:", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			message := `{"content":[{"type":"image_url","image_url":"` + tt.uri + `"}]}`
			stripped, found, err := media.Extract([]byte(message))
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == nil {
				if len(found) > 0 || string(stripped) != message {
					t.Errorf("left %s and found %q", stripped, found)
				}
				return
			}
			if diff := cmp.Diff([]media.Image{*tt.want}, found); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if string(stripped) != `{"content":[]}` {
				t.Errorf("left %s", stripped)
			}
		})
	}
}

func TestMalformed(t *testing.T) {
	for _, message := range []string{
		`"image`, `{"image"`, `{"image"}`, `{"image":}`, `{"content":[{"type":"image","image_url":"https://a.test/b"}`,
		`{"content":[{"type":"image","image_url":"https://a.test/b"}}`, `{"content":[{"type":"image" "x"}]}`, `{"a":"image"}]`, `}"image"`,
		`{"content":[{"type":"image","image_url":"https://a.test/b"},]}`, `{"role":"tool","content":[{"type":"image"]}`,
		`{"content":[{"type":"image","source":{"type"}}]}`, `{"content":[{"type":"image","image_url":{"url"}}]}`,
	} {
		stripped, found, err := media.Extract([]byte(message))
		if !errors.Is(err, media.ErrMalformed) || string(stripped) != message || found != nil {
			t.Errorf("%s: left %s, found %d, error %v", message, stripped, len(found), err)
		}
		if err != nil && strings.Contains(err.Error(), "a.test") {
			t.Errorf("the error quotes the message: %v", err)
		}
	}
}

func TestFoundDataIsACopy(t *testing.T) {
	message := []byte(`{"content":[{"type":"image","image_url":"data:image/svg+xml,<svg/>"},{"type":"image","image_url":"https://a.test"},1]}`)
	stripped, found, err := media.Extract(message)
	if err != nil {
		t.Fatal(err)
	}
	clear(message)
	if string(stripped) != `{"content":[1]}` || string(found[0].Data) != "<svg/>" || found[1].URL != "https://a.test" {
		t.Errorf("left %q and found %q: they share the message's bytes", stripped, found)
	}
}

func TestNoImageCostsNothing(t *testing.T) {
	message := []byte(`{"role":"user","content":[{"type":"text","text":"` + strings.Repeat("lorem ipsum ", 1000) + `"}]}`)
	allocs := testing.AllocsPerRun(100, func() {
		if stripped, found, err := media.Extract(message); &stripped[0] != &message[0] || found != nil || err != nil {
			t.Fatal("the message did not come back as it is")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
