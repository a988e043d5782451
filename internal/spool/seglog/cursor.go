package seglog

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

const (
	cursorName = "cursor"
	cursorTemp = "cursor.new"
	slotSize   = 64
	cursorSize = 2 * slotSize
)

// cursor is one of the two slots of the cursor file:
//
//	 0  acked       u64  everything up to it is done
//	 8  dead        u64  0
//	16  time        i64  when it was stored, nanoseconds since 1970
//	24  generation  u64  one more than that of the other slot
//	32  zero        28 bytes
//	60  crc         u32  CRC32C of bytes 0 to 59
//
// The slots are written in turn, so that one of them is whole at any time.
type cursor struct {
	acked      uint64
	generation uint64
}

func appendCursor(dst []byte, c cursor, now time.Time) []byte {
	var b [slotSize]byte
	order.PutUint64(b[0:], c.acked)
	order.PutUint64(b[16:], uint64(now.UnixNano()))
	order.PutUint64(b[24:], c.generation)
	order.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	return append(dst, b[:]...)
}

// parseCursor returns the newest valid slot of a cursor file.
func parseCursor(b []byte) (c cursor, slot int, ok bool) {
	for i := range 2 {
		if len(b) < (i+1)*slotSize {
			break
		}
		s := b[i*slotSize : (i+1)*slotSize]
		if crc32.Checksum(s[:60], castagnoli) != order.Uint32(s[60:]) || order.Uint64(s) > maxSeq {
			continue
		}
		if n := order.Uint64(s[24:]); !ok || n > c.generation {
			c, slot, ok = cursor{acked: order.Uint64(s), generation: n}, i, true
		}
	}
	return c, slot, ok
}

// cursorFile stores the cursor. It is used by Open, and then by the committer.
type cursorFile struct {
	fs   vfs.FS
	file vfs.File // nil: it has to be made anew
	last cursor
	slot int // where last is
}

// load returns what is stored, 0 if nothing is. Damage is an error beside a 0.
func (c *cursorFile) load() (uint64, error) {
	file, err := c.fs.OpenFile(cursorName, os.O_RDWR)
	if err != nil {
		return 0, err
	}
	b := make([]byte, cursorSize)
	n, err := file.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		_ = file.Close()
		return 0, err
	}
	last, slot, ok := parseCursor(b[:n])
	if !ok || n < cursorSize {
		_ = file.Close()
		if ok {
			c.last = last
			return last.acked, nil
		}
		return 0, errors.New("seglog: the cursor is damaged; records may be sent again")
	}
	c.file, c.last, c.slot = file, last, slot
	return last.acked, nil
}

// store makes acked durable. After an error the file is made anew by the next call,
// because a file whose sync failed is not to be trusted.
func (c *cursorFile) store(acked uint64) error {
	next := cursor{acked: acked, generation: c.last.generation + 1}
	if c.file == nil {
		return c.replace(next)
	}
	slot := 1 - c.slot
	_, err := c.file.WriteAt(appendCursor(nil, next, time.Now()), int64(slot)*slotSize)
	if err == nil {
		err = c.file.Sync()
	}
	if err != nil {
		c.close()
		return fmt.Errorf("seglog: store the cursor: %w", err)
	}
	c.last, c.slot = next, slot
	return nil
}

// make makes the file where there is none.
func (c *cursorFile) make() error {
	if c.file != nil {
		return nil
	}
	return c.replace(cursor{acked: c.last.acked, generation: c.last.generation + 1})
}

// replace makes a new cursor file in place of the one that is there.
func (c *cursorFile) replace(next cursor) error {
	file, err := c.fs.OpenFile(cursorTemp, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if errors.Is(err, vfs.ErrUnsafe) {
		if err = c.fs.Remove(cursorTemp); err == nil {
			file, err = c.fs.OpenFile(cursorTemp, os.O_RDWR|os.O_CREATE|os.O_EXCL)
		}
	}
	if err != nil {
		return fmt.Errorf("seglog: make a cursor: %w", err)
	}
	b := appendCursor(nil, next, time.Now())
	if _, err = file.WriteAt(append(b, b...), 0); err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = c.fs.Rename(cursorTemp, cursorName)
	}
	if err == nil {
		err = c.fs.Sync()
	}
	if err == nil {
		c.file, err = c.fs.OpenFile(cursorName, os.O_RDWR)
	}
	if err != nil {
		return fmt.Errorf("seglog: make a cursor: %w", err)
	}
	c.last, c.slot = next, 0
	return nil
}

func (c *cursorFile) close() {
	if c.file != nil {
		_ = c.file.Close() // it is synced, or given up
		c.file = nil
	}
}
