package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/internal/spool/vfs"
)

// blobNames lists the folder of the blobs of slot 00.
func blobNames(t testing.TB, root vfs.FS) (names []string) {
	t.Helper()
	folder := root
	for _, name := range []string{versionFolder, TargetHash(target), "00", blobsFolder} {
		var err error
		if folder, err = folder.Folder(name); err != nil {
			t.Fatal(err)
		}
	}
	infos, err := folder.ReadDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		names = append(names, info.Name)
	}
	return names
}

func TestBlobsOnDiskAreBounded(t *testing.T) {
	t.Parallel()
	disk := vfs.NewMem()
	c := Config{Target: target, Log: seglog.Config{MaxBytes: 3*chunkBytes + 200}}
	s, err := openIn(disk, c)
	if err != nil {
		t.Fatal(err)
	}
	put := func(i, size int) error {
		_, err := s.PutBlob(fmt.Sprintf("%032x", i), strings.NewReader(strings.Repeat("x", size)), 1<<20)
		return err
	}
	if err := put(1, chunkBytes); err != nil {
		t.Fatal(err)
	}
	if err := put(2, 2*chunkBytes+1); err != nil {
		t.Errorf("with room for it: %v", err)
	}
	if err := put(3, 1000); !errors.Is(err, ErrNoRoom) {
		t.Errorf("over the bound: %v", err)
	}
	if err := s.RemoveBlob(fmt.Sprintf("%032x", 2)); err != nil {
		t.Fatal(err)
	}
	for range 3 { // what fails takes no room
		if err := put(3, 3*chunkBytes); !errors.Is(err, ErrNoRoom) {
			t.Errorf("over the bound in its middle: %v", err)
		}
		broken := io.MultiReader(strings.NewReader(strings.Repeat("x", 2*chunkBytes)), iotest.ErrReader(syscall.EIO))
		if _, err := s.PutBlob(someBlob, broken, 1<<20); !errors.Is(err, syscall.EIO) {
			t.Errorf("a source that fails: %v", err)
		}
	}
	if diff := cmp.Diff([]string{fmt.Sprintf("%032x", 1)}, blobNames(t, disk)); diff != "" {
		t.Error(diff)
	}

	// What a process before has left counts as well.
	letterOf(t, s, fmt.Sprintf("%032x", 1))
	shut(t, s)
	if s, err = openIn(disk, c); err != nil {
		t.Fatal(err)
	}
	defer shut(t, s)
	if err := put(4, 2*chunkBytes+500); !errors.Is(err, ErrNoRoom) {
		t.Errorf("beside a blob that was there: %v", err)
	}
	if err := put(4, 2*chunkBytes); err != nil {
		t.Errorf("with room for it: %v", err)
	}
}

// letterOf makes a dead letter that names a blob.
func letterOf(t testing.TB, s *Spool, blob string) {
	t.Helper()
	l := letter(99, 10)
	l.Kind, l.Data = seglog.Attachment, AppendUpload(nil, &Upload{Blob: blob})
	if err := s.Dead(l); err != nil {
		t.Fatal(err)
	}
}

func TestCloseRemovesWhatWasDelivered(t *testing.T) {
	t.Parallel()
	delivered, lettered, waiting := strings.Repeat("a", 32), strings.Repeat("b", 32), strings.Repeat("c", 32)
	for _, left := range []bool{false, true} {
		disk := vfs.NewMem()
		s, err := openIn(disk, Config{Target: target})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{lettered}
		attach(t, s, delivered, "delivered")
		done := attach(t, s, lettered, "refused")
		letterOf(t, s, lettered)
		if left {
			attach(t, s, waiting, "waiting")
			want = []string{delivered, lettered, waiting} // the next Open sees to it
		}
		s.Uploads.Ack(done)
		shut(t, s)
		if diff := cmp.Diff(want, blobNames(t, disk)); diff != "" {
			t.Errorf("with an upload that waits %v: %s", left, diff)
		}
	}
}

// A cursor that is not on disk brings the records back, and they need their blobs.
func TestCloseLeavesBlobsWhoseAckIsNotDurable(t *testing.T) {
	t.Parallel()
	disk := vfs.NewMem()
	var broken atomic.Bool
	s, err := openIn(vfs.NewFaulty(disk, func(_ vfs.Op, name string, _ int) error {
		if broken.Load() && strings.Contains(name, uploadsFolder+"/"+cursorFile) {
			return syscall.EIO
		}
		return nil
	}), Config{Target: target})
	if err != nil {
		t.Fatal(err)
	}
	job := attach(t, s, someBlob, "delivered")
	broken.Store(true)
	s.Uploads.Ack(job)
	shut(t, s)
	if names := blobNames(t, disk); len(names) != 1 {
		t.Errorf("blobs: %v", names)
	}
	if s, err = openIn(disk, Config{Target: target}); err != nil {
		t.Fatal(err)
	}
	defer shut(t, s)
	if n := len(pending(t, s.Uploads)); n != 1 {
		t.Errorf("%d uploads wait", n)
	}
	blob, err := s.OpenBlob(someBlob)
	if err != nil {
		t.Fatal(err)
	}
	blob.Close()
}

func TestRemoveUnnamedLeavesWhatMayBeNeeded(t *testing.T) {
	t.Parallel()
	for _, memory := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var s *Spool
			var err error
			if memory {
				s = Memory(Config{})
			} else if s, err = openIn(vfs.NewMem(), Config{Target: target}); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close(context.Background()) }() // in memory it says what is lost
			name := func(i int) string { return fmt.Sprintf("%032x", i) }
			put := func(i int) {
				if _, err := s.PutBlob(name(i), strings.NewReader("content"), 100); err != nil {
					t.Fatal(err)
				}
			}
			record := func(i int) uint64 {
				return s.Uploads.Append([]seglog.Item{{Kind: seglog.Attachment, Data: AppendUpload(nil, &Upload{Blob: name(i)})}})
			}
			for i := range 4 {
				put(i)
			}
			s.Uploads.Ack(record(0)) // of what is gone nobody needs the blob
			record(1)
			letterOf(t, s, name(2))
			time.Sleep(time.Hour)
			put(4) // its record is yet to come
			record(3)

			if done, err := s.RemoveUnnamed(time.Minute); done || err != nil {
				t.Errorf("with a young blob: %v, %v", done, err)
			}
			left := func() (is []int) {
				for i := range 5 {
					if blob, err := s.OpenBlob(name(i)); err == nil {
						blob.Close()
						is = append(is, i)
					}
				}
				return is
			}
			if diff := cmp.Diff([]int{1, 2, 3, 4}, left()); diff != "" {
				t.Errorf("memory %v: %s", memory, diff)
			}
			time.Sleep(2 * time.Minute)
			if done, err := s.RemoveUnnamed(time.Minute); !done || err != nil {
				t.Errorf("with none: %v, %v", done, err)
			}
			if diff := cmp.Diff([]int{1, 2, 3}, left()); diff != "" {
				t.Errorf("memory %v: %s", memory, diff)
			}
		})
	}
}
