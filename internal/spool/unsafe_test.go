//go:build unix

package spool

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// plants are what somebody could put in the place of a file or folder of the spool. Each
// leads to victim, a file, or to its folder.
var plants = map[string]func(path, victim string) error{
	"link to a file":   func(path, victim string) error { return os.Symlink(victim, path) },
	"link to a folder": func(path, victim string) error { return os.Symlink(filepath.Dir(victim), path) },
	"dangling link":    func(path, victim string) error { return os.Symlink(victim+".new", path) },
	"hard link":        func(path, victim string) error { return os.Link(victim, path) },
	"FIFO":             func(path, _ string) error { return syscall.Mkfifo(path, 0o600) },
	"folder":           func(path, _ string) error { return os.Mkdir(path, 0o700) },
	"file":             func(path, _ string) error { return os.WriteFile(path, []byte("planted"), 0o600) },
	"open folder": func(path, _ string) error {
		return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o777)) // the umask would close it
	},
	"open file": func(path, _ string) error {
		return errors.Join(os.WriteFile(path, []byte("planted"), 0o600), os.Chmod(path, 0o666))
	},
}

// places are the names at which they are put, in the first slot.
func places() []string {
	l := letter(1, 0)
	return []string{
		"", lockFile, keyFile, "cursor", "cursor.new", "00000000000000000001.seg", quarantineFolder, uploadsFolder, blobsFolder,
		deadFolder, uploadsFolder + "/cursor", uploadsFolder + "/00000000000000000001.seg", uploadsFolder + "/" + quarantineFolder,
		blobsFolder + "/" + someBlob, deadFolder + "/" + letterName(&l), deadFolder + "/" + temporary + letterName(&l),
	}
}

func TestNothingOutsideIsWrittenWhateverIsPlanted(t *testing.T) {
	t.Parallel()
	for what, plant := range plants {
		for _, place := range places() {
			t.Run(what+" at "+place, func(t *testing.T) {
				t.Parallel()
				outside := t.TempDir()
				victim := filepath.Join(outside, "victim")
				if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
					t.Fatal(err)
				}
				dir := filepath.Join(t.TempDir(), "spool")
				path := filepath.Join(dir, "v1", TargetHash(target), "00", filepath.FromSlash(place))
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := plant(path, victim); err != nil {
					t.Fatal(err)
				}
				useWhatIsThere(t, dir)
				if got, err := os.ReadFile(victim); string(got) != "precious" || err != nil {
					t.Errorf("the file outside is now %q, %v", got, err)
				}
				if names, err := os.ReadDir(outside); err != nil || len(names) != 1 {
					t.Errorf("outside there is now %v, %v", names, err)
				}
			})
		}
	}
}

// useWhatIsThere does everything that touches files. Single calls may fail, but the
// spool works, in the first slot or in the second.
func useWhatIsThere(t *testing.T, dir string) {
	t.Helper()
	if _, err := Inspect(dir); err != nil {
		t.Errorf("inspect: %v", err)
	}
	skipped := 0
	s, err := Open(Config{Dir: dir, Target: target, Report: func(e Event) {
		if e.Kind == Skipped {
			skipped++
			if !errors.Is(e.Err, vfs.ErrUnsafe) && !errors.Is(e.Err, ErrKey) {
				t.Errorf("slot %s is skipped for %v", e.Slot, e.Err)
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Slot() != "00" && skipped == 0 {
		t.Errorf("slot %s is taken without a word about 00", s.Slot())
	}
	fill(t, s, "line", 5)
	if got := pending(t, s.Lines); len(got) != 5 {
		t.Errorf("%d lines wait, want 5", len(got))
	}
	s.Lines.Ack(3)
	if _, err := s.PutBlob(someBlob, strings.NewReader("content"), 100); err == nil {
		if err := s.SyncBlob(someBlob); err != nil {
			t.Errorf("a blob that was put is not synced: %v", err)
		}
	}
	if blob, err := s.OpenBlob(someBlob); err == nil {
		blob.Close()
	}
	_ = s.RemoveBlob(someBlob) // a name that is removed leads nowhere
	_ = s.Dead(letter(1, 100)) // as above
	for l, err := range s.Letters() {
		if err == nil && string(l.Data) != string(content(100)) {
			t.Errorf("a planted letter is read: %+v", l)
		}
	}
	if err := s.Close(context.Background()); err != nil {
		t.Errorf("close: %v", err)
	}
	again := open(t, Config{Dir: dir})
	if ownerless, err := again.TakeOwnerless(); err != nil {
		t.Errorf("ownerless: %v", err)
	} else if ownerless != nil {
		shut(t, ownerless)
	}
}
