package spool

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/internal/spool/vfs"
)

func TestOpenFailsOrWorksAtEveryFault(t *testing.T) {
	t.Parallel()
	for k := 1; ; k++ {
		disk := vfs.NewMem()
		hit := false
		faulty := vfs.NewFaulty(disk, func(_ vfs.Op, _ string, n int) error {
			if n != k {
				return nil
			}
			hit = true
			return syscall.EIO
		})
		s, err := openIn(faulty, Config{Target: target, Log: seglog.Config{AEAD: testAEAD(t, 1)}})
		if err == nil {
			if err := s.Close(context.Background()); err != nil {
				t.Errorf("fault %d: close: %v", k, err)
			}
		} else if !errors.Is(err, syscall.EIO) {
			t.Errorf("fault %d: %v", k, err)
		}
		if s, err = openIn(disk, Config{Target: target, Log: seglog.Config{AEAD: testAEAD(t, 1)}}); err != nil {
			t.Fatalf("fault %d: without it Open fails: %v", k, err)
		}
		shut(t, s)
		if !hit {
			return
		}
	}
}

func TestBlobsAndLettersFailCleanlyAtEveryFault(t *testing.T) {
	t.Parallel()
	for k := 1; ; k++ {
		folder := vfs.NewMem()
		hit := false
		faulty := vfs.NewFaulty(folder, func(_ vfs.Op, _ string, n int) error {
			if n != k {
				return nil
			}
			hit = true
			return syscall.ENOSPC
		})
		b := folderStore(t, faulty, nil, 0)
		_, putErr := b.put(someBlob, bytes.NewReader(content(3*chunkBytes)), 1<<20)
		if putErr == nil {
			putErr = b.sync(someBlob)
			if err := b.remove(someBlob); err != nil && !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("fault %d: %v", k, err)
			}
		}
		d, openErr := openDead(faulty, nil)
		var deadErr error
		if openErr == nil {
			l := letter(1, 5000)
			deadErr = d.put(&l)
			names := openLetters(t, folder, nil).names()
			if deadErr == nil && len(names) != 1 {
				t.Errorf("fault %d: the letter is not there: %v", k, names)
			}
		}
		for _, err := range []error{putErr, openErr, deadErr} {
			if err != nil && (!errors.Is(err, syscall.ENOSPC) || strings.Count(err.Error(), someBlob) > 3) {
				t.Errorf("fault %d: %v", k, err)
			}
		}
		if !hit {
			return
		}
	}
}
