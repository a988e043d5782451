package export

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/fold"
)

// allowed is every tag that a file may have behind its head, with its attributes.
var allowed = map[string]bool{
	"details": true, "details open": true, "summary": true, `span class="kind"`: true, `span class="status"`: true, "bdi": true,
	"p": true, "/p": true, "dl": true, "dt": true, `dd dir="auto"`: true, "section": true, "h2": true, `pre dir="auto"`: true,
	"/details": true, "/summary": true, "/span": true, "/bdi": true, "/dl": true, "/dt": true, "/dd": true,
	"/section": true, "/h2": true, "/pre": true, "/main": true, "/body": true, "/html": true,
}

// head is what a file begins with, but for its title and style.
var head = regexp.MustCompile(`^<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-[A-Za-z0-9&#;/+=]+'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>[^<>]*</title>
<style>[^<]*</style>
</head>
<body>
<main>
`)

// checkHTML checks that a file has no tag outside of the list, that tags are balanced,
// and that no character in it is hidden.
func checkHTML(t fataler, text string) {
	t.Helper()
	beginning := head.FindString(text)
	if beginning == "" {
		t.Fatalf("the file does not begin as it must: %.1500q", text)
	}
	if !strings.Contains(beginning, "<style>"+style+"</style>") {
		t.Fatal("the style is not the one that its policy names")
	}
	open := []string{"html", "body", "main"}
	for rest := text[len(beginning):]; ; {
		at := strings.IndexAny(rest, "<>")
		if at < 0 {
			break
		}
		tag, behind, _ := strings.Cut(rest[at+1:], ">")
		if rest[at] != '<' || !allowed[tag] {
			t.Fatalf("a tag that is not allowed: %.80q", rest[at:])
		}
		rest = behind
		name, _, _ := strings.Cut(tag, " ")
		if closes, ok := strings.CutPrefix(name, "/"); !ok {
			open = append(open, name)
		} else if len(open) == 0 || open[len(open)-1] != closes {
			t.Fatalf("</%s> closes nothing in %v", closes, open)
		} else {
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Fatalf("tags are not closed: %v", open)
	}
	if i := strings.IndexFunc(text, hidden); i >= 0 {
		t.Fatalf("a hidden character at %d: %.20q", i, text[i:])
	}
}

func TestThePolicyAllowsTheStyle(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte(style))
	hash := base64.StdEncoding.EncodeToString(sum[:])
	got := output(t, HTML, &fold.Node{Kind: "trace", ID: "t"})
	if !strings.Contains(strings.ReplaceAll(got, "&#43;", "+"), "style-src 'sha256-"+hash+"'") {
		t.Errorf("the policy does not name the hash %s of the style", hash)
	}
}

func TestTextThatLooksLikeMarkupIsShownAsItIs(t *testing.T) {
	t.Parallel()
	got := output(t, HTML, &fold.Node{Kind: "trace", ID: "t", Name: "<b>&amp;", Output: []byte(`"<i>x</i>\u202e"`)})
	for _, want := range []string{"<bdi>&lt;b&gt;&amp;amp;</bdi>", "\n&lt;i&gt;x&lt;/i&gt;⟨U&#43;202E⟩</pre>"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
}
