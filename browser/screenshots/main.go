// Command screenshots takes a picture of every page of the viewer, light and dark, for a
// desktop and a phone, filled by troupe demo.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/troupelog/troupe/browser/internal/chrome"
	"github.com/troupelog/troupe/browser/internal/site"
)

// runTime bounds a run.
const runTime = 10 * time.Minute

func main() {
	out := flag.String("out", "../docs/images", "folder for the pictures")
	checkout := flag.String("checkout", "..", "folder of the module that has cmd/troupe")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), runTime)
	defer cancel()
	if err := run(ctx, *checkout, *out); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		cancel()
		os.Exit(1)
	}
}

func run(ctx context.Context, checkout, out string) (err error) {
	s, err := site.Start(ctx, checkout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if err := s.Run(ctx, "demo"); err != nil {
		return err
	}
	b, err := chrome.Start(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	pages, err := addresses(ctx, s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for name, path := range pages {
		for suffix, view := range map[string]chrome.View{
			"light": {Width: 1440, Height: 900}, "dark": {Width: 1440, Height: 900, Dark: true},
			"phone-light": {Width: 360, Height: 740}, "phone-dark": {Width: 360, Height: 740, Dark: true},
		} {
			if err := picture(b, s.URL, path, view, filepath.Join(out, name+"-"+suffix+".png")); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// addresses returns the pages to be taken, by name.
func addresses(ctx context.Context, s *site.Site) (map[string]string, error) {
	byName := map[string]map[string]string{}
	for _, kind := range []string{"traces", "sessions"} {
		text, err := s.Get(ctx, "/api/v1/repositories/demo/"+kind+"?limit=500")
		if err != nil {
			return nil, err
		}
		var list struct{ Data []struct{ ID, Name string } }
		if err := json.Unmarshal(text, &list); err != nil {
			return nil, err
		}
		byName[kind] = map[string]string{}
		for _, row := range list.Data {
			byName[kind][row.Name] = row.ID
		}
	}
	trace, session := url.PathEscape(byName["traces"]["task"]), url.PathEscape(byName["sessions"]["change a booking"])
	return map[string]string{
		"overview": "/?repo=demo", "traces": "/traces?repo=demo", "trace": "/trace/" + trace + "?repo=demo", "chat": "/trace/" + trace + "?repo=demo&view=chat",
		"session": "/session/" + session + "?repo=demo", "search": "/search?repo=demo&q=Denver", "live": "/live?repo=demo", "line": "/line/40?repo=demo",
		"diff": "/diff?repo=demo&a=" + trace + "&b=" + url.QueryEscape(byName["traces"]["question"]), "settings": "/settings?repo=demo", "about": "/about?repo=demo", "help": "/help?repo=demo",
	}, nil
}

func picture(b *chrome.Browser, origin, path string, view chrome.View, file string) error {
	tab, err := b.Open(origin, view)
	if err != nil {
		return err
	}
	defer tab.Close()
	if err := tab.Go(path); err != nil {
		return err
	}
	if err := tab.Wait(`document.readyState === 'complete' && (!document.querySelector('[data-tree]') || document.querySelector('[data-tree]').dataset.ready === 'true')`); err != nil {
		return err
	}
	png, err := tab.Screenshot(false)
	if err != nil {
		return err
	}
	return os.WriteFile(file, png, 0o644) //nolint:gosec // a picture for everybody
}
