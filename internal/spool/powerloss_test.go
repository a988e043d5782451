package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// contents is what a spool holds, as far as it is safe.
type contents struct {
	Lines, Blobs, Letters []string
}

// use takes steps with a spool and returns what is durable after them.
func use(t *testing.T, s *Spool, steps int) contents {
	t.Helper()
	var safe contents
	for step := range steps {
		switch step % 4 {
		case 0:
			fill(t, s, fmt.Sprint("step", step), 1)
			safe.Lines = append(safe.Lines, fmt.Sprintf("step%d-0", step))
		case 1:
			blob := fmt.Sprintf("%032x", step)
			attach(t, s, blob, strings.Repeat(blob, 40))
			safe.Blobs = append(safe.Blobs, blob)
		case 2:
			l := letter(uint64(step), 700)
			if err := s.Dead(l); err != nil {
				t.Fatal(err)
			}
			safe.Letters = append(safe.Letters, letterName(&l))
		case 3:
			if len(safe.Letters) > 1 {
				if err := s.RemoveLetter(safe.Letters[0]); err != nil {
					t.Fatal(err)
				}
				safe.Letters = safe.Letters[1:]
			}
			// A blob that nothing names is not safe, and not in the way.
			if _, err := s.PutBlob(fmt.Sprintf("f%031x", step), bytes.NewReader(content(1000)), 1000); err != nil {
				t.Fatal(err)
			}
		}
	}
	return safe
}

// look returns what is in a spool.
func look(t *testing.T, s *Spool, blobs []string) contents {
	t.Helper()
	c := contents{Lines: pending(t, s.Lines)}
	for _, name := range blobs {
		blob, err := s.OpenBlob(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(blob); err != nil || string(got) != strings.Repeat(name, 40) {
			t.Errorf("blob %s holds %d bytes, %v", name, len(got), err)
		}
		blob.Close()
		c.Blobs = append(c.Blobs, name)
	}
	for l, err := range s.Letters() {
		if err != nil || !bytes.Equal(l.Data, content(700)) {
			t.Errorf("dead letter %s: %v", l.Name, err)
		}
		c.Letters = append(c.Letters, l.Name)
	}
	slices.Sort(c.Letters)
	return c
}

func TestWhatIsSafeSurvivesALossOfPower(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for trial := range 100 {
		disk := vfs.NewMem()
		s, err := openIn(disk, Config{Target: target})
		if err != nil {
			t.Fatal(err)
		}
		safe := use(t, s, random.IntN(13))
		after := disk.Crash(random)
		shut(t, s)

		s, err = openIn(after, Config{Target: target})
		if err != nil {
			t.Fatalf("trial %d: %v", trial, err)
		}
		if s.Slot() != "00" {
			t.Errorf("trial %d: slot %s is taken", trial, s.Slot())
		}
		if diff := cmp.Diff(safe, look(t, s, safe.Blobs)); diff != "" {
			t.Errorf("trial %d: what was safe is not what is there: %s", trial, diff)
		}
		if names, err := s.blobs.(*folderBlobs).fs.ReadDir(); err != nil || len(names) != len(safe.Blobs) {
			t.Errorf("trial %d: blobs %v, %v", trial, names, err)
		}
		shut(t, s)
	}
}
